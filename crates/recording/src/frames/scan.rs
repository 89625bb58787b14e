//! Finding where a torn file is to be cut.

use super::read::{Raw, Splitter};
use super::{FrameKey, TAG, Tag};

/// The end of what is whole in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FrameTail {
    /// Bytes up to the end of the last frame that ends whole lines; 0 if there is none.
    pub length: u64,
    /// Whether that frame is the end mark.
    pub ended: bool,
    /// Its tag.
    pub(super) tag: Tag,
    /// A counter that no frame up to there has.
    pub(super) next: u64,
}

/// Looks for the last whole frame of a file that a crash may have torn. With the key, a frame counts only if it opens: a
/// crash of the machine may leave zeros where a frame was. A frame that does not open while later ones do is no torn tail;
/// it stays, and a reader will name it.
#[derive(Debug)]
pub struct FrameScanner {
    key: Option<FrameKey>,
    splitter: Splitter,
    before: Tag,
    /// The least counter that the next frame can have.
    next: u64,
    tail: FrameTail,
    over: bool,
}

impl FrameScanner {
    /// Begins with a file's first byte.
    pub fn new(key: Option<FrameKey>) -> Self {
        Self {
            key,
            splitter: Splitter::default(),
            before: Tag::default(),
            next: 0,
            tail: FrameTail::default(),
            over: false,
        }
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.over {
            return;
        }
        self.splitter.feed(bytes);
        loop {
            match self.splitter.next_frame() {
                Ok(Some(Raw { head, body, .. })) => {
                    let mut tag = Tag::default();
                    if let Some(last) = body.last_chunk::<TAG>() {
                        tag = *last;
                    }
                    let opens = |key: &FrameKey| key.open(head, &self.before, body).is_some();
                    let in_order = head.counter >= self.next && head.counter < u64::MAX;
                    let sound = in_order && self.key.as_ref().is_none_or(opens);
                    self.before = tag;
                    if sound {
                        self.next = head.counter + 1;
                    }
                    if sound && head.whole {
                        self.tail = FrameTail {
                            length: self.splitter.at,
                            ended: head.end,
                            tag,
                            next: self.next,
                        };
                        self.over = head.end;
                    }
                    if self.over {
                        return;
                    }
                }
                Ok(None) => return,
                Err(_) => {
                    self.over = true;
                    return;
                }
            }
        }
    }

    /// Where to cut, when all was fed.
    pub fn finish(self) -> FrameTail {
        self.tail
    }
}
