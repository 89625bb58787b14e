//! Reading frames, as far as they are there.

use super::{FrameHead, FrameKey, HEAD, MAGIC, TAG, Tag};

/// What is wrong with an encrypted file. `at` is the byte at which it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// It begins otherwise.
    #[error("it does not begin as an encrypted file of a recording does")]
    Magic,
    /// No frame begins so.
    #[error("what stands at byte {at} is no frame")]
    NoFrame {
        /// Where.
        at: u64,
    },
    /// It does not open: changed, moved, of another file or session, or the key is another one.
    #[error("the frame at byte {at} was changed, or does not belong there")]
    Changed {
        /// Where.
        at: u64,
    },
    /// Something follows the end mark.
    #[error("there is something after the end mark, at byte {at}")]
    AfterEnd {
        /// Where.
        at: u64,
    },
    /// There is no end mark.
    #[error("it is cut off at byte {at}: the end mark is missing")]
    CutOff {
        /// Where.
        at: u64,
    },
}

/// A frame as it stands in the file.
pub(super) struct Raw<'b> {
    pub(super) at: u64,
    pub(super) head: FrameHead,
    /// Ciphertext and tag.
    pub(super) body: &'b mut [u8],
}

/// Cuts bytes into frames.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    buffer: Vec<u8>,
    used: usize,
    /// Where the next frame begins in the file.
    pub(super) at: u64,
}

impl Splitter {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..std::mem::take(&mut self.used));
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes of a frame that is not complete.
    pub(super) fn rest(&self) -> usize {
        self.buffer.len() - self.used
    }

    /// Forgets a frame that is not complete, and tells where it begins in the file.
    pub(super) fn rewind(&mut self) -> u64 {
        self.buffer.truncate(self.used);
        self.at
    }

    /// The next complete frame.
    pub(super) fn next_frame(&mut self) -> Result<Option<Raw<'_>>, FrameError> {
        let mut rest = self.buffer.get_mut(self.used..).unwrap_or_default();
        if self.at == 0 {
            let Some((magic, after)) = rest.split_first_chunk_mut::<{ MAGIC.len() }>() else {
                return Ok(None);
            };
            if *magic != MAGIC {
                return Err(FrameError::Magic);
            }
            rest = after;
            self.used += MAGIC.len();
            self.at = MAGIC.len() as u64;
        }
        let at = self.at;
        let Some((head, rest)) = rest.split_first_chunk_mut::<HEAD>() else {
            return Ok(None);
        };
        let head = FrameHead::parse(*head).ok_or(FrameError::NoFrame { at })?;
        let length = head.length + TAG;
        let Some(body) = rest.get_mut(..length) else {
            return Ok(None);
        };
        self.used += HEAD + length;
        self.at += (HEAD + length) as u64;
        Ok(Some(Raw { at, head, body }))
    }
}

/// Opens the frames of one file, fed piece by piece.
#[derive(Debug)]
pub struct FrameReader {
    key: FrameKey,
    splitter: Splitter,
    /// Of the last frame.
    tag: Tag,
    /// The least that the next frame's may be.
    counter: u64,
    ended: bool,
    wrong: Option<FrameError>,
}

impl FrameReader {
    /// Begins with a file's first byte.
    pub fn new(key: FrameKey) -> Self {
        Self {
            key,
            splitter: Splitter::default(),
            tag: Tag::default(),
            counter: 0,
            ended: false,
            wrong: None,
        }
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.splitter.feed(bytes);
    }

    /// Adds the plaintext of every complete frame to `out`.
    ///
    /// # Errors
    /// Something is not as it was written. What came before it is in `out`; nothing comes after.
    pub fn read(&mut self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let read = self.read_on(out);
        self.wrong = read.err();
        read
    }

    /// Passes over the frame that comes next without opening it. Nothing may have been fed of it; `tag` is what it ends
    /// with. What comes after it still opens only if it was written after a frame with this tag.
    ///
    /// # Errors
    /// It cannot stand there.
    pub fn pass(&mut self, head: FrameHead, tag: [u8; TAG]) -> Result<(), FrameError> {
        let at = self.splitter.at;
        let next = head.counter.checked_add(1);
        match next {
            _ if self.ended => Err(FrameError::AfterEnd { at }),
            Some(next) if head.counter >= self.counter => {
                self.counter = next;
                self.tag = tag;
                self.ended = head.end;
                self.splitter.at += head.size();
                Ok(())
            }
            _ => Err(FrameError::Changed { at }),
        }
    }

    /// Forgets a frame that is not complete, and tells where it begins: what is fed next must be the file's bytes from
    /// there on. For who follows a file that may be cut back after a failed write.
    pub fn rewind(&mut self) -> u64 {
        self.splitter.rewind()
    }

    /// Whether the end mark was read.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The file has no more bytes: a closed one must have had its end mark.
    ///
    /// # Errors
    /// Something was wrong before, or the end mark is missing.
    pub fn finish(&self) -> Result<(), FrameError> {
        match self.wrong {
            Some(wrong) => Err(wrong),
            None if self.ended => Ok(()),
            None => Err(FrameError::CutOff {
                at: self.splitter.at + self.splitter.rest() as u64,
            }),
        }
    }

    fn read_on(&mut self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        loop {
            if self.ended {
                let at = self.splitter.at;
                return match self.splitter.rest() {
                    0 => Ok(()),
                    _ => Err(FrameError::AfterEnd { at }),
                };
            }
            let Some(Raw { at, head, body }) = self.splitter.next_frame()? else {
                return Ok(());
            };
            let mut tag = Tag::default();
            if let Some(last) = body.last_chunk::<TAG>() {
                tag = *last;
            }
            let changed = FrameError::Changed { at };
            if head.counter < self.counter {
                return Err(changed);
            }
            let plain = self.key.open(head, &self.tag, body).ok_or(changed)?;
            out.extend_from_slice(plain);
            self.tag = tag;
            self.counter = head.counter.checked_add(1).ok_or(changed)?;
            self.ended = head.end;
        }
    }
}
