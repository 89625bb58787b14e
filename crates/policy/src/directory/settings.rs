//! What the configuration adds to the rows, and text made safe for terminals.

use gatehouse_model::{BinaryMode, ForwardCapture, InputMode, RecordMode};

/// What the configuration adds to the rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectorySettings {
    /// IANA name of the zone of schedules that name none (`[policy] timezone`).
    pub default_zone: String,
    /// Whom to ask, as it stands in sentences after "ask": a name, a mail address, a telephone number.
    pub contact: String,
    /// Where the web pages are, such as `https://jump:5000`; `None`: sentences say nothing of `curl`.
    pub public_url: Option<String>,
    /// What counts where a policy says nothing (`[recording] mode`).
    pub record_mode: RecordMode,
    /// What counts where a policy says nothing (`[recording] binary`).
    pub record_binary: BinaryMode,
    /// What counts where a policy says nothing (`[recording] input`).
    pub record_input: InputMode,
    /// What counts where a policy says nothing (`[recording] forwards`).
    pub record_forwards: ForwardCapture,
}

impl Default for DirectorySettings {
    fn default() -> Self {
        Self {
            default_zone: "UTC".to_owned(),
            contact: "your administrator".to_owned(),
            public_url: None,
            record_mode: RecordMode::Strict,
            record_binary: BinaryMode::Digest,
            record_input: InputMode::Echoed,
            record_forwards: ForwardCapture::Off,
        }
    }
}

impl DirectorySettings {
    /// The same with its texts safe for terminals.
    pub(crate) fn printable(self) -> Self {
        Self {
            contact: printable(&self.contact, 200),
            public_url: self
                .public_url
                .map(|url| printable(url.trim_end_matches('/'), 200)),
            ..self
        }
    }
}

/// The text for a person's terminal: at most `max` characters, and nothing that moves a cursor, starts an escape
/// sequence, breaks the line, hides or reorders what is written. A space stands for each such character.
pub(crate) fn printable(text: &str, max: usize) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let mut out: String = text
        .chars()
        .take(max)
        .map(|c| if harmful(c) { ' ' } else { c })
        .collect();
    if text.chars().nth(max).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(
            printable("a\x1b]0;x\x07b\r\nc\u{9b}d\u{202e}e", 99),
            "a ]0;x b  c d e"
        );
        assert_eq!(printable("Ünal, 漢字", 99), "Ünal, 漢字");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
