//! Paths and names from a target as text, without loss.

/// Longest path that is kept, in bytes as the target sent them.
pub const PATH_MAX: usize = 4096;

/// What follows a path that was cut at [`PATH_MAX`] bytes.
pub const CUT: &str = "\\…";

/// A path or name as text. What is UTF-8 and printable stands for itself, a backslash is `\\`, and every byte
/// of a control character or of what is not UTF-8 is `\xHH`. A path longer than [`PATH_MAX`] bytes is cut there
/// and ends with [`CUT`]. Without a cut, [`unescape`] gives the bytes back.
pub fn escape(path: &[u8]) -> String {
    let (kept, cut) = match path.get(..PATH_MAX) {
        Some(head) if path.len() > PATH_MAX => (head, CUT),
        _ => (path, ""),
    };
    let mut text = String::with_capacity(kept.len() + cut.len());
    for piece in kept.utf8_chunks() {
        for character in piece.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                control if control.is_control() => {
                    let mut encoded = [0; 4];
                    push_bytes(&mut text, control.encode_utf8(&mut encoded).as_bytes());
                }
                plain => text.push(plain),
            }
        }
        push_bytes(&mut text, piece.invalid());
    }
    text.push_str(cut);
    text
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str("\\x");
        text.push_str(&hex::encode([*byte]));
    }
}

/// The bytes of an escaped path; `None` if it is not one, or was cut.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (plain, escaped) = rest.split_at(at);
        bytes.extend_from_slice(plain.as_bytes());
        if let Some(after) = escaped.strip_prefix("\\\\") {
            bytes.push(b'\\');
            rest = after;
        } else {
            let digits = escaped.strip_prefix("\\x")?;
            bytes.extend(hex::decode(digits.get(..2)?).ok()?);
            rest = digits.get(2..)?;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_names_are_plain_text() {
        assert_eq!(escape(b"/etc/motd"), "/etc/motd");
        assert_eq!(escape("zażółć".as_bytes()), "zażółć");
        assert_eq!(
            escape(b"a\\b\x1b[2J\xff\xc2\x9b"),
            "a\\\\b\\x1b[2J\\xff\\xc2\\x9b"
        );
        let long = escape(&[b'x'; PATH_MAX + 1]);
        assert!(long.ends_with(CUT) && long.len() == PATH_MAX + CUT.len());
        assert_eq!(unescape(&long), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(path in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = escape(&path);
            prop_assert!(!text.contains(char::is_control));
            prop_assert_eq!(unescape(&text), Some(path));
        }
    }
}
