//! Sentences for the person: wrapped for a banner, framed for a shell, free of control characters.

/// Width of a banner's lines.
const WIDTH: usize = 72;

/// Wraps text at 72 columns with CR LF line ends (RFC 4252 section 5.4), each paragraph by itself. Control
/// characters become spaces, since names in a sentence come from outside.
pub(crate) fn banner(text: &str) -> String {
    wrapped(text, WIDTH)
}

fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    for paragraph in text.lines() {
        let mut column = 0;
        for word in paragraph
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|w| !w.is_empty())
        {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > width {
                out.push_str("\r\n");
                column = 0;
            }
            if column > 0 {
                out.push(' ');
                column += 1;
            }
            column = push_word(&mut out, word, column, width);
        }
        out.push_str("\r\n");
    }
    out
}

/// Appends a word, cut where it is longer than a line; returns the column behind it.
fn push_word(out: &mut String, word: &str, mut column: usize, width: usize) -> usize {
    for c in word.chars() {
        if column == width {
            out.push_str("\r\n");
            column = 0;
        }
        out.push(c);
        column += 1;
    }
    column
}

/// A notice for a running interactive shell, set off from what is on the screen in the manner of wall(1).
pub(crate) fn wall(text: &str) -> String {
    const FIRST: &str = "*** Gatehouse: ";
    let lines = wrapped(text, WIDTH - FIRST.len());
    format!(
        "\r\n\x07{FIRST}{}\r\n",
        lines.trim_end().replace("\r\n", "\r\n*** ")
    )
}

/// What a backend said before the login: its lines kept as they are, without control characters.
pub(crate) fn from_backend(banner: &str) -> String {
    let clean = |line: &str| {
        line.chars()
            .filter(|c| !c.is_control() || *c == '\t')
            .collect::<String>()
    };
    banner.lines().map(|line| clean(line) + "\r\n").collect()
}

/// A prompt or instruction of a backend: line ends kept, other control characters dropped.
pub(crate) fn prompt(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// Before what the gate says outside a terminal.
const SPEAKER: &str = "gatehouse: ";

/// A line for standard error of a channel.
pub(crate) fn stderr_line(text: &str) -> String {
    format!("{SPEAKER}{}", wrapped(text, WIDTH - SPEAKER.len()))
}

/// The description of a disconnect: one line, however long (RFC 4253 section 11.1).
pub(crate) fn disconnect(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    format!("{SPEAKER}{}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_banner_is_wrapped_and_its_paragraphs_kept() {
        let text = format!("{}\nsecond", "word ".repeat(20));
        let lines: Vec<_> = banner(&text).split("\r\n").map(str::to_owned).collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[2], "second");
        assert!(lines[0].len() <= WIDTH && lines[0].starts_with("word word"));
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_nothing_from_outside_controls_a_terminal(text in ".{0,300}") {
            let text = banner(&text);
            for line in text.split("\r\n") {
                prop_assert!(line.chars().count() <= WIDTH);
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }
}
