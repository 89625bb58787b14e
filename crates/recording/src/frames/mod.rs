//! Frames: the form of an encrypted file of a recording, written as the session goes and readable while it grows.
//!
//! # The form
//!
//! ```text
//! file  = magic *frame [end]
//! magic = "GHFRAME" 0x01
//! frame = word counter ciphertext tag
//! word  = 32 bits, most significant byte first: bit 31 `end`, bit 30 `whole`, the others the length of the plaintext
//! counter = 64 bits, most significant byte first
//! end   = a frame with `end` and `whole` and an empty plaintext
//! ```
//! - A plaintext has 1 to 65,536 bytes, the ciphertext as many, the tag 16.
//! - The cipher is AES-256-GCM. The nonce is the counter and, in 32 bits, 1 for the end and 0 for all others. The
//!   associated data are word and counter, then the tag of the frame before (16 zero bytes for the first one).
//! - The key of a file is HKDF-SHA256 (RFC 5869) of the recording's key, with the salt `gatehouse recording v1` and as
//!   info the session's id (16 bytes) and the file's name.
//! - `whole` says that the plaintext up to the end of this frame is whole lines, or whole zstd frames.
//!
//! # Invariants
//!
//! - **A nonce is used once.** The counter rises with every frame that is made, also with one that could not be
//!   written; a gap in the counters is nothing wrong. Where a file is resumed after a crash, only its end is added, and
//!   ends have nonces of their own. The same end made twice is the same bytes.
//! - **In order or not at all.** Each frame is bound to the one before by its tag, and to its file and session by the
//!   key. A frame that was changed, moved, repeated, left out, or taken from another file does not open. What was cut off
//!   shows by the missing end.
//! - **Readable as it grows.** Each complete frame opens without what comes later; a torn one is told from a changed one
//!   by the end of the file.
//! - **Cut without the key.** Where the last whole line ends can be told from the words alone.

mod key;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod write;

pub use key::{FileKey, FrameKey};
pub use read::{FrameError, FrameReader};
pub use scan::{FrameScanner, FrameTail};
pub use write::FrameWriter;

/// What an encrypted file begins with; the last byte is the version of the form.
pub const MAGIC: [u8; 8] = *b"GHFRAME\x01";
/// Longest plaintext of a frame.
pub const PLAIN_MAX: usize = 64 * 1024;
/// Bytes before the ciphertext.
const HEAD: usize = 12;
/// Bytes after it, the authentication tag.
pub const TAG: usize = 16;
/// Longest frame.
pub const FRAME_MAX: usize = HEAD + PLAIN_MAX + TAG;
const END: u32 = 1 << 31;
const WHOLE: u32 = 1 << 30;

/// The authentication tag of a frame.
type Tag = [u8; TAG];

/// What stands before a frame's ciphertext. It can be read without the key, and says nothing that is to be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHead {
    end: bool,
    whole: bool,
    length: usize,
    counter: u64,
}

impl FrameHead {
    /// Bytes of a head.
    pub const SIZE: usize = HEAD;

    /// Bytes of the plaintext.
    pub fn plain(&self) -> u64 {
        self.length as u64
    }

    /// Bytes of the whole frame, head and tag included.
    pub fn size(&self) -> u64 {
        (HEAD + self.length + TAG) as u64
    }

    /// Whether the plaintext up to the end of this frame is whole lines, or whole zstd frames.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    fn to_bytes(self) -> [u8; HEAD] {
        // At most PLAIN_MAX.
        let mut word = u32::try_from(self.length).unwrap_or_default();
        if self.end {
            word |= END;
        }
        if self.whole {
            word |= WHOLE;
        }
        let mut bytes = [0; HEAD];
        let (first, rest) = bytes.split_at_mut(4);
        first.copy_from_slice(&word.to_be_bytes());
        rest.copy_from_slice(&self.counter.to_be_bytes());
        bytes
    }

    /// Reads a head; `None`: no frame begins so.
    pub fn parse(bytes: [u8; HEAD]) -> Option<Self> {
        let (word, counter) = bytes.split_first_chunk::<4>()?;
        let word = u32::from_be_bytes(*word);
        let counter = u64::from_be_bytes(counter.try_into().ok()?);
        let head = Self {
            end: word & END != 0,
            whole: word & WHOLE != 0,
            length: usize::try_from(word & !(END | WHOLE)).ok()?,
            counter,
        };
        let sound = if head.end {
            head.whole && head.length == 0
        } else {
            (1..=PLAIN_MAX).contains(&head.length)
        };
        sound.then_some(head)
    }
}
