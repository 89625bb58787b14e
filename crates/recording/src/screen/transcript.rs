//! The plain transcript of a cast, read off a screen model.

use avt::observer::{Observation, Observer};
use avt::parser::{EdScope, Function};
use avt::{Line, Operation, ScreenKind, Terminal};

use super::safe::SafeRenderer;
use crate::cast::{CastData, CastEvent};

/// Largest screen that is modelled, columns and rows: a target does not choose how much memory a reader needs.
const SIZE_MAX: (usize, usize) = (1000, 500);
/// Longest logical line, in bytes; a longer one is cut into several.
const LINE_MAX: usize = 64 * 1024;

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
            lines: Lines::default(),
        }
    }

    /// Takes an event and gives the lines that are complete now.
    pub fn feed(&mut self, event: &CastEvent) -> Vec<String> {
        let Some(terminal) = &mut self.terminal else {
            return Vec::new();
        };
        match &event.data {
            // What is not safe to show is not seen either, and would only burden the model.
            CastData::Output(_, data) => {
                terminal.feed_with(self.safe.render(&data.text).as_str(), &mut self.lines);
            }
            CastData::Resize { cols, rows } => {
                let (cols, rows) = clamp(*cols, *rows);
                terminal.resize_with(cols, rows, &mut self.lines);
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
    pub fn finish(mut self) -> Vec<String> {
        if let Some(terminal) = &self.terminal {
            if terminal.active_screen_kind() == ScreenKind::Alternate {
                self.lines.snapshot(terminal);
            }
            let start = self.lines.ready.len();
            for line in terminal.primary_screen().all_lines() {
                self.lines.push(line);
            }
            self.lines.end_line();
            while self.lines.ready.len() > start && self.lines.ready.last().is_some_and(String::is_empty) {
                self.lines.ready.pop();
            }
        }
        self.lines.ready
    }
}

fn clamp(cols: u32, rows: u32) -> (usize, usize) {
    (
        (cols as usize).clamp(1, SIZE_MAX.0),
        (rows as usize).clamp(1, SIZE_MAX.1),
    )
}

#[derive(Default)]
struct Lines {
    wrapped: String,
    ready: Vec<String>,
    last_snapshot: Vec<String>,
}

impl Lines {
    fn push(&mut self, line: &Line) {
        self.wrapped.extend(line.chars());
        if !line.is_wrapped() || self.wrapped.len() > LINE_MAX {
            self.ready.push(self.wrapped.trim_end().to_owned());
            self.wrapped.clear();
        }
    }

    fn end_line(&mut self) {
        if !self.wrapped.is_empty() {
            self.ready
                .push(std::mem::take(&mut self.wrapped).trim_end().to_owned());
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
            self.ready.extend(screen.iter().cloned());
            self.last_snapshot = screen;
        }
    }
}

impl Observer for Lines {
    type Output = ();

    fn before(&mut self, context: &mut Observation<'_>, operation: &Operation) {
        let terminal = context.terminal();
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
        self.push(line);
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cast::CastBytes;
    use crate::event::Stream;
    use crate::offset::Offset;
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
