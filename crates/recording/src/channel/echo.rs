//! What is kept of typed input: the rule of `record_input`.
//!
//! With `all` everything is kept, with `none` only lengths. With `echoed` this is the rule:
//!
//! 1. A *piece* is the text typed between two keys. Keys are control characters (Enter, Tab, ^C, …) and the
//!    sequences of cursor and function keys; they carry no text and are kept. A *line* is the pieces up to Enter,
//!    ^C, ^D, ^Z or ESC.
//! 2. A piece is **echoed as typed** if each of its characters, in order, is the next new character that the
//!    output shows after it was typed, in less than a second. New is what changes the line at the cursor: colours,
//!    movements, blanks, and drawing again what stands there do not count. Any other character shown first is a
//!    miss.
//! 3. A piece of three characters or more that missed, and is complete, is **echoed as a whole** if the output
//!    shows it in one stretch in less than a second after its last character was typed (typed ahead, pasted, or
//!    repeated by a program).
//! 4. A piece is kept as text if it is echoed by 2 or 3, and as nothing but its length otherwise. It is kept or not
//!    kept whole, so that a letter that happens to be shown while a password is typed gives no letter away.
//! 5. After a piece that was not echoed, the rest of its line is not kept either.
//! 6. A piece stands in the recording where its fate was decided: at the end of the piece, or a second after it.
//! 7. More than 4 KiB that wait for their echo are no typing: only their length is kept, and that of what follows
//!    without a pause of a second.
//!
//! Without a pty there are no keys, and line feeds count with their line.

use std::collections::VecDeque;
use std::time::Duration;

use gatehouse_model::InputMode;

use super::echo_piece::{ECHO_WITHIN, Piece, WHOLE_MIN};
use super::shown::{Shown, ShownLine};
use super::typed::{Typed, TypedParser};
use crate::offset::Offset;

/// The time that the rest of a split character has.
const CHARACTER_WITHIN: Duration = Duration::from_millis(100);
/// Longest piece that waits for its end, in characters.
const PIECE_MAX: usize = 1024;
/// Most bytes that wait for their echo.
const WAITING_MAX: usize = 4096;
/// Most pieces and keys that wait.
const UNITS_MAX: usize = 128;
/// How much of what was shown is searched, in characters.
const RECENT_MAX: usize = 8192;

/// What a key means where there is a terminal, and where there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keys {
    /// A terminal: keys are kept.
    Kept,
    /// A pipe: only line feeds end a piece, and nothing is a key.
    None,
}

/// What is to be recorded of typed input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kept {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many bytes, not kept.
    Length(u64),
}

#[derive(Debug)]
enum Unit {
    Piece(Piece),
    Keys(Vec<u8>),
}

/// Input that is too much to be typing.
#[derive(Debug)]
struct Bulk {
    /// When it is over unless more comes.
    quiet_at: Offset,
    /// When its length so far is reported.
    report_at: Offset,
    length: u64,
}

/// Decides what is kept.
#[derive(Debug)]
pub(crate) struct EchoRule {
    mode: InputMode,
    keys: Keys,
    parser: TypedParser,
    screen: ShownLine,
    units: VecDeque<Unit>,
    /// The line being typed, and whether nothing more of it is kept.
    line: u64,
    silent: bool,
    bulk: Option<Bulk>,
    recent: VecDeque<char>,
    /// How many characters were shown before the first of `recent`.
    recent_from: u64,
}

impl EchoRule {
    pub(crate) fn new(mode: InputMode, keys: Keys) -> Self {
        Self {
            mode,
            keys,
            parser: TypedParser::default(),
            screen: ShownLine::default(),
            units: VecDeque::new(),
            line: 0,
            silent: false,
            bulk: None,
            recent: VecDeque::new(),
            recent_from: 0,
        }
    }

    /// Bytes were typed.
    pub(crate) fn typed(&mut self, at: Offset, bytes: &[u8], out: &mut Vec<Kept>) {
        match self.mode {
            InputMode::All => push_bytes(out, bytes),
            InputMode::None => push_length(out, bytes.len() as u64),
            InputMode::Echoed => {
                self.settle(at, out);
                if self.bulk.is_some() || bytes.len() > WAITING_MAX {
                    self.overflow(at, bytes.len());
                    return;
                }
                let mut parser = std::mem::take(&mut self.parser);
                parser.feed(at, bytes, |typed| self.one(at, typed));
                self.parser = parser;
                if self.waiting() > WAITING_MAX || self.units.len() > UNITS_MAX {
                    self.overflow(at, 0);
                }
                self.settle(at, out);
            }
        }
    }

    /// Output was shown. What is kept because of it comes after it in the recording.
    pub(crate) fn shown(&mut self, at: Offset, output: &str, out: &mut Vec<Kept>) {
        if self.mode != InputMode::Echoed {
            return;
        }
        self.settle(at, out);
        if self.units.is_empty() {
            self.screen.skip(output);
            return;
        }
        let mut screen = std::mem::take(&mut self.screen);
        screen.follow(output, |shown| self.show(shown));
        self.screen = screen;
        self.search();
        self.settle(at, out);
    }

    /// The next instant at which [`Self::settle`] decides something by itself.
    pub(crate) fn next_deadline(&self) -> Option<Offset> {
        let pieces = self.units.iter().find_map(|unit| match unit {
            Unit::Piece(piece) => piece.deadline(),
            Unit::Keys(_) => None,
        });
        let carried = self
            .parser
            .waits_since()
            .map(|since| since.plus(CHARACTER_WITHIN));
        let bulk = self.bulk.as_ref().map(|bulk| bulk.report_at.min(bulk.quiet_at));
        [pieces, carried, bulk].into_iter().flatten().min()
    }

    /// Gives what is decided by now, in the order in which it was typed.
    pub(crate) fn settle(&mut self, at: Offset, out: &mut Vec<Kept>) {
        if let Some(bulk) = &mut self.bulk {
            if bulk.report_at <= at || bulk.quiet_at <= at {
                push_length(out, std::mem::take(&mut bulk.length));
                bulk.report_at = at.plus(ECHO_WITHIN);
            }
            if bulk.quiet_at <= at {
                self.bulk = None;
            }
        }
        if self
            .parser
            .waits_since()
            .is_some_and(|since| since.plus(CHARACTER_WITHIN) <= at)
        {
            let length = self.parser.flush();
            self.one(at, Typed::NoText(length));
        }
        while let Some(front) = self.units.front_mut() {
            if let Unit::Piece(piece) = front {
                piece.expire(at);
                if piece.failed {
                    let line = piece.line;
                    self.fail(line);
                } else if !piece.is_decided() {
                    break;
                }
            }
            match self.units.pop_front() {
                Some(Unit::Piece(piece)) if piece.failed => push_length(out, piece.length as u64),
                Some(Unit::Piece(piece)) => push_bytes(out, piece.to_string().as_bytes()),
                Some(Unit::Keys(keys)) => match out.last_mut() {
                    Some(Kept::Length(length)) if self.keys == Keys::None => *length += keys.len() as u64,
                    _ => push_bytes(out, &keys),
                },
                None => break,
            }
        }
        if self.units.is_empty() {
            // Given back, too: thousands of channels are idle.
            self.recent_from += std::mem::take(&mut self.recent).len() as u64;
        }
    }

    /// Gives everything that waits: nothing more will be shown.
    pub(crate) fn finish(&mut self, at: Offset, out: &mut Vec<Kept>) {
        let length = self.parser.flush();
        if length > 0 {
            self.one(at, Typed::NoText(length));
        }
        for unit in &mut self.units {
            if let Unit::Piece(piece) = unit {
                piece.complete = true;
                piece.failed |= piece.echoed < piece.text.len();
            }
        }
        self.settle(at, out);
        push_length(out, self.bulk.take().map_or(0, |bulk| bulk.length));
    }

    fn one(&mut self, at: Offset, typed: Typed) {
        match typed {
            Typed::Key(key) if self.keys == Keys::Kept || matches!(key, b'\n' | b'\r') => self.key(key),
            Typed::Key(key) => self.text(at, char::from(key), 1),
            Typed::Text(character) => self.text(at, character, character.len_utf8()),
            Typed::NoText(length) => self.text(at, '\0', length),
        }
    }

    fn key(&mut self, key: u8) {
        match self.units.back_mut() {
            Some(Unit::Keys(keys)) => keys.push(key),
            last => {
                if let Some(Unit::Piece(piece)) = last {
                    piece.complete = true;
                }
                self.units.push_back(Unit::Keys(vec![key]));
            }
        }
        if matches!(key, b'\r' | b'\n' | 0x03 | 0x04 | 0x1a | 0x1b) {
            self.line += 1;
            self.silent = false;
        }
    }

    fn text(&mut self, at: Offset, character: char, length: usize) {
        let full = |piece: &Piece| piece.text.len() >= PIECE_MAX;
        if let Some(Unit::Piece(piece)) = self
            .units
            .back_mut()
            .filter(|u| matches!(u, Unit::Piece(p) if full(p)))
        {
            piece.complete = true;
        }
        match self.units.back_mut() {
            Some(Unit::Piece(piece)) if !piece.complete => {
                piece.text.push((character, at));
                piece.length += length;
            }
            _ => self.units.push_back(Unit::Piece(Piece {
                text: vec![(character, at)],
                length,
                echoed: 0,
                as_typed: true,
                complete: false,
                failed: self.silent,
                line: self.line,
                shown_from: self.recent_from + self.recent.len() as u64,
            })),
        }
    }

    fn show(&mut self, shown: Shown) {
        let character = match shown {
            Shown::Character(character, _) => character,
            Shown::NewLine => '\n',
        };
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
            self.recent_from += 1;
        }
        self.recent.push_back(character);
        for unit in &mut self.units {
            if let (Unit::Piece(piece), Shown::Character(character, novelty)) = (unit, shown) {
                piece.show(character, novelty);
            }
        }
    }

    /// Looks for pieces that are shown as a whole.
    fn search(&mut self) {
        let recent = self.recent.make_contiguous();
        let mut used = self.recent_from;
        for unit in &mut self.units {
            let Unit::Piece(piece) = unit else { continue };
            if piece.as_typed || piece.failed || !piece.complete || piece.text.len() < WHOLE_MIN {
                continue;
            }
            let from = piece.shown_from.max(used).saturating_sub(self.recent_from);
            let shown = recent
                .get(usize::try_from(from).unwrap_or(usize::MAX)..)
                .unwrap_or_default();
            let same = |window: &[char]| {
                window
                    .iter()
                    .eq(piece.text.iter().map(|(character, _)| character))
            };
            if let Some(at) = shown.windows(piece.text.len()).position(same) {
                piece.echoed = piece.text.len();
                // What echoes one piece does not echo the next as well.
                used = self.recent_from + from + (at + piece.text.len()) as u64;
            }
        }
    }

    fn waiting(&self) -> usize {
        self.units.iter().map(Unit::length).sum()
    }

    fn fail(&mut self, line: u64) {
        for unit in &mut self.units {
            if let Unit::Piece(piece) = unit {
                piece.failed |= piece.line == line;
            }
        }
        self.silent |= self.line == line;
    }

    fn overflow(&mut self, at: Offset, more: usize) {
        let waiting: usize = self.units.drain(..).map(|unit| unit.length()).sum();
        let length = (waiting + self.parser.flush() + more) as u64;
        self.parser = TypedParser::default();
        let quiet_at = at.plus(ECHO_WITHIN);
        let bulk = self.bulk.get_or_insert(Bulk {
            quiet_at,
            report_at: quiet_at,
            length: 0,
        });
        bulk.quiet_at = quiet_at;
        bulk.length += length;
        self.silent = true;
    }
}

impl Unit {
    fn length(&self) -> usize {
        match self {
            Self::Piece(piece) => piece.length,
            Self::Keys(keys) => keys.len(),
        }
    }
}

fn push_bytes(out: &mut Vec<Kept>, bytes: &[u8]) {
    match out.last_mut() {
        _ if bytes.is_empty() => {}
        Some(Kept::Bytes(kept)) => kept.extend_from_slice(bytes),
        _ => out.push(Kept::Bytes(bytes.to_vec())),
    }
}

fn push_length(out: &mut Vec<Kept>, length: u64) {
    match out.last_mut() {
        _ if length == 0 => {}
        Some(Kept::Length(sum)) => *sum += length,
        _ => out.push(Kept::Length(length)),
    }
}

#[cfg(test)]
#[path = "echo_tests.rs"]
mod tests;
