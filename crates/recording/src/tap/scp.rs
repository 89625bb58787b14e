//! The tap of the old `scp` protocol, as OpenSSH's `scp -O`, PuTTY and others speak it.
//!
//! One side, the sink, asks with a NUL byte. The other, the source, sends records — `T`imes, `C`ontents, `D`irectory,
//! `E`nd — each of which the sink answers with NUL (good), 1 and a line (a warning) or 2 and a line (the end).
//! Contents follow their record's answer, then a NUL or a warning of the source, then an answer. Strictly in turn: a
//! byte from the side whose turn it is not, or that its place does not allow, is no scp.
//!
//! Whether a channel speaks it is told by its bytes alone; the command's words only make names whole.

use super::{Departure, Ledger, ended};
use crate::event::Stream;
use crate::offset::Offset;
use crate::path::{PATH_MAX, escape};
use crate::transfer::{Direction, INCOMPLETE, Operation, Transfer, UNCONFIRMED};

/// Longest record or warning: a path and the numbers before it.
const LINE_MAX: usize = PATH_MAX + 64;
/// Most of the conversation that is given back when it turns out to be no scp.
const HELD_MAX: usize = 16 * 1024;
/// Most directories inside each other.
const DEPTH_MAX: usize = 256;
/// Most warnings; a conversation of warnings is no transfer.
const WARNINGS_MAX: u32 = 1000;

/// Whose turn it is, and for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// The sink's first byte; it tells which side the sink is.
    Begin,
    /// The source: a record.
    Record,
    /// The sink: an answer to a `T`, `D` or `E` record.
    Answer,
    /// The sink: an answer to a `C` record.
    AnswerContents,
    /// The source: so many bytes of contents.
    Contents(u64),
    /// The source: whether it could read them all.
    Status,
    /// The sink: whether it could write them.
    AnswerStatus,
    /// Nobody: one side said that it is over.
    Over,
}

/// Listens to a channel that may speak scp.
#[derive(Debug)]
pub struct ScpTap {
    ledger: Ledger,
    command: Option<CommandPath>,
    sink: Stream,
    turn: Turn,
    /// The record or warning at hand.
    line: Vec<u8>,
    directories: Vec<Vec<u8>>,
    file: Option<Transfer>,
    /// The record that waits for its answer.
    pending: Option<Record>,
    /// Times were given, and what they are of comes next.
    timed: bool,
    warnings: u32,
    /// What was said since the last file, in order.
    held: Vec<(Stream, Vec<u8>)>,
    held_bytes: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Record {
    Times,
    Contents { size: u64, name: Vec<u8> },
    Directory(Vec<u8>),
    End,
}

/// The path in the words of an `scp` command, and whether it must be a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
struct CommandPath {
    path: Vec<u8>,
    directory: bool,
}

impl ScpTap {
    /// A tap at a channel's first byte; `command` is what the channel runs.
    pub fn new(channel: u32, command: &[u8]) -> Self {
        Self {
            ledger: Ledger::new(channel),
            command: CommandPath::of(command),
            sink: Stream::Output,
            turn: Turn::Begin,
            line: Vec::new(),
            directories: Vec::new(),
            file: None,
            pending: None,
            timed: false,
            warnings: 0,
            held: Vec::new(),
            held_bytes: 0,
        }
    }

    /// Bytes passed. Transfers that began or ended are added to `log`.
    ///
    /// # Errors
    /// The bytes do not keep to the protocol.
    pub fn feed(
        &mut self,
        at: Offset,
        stream: Stream,
        bytes: &[u8],
        log: &mut Vec<Transfer>,
    ) -> Result<(), Departure> {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if let Turn::Contents(left) = self.turn {
                if stream == self.sink {
                    return Err(self.depart(stream, rest));
                }
                let length = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                self.contents(left, length as u64);
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            if self.byte(at, stream, *byte, log).is_none() {
                return Err(self.depart(stream, rest));
            }
            self.hold(stream, *byte);
            if self.turn == Turn::Record
                && self.line.is_empty()
                && self.pending.is_none()
                && self.file.is_none()
            {
                // All that was said is in the log now, or says nothing.
                self.forget();
            }
            rest = after;
        }
        Ok(())
    }

    /// The channel has ended, or left the protocol. Gives what is still held if the log does not account for it:
    /// it is to be recorded.
    pub fn finish(&mut self, at: Offset, log: &mut Vec<Transfer>) -> Vec<(Stream, Vec<u8>)> {
        if let Some(file) = self.file.take() {
            let whole = matches!(self.turn, Turn::Status | Turn::AnswerStatus);
            log.push(ended(file, at, if whole { UNCONFIRMED } else { INCOMPLETE }));
        }
        let accounted = self.ledger.next > 0 && self.line.is_empty();
        if accounted { Vec::new() } else { self.take_held() }
    }

    fn take_held(&mut self) -> Vec<(Stream, Vec<u8>)> {
        self.held_bytes = 0;
        std::mem::take(&mut self.held)
    }

    fn depart(&mut self, stream: Stream, rest: &[u8]) -> Departure {
        let mut held = self.take_held();
        match held.last_mut() {
            Some((last, bytes)) if *last == stream => bytes.extend_from_slice(rest),
            _ => held.push((stream, rest.to_vec())),
        }
        Departure { held }
    }

    fn hold(&mut self, stream: Stream, byte: u8) {
        if self.held_bytes >= HELD_MAX {
            // The oldest half goes: it was scp for so long.
            let half = self.held.len().div_ceil(2);
            self.held.drain(..half);
            self.held_bytes = self.held.iter().map(|(_, bytes)| bytes.len()).sum();
        }
        self.held_bytes += 1;
        match self.held.last_mut() {
            Some((last, bytes)) if *last == stream && bytes.len() < LINE_MAX => bytes.push(byte),
            _ => self.held.push((stream, vec![byte])),
        }
    }

    fn forget(&mut self) {
        // The byte with which the sink begins stays until a record proves that this is scp.
        if self.ledger.next > 0 || !self.directories.is_empty() {
            self.held.clear();
            self.held_bytes = 0;
        }
    }

    fn contents(&mut self, left: u64, passed: u64) {
        if let Some(file) = &mut self.file {
            file.bytes += passed;
        }
        self.turn = if passed == left {
            Turn::Status
        } else {
            Turn::Contents(left - passed)
        };
    }

    /// `None` if the byte has no place here.
    fn byte(&mut self, at: Offset, stream: Stream, byte: u8, log: &mut Vec<Transfer>) -> Option<()> {
        if self.turn == Turn::Begin {
            (self.sink, self.turn) = (stream, Turn::Record);
            return (byte == 0 && stream != Stream::Error).then_some(());
        }
        let sinks = matches!(
            self.turn,
            Turn::Answer | Turn::AnswerContents | Turn::AnswerStatus
        );
        if sinks != (stream == self.sink) || self.turn == Turn::Over {
            return None;
        }
        if self.line.is_empty() && byte == 0 && self.turn != Turn::Record {
            return self.good(at, log);
        }
        let starts_well = match byte {
            1 | 2 => true,
            b'T' | b'C' | b'D' | b'E' => self.turn == Turn::Record,
            _ => false,
        };
        if self.line.is_empty() && !starts_well {
            return None;
        }
        if byte != b'\n' {
            self.line.push(byte);
            return (self.line.len() <= LINE_MAX && self.may_become_a_line()).then_some(());
        }
        let line = std::mem::take(&mut self.line);
        match line.split_first() {
            Some((1 | 2, message)) => self.warning(at, line.first() == Some(&2), message, log),
            _ => self.record(&line),
        }
    }

    /// Records are looked at while they grow, so that text is not held back for long.
    fn may_become_a_line(&self) -> bool {
        match self.line.split_first() {
            Some((b'C' | b'D', rest)) => rest.iter().take(4).all(|digit| matches!(digit, b'0'..=b'7')),
            Some((b'T', rest)) => rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b' ')),
            Some((b'E', rest)) => rest.is_empty(),
            _ => true,
        }
    }

    fn record(&mut self, line: &[u8]) -> Option<()> {
        let record = Record::parse(line)?;
        let misplaced = match record {
            Record::End => self.directories.is_empty() || self.timed,
            Record::Times => self.timed,
            Record::Contents { .. } | Record::Directory(_) => false,
        };
        if misplaced {
            return None;
        }
        self.timed = record == Record::Times;
        self.turn = if matches!(record, Record::Contents { .. }) {
            Turn::AnswerContents
        } else {
            Turn::Answer
        };
        self.pending = Some(record);
        Some(())
    }

    /// The side whose turn it is says that all is well.
    fn good(&mut self, at: Offset, log: &mut Vec<Transfer>) -> Option<()> {
        match (self.turn, self.pending.take()) {
            (Turn::AnswerContents, Some(Record::Contents { size, name })) => {
                let file = self.entry(at, Operation::Transfer, &name);
                log.push(file.clone());
                self.file = Some(file);
                self.turn = if size == 0 {
                    Turn::Status
                } else {
                    Turn::Contents(size)
                };
            }
            (Turn::Answer, Some(record)) => {
                match record {
                    Record::Directory(name) => {
                        let made = self.entry(at, Operation::Mkdir, &name);
                        log.push(ended(made, at, "ok"));
                        self.directories.push(name);
                    }
                    Record::End => drop(self.directories.pop()),
                    Record::Times | Record::Contents { .. } => {}
                }
                self.turn = Turn::Record;
            }
            (Turn::Status, _) => self.turn = Turn::AnswerStatus,
            (Turn::AnswerStatus, _) => {
                if let Some(file) = self.file.take() {
                    log.push(ended(file, at, "ok"));
                }
                self.turn = Turn::Record;
            }
            _ => return None,
        }
        (self.directories.len() <= DEPTH_MAX).then_some(())
    }

    fn warning(&mut self, at: Offset, last: bool, message: &[u8], log: &mut Vec<Transfer>) -> Option<()> {
        self.timed = false;
        self.warnings += 1;
        let entry = match (self.file.take(), self.pending.take()) {
            (Some(file), _) => file,
            (None, Some(Record::Contents { name, .. } | Record::Directory(name))) => {
                self.entry(at, Operation::Transfer, &name)
            }
            (None, _) => {
                let path = self
                    .command
                    .as_ref()
                    .map(|command| escape(&command.path))
                    .unwrap_or_default();
                self.ledger.entry(at, self.direction(), Operation::Transfer, path)
            }
        };
        let message = escape(message.trim_ascii());
        log.push(ended(
            entry,
            at,
            if message.is_empty() { "failure" } else { &message },
        ));
        self.turn = match self.turn {
            _ if last => Turn::Over,
            // The source could not read it all; the sink answers still.
            Turn::Status => Turn::AnswerStatus,
            _ => Turn::Record,
        };
        (self.warnings <= WARNINGS_MAX).then_some(())
    }

    fn direction(&self) -> Direction {
        if self.sink == Stream::Output {
            Direction::Upload
        } else {
            Direction::Download
        }
    }

    fn entry(&mut self, at: Offset, operation: Operation, name: &[u8]) -> Transfer {
        let (path, other) = self.paths(name);
        let mut entry = self.ledger.entry(at, self.direction(), operation, path);
        entry.target_path = other;
        entry
    }

    /// The whole path as far as command and records tell it. An upload to `x` of a file called `y` makes `x/y` if
    /// `x` is a directory, and `x` if not, which only the target knows: then the name is given as the other path,
    /// and the path is `x` if that looks like a file's name.
    fn paths(&self, name: &[u8]) -> (String, Option<String>) {
        let mut parts: Vec<&[u8]> = self.directories.iter().map(Vec::as_slice).collect();
        parts.push(name);
        let Some(command) = &self.command else {
            return (escape(&parts.join(&b'/')), None);
        };
        let last = command
            .path
            .rsplit(|byte| *byte == b'/')
            .next()
            .unwrap_or_default();
        let first_is_named = parts.first() == Some(&last);
        let mut other = None;
        if first_is_named {
            parts.remove(0);
        } else if self.direction() == Direction::Download {
            // The path was a pattern, or ends in a way that says nothing.
            return (escape(&parts.join(&b'/')), None);
        } else if !command.directory && parts.len() == 1 {
            other = Some(escape(name));
            if last.contains(&b'.') {
                parts.clear();
            }
        }
        let base = command
            .path
            .strip_suffix(b"/")
            .filter(|base| !base.is_empty())
            .unwrap_or(&command.path);
        if base == b"/" {
            parts.insert(0, b"");
        } else if base != b"." || parts.is_empty() {
            parts.insert(0, base);
        }
        (escape(&parts.join(&b'/')), other)
    }
}

impl Record {
    fn parse(line: &[u8]) -> Option<Self> {
        let (kind, rest) = line.split_first()?;
        let mut words = rest.splitn(3, |byte| *byte == b' ');
        match kind {
            b'E' if rest.is_empty() => Some(Self::End),
            b'T' => {
                let numbers: Vec<&[u8]> = rest.split(|byte| *byte == b' ').collect();
                (numbers.len() == 4 && numbers.iter().all(|word| number(word).is_some()))
                    .then_some(Self::Times)
            }
            b'C' | b'D' => {
                let mode = words.next()?;
                let size = number(words.next()?)?;
                let name = words.next()?.to_vec();
                let mode_is_octal = mode.len() == 4 && mode.iter().all(|digit| matches!(digit, b'0'..=b'7'));
                let name_is_one = !name.is_empty() && !name.contains(&b'/') && name != b"." && name != b"..";
                if !(mode_is_octal && name_is_one) {
                    return None;
                }
                Some(if *kind == b'C' {
                    Self::Contents { size, name }
                } else {
                    Self::Directory(name)
                })
            }
            _ => None,
        }
    }
}

fn number(word: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(word).ok()?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

impl CommandPath {
    /// Reads `scp -t PATH` or `scp -f PATH` as clients write it. For names in the log only: nothing is decided by it.
    fn of(command: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(command).ok()?;
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        if words.next()?.rsplit('/').next() != Some("scp") {
            return None;
        }
        let mut directory = false;
        let mut path = words.next()?;
        while path.starts_with('-') && path.len() > 1 {
            directory |= path.contains(['d', 'r']) && path != "--";
            path = words.next()?;
        }
        let rest = text.get(text.rfind(path)?..)?;
        let path = rest.trim().trim_matches(['\'', '"']).as_bytes().to_vec();
        directory |= path.ends_with(b"/") || path == b"." || path == b"..";
        (!path.is_empty()).then_some(Self { path, directory })
    }
}

#[cfg(test)]
#[path = "scp_tests.rs"]
mod tests;
