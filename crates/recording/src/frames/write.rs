//! Making frames.

use super::{FrameHead, FrameKey, MAGIC, PLAIN_MAX, TAG, Tag};
use crate::frames::FrameTail;

/// Makes the frames of one file. It does not write them: what was made counts once [`Self::commit`] says that it is in
/// the file, and is forgotten otherwise.
#[derive(Debug)]
pub struct FrameWriter {
    key: FrameKey,
    /// Of the next frame. Never goes back.
    counter: u64,
    /// What is in the file.
    written: Place,
    /// What will be, once it is written.
    made: Place,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// The magic is there.
    begun: bool,
    /// Of the last frame.
    tag: Tag,
}

impl FrameWriter {
    /// Begins a file.
    pub fn new(key: FrameKey) -> Self {
        let place = Place {
            begun: false,
            tag: Tag::default(),
        };
        Self {
            key,
            counter: 0,
            written: place,
            made: place,
        }
    }

    /// Goes on where a file was left, to end it. INVARIANT **a nonce is used once**: nothing but its end may be added,
    /// for frames may have been made that are not in the file any more.
    pub fn ending(key: FrameKey, tail: &FrameTail) -> Self {
        let place = Place {
            begun: true,
            tag: tail.tag,
        };
        Self {
            key,
            counter: tail.next,
            written: place,
            made: place,
        }
    }

    /// Makes frames of whole lines or whole zstd frames. Of nothing it makes nothing.
    pub fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAGIC.len() + plain.len() + plain.len().div_ceil(PLAIN_MAX) * 32);
        let mut scratch = Vec::new();
        let Ok(()) = self.seal_each(plain, &mut scratch, |frame| {
            out.extend_from_slice(frame);
            Ok::<(), std::convert::Infallible>(())
        });
        out
    }

    /// The same, giving each frame as it is made, so that no more than one is in memory. `scratch` is where they are made.
    ///
    /// # Errors
    /// Those of `give`, after which no further frame is made.
    pub fn seal_each<E>(
        &mut self,
        plain: &[u8],
        scratch: &mut Vec<u8>,
        mut give: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.made = self.written;
        let pieces = plain.chunks(PLAIN_MAX);
        let count = pieces.len();
        for (number, piece) in pieces.enumerate() {
            let head = FrameHead {
                end: false,
                whole: number + 1 == count,
                length: piece.len(),
                counter: self.counter,
            };
            scratch.clear();
            self.frame(head, piece, scratch);
            give(scratch)?;
        }
        Ok(())
    }

    /// Makes the end mark.
    pub fn end(&mut self) -> Vec<u8> {
        self.made = self.written;
        let mut out = Vec::with_capacity(MAGIC.len() + 32);
        let head = FrameHead {
            end: true,
            whole: true,
            length: 0,
            counter: self.counter,
        };
        self.frame(head, &[], &mut out);
        out
    }

    /// What was made last is in the file.
    pub fn commit(&mut self) {
        self.written = self.made;
    }

    fn frame(&mut self, head: FrameHead, plain: &[u8], out: &mut Vec<u8>) {
        if !self.made.begun {
            out.extend_from_slice(&MAGIC);
            self.made.begun = true;
        }
        out.extend_from_slice(&head.to_bytes());
        let start = out.len();
        out.extend_from_slice(plain);
        let tag = match out.get_mut(start..) {
            Some(body) => self.key.seal(head, &self.made.tag, body),
            None => [0; TAG],
        };
        out.extend_from_slice(&tag);
        self.made.tag = tag;
        self.counter += 1;
    }
}
