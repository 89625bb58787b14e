//! The plain transcript of a cast, read off a screen model.

use std::collections::VecDeque;

use avt::observer::{Observation, Observer};
use avt::parser::{EdScope, Function};
use avt::{Line, Operation, ScreenKind, Terminal};

use super::safe::SafeRenderer;
use crate::cast::{CastData, CastEvent};
use crate::offset::Offset;

/// Largest screen that is modelled, columns and rows: a target does not choose how much memory a reader needs.
const SIZE_MAX: (usize, usize) = (1000, 500);
/// Longest logical line, in bytes; a longer one is cut into several.
const LINE_MAX: usize = 64 * 1024;

/// A line of a transcript, with the time at which its row was last written to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimedLine {
    /// The time.
    pub at: Offset,
    /// The line.
    pub text: String,
}

/// Turns the events of one cast into the lines a person saw: lines as they leave the screen at its top, what a clear
/// takes away, and at the end what is on it. Rows that were wrapped are one line. Of a program on the alternate
/// screen (an editor, a pager) each screen that it clears or leaves is given. Memory is bounded by the screen.
pub struct Transcript {
    terminal: Option<Terminal>,
    safe: SafeRenderer,
    lines: Lines,
}

impl Transcript {
    /// A transcript of a terminal of this size.
    pub fn new(cols: u32, rows: u32) -> Self {
        let (cols, rows) = clamp(cols, rows);
        Self {
            terminal: Terminal::new(cols, rows).ok(),
            safe: SafeRenderer::new(),
            lines: Lines::of(rows),
        }
    }

    /// Takes an event and gives the lines that are complete now.
    pub fn feed(&mut self, event: &CastEvent) -> Vec<String> {
        texts(self.feed_timed(event))
    }

    /// The same with the times of the lines.
    pub fn feed_timed(&mut self, event: &CastEvent) -> Vec<TimedLine> {
        let Some(terminal) = &mut self.terminal else {
            return Vec::new();
        };
        self.lines.now = event.at;
        match &event.data {
            // What is not safe to show is not seen either, and would only burden the model.
            CastData::Output(_, data) => {
                terminal.feed_with(self.safe.render(&data.text).as_str(), &mut self.lines);
            }
            CastData::Resize { cols, rows } => {
                let (cols, rows) = clamp(*cols, *rows);
                terminal.resize_with(cols, rows, &mut self.lines);
                self.lines.times.resize(rows, event.at);
            }
            CastData::Binary(stream, length) => {
                let note = format!("\r\n[{length} bytes of binary {}]\r\n", stream.as_str());
                terminal.feed_with(note.as_str(), &mut self.lines);
            }
            _ => {}
        }
        std::mem::take(&mut self.lines.ready)
    }

    /// The lines that are left on the screen.
    pub fn finish(self) -> Vec<String> {
        texts(self.finish_timed())
    }

    /// The same with the times of the lines.
    pub fn finish_timed(self) -> Vec<TimedLine> {
        self.on_screen()
    }

    /// The lines that would be left on the screen if nothing came any more.
    pub fn on_screen(&self) -> Vec<TimedLine> {
        let mut lines = self.lines.clone();
        if let Some(terminal) = &self.terminal {
            if terminal.active_screen_kind() == ScreenKind::Alternate {
                lines.snapshot(terminal);
            }
            let start = lines.ready.len();
            for line in terminal.primary_screen().all_lines() {
                let at = lines.times.pop_front().unwrap_or(lines.now);
                lines.push(line, at);
            }
            lines.end_line();
            while lines.ready.len() > start && lines.ready.last().is_some_and(|line| line.text.is_empty()) {
                lines.ready.pop();
            }
        }
        lines.ready
    }
}

fn texts(lines: Vec<TimedLine>) -> Vec<String> {
    lines.into_iter().map(|line| line.text).collect()
}

fn clamp(cols: u32, rows: u32) -> (usize, usize) {
    (
        (cols as usize).clamp(1, SIZE_MAX.0),
        (rows as usize).clamp(1, SIZE_MAX.1),
    )
}

#[derive(Clone, Default)]
struct Lines {
    wrapped: String,
    wrapped_at: Offset,
    ready: Vec<TimedLine>,
    last_snapshot: Vec<String>,
    /// The time of the event that is being taken.
    now: Offset,
    /// By row of the primary screen, when it was last written to. Rows that were moved within the screen have the
    /// times of their places.
    times: VecDeque<Offset>,
}

impl Lines {
    fn of(rows: usize) -> Self {
        Self {
            times: std::iter::repeat_n(Offset::ZERO, rows).collect(),
            ..Self::default()
        }
    }

    fn push(&mut self, line: &Line, at: Offset) {
        if self.wrapped.is_empty() {
            self.wrapped_at = at;
        }
        self.wrapped.extend(line.chars());
        if !line.is_wrapped() || self.wrapped.len() > LINE_MAX {
            let text = self.wrapped.trim_end().to_owned();
            self.ready.push(TimedLine {
                at: self.wrapped_at,
                text,
            });
            self.wrapped.clear();
        }
    }

    fn end_line(&mut self) {
        if !self.wrapped.is_empty() {
            let text = std::mem::take(&mut self.wrapped).trim_end().to_owned();
            self.ready.push(TimedLine {
                at: self.wrapped_at,
                text,
            });
        }
    }

    /// The alternate screen as it stands, unless it stood like that before.
    fn snapshot(&mut self, terminal: &Terminal) {
        let mut screen: Vec<String> = terminal
            .screen()
            .visible_lines()
            .map(|line| line.text().trim_end().to_owned())
            .collect();
        while screen.last().is_some_and(String::is_empty) {
            screen.pop();
        }
        if !screen.is_empty() && screen != self.last_snapshot {
            let at = self.now;
            self.ready.extend(screen.iter().map(|text| TimedLine {
                at,
                text: text.clone(),
            }));
            self.last_snapshot = screen;
        }
    }
}

impl Observer for Lines {
    type Output = ();

    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        let terminal = context.terminal();
        if matches!(operation, Operation::Function(Function::Print(_)))
            && terminal.active_screen_kind() == ScreenKind::Primary
            && let Some(time) = self.times.get_mut(terminal.cursor().row)
        {
            *time = self.now;
        }
        let vanishes = match operation {
            Operation::Function(Function::Ed(EdScope::All) | Function::Decrst(_)) => true,
            Operation::Function(Function::Ed(EdScope::Below)) => terminal.cursor().row == 0,
            _ => false,
        };
        if vanishes && terminal.active_screen_kind() == ScreenKind::Alternate {
            self.snapshot(terminal);
        }
    }

    fn evicted(&mut self, _: &mut Observation<'_>, line: &Line) {
        let at = self.times.pop_front().unwrap_or(self.now);
        self.times.push_back(self.now);
        self.push(line, at);
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cast::CastBytes;
    use crate::event::Stream;
    use proptest::prelude::*;

    fn output(text: &str) -> CastEvent {
        let data = CastBytes {
            text: text.to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        CastEvent {
            at: Offset::ZERO,
            data: CastData::Output(Stream::Output, data),
        }
    }

    fn transcript(cols: u32, rows: u32, pieces: &[&str]) -> Vec<String> {
        let mut transcript = Transcript::new(cols, rows);
        let mut lines: Vec<String> = pieces
            .iter()
            .flat_map(|piece| transcript.feed(&output(piece)))
            .collect();
        lines.extend(transcript.finish());
        lines
    }

    #[test]
    fn corrections_are_seen_as_they_looked() {
        assert_eq!(
            transcript(20, 3, &["$ lss\x08\x1b[K\r\na\r\nb\r\nc\r\n\x1b[31md\x1b[0m\r\n"]),
            ["$ ls", "a", "b", "c", "d"]
        );
        assert_eq!(transcript(20, 3, &["10%\r50%\r100%\r\n"]), ["100%"]);
        assert_eq!(transcript(5, 3, &["wrapped line\r\nx"]), ["wrapped line", "x"]);
    }

    #[test]
    fn what_a_clear_took_away_was_seen() {
        assert_eq!(
            transcript(20, 4, &["secret\r\n", "\x1b[H\x1b[2J\x1b[3J", "new"]),
            ["secret", "new"]
        );
    }

    #[test]
    fn the_alternate_screen_is_seen_when_it_goes() {
        let lines = transcript(
            20,
            4,
            &[
                "$ vi\r\n\x1b[?1049h\x1b[Hhello\x1b[3;1Hworld",
                "\x1b[?1049l$ exit",
            ],
        );
        assert_eq!(lines, ["hello", "", "world", "$ vi", "$ exit"]);
        assert_eq!(
            transcript(20, 4, &["\x1b[?1049h\x1b[Hstill there"]),
            ["still there"]
        );
    }

    #[test]
    fn a_line_has_the_time_at_which_it_was_written() {
        let mut transcript = Transcript::new(20, 3);
        let mut lines = Vec::new();
        for (second, piece) in [
            (1.0, "one\r\n"),
            (2.0, "tw"),
            (3.0, "o\r\nthree"),
            (60.0, "\r\nfour\r\n"),
        ] {
            let event = CastEvent {
                at: Offset::from_seconds(second),
                ..output(piece)
            };
            lines.extend(transcript.feed_timed(&event));
        }
        let on_screen = transcript.on_screen();
        assert_eq!(on_screen, transcript.on_screen(), "looking changes nothing");
        lines.extend(transcript.finish_timed());
        let seen: Vec<_> = lines
            .iter()
            .map(|line| (line.text.as_str(), line.at.seconds()))
            .collect();
        assert_eq!(seen, [("one", 1.0), ("two", 3.0), ("three", 3.0), ("four", 60.0)]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let lines = transcript(80, 24, &["x".repeat(300_000).as_str()]);
        assert!(lines.len() > 3 && lines.concat().len() == 300_000);
    }

    proptest! {
        #[test]
        fn any_output_has_a_transcript(
            pieces in prop::collection::vec("[\x1b\\[\\]0-9;?a-zA-Z\r\n\x08 é☃]{0,40}", 0..10),
            sizes in prop::collection::vec((0u32..3000, 0u32..3000), 0..3),
        ) {
            let mut transcript = Transcript::new(7, 3);
            for piece in &pieces { transcript.feed(&output(piece)); }
            for (cols, rows) in sizes {
                transcript.feed(&CastEvent { at: Offset::ZERO, data: CastData::Resize { cols: cols.min(60), rows: rows.min(40) } });
                for piece in &pieces { transcript.feed(&output(piece)); }
            }
            let lines = transcript.finish();
            prop_assert!(!lines.iter().any(|line| line.contains(char::is_control)));
        }
    }
}
