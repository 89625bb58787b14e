//! The files of the repository, and how long the functions in them are.

use std::path::PathBuf;
use std::process::Command;

use crate::metadata::workspace_root;

/// One file of the repository.
#[derive(Debug)]
pub struct Source {
    /// Path below the top folder.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// A function and how many lines it has, braces included.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Line it starts on, from 1.
    pub line: usize,
    /// Number of lines from `fn` to the closing brace.
    pub lines: usize,
}

/// Every text file that git knows or would add. What is not text is left out.
pub fn tracked() -> Result<Vec<Source>, String> {
    let root = workspace_root();
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .map_err(|e| format!("git cannot be started: {e}"))?;
    if !output.status.success() {
        return Err(format!(
            "git ls-files failed: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let listed = String::from_utf8_lossy(&output.stdout);
    let files = listed.split('\0').filter(|p| !p.is_empty()).filter_map(|path| {
        let text = std::fs::read_to_string(root.join(PathBuf::from(path))).ok()?;
        Some(Source {
            path: path.to_owned(),
            text,
        })
    });
    Ok(files.collect())
}

/// The functions of a Rust source that have a body. Nested functions count for themselves and for the one
/// around them.
pub fn functions(text: &str) -> Vec<Function> {
    let code = without_text(text);
    let mut found: Vec<Function> = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut pending = None;
    let mut depth = 0;
    for (number, line) in code.lines().enumerate() {
        let mut word = String::new();
        let mut last_word = String::new();
        for c in line.chars().chain([' ']) {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                if last_word == "fn" {
                    pending = Some(Function {
                        name: word.clone(),
                        line: number + 1,
                        lines: 0,
                    });
                }
                last_word = std::mem::take(&mut word);
            }
            match c {
                '{' => {
                    depth += 1;
                    if let Some(function) = pending.take() {
                        open.push((depth, found.len()));
                        found.push(function);
                    }
                }
                '}' => {
                    if let Some(&(_, index)) = open.last().filter(|(at, _)| *at == depth) {
                        open.pop();
                        if let Some(function) = found.get_mut(index) {
                            function.lines = number + 2 - function.line;
                        }
                    }
                    depth = depth.saturating_sub(1);
                }
                ';' => pending = None,
                _ => {}
            }
        }
    }
    found
}

/// The source with comments, strings and characters blanked, line ends kept.
fn without_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = text_at(rest);
        if length == 0 {
            out.push(c);
            rest = rest.strip_prefix(c).unwrap_or_default();
        } else {
            let (skipped, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            out.extend(skipped.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = after;
        }
    }
    out
}

/// Bytes of the comment, string or character that starts here; 0 if none does.
fn text_at(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if let Some(body) = rest.strip_prefix("/*") {
        return body.find("*/").map_or(rest.len(), |at| at + 4);
    }
    if let Some(hashes) = rest
        .strip_prefix('r')
        .map(|r| r.chars().take_while(|c| *c == '#').count())
        && rest.chars().nth(1 + hashes) == Some('"')
    {
        let end = format!("\"{}", "#".repeat(hashes));
        let body = rest.get(hashes + 2..).unwrap_or_default();
        return body
            .find(&end)
            .map_or(rest.len(), |at| hashes + 2 + at + end.len());
    }
    match rest.chars().next() {
        Some('"') => quoted(rest, '"'),
        // A lifetime has no closing quote after one character.
        Some('\'') if rest.chars().nth(1) == Some('\\') || rest.chars().nth(2) == Some('\'') => {
            quoted(rest, '\'')
        }
        _ => 0,
    }
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_whatever_their_text_says() {
        let text = "trait T {\n    fn none(&self);\n}\nfn one<'a>(x: &'a str) {}\n// fn ghost() {\nfn two() {\n    \
                    let a = \"} fn x() {\";\n    let b = '{';\n    let c = r#\"}\"#;\n    fn three() {\n    }\n}\n";
        let found: Vec<_> = functions(text)
            .into_iter()
            .map(|f| (f.name, f.line, f.lines))
            .collect();
        assert_eq!(
            found,
            [
                ("one".to_owned(), 4, 1),
                ("two".to_owned(), 6, 7),
                ("three".to_owned(), 10, 2)
            ]
        );
    }
}
