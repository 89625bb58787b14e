//! Typed bytes as text and keys.

use std::time::Duration;

use super::utf8::Utf8Carry;
use crate::offset::Offset;

/// A piece of what was typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Typed {
    /// A character of text.
    Text(char),
    /// So many bytes that are no text in any way.
    NoText(usize),
    /// A byte of a key that carries no text: a control character, or a part of a key's sequence.
    Key(u8),
}

/// Keys of several bytes arrive together: an ESC and a `[` further apart were typed by hand.
const SAME_KEY: Duration = Duration::from_millis(50);
/// Longest sequence of one key.
const SEQUENCE_MAX: u8 = 32;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Ground,
    Escape(Offset),
    /// `ESC [`, and so many bytes since.
    Control(u8),
    /// `ESC O`.
    Single,
}

/// Splits typed bytes into text and keys, whatever the cuts between chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypedParser {
    carry: Utf8Carry,
    carried_since: Offset,
    state: State,
}

impl TypedParser {
    /// Takes a chunk.
    pub(crate) fn feed(&mut self, at: Offset, bytes: &[u8], mut tell: impl FnMut(Typed)) {
        if !self.carry.waits() {
            self.carried_since = at;
        }
        let whole = self.carry.join(bytes);
        for piece in whole.utf8_chunks() {
            for character in piece.valid().chars() {
                tell(self.character(at, character));
            }
            if !piece.invalid().is_empty() {
                tell(Typed::NoText(piece.invalid().len()));
            }
        }
    }

    /// Since when the beginning of a character waits for its end.
    pub(crate) fn waits_since(&self) -> Option<Offset> {
        self.carry.waits().then_some(self.carried_since)
    }

    /// Gives up waiting; the number of bytes that waited.
    pub(crate) fn flush(&mut self) -> usize {
        self.carry.flush().len()
    }

    fn character(&mut self, at: Offset, character: char) -> Typed {
        let Ok(byte) = u8::try_from(u32::from(character)) else {
            self.state = State::Ground;
            return Typed::Text(character);
        };
        if byte < b' ' || byte == 0x7f {
            self.state = if byte == 0x1b {
                State::Escape(at)
            } else {
                State::Ground
            };
            return Typed::Key(byte);
        }
        let (next, is_key) = match (self.state, byte) {
            (State::Escape(since), b'[') if at.since(since) < SAME_KEY => (State::Control(0), true),
            (State::Escape(since), b'O') if at.since(since) < SAME_KEY => (State::Single, true),
            (State::Control(count), b' '..=b'?') if count < SEQUENCE_MAX => (State::Control(count + 1), true),
            (State::Control(_) | State::Single, b'@'..=b'~') => (State::Ground, true),
            _ => (State::Ground, false),
        };
        self.state = next;
        if is_key {
            Typed::Key(byte)
        } else {
            Typed::Text(character)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[(u64, &[u8])]) -> String {
        let (mut parser, mut text) = (TypedParser::default(), String::new());
        for (millis, chunk) in chunks {
            parser.feed(Offset::from_micros(millis * 1000), chunk, |typed| match typed {
                Typed::Text(character) => text.push(character),
                Typed::NoText(length) => text.push_str(&format!("<{length}>")),
                Typed::Key(_) => text.push('.'),
            });
        }
        text
    }

    #[test]
    fn keys_are_told_from_text() {
        assert_eq!(split(&[(0, b"ls\r")]), "ls.");
        assert_eq!(
            split(&[(0, b"a\x1b[A\x1bOB\x1b[200~b c\x1b[201~")]),
            "a......".to_owned() + "......b c......"
        );
        assert_eq!(split(&[(0, b"\x1b"), (1, b"["), (2, b"1;5C")]), "......");
        assert_eq!(split(&[(0, b"\x1b"), (900, b"[A")]), ".[A", "typed by hand");
        assert_eq!(split(&[(0, b"\xc5"), (1, b"\xbc\xff\x7f")]), "ż<1>.");
        assert_eq!(split(&[(0, b"\x1bx")]), ".x", "a letter after ESC may be text");
    }
}
