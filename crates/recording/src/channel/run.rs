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

/// Whether more than 30 % of a block, looked at by itself, is no text.
fn is_binary(block: &[u8]) -> bool {
    let limit = block.len() * 3;
    let (mut passed, mut text) = (0, 0);
    for piece in block.chunks(LANES) {
        text += text_of(&window(block, passed));
        passed += piece.len();
        // Mostly the beginning tells.
        if passed.saturating_sub(text + 3) * 10 > limit {
            return true;
        }
    }
    (passed - text - unfinished(block)) * 10 > limit
}

/// Bytes that are looked at together.
const LANES: usize = 64;
/// The same, and what a character that begins with the last of them may need.
const WINDOW: usize = LANES + 3;

/// What is looked at together, with zeros behind the end.
fn window(block: &[u8], from: usize) -> [u8; WINDOW] {
    let ahead = block.get(from..).unwrap_or_default();
    if let Some(whole) = ahead.first_chunk() {
        return *whole;
    }
    let mut window = [0; WINDOW];
    for (to, from) in window.iter_mut().zip(ahead) {
        *to = *from;
    }
    window
}

/// Bytes of the characters that are text and begin with one of the first [`LANES`]. Without a branch, and without anything
/// that a byte needs to know of the one before, so that a processor does many at once.
fn text_of(window: &[u8; WINDOW]) -> usize {
    let (mut one, mut two, mut three, mut four) = (0_u8, 0_u8, 0_u8, 0_u8);
    let [second, third, fourth] = [1, 2, 3].map(|skip| window.get(skip..).unwrap_or_default());
    let rest = second.iter().zip(third).zip(fourth);
    for (a, ((b, c), d)) in window.iter().take(LANES).zip(rest) {
        let further = |byte: &u8| byte & 0xc0 == 0x80;
        let with_two = further(b);
        let with_three = with_two & further(c);
        let with_four = with_three & further(d);
        one += u8::from(is_plain(*a));
        two += u8::from(a.wrapping_sub(0xc2) < 0x1e) & u8::from(with_two);
        three += u8::from(a & 0xf0 == 0xe0) & u8::from(with_three);
        four += u8::from(a.wrapping_sub(0xf0) < 5) & u8::from(with_four);
    }
    usize::from(one) + usize::from(two) * 2 + usize::from(three) * 3 + usize::from(four) * 4
}

/// Text of one byte: what is printed, and controls that terminals have a use for.
fn is_plain(byte: u8) -> bool {
    (byte.wrapping_sub(b' ') < 0x5f) | (byte.wrapping_sub(0x07) < 7) | (byte == 0x1b)
}

/// Bytes at the end that begin a character and may become one.
fn unfinished(block: &[u8]) -> usize {
    let mut no_text = NoText::default();
    no_text.step(block.get(block.len().saturating_sub(3)..).unwrap_or_default());
    let (had, ..) = PLACES
        .get(usize::from(no_text.place))
        .copied()
        .unwrap_or_default();
    usize::from(had)
}

/// Counts bytes that are no text: control characters that terminals have no use for, and what is not UTF-8.
#[derive(Clone, Copy, Debug, Default)]
struct NoText {
    count: usize,
    /// Where in a character the last byte was: see [`PLACES`].
    place: u8,
}

impl NoText {
    fn count(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(LANES) {
            if self.place == 0 && piece.is_ascii() {
                let plain: u8 = piece.iter().map(|byte| u8::from(is_plain(*byte))).sum();
                self.count += piece.len() - usize::from(plain);
            } else {
                self.step(piece);
            }
        }
    }

    fn step(&mut self, bytes: &[u8]) {
        // A table instead of branches: noise would make each of them go wrong every other time.
        let mut place = self.place;
        for byte in bytes {
            let step = STEPS
                .get(usize::from(place))
                .and_then(|row| row.get(usize::from(*byte)));
            let step = step.copied().unwrap_or_default();
            self.count += usize::from(step >> 4);
            place = step & 7;
        }
        self.place = place;
    }

    /// More than 30 %.
    fn is_binary(self, of: usize) -> bool {
        self.count * 10 > of * 3
    }
}

/// Places within a character: how many of its bytes there were, how many are wanted, and the place after one more.
const PLACES: [(u8, u8, u8); 8] = [
    (0, 0, 0),
    (1, 1, 0),
    (1, 2, 4),
    (1, 3, 5),
    (2, 1, 0),
    (2, 2, 6),
    (3, 1, 0),
    (0, 0, 0),
];

/// For each place and byte: the next place in the low bits, and from bit 4 on how many bytes are now known to be no
/// text.
static STEPS: [[u8; 256]; 8] = steps();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated at compile time"
)]
const fn steps() -> [[u8; 256]; 8] {
    let mut steps = [[0; 256]; 8];
    let mut place = 0;
    while place < 8 {
        let (had, wanted, after) = PLACES[place];
        let mut byte = 0;
        while byte < 256 {
            steps[place][byte] = match byte as u8 {
                0x80..=0xbf if wanted > 0 => after,
                // What was begun and not ended was no character.
                0x07..=0x0d | 0x1b | b' '..=b'~' => had << 4,
                0xc2..=0xdf => (had << 4) | 1,
                0xe0..=0xef => (had << 4) | 2,
                0xf0..=0xf4 => (had << 4) | 3,
                _ => (had + 1) << 4,
            };
            byte += 1;
        }
        place += 1;
    }
    steps
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

    /// Bytes in which text, characters that are broken off, and noise come close together.
    fn mixed() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => "[a-zł日🙂\\n\u{1b}]{0,40}".prop_map(String::into_bytes),
            2 => prop::collection::vec(any::<u8>(), 0..60),
            1 => prop::collection::vec(prop_oneof![Just(0xe2), Just(0x82), Just(0xc5), Just(0xf0), Just(0x9f)], 0..30),
            1 => prop::collection::vec(0_u8..32, 0..30),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// Many bytes at once are judged as one after the other is.
        #[test]
        fn the_quick_way_counts_as_the_plain_one_does(bytes in mixed(), cut in 0usize..2000) {
            let mut plain = NoText::default();
            plain.step(&bytes);
            prop_assert_eq!(is_binary(&bytes), plain.is_binary(bytes.len()));
            let text: usize = (0..bytes.len()).step_by(LANES).map(|at| text_of(&window(&bytes, at))).sum();
            prop_assert_eq!(bytes.len() - text - unfinished(&bytes), plain.count);
            let (mut quick, (first, second)) = (NoText::default(), bytes.split_at(cut.min(bytes.len())));
            quick.count(first);
            quick.count(second);
            prop_assert_eq!((quick.count, quick.place), (plain.count, plain.place));
        }

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
