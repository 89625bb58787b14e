//! Casts as bytes.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{CastData, CastHeader, Newlines};
use crate::event::{Exit, Stream};
use crate::offset::Offset;

/// Longest text of one event, in bytes before encoding, so that readers need bounded memory.
const EVENT_MAX: usize = 64 * 1024;

/// Writes the lines of one cast. Times never go back: an event that claims an earlier time than the one before
/// it gets that one's.
#[derive(Debug)]
pub struct CastEncoder {
    newlines: Newlines,
    last: Offset,
    lines: String,
}

impl CastEncoder {
    /// Begins a cast with its header line.
    pub fn new(header: &CastHeader) -> Self {
        let mut lines = String::new();
        // JSON of the header has no control characters but for DEL and C1, which are escaped here.
        escape_into(
            &mut lines,
            &serde_json::to_string(header).unwrap_or_default(),
            Quotes::Keep,
        );
        lines.push('\n');
        Self {
            newlines: header.gatehouse.newlines,
            last: Offset::ZERO,
            lines,
        }
    }

    /// Takes the lines written since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.lines).into_bytes()
    }

    /// Bytes waiting to be taken.
    pub fn pending(&self) -> usize {
        self.lines.len()
    }

    /// Bytes that the target sent. Whoever cuts a stream into calls should not cut within a character: each
    /// half would stand as U+FFFD (though the exact bytes stay).
    pub fn output(&mut self, at: Offset, stream: Stream, bytes: &[u8]) {
        self.bytes(at, "o", Some(stream), bytes);
    }

    /// Bytes that the person typed and that are kept.
    pub fn input(&mut self, at: Offset, bytes: &[u8]) {
        self.bytes(at, "i", None, bytes);
    }

    /// Any other event. Output and input given here are written as [`Self::output`] and [`Self::input`] would.
    pub fn event(&mut self, at: Offset, data: &CastData) {
        match data {
            CastData::Output(stream, data) => self.output(at, *stream, &data.bytes),
            CastData::Input(data) => self.input(at, &data.bytes),
            CastData::InputLength(length) => self.line(at, "l", &length.to_string()),
            CastData::Resize { cols, rows } => self.line(at, "r", &format!("{cols}x{rows}")),
            CastData::Marker(text) => self.line(at, "m", text),
            CastData::Binary(stream, length) => self.line(at, "d", &format!("{} {length}", stream.as_str())),
            CastData::Gap(length) => self.line(at, "g", &length.to_string()),
            CastData::Eof(stream) => self.line(at, "f", stream.as_str()),
            CastData::Exit(Exit::Status(status)) => self.line(at, "x", &status.to_string()),
            CastData::Exit(Exit::Signal(name)) => self.line(at, "x", &format!("SIGNAL {name}")),
            CastData::Other { code, text } => self.line(at, code, text),
        }
    }

    fn bytes(&mut self, at: Offset, code: &str, stream: Option<Stream>, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(piece_end(rest));
            match std::str::from_utf8(piece) {
                Ok(text) => self.text(at, code, stream, text),
                Err(error) => {
                    let (valid, invalid) = piece.split_at(error.valid_up_to());
                    let (invalid, tail) = invalid.split_at(invalid_end(invalid));
                    self.text(at, code, stream, std::str::from_utf8(valid).unwrap_or_default());
                    self.line(at, "b", &STANDARD.encode(invalid));
                    self.text(at, code, stream, &String::from_utf8_lossy(invalid));
                    self.text(at, code, stream, std::str::from_utf8(tail).unwrap_or_default());
                }
            }
            rest = after;
        }
    }

    fn text(&mut self, at: Offset, code: &str, stream: Option<Stream>, text: &str) {
        if text.is_empty() {
            return;
        }
        if stream == Some(Stream::Error) {
            self.line(at, "e", "");
        }
        if stream.is_some() && self.newlines == Newlines::CrLf && text.contains('\n') {
            self.line(at, code, &text.replace('\n', "\r\n"));
        } else {
            self.line(at, code, text);
        }
    }

    fn line(&mut self, at: Offset, code: &str, text: &str) {
        self.last = self.last.max(at);
        // Writing to a string cannot fail.
        let _ = write!(self.lines, "[{}, \"", self.last);
        escape_into(&mut self.lines, code, Quotes::Escape);
        self.lines.push_str("\", \"");
        escape_into(&mut self.lines, text, Quotes::Escape);
        self.lines.push_str("\"]\n");
    }
}

/// Where to cut a long run of bytes: at [`EVENT_MAX`], or a little before it between two characters.
fn piece_end(bytes: &[u8]) -> usize {
    if bytes.len() <= EVENT_MAX {
        return bytes.len();
    }
    let start_of_character = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (EVENT_MAX - 3..=EVENT_MAX)
        .rev()
        .find(start_of_character)
        .unwrap_or(EVENT_MAX)
}

/// The end of the stretch from the first byte that is not UTF-8 to the last one.
fn invalid_end(bytes: &[u8]) -> usize {
    let (mut at, mut end) = (0, 0);
    for piece in bytes.utf8_chunks() {
        at += piece.valid().len() + piece.invalid().len();
        if !piece.invalid().is_empty() {
            end = at;
        }
    }
    end
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Escape,
    Keep,
}

/// JSON string contents without any control character, so that a cast shown raw is harmless.
fn escape_into(out: &mut String, text: &str, quotes: Quotes) {
    let mut plain_from = 0;
    for (at, character) in text.char_indices() {
        let short = match character {
            '"' | '\\' if quotes == Quotes::Escape => Some(character),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            '\0'..='\x1f' | '\x7f'..='\u{9f}' => None,
            _ => continue,
        };
        out.push_str(text.get(plain_from..at).unwrap_or_default());
        plain_from = at + character.len_utf8();
        match short {
            Some(letter) => out.extend(['\\', letter]),
            // All control characters are below 256.
            None => {
                let digit =
                    |shift: u32| char::from_digit((u32::from(character) >> shift) & 15, 16).unwrap_or('0');
                out.push_str("\\u00");
                out.extend([digit(4), digit(0)]);
            }
        }
    }
    out.push_str(text.get(plain_from..).unwrap_or_default());
}
