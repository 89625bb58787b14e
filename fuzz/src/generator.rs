//! Inputs: a seeded stream of numbers, and mutations of a corpus by it.

/// Lengths above which an input is cut.
const LONGEST: usize = 16 * 1024;

/// Bytes that parsers stumble over.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\x01",
    b"\xc3\x28",
    b"\xf0\x9f\x98\x80",
    b"\x1b[",
    b"\x1b]0;",
    b"\r\n",
    b"\n",
    b"-",
    b"@",
    b"%",
    b".",
    b"99999999999999999999",
    b"0",
    b"1e308",
    b"\\ud800",
    b"\"",
    b"[",
    b"{",
];

/// A generator of numbers and inputs; the same seed gives the same ones.
#[derive(Clone, Debug)]
pub struct Generator {
    state: u64,
}

impl Generator {
    /// A generator at its beginning.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number (SplitMix64).
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        let number = if bound == 0 { 0 } else { self.number() % bound };
        usize::try_from(number).unwrap_or(0)
    }

    /// A new input: one of the corpus with some changes, or now and then noise.
    pub fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = match corpus.get(self.below(corpus.len() + corpus.len() / 8 + 1)) {
            Some(seed) => seed.clone(),
            None => self.noise(),
        };
        for _ in 0..self.below(6) {
            self.change(&mut input, corpus);
        }
        input.truncate(LONGEST);
        input
    }

    fn noise(&mut self) -> Vec<u8> {
        let length = self.below(200);
        std::iter::repeat_with(|| self.byte()).take(length).collect()
    }

    fn byte(&mut self) -> u8 {
        self.number().to_be_bytes()[0]
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = (at + self.below(16)).min(input.len());
        match self.below(8) {
            0 => {
                let bit = self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            1 => {
                let byte = self.byte();
                input.insert(at, byte);
            }
            2 => drop(input.drain(at..end)),
            3 => {
                let copy = input.get(at..end).unwrap_or_default().to_vec();
                input.splice(at..at, copy);
            }
            4 => input.truncate(at),
            5 => {
                let token = TOKENS.get(self.below(TOKENS.len())).copied().unwrap_or_default();
                input.splice(at..at, token.iter().copied());
            }
            6 => {
                let token = TOKENS.get(self.below(TOKENS.len())).copied().unwrap_or_default();
                let end = (at + token.len()).min(input.len());
                input.splice(at..end, token.iter().copied());
            }
            _ => {
                let other = corpus
                    .get(self.below(corpus.len()))
                    .map_or(&[][..], Vec::as_slice);
                let from = self.below(other.len() + 1);
                input.splice(at.., other.get(from..).unwrap_or_default().iter().copied());
            }
        }
    }
}
