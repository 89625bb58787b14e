//! Words: how text is cut and folded for searching, and what a search asks for.
//!
//! Both databases are given words that were cut and folded here, and questions that hold nothing else: what a word is
//! does not depend on the database, and nothing that is typed is ever read as its query language.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::StoreError;

/// Longest word, in characters; a longer one counts as several.
const WORD_MAX: usize = 64;
/// Longest text of a search, in bytes.
const QUERY_MAX: usize = 500;
/// Terms of a search.
const TERMS_MAX: usize = 16;
/// What begins the words that lines are filtered by. It is for private use, so no text has a word with it.
pub(super) const MARK: char = '\u{E000}';

/// The words of a text: runs of letters and digits, in lower case, without accents.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    for character in text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
    {
        // Lower case may have an accent of its own.
        if is_combining_mark(character) {
            continue;
        }
        if !character.is_alphanumeric() || character == MARK || length == WORD_MAX {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            length = 0;
        }
        if character.is_alphanumeric() && character != MARK {
            match without_stroke(character) {
                Some(plain) => word.push_str(plain),
                None => word.push(character),
            }
            length += 1;
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Letters that are not made of a plain one and an accent, and are typed without it all the same.
fn without_stroke(character: char) -> Option<&'static str> {
    Some(match character {
        'ł' => "l",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// A word, or several that follow each other.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Term {
    words: Vec<String>,
    /// Whether the last word may go on.
    prefix: bool,
}

/// What a search asks for: all of the terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Question {
    terms: Vec<Term>,
    /// Of each group one of the words.
    groups: Vec<Vec<String>>,
}

impl Question {
    /// Reads what was typed: words, `"words in quotes"` for those that follow each other, and `*` after a word for all
    /// that begin with it. Everything else separates words.
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        if text.len() > QUERY_MAX {
            return Err(StoreError::invalid(
                "q",
                format!("the search is longer than {QUERY_MAX} bytes; leave words out"),
            ));
        }
        let mut terms = Vec::new();
        for (number, part) in text.split('"').enumerate() {
            if number % 2 == 1 {
                terms.extend(Term::of(part, false));
                continue;
            }
            // A star that follows closing quotes belongs to what was quoted.
            let rest = match (number, part.strip_prefix('*')) {
                (1.., Some(rest)) => {
                    if let Some(last) = terms.last_mut() {
                        let last: &mut Term = last;
                        last.prefix = true;
                    }
                    rest
                }
                _ => part,
            };
            terms.extend(
                rest.split_whitespace()
                    .filter_map(|word| Term::of(word, word.ends_with('*'))),
            );
        }
        if terms.is_empty() {
            return Err(StoreError::invalid(
                "q",
                "there is no word to search for; type at least one",
            ));
        }
        if terms.len() > TERMS_MAX {
            return Err(StoreError::invalid(
                "q",
                format!("these are more than {TERMS_MAX} words; leave some out, or put them in quotes"),
            ));
        }
        Ok(Self {
            terms,
            groups: Vec::new(),
        })
    }

    /// Asks also for one of these filter words.
    pub(super) fn and_one_of(&mut self, marks: Vec<String>) {
        self.groups.push(marks);
    }

    /// As FTS5 has it: <https://www.sqlite.org/fts5.html#full_text_query_syntax>.
    pub(super) fn fts5(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for term in &self.terms {
            let star = if term.prefix { " *" } else { "" };
            parts.push(format!("\"{}\"{star}", term.words.join(" ")));
        }
        for group in &self.groups {
            let words: Vec<_> = group.iter().map(|word| format!("\"{word}\"")).collect();
            parts.push(format!("({})", words.join(" OR ")));
        }
        parts.join(" AND ")
    }

    /// As `tsquery` has it: <https://www.postgresql.org/docs/current/datatype-textsearch.html>.
    pub(super) fn tsquery(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for term in &self.terms {
            let mut words: Vec<_> = term.words.iter().map(|word| format!("'{word}'")).collect();
            if let Some(last) = words.last_mut().filter(|_| term.prefix) {
                last.push_str(":*");
            }
            parts.push(format!("({})", words.join(" <-> ")));
        }
        for group in &self.groups {
            let words: Vec<_> = group.iter().map(|word| format!("'{word}'")).collect();
            parts.push(format!("({})", words.join(" | ")));
        }
        parts.join(" & ")
    }
}

impl Term {
    fn of(text: &str, prefix: bool) -> Option<Self> {
        let words = words(text);
        (!words.is_empty()).then_some(Self { words, prefix })
    }
}

/// Words and filter words as one text, for FTS5.
pub(super) fn as_text(words: &[String], marks: &[String]) -> String {
    [words, marks].concat().join(" ")
}

/// The same as a `tsvector`, with the places of words. Filter words have none that a phrase could meet.
pub(super) fn as_tsvector(words: &[String], marks: &[String]) -> String {
    /// The last place that there is.
    const PLACES: usize = 16_383;
    let mut text = String::new();
    for (number, word) in words.iter().enumerate() {
        let _ = write!(text, "'{word}':{} ", (number + 1).min(PLACES));
    }
    for mark in marks {
        let _ = write!(text, "'{mark}' ");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_cut_and_folded() {
        assert_eq!(
            words("Łódź: ÜNAL's /etc/passwd"),
            ["lodz", "unal", "s", "etc", "passwd"]
        );
        assert_eq!(words("İstanbul ﬁne straße"), ["istanbul", "fine", "strasse"]);
        assert_eq!(words("日本 10.0.0.7"), ["日本", "10", "0", "0", "7"]);
        assert_eq!(words(&format!("{MARK}u1")), ["u1"]);
        assert_eq!(
            words(&"x".repeat(130))
                .iter()
                .map(String::len)
                .collect::<Vec<_>>(),
            [64, 64, 2]
        );
        assert!(words(" -- \u{1b}[ ").is_empty());
    }

    #[test]
    fn a_question_is_words_phrases_and_prefixes() {
        let fts5 = |text| Question::parse(text).unwrap().fts5();
        assert_eq!(fts5("Rm -rf"), "\"rm\" AND \"rf\"");
        assert_eq!(fts5("\"rm -rf\" /tmp/x*"), "\"rm rf\" AND \"tmp x\" *");
        assert_eq!(
            fts5("\"sudo su\"* NOT a OR"),
            "\"sudo su\" * AND \"not\" AND \"a\" AND \"or\""
        );
        assert_eq!(fts5("open \"quote here"), "\"open\" AND \"quote here\"");
        assert_eq!(Question::parse("a b*").unwrap().tsquery(), "('a') & ('b':*)");
        for nothing in ["", "  ", "\"\"", "*", "-- ; '"] {
            assert_eq!(
                Question::parse(nothing).unwrap_err().field(),
                Some("q"),
                "{nothing:?}"
            );
        }
        assert!(Question::parse(&"a ".repeat(17)).is_err());
        assert!(Question::parse(&"a".repeat(501)).is_err());
    }

    proptest! {
        #[test]
        fn nothing_but_words_reaches_the_database(text in any::<String>()) {
            for word in words(&text) {
                prop_assert!(word.chars().all(|c| c.is_alphanumeric() && c != MARK));
                prop_assert!(!word.is_empty() && word.chars().count() <= 2 * WORD_MAX);
            }
        }
    }
}
