//! What output shows on the line where the cursor is.
//!
//! Much less than a screen: just enough to tell a new character from one that an editor of lines draws again.

/// Something that output put before the person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shown {
    /// A character; `Redrawn` if the same one stood there already.
    Character(char, Novelty),
    /// The line was left.
    NewLine,
}

/// Whether a character changed what was shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Novelty {
    /// Something else, or nothing, stood there.
    New,
    /// The same character stood there.
    Redrawn,
}

/// Longest line that is followed, in characters, and longest tail of output that is read when nobody waits for it.
const LINE_MAX: usize = 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    /// One more character belongs to the escape sequence.
    Charset,
    /// Within a control sequence, with its first number.
    Control(u16),
    /// Within the later numbers of a control sequence.
    ControlRest(u16),
    /// Within OSC, DCS, APC, PM or SOS.
    Text,
    /// The same, after ESC.
    TextEscape,
}

/// The line where the cursor is.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShownLine {
    state: State,
    cells: Vec<char>,
    cursor: usize,
}

impl ShownLine {
    /// Follows output of which nobody wants to know what it shows: only its last line matters.
    pub(crate) fn skip(&mut self, output: &str) {
        let last_line = output
            .rfind('\n')
            .map_or(output, |at| output.get(at..).unwrap_or_default());
        let start = (last_line.len().saturating_sub(LINE_MAX)..last_line.len())
            .find(|at| last_line.is_char_boundary(*at))
            .unwrap_or_default();
        if start > 0 || last_line.len() < output.len() {
            self.forget();
            self.state = State::Ground;
        }
        self.follow(last_line.get(start..).unwrap_or_default(), |_| ());
    }

    /// Follows output and tells what it shows.
    pub(crate) fn follow(&mut self, output: &str, mut tell: impl FnMut(Shown)) {
        for character in output.chars() {
            if let Some(shown) = self.character(character) {
                tell(shown);
            }
        }
    }

    fn character(&mut self, character: char) -> Option<Shown> {
        match (self.state, character) {
            (State::Text | State::TextEscape, '\x07' | '\x18' | '\x1a') | (State::TextEscape, '\\') => {
                self.state = State::Ground;
            }
            (State::Text, '\x1b') => self.state = State::TextEscape,
            (State::Text | State::TextEscape, _) => self.state = State::Text,
            (_, '\x1b') => self.state = State::Escape,
            (_, '\x18' | '\x1a') => self.state = State::Ground,
            (_, control) if control < ' ' || control == '\x7f' => return self.control(control),
            (State::Ground, printable) => return Some(self.write(printable)),
            (State::Escape, '[') => self.state = State::Control(0),
            (State::Escape, ']' | 'P' | 'X' | '^' | '_') => self.state = State::Text,
            (State::Escape, ' '..='/') => self.state = State::Charset,
            (State::Escape | State::Charset, _) => self.state = State::Ground,
            (State::Control(number), '0'..='9') => {
                let digit = u16::try_from(u32::from(character) - u32::from('0')).unwrap_or_default();
                self.state = State::Control(number.saturating_mul(10).saturating_add(digit));
            }
            (State::Control(number) | State::ControlRest(number), ' '..='?') => {
                self.state = State::ControlRest(number);
            }
            (State::Control(number) | State::ControlRest(number), last) => {
                self.state = State::Ground;
                self.sequence(last, usize::from(number));
            }
        }
        None
    }

    fn control(&mut self, control: char) -> Option<Shown> {
        match control {
            '\n' | '\x0b' | '\x0c' => {
                self.forget();
                return Some(Shown::NewLine);
            }
            '\r' => self.cursor = 0,
            '\x08' => self.cursor = self.cursor.saturating_sub(1),
            '\t' => self.cursor = (self.cursor / 8 + 1) * 8,
            _ => {}
        }
        None
    }

    fn write(&mut self, character: char) -> Shown {
        if self.cursor >= LINE_MAX {
            self.forget();
        }
        if self.cursor >= self.cells.len() {
            self.cells.resize(self.cursor + 1, '\0');
        }
        let Some(cell) = self.cells.get_mut(self.cursor) else {
            return Shown::Character(character, Novelty::New);
        };
        let novelty = if *cell == character {
            Novelty::Redrawn
        } else {
            Novelty::New
        };
        *cell = character;
        self.cursor += 1;
        Shown::Character(character, novelty)
    }

    /// A control sequence (ECMA-48 section 8.3) as far as it moves within the line or changes it.
    fn sequence(&mut self, last: char, number: usize) {
        let count = number.max(1);
        match last {
            'C' => self.cursor = (self.cursor + count).min(LINE_MAX),
            'D' => self.cursor = self.cursor.saturating_sub(count),
            'G' | '`' => self.cursor = (count - 1).min(LINE_MAX),
            'K' | 'J' if number == 0 => self.cells.truncate(self.cursor),
            'K' => self.cells.clear(),
            'P' if self.cursor < self.cells.len() => {
                self.cells
                    .drain(self.cursor..self.cells.len().min(self.cursor + count));
            }
            '@' if self.cursor < self.cells.len() => {
                let blanks = count.min(LINE_MAX);
                self.cells
                    .splice(self.cursor..self.cursor, std::iter::repeat_n('\0', blanks));
                self.cells.truncate(LINE_MAX);
            }
            // Another line, of which nothing is known.
            'A' | 'B' | 'E' | 'F' | 'H' | 'f' | 'd' | 'J' => self.forget(),
            _ => {}
        }
    }

    fn forget(&mut self) {
        self.cells.clear();
        self.cursor = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_characters(outputs: &[&str]) -> String {
        let (mut line, mut text) = (ShownLine::default(), String::new());
        for output in outputs {
            line.follow(output, |shown| match shown {
                Shown::Character(character, Novelty::New) => text.push(character),
                Shown::Character(..) => {}
                Shown::NewLine => text.push('/'),
            });
        }
        text
    }

    #[test]
    fn drawing_again_is_nothing_new() {
        assert_eq!(new_characters(&["$ ", "l", "\x08ls", "\r$ ls -a"]), "$ ls -a");
        assert_eq!(new_characters(&["ab\x1b[31mc\x1b[0m", "\x1b[3D", "abc"]), "abc");
        assert_eq!(
            new_characters(&["abc\x1b[2D\x1b[1@x\r", "axbc\n", "abc"]),
            "abcx/abc"
        );
        assert_eq!(new_characters(&["abc\x08\x1b[K", "c"]), "abcc");
        assert_eq!(new_characters(&["abcd\r\x1b[Pbcd"]), "abcd");
    }

    #[test]
    fn titles_and_charsets_show_nothing() {
        assert_eq!(
            new_characters(&["\x1b]0;title\x07a\x1bP1$r0m\x1b\\b\x1b(Bc\x1b=d"]),
            "abcd"
        );
        assert_eq!(new_characters(&["\x1b]0;ti", "tle", "\x1b", "\\a"]), "a");
    }

    #[test]
    fn endless_lines_are_forgotten() {
        let mut line = ShownLine::default();
        line.follow(&"x".repeat(10_000), |_| ());
        line.follow("\x1b[65535C\x1b[65535Gy\x1b[9999@\t\t\t", |_| ());
        assert!(line.cells.len() <= LINE_MAX + 1);
        line.skip(&("ab\n".repeat(1000) + "$ "));
        assert_eq!(line.cells, ['$', ' ']);
    }
}
