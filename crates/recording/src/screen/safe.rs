//! Output of a target made safe for the terminal of whoever looks at it.
//!
//! A target may send a terminal anything: questions that it answers as if the viewer had typed, titles, clipboard
//! contents, keyboard modes. What passes here is a short list, everything else is left out:
//!
//! - text, with CR, LF, BS, TAB and the line drawing set;
//! - colours and attributes (SGR);
//! - moving the cursor, saving and restoring it, showing and hiding it;
//! - erasing, inserting, deleting and scrolling on the screen (not the scroll-back);
//! - the alternate screen, the scrolling region, origin and wrap modes.
//!
//! OSC, DCS, APC, PM, SOS, every query and report, mouse, keyboard and window modes never pass, also when cut into
//! pieces or written with 8-bit controls. A sequence that passes is written anew, whole, at once; numbers above 9999
//! are no sequence of a program that means well, and it is left out.

use std::fmt::Write as _;

/// Puts the viewer's terminal in order after a rendering: attributes, charset, scrolling region, modes, screen.
pub const RESTORE: &str = "\x1b[0m\x1b(B\x0f\x1b[r\x1b[4l\x1b[?6l\x1b[?7h\x1b[?25h\x1b[?1049l";

/// What a full reset becomes: it would also reset what the viewer set up.
const CLEAR: &str = "\x1b[0m\x1b(B\x0f\x1b[r\x1b[4l\x1b[?6l\x1b[?7h\x1b[?25h\x1b[H\x1b[2J";
/// Most bytes of the parameters of a control sequence.
const PARAMETERS_MAX: usize = 128;
/// Most digits of a number.
const DIGITS_MAX: usize = 4;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Ground,
    Escape,
    /// `ESC` and an intermediate byte.
    EscapeIntermediate(char),
    /// A control sequence, with its parameters so far.
    Control(String),
    /// A control sequence of which nothing will pass.
    ControlDropped,
    /// OSC (ended by BEL too).
    Osc,
    OscEscape,
    /// DCS, APC, PM, SOS.
    Text,
    TextEscape,
}

/// Makes output safe, piece by piece.
#[derive(Clone, Debug, Default)]
pub struct SafeRenderer {
    state: State,
}

impl SafeRenderer {
    /// A renderer at a stream's beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// What of `output` may be shown. What is cut at its end is kept for the next piece.
    pub fn render(&mut self, output: &str) -> String {
        let mut safe = String::with_capacity(output.len());
        for character in output.chars() {
            self.character(character, &mut safe);
        }
        safe
    }

    fn character(&mut self, character: char, safe: &mut String) {
        // What begins or ends strings, whatever the state (ECMA-48 section 5.3: C1 controls in both forms).
        match (&self.state, character) {
            (_, '\u{18}' | '\u{1a}' | '\u{9c}') => self.state = State::Ground,
            (State::Osc | State::OscEscape, '\x07') => self.state = State::Ground,
            (State::OscEscape | State::TextEscape, '\\') => self.state = State::Ground,
            (State::Osc, '\x1b') => self.state = State::OscEscape,
            (State::Text, '\x1b') => self.state = State::TextEscape,
            (State::Osc | State::Text, _) => {}
            // ESC within a string ends it, and begins a sequence.
            (State::OscEscape | State::TextEscape, _) => {
                self.state = State::Escape;
                self.character(character, safe);
            }
            (_, '\x1b') => self.state = State::Escape,
            (_, '\u{80}'..='\u{9f}') => {
                let seven_bit = char::from_u32(u32::from(character) - 0x40).unwrap_or('\0');
                self.state = State::Escape;
                self.escape(seven_bit, safe);
            }
            (_, control) if control.is_control() => Self::control(control, safe),
            (State::Ground, printable) => safe.push(printable),
            (State::Escape, _) => self.escape(character, safe),
            (State::EscapeIntermediate(_), ' '..='/') => self.state = State::EscapeIntermediate('\0'),
            (State::EscapeIntermediate(set), _) => {
                if matches!((set, character), ('(' | ')', '0' | 'B')) {
                    let _ = write!(safe, "\x1b{set}{character}");
                }
                self.state = State::Ground;
            }
            (State::Control(_) | State::ControlDropped, _) => self.sequence(character, safe),
        }
    }

    fn control(control: char, safe: &mut String) {
        if matches!(control, '\n' | '\r' | '\t' | '\x08' | '\x0e' | '\x0f') {
            safe.push(control);
        } else if matches!(control, '\x0b' | '\x0c') {
            safe.push('\n');
        }
    }

    fn escape(&mut self, character: char, safe: &mut String) {
        self.state = match character {
            '[' => State::Control(String::new()),
            ']' => State::Osc,
            'P' | 'X' | '^' | '_' => State::Text,
            ' '..='/' => State::EscapeIntermediate(character),
            _ => State::Ground,
        };
        match character {
            // Save and restore the cursor, index, next line, reverse index.
            '7' | '8' | 'D' | 'E' | 'M' => {
                let _ = write!(safe, "\x1b{character}");
            }
            'c' => safe.push_str(CLEAR),
            _ => {}
        }
    }

    fn sequence(&mut self, character: char, safe: &mut String) {
        let State::Control(parameters) = &mut self.state else {
            if matches!(character, '@'..='~') || !character.is_ascii() {
                self.state = State::Ground;
            }
            return;
        };
        match character {
            ' '..='?' if parameters.len() < PARAMETERS_MAX => parameters.push(character),
            ' '..='?' => self.state = State::ControlDropped,
            '@'..='~' => {
                pass(parameters, character, safe);
                self.state = State::Ground;
            }
            _ => self.state = State::Ground,
        }
    }
}

/// Writes a control sequence anew if it is one of those that pass.
fn pass(parameters: &str, last: char, safe: &mut String) {
    let (private, numbers) = match parameters.strip_prefix('?') {
        Some(numbers) => (true, numbers),
        None => (false, parameters),
    };
    let is_number = |word: &str| word.len() <= DIGITS_MAX && word.bytes().all(|byte| byte.is_ascii_digit());
    let sub_numbers = last == 'm' && !private;
    if !numbers.split(';').all(|word| {
        if sub_numbers {
            word.split(':').all(is_number)
        } else {
            is_number(word)
        }
    }) {
        return;
    }
    let count = if numbers.is_empty() {
        0
    } else {
        numbers.split(';').count()
    };
    if private {
        let modes: Vec<&str> = numbers.split(';').filter(|mode| is_harmless_mode(mode)).collect();
        if matches!(last, 'h' | 'l') && !modes.is_empty() {
            let _ = write!(safe, "\x1b[?{}{last}", modes.join(";"));
        }
        return;
    }
    let passes = match last {
        // Colours and attributes.
        'm' => true,
        // The cursor.
        'A'..='G' | 'I' | 'Z' | '`' | 'a' | 'd' | 'e' => count <= 1,
        'H' | 'f' => count <= 2,
        's' | 'u' => count == 0,
        // Erasing on the screen: 3 would erase the viewer's scroll-back.
        'J' | 'K' => matches!(numbers, "" | "0" | "1" | "2"),
        // Inserting, deleting, erasing, repeating and scrolling. With more numbers T is a mouse mode.
        '@' | 'L' | 'M' | 'P' | 'X' | 'b' | 'S' | 'T' => count <= 1,
        // The scrolling region.
        'r' => count <= 2,
        // Insert mode.
        'h' | 'l' => numbers == "4",
        _ => false,
    };
    if passes {
        let _ = write!(safe, "\x1b[{numbers}{last}");
    }
}

/// Origin, wrap, cursor and alternate screen.
fn is_harmless_mode(mode: &str) -> bool {
    matches!(mode, "6" | "7" | "12" | "25" | "47" | "1047" | "1048" | "1049")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn render(output: &str) -> String {
        SafeRenderer::new().render(output)
    }

    #[test]
    fn what_people_look_at_passes_unchanged() {
        for output in [
            "plain zażółć 日本\r\n\tx\x08",
            "\x1b[31;1mred\x1b[0m\x1b[38;2;1;2;3m\x1b[38:2::1:2:3m",
            "\x1b[H\x1b[2J\x1b[10;20H\x1b[K\x1b[3A\x1b[2;5r\x1b7\x1b8\x1bM",
            "\x1b[?1049h\x1b[?25l\x1b[?25h\x1b[?1049l\x1b(0lqk\x1b(B\x0e\x0f",
        ] {
            assert_eq!(render(output), output);
        }
    }

    #[test]
    fn what_asks_or_commands_the_viewer_never_passes() {
        for output in [
            "\x1b]0;title\x07",
            "\x1b]52;c;cm0gLXJm\x1b\\",
            "\x1b]8;;http://x\x1b\\",
            "\u{9d}0;title\u{9c}",
            "\x1bP+q544e\x1b\\",
            "\x1bP$qm\x1b\\",
            "\u{90}$qm\u{9c}",
            "\x1b_Gq=1\x1b\\",
            "\x1b^pm\x1b\\",
            "\x1bXsos\x1b\\",
            "\x1b[c",
            "\x1b[>c",
            "\x1b[=c",
            "\x1b[>0q",
            "\x1b[5n",
            "\x1b[6n",
            "\x1b[?6n",
            "\x1b[?1000h",
            "\x1b[?2004h",
            "\x1b[?1h",
            "\x1b[>4;2m",
            "\x1b[>1u",
            "\x1b[?u",
            "\x1b[14t",
            "\x1b[21t",
            "\x1b[3J",
            "\x1b[?3J",
            "\x1b[1;1;1;1;1T",
            "\x1b[2 q",
            "\x1b[!p",
            "\x1b[?25$p",
            "\x1b[0x",
            "\x1b[99999b",
            "\u{9b}6n",
            "\x1bZ",
            "\x1b#8",
            "\x1b=",
            "\x07\x05\x00\x7f",
        ] {
            assert_eq!(render(output), "", "{output:?}");
        }
        assert_eq!(render("\x1b[?25;1000;1049h"), "\x1b[?25;1049h");
        assert_eq!(render("\x1bc"), CLEAR);
    }

    #[test]
    fn strings_end_where_terminals_end_them() {
        assert_eq!(render("a\x1b]0;x\x1b[31mb"), "a\x1b[31mb");
        assert_eq!(render("a\x1bP\x07still\x1b\\b"), "ab");
        assert_eq!(render("a\x1b]x\x18b"), "ab");
        assert_eq!(render("\u{9b}31mred"), "\x1b[31mred");
    }

    /// The grammar of what may pass, written on its own.
    fn is_safe(mut text: &str) -> bool {
        while let Some(at) = text.find(|c: char| c.is_control()) {
            let rest = &text[at..];
            let mut after = rest[1..].chars();
            text = match rest.as_bytes()[0] {
                b'\n' | b'\r' | b'\t' | 8 | 14 | 15 => &rest[1..],
                0x1b => match after.next() {
                    Some('7' | '8' | 'D' | 'E' | 'M') => &rest[2..],
                    Some('(' | ')') if matches!(after.next(), Some('0' | 'B')) => &rest[3..],
                    Some('[') => {
                        let body = &rest[2..];
                        let Some(end) = body.find(|c: char| !matches!(c, '0'..=';' | '?')) else {
                            return false;
                        };
                        let (numbers, last) = (&body[..end], &body[end..=end]);
                        let known = if numbers.contains('?') {
                            "hl"
                        } else {
                            "@ABCDEFGHIJKLMPSTXZ`abdefhlmrsu"
                        };
                        if !known.contains(last) || (numbers.is_empty() && "hl".contains(last)) {
                            return false;
                        }
                        &body[end + 1..]
                    }
                    _ => return false,
                },
                _ => return false,
            };
        }
        true
    }

    proptest! {
        #[test]
        fn nothing_forbidden_passes_and_cuts_change_nothing(
            pieces in prop::collection::vec(prop_oneof![
                3 => "[\x1b\u{9b}\u{9d}\u{90}\u{9c}\\[\\]P_^X\\\\0-9;:?>=!$ \"'a-zA-Z@`~\x07\x18\x00-\x1f\u{80}-\u{9f}é☃]{1,12}",
                1 => any::<String>(),
            ], 0..30),
        ) {
            let whole: String = pieces.concat();
            let once = render(&whole);
            prop_assert!(is_safe(&once), "{:?}", once);
            let mut renderer = SafeRenderer::new();
            let cut: String = pieces.iter().map(|piece| renderer.render(piece)).collect();
            prop_assert_eq!(&cut, &once);
            let mut renderer = SafeRenderer::new();
            let letters: String = whole.chars().map(|c| renderer.render(c.encode_utf8(&mut [0; 4]))).collect();
            prop_assert_eq!(&letters, &once);
            prop_assert_eq!(render(&once), once, "what is safe stays as it is");
        }
    }
}
