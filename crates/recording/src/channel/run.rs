//! Text or binary, by the bytes alone.
//!
//! Each stream of a channel without a pty is a row of *bursts*: bytes without a pause of 100 ms between them. A
//! burst begins as text. It is looked at in blocks of 4 KiB:
//!
//! - While it is text, bytes are kept as they come; a block of which more than 30 % is no text makes what follows
//!   binary. So of every burst the first 4 KiB are kept, whatever they are.
//! - While it is binary, a block waits until it is full. If more than 30 % of it is no text it is binary; else it is
//!   text, and so is what follows.
//! - A pause ends the burst. What waits then is less than a block, and kept as text.
//!
//! So what a shell prints after a flood of binary is text again at the latest 100 ms after its last byte, and nothing
//! that was taken for text is ever taken back.

use std::time::Duration;

use super::no_text::{NoText, is_binary};
use crate::offset::Offset;

/// Bytes that are judged together. Chunks below this are always kept.
pub(crate) const BLOCK: usize = 4096;
/// The pause that ends a burst.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// What a stretch of bytes is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// To be kept as text.
    Text,
    /// To be treated as binary.
    Binary,
}

/// Tells text from binary on one stream.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Bytes of the current block while the burst is text.
    seen: usize,
    no_text: NoText,
    /// `Some` while the burst is binary: the block that waits.
    waiting: Option<Vec<u8>>,
    last: Offset,
}

impl Run {
    /// Takes bytes and tells what each stretch is, in order.
    pub(crate) fn feed(&mut self, at: Offset, bytes: &[u8], tell: &mut dyn FnMut(Kind, &[u8])) {
        self.settle(at, tell);
        self.last = at;
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.waiting.take() {
                None => self.feed_text(rest, tell),
                Some(waiting) => self.feed_binary(waiting, rest, tell),
            };
        }
    }

    /// Ends the burst if there was a pause.
    pub(crate) fn settle(&mut self, at: Offset, tell: &mut dyn FnMut(Kind, &[u8])) {
        if at.since(self.last) >= PAUSE {
            self.finish(tell);
        }
    }

    /// Ends the burst.
    pub(crate) fn finish(&mut self, tell: &mut dyn FnMut(Kind, &[u8])) {
        (self.seen, self.no_text) = (0, NoText::default());
        if let Some(waiting) = self.waiting.take().filter(|waiting| !waiting.is_empty()) {
            tell(Kind::Text, &waiting);
        }
    }

    /// Whether the burst is binary at present.
    pub(crate) fn is_binary(&self) -> bool {
        self.waiting.is_some()
    }

    /// When [`Self::settle`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Offset> {
        self.waiting.is_some().then(|| self.last.plus(PAUSE))
    }

    fn feed_text<'a>(&mut self, bytes: &'a [u8], tell: &mut dyn FnMut(Kind, &[u8])) -> &'a [u8] {
        let (block, rest) = bytes.split_at(bytes.len().min(BLOCK - self.seen));
        self.seen += block.len();
        self.no_text.count(block);
        tell(Kind::Text, block);
        if self.seen == BLOCK {
            if self.no_text.is_binary(BLOCK) {
                self.waiting = Some(Vec::new());
            }
            (self.seen, self.no_text) = (0, NoText::default());
        }
        rest
    }

    fn feed_binary<'a>(
        &mut self,
        mut waiting: Vec<u8>,
        bytes: &'a [u8],
        tell: &mut dyn FnMut(Kind, &[u8]),
    ) -> &'a [u8] {
        if waiting.is_empty() && bytes.len() >= BLOCK {
            // Whole blocks are judged where they lie, and told together.
            let binary = bytes
                .chunks_exact(BLOCK)
                .take_while(|block| is_binary(block))
                .count()
                * BLOCK;
            let (binary, rest) = bytes.split_at(binary);
            if !binary.is_empty() {
                tell(Kind::Binary, binary);
            }
            // A block that is left is text: from there on the burst is.
            self.waiting = (rest.len() < BLOCK).then_some(waiting);
            return rest;
        }
        let (more, rest) = bytes.split_at(bytes.len().min(BLOCK - waiting.len()));
        waiting.extend_from_slice(more);
        if waiting.len() == BLOCK {
            let binary = is_binary(&waiting);
            tell(if binary { Kind::Binary } else { Kind::Text }, &waiting);
            waiting.clear();
            self.waiting = binary.then_some(waiting);
        } else {
            self.waiting = Some(waiting);
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Noise that is surely binary, without a constant pattern.
    fn noise(length: usize) -> Vec<u8> {
        (0..length)
            .map(|i| {
                if i % 2 == 0 {
                    0
                } else {
                    b'a' + u8::try_from(i % 26).unwrap()
                }
            })
            .collect()
    }

    fn judge(chunks: &[(u64, &[u8])]) -> Vec<(Kind, Vec<u8>)> {
        let (mut run, mut told) = (Run::default(), Vec::<(Kind, Vec<u8>)>::new());
        let mut tell = |kind: Kind, bytes: &[u8]| match told.last_mut() {
            Some((last, kept)) if *last == kind => kept.extend_from_slice(bytes),
            _ => told.push((kind, bytes.to_vec())),
        };
        for (millis, chunk) in chunks {
            run.feed(Offset::from_micros(millis * 1000), chunk, &mut tell);
        }
        run.finish(&mut tell);
        told
    }

    fn shape(told: &[(Kind, Vec<u8>)]) -> Vec<(Kind, usize)> {
        told.iter().map(|(kind, bytes)| (*kind, bytes.len())).collect()
    }

    #[test]
    fn long_binary_keeps_its_first_block_and_its_last_short_one() {
        assert_eq!(shape(&judge(&[(0, &noise(4095))])), [(Kind::Text, 4095)]);
        let told = judge(&[(0, &noise(100_000))]);
        assert_eq!(
            shape(&told),
            [(Kind::Text, 4096), (Kind::Binary, 94_208), (Kind::Text, 1696)]
        );
    }

    #[test]
    fn a_shell_after_binary_is_text_again() {
        let mut bytes = noise(50_000);
        bytes.extend_from_slice(b"# ");
        let told = judge(&[(0, &bytes), (150, b"whoami\r\nroot\r\n")]);
        let (kind, tail) = told.last().unwrap();
        assert!(*kind == Kind::Text && tail.ends_with(b"# whoami\r\nroot\r\n"));
        // Without a pause, too, once a block is text.
        let told = judge(&[(0, &noise(8192)), (1, &vec![b'x'; 8192])]);
        assert_eq!(
            shape(&told),
            [(Kind::Text, 4096), (Kind::Binary, 4096), (Kind::Text, 8192)]
        );
    }

    #[test]
    fn a_pause_makes_a_new_burst() {
        let told = judge(&[(0, &noise(8192)), (99, &noise(4096)), (199, &noise(4096))]);
        assert_eq!(
            shape(&told),
            [(Kind::Text, 4096), (Kind::Binary, 8192), (Kind::Text, 4096)]
        );
    }

    #[test]
    fn thirty_percent_is_text_and_a_little_more_is_not() {
        let block = |bad: usize| [vec![0u8; bad], vec![b'a'; BLOCK - bad], vec![b'b']].concat();
        assert_eq!(
            shape(&judge(&[(0, &[block(1228), noise(4096)].concat())]))[0].1,
            8192 + 1
        );
        assert_eq!(
            shape(&judge(&[(0, &[block(1229), noise(8192)].concat())]))[0].1,
            4096
        );
    }

    #[test]
    fn text_of_every_script_is_text() {
        for text in [
            "zażółć gęślą jaźń\n",
            "Съешь ещё этих булок\r\n",
            "日本語テキスト",
            "\x1b[31mred\x07\x08\t",
        ] {
            assert_eq!(
                shape(&judge(&[(0, &text.as_bytes().repeat(2000))])).len(),
                1,
                "{text}"
            );
        }
    }

    proptest! {
        /// However the bytes are cut, each ends up on the same side, and none is lost.
        #[test]
        fn cuts_change_nothing(
            parts in prop::collection::vec((any::<bool>(), 1usize..9000), 1..6),
            cuts in prop::collection::vec(1usize..6000, 0..30),
        ) {
            let bytes: Vec<u8> = parts
                .iter()
                .flat_map(|(text, length)| if *text { vec![b't'; *length] } else { noise(*length) })
                .collect();
            let (mut chunks, mut rest) = (Vec::new(), &bytes[..]);
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                chunks.push((0, piece));
                rest = after;
            }
            let told = judge(&chunks);
            prop_assert_eq!(&told, &judge(&[(0, &bytes)]));
            prop_assert_eq!(told.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<_>>(), bytes);
        }
    }
}
