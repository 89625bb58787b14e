//! How many bytes of a stretch are no text, counted many at a time.

/// Whether more than 30 % of a block, looked at by itself, is no text.
pub(super) fn is_binary(block: &[u8]) -> bool {
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
pub(super) struct NoText {
    count: usize,
    /// Where in a character the last byte was: see [`PLACES`].
    place: u8,
}

impl NoText {
    pub(super) fn count(&mut self, bytes: &[u8]) {
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
    pub(super) fn is_binary(self, of: usize) -> bool {
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
    }
}
