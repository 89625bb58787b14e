//! The sources: their sizes, and words that have no place in them.

use gatehouse_house::sources::{Source, functions, tracked};

/// A file above this is reported.
const LONG_FILE: usize = 400;
/// A file above this fails.
const TOO_LONG_FILE: usize = 600;
/// A function above this is reported; clippy's `too_many_lines` is the limit.
const LONG_FUNCTION: usize = 60;

#[test]
fn files_are_short_enough_to_read() {
    let (mut long, mut too_long) = (Vec::new(), Vec::new());
    for source in rust() {
        let lines = source.text.lines().count();
        if lines > TOO_LONG_FILE {
            too_long.push(format!("{lines} {}", source.path));
        } else if lines > LONG_FILE {
            long.push(format!("  {lines} {}", source.path));
        }
    }
    report(&format!(
        "{} files above {LONG_FILE} lines:\n{}",
        long.len(),
        long.join("\n")
    ));
    assert!(too_long.is_empty(), "split by meaning: {too_long:#?}");
}

#[test]
fn long_functions_are_reported() {
    let mut long = Vec::new();
    for source in rust() {
        for function in functions(&source.text)
            .into_iter()
            .filter(|f| f.lines > LONG_FUNCTION)
        {
            long.push(format!(
                "  {} {}:{} {}",
                function.lines, source.path, function.line, function.name
            ));
        }
    }
    report(&format!(
        "{} functions above {LONG_FUNCTION} lines:\n{}",
        long.len(),
        long.join("\n")
    ));
}

#[test]
fn nothing_is_left_unfinished_and_nothing_names_one_machine() {
    // Put together here, so that this file does not hold them itself.
    let words = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X:"],
        ["/wo", "rk/"],
        ["/root/", ".cargo/"],
        ["/tmp/", "target"],
    ];
    let mut found = Vec::new();
    for source in tracked().unwrap().iter().filter(|s| is_ours(s)) {
        for (number, line) in source.text.lines().enumerate() {
            for word in words
                .iter()
                .map(|halves| halves.concat())
                .filter(|word| has_word(line, word))
            {
                found.push(format!("{}:{}: {word}", source.path, number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Whether the line holds the word and not merely a longer one that contains it.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().last());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !joined(before) && (word.ends_with('/') || !joined(after))
    })
}

/// Not the lock files and patches, whose words are others'.
fn is_ours(source: &Source) -> bool {
    !source.path.ends_with(".patch") && !source.path.ends_with(".lock")
}

#[expect(clippy::unwrap_used, reason = "without the sources there is nothing to test")]
fn rust() -> Vec<Source> {
    tracked()
        .unwrap()
        .into_iter()
        .filter(|s| s.path.ends_with(".rs"))
        .collect()
}

#[expect(
    clippy::print_stdout,
    reason = "a report is read by people, with --nocapture or on failure"
)]
fn report(text: &str) {
    println!("{text}");
}
