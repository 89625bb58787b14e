//! Characters that are split over two chunks.

/// Puts a stream of bytes together so that no character is cut between two chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Utf8Carry {
    /// The beginning of a character, at most three bytes.
    tail: Vec<u8>,
}

impl Utf8Carry {
    /// Takes a chunk and gives what can be told now: what was left of the last chunk and this one, without an
    /// unfinished character at its end.
    pub(crate) fn join<'a>(&mut self, chunk: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
        if self.tail.is_empty() {
            let (whole, tail) = chunk.split_at(chunk.len() - unfinished(chunk));
            self.tail.extend_from_slice(tail);
            return whole.into();
        }
        let mut joined = std::mem::take(&mut self.tail);
        joined.extend_from_slice(chunk);
        self.tail = joined.split_off(joined.len() - unfinished(&joined));
        joined.into()
    }

    /// Whether an unfinished character waits.
    pub(crate) fn waits(&self) -> bool {
        !self.tail.is_empty()
    }

    /// Gives up waiting for the rest.
    pub(crate) fn flush(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.tail)
    }
}

/// How many bytes at the end begin a character that is not finished: 0 to 3.
fn unfinished(bytes: &[u8]) -> usize {
    // The last chunk holds the tail: an unfinished character is invalid, and the last thing there is.
    let tail = bytes.get(bytes.len().saturating_sub(4)..).unwrap_or_default();
    (1..=tail.len().min(3))
        .rev()
        .find(|length| {
            let end = tail.get(tail.len() - length..).unwrap_or_default();
            std::str::from_utf8(end)
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_may_become_a_character_waits() {
        for (bytes, want) in [
            (&b"abc"[..], 0),
            (b"ab\xc5", 1),
            (b"\xe2\x98", 2),
            (b"\xf0\x9f\x98", 3),
            (b"\xff", 0),
            (b"\xc0", 0),
            (b"\x80\x80", 0),
            ("☃".as_bytes(), 0),
            (b"", 0),
        ] {
            assert_eq!(unfinished(bytes), want, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn text_survives_every_cut(text in "\\PC{0,30}", cuts in prop::collection::vec(1usize..5, 0..60)) {
            let (mut carry, mut rest, mut got) = (Utf8Carry::default(), text.as_bytes(), String::new());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                got.push_str(std::str::from_utf8(&carry.join(piece)).unwrap());
                rest = after;
            }
            prop_assert!(!carry.waits());
            prop_assert_eq!(got, text);
        }

        #[test]
        fn bytes_survive_every_cut(bytes in prop::collection::vec(any::<u8>(), 0..60), cut in 0usize..60) {
            let mut carry = Utf8Carry::default();
            let (a, b) = bytes.split_at(cut.min(bytes.len()));
            let mut got = carry.join(a).into_owned();
            got.extend_from_slice(&carry.join(b));
            got.extend(carry.flush());
            prop_assert_eq!(got, bytes);
        }
    }
}
