//! What can be wrong with the configuration, one sentence each.

use std::path::PathBuf;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file that was named cannot be read.
    #[error("the configuration file {} cannot be read ({source}); check its path and permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}, line {line}: {what}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        what: String,
    },
    /// Keys that there are not.
    #[error("{}", unknown(keys, origin))]
    Unknown {
        /// The keys, each with the known one that was meant, if one is close.
        keys: Vec<(String, Option<String>)>,
        /// Where they stand.
        origin: String,
    },
    /// A key with a value that it cannot have.
    #[error("{key} in {origin} {what}")]
    Value {
        /// The key, with its section.
        key: String,
        /// Where it stands.
        origin: String,
        /// What is wrong.
        what: String,
    },
    /// An environment variable whose value is not Unicode.
    #[error("the environment variable {0} is not valid UTF-8")]
    NotUnicode(String),
}

fn unknown(keys: &[(String, Option<String>)], origin: &str) -> String {
    let named: Vec<String> = keys
        .iter()
        .map(|(key, meant)| match meant {
            Some(meant) => format!("{key} (did you mean {meant}?)"),
            None => key.clone(),
        })
        .collect();
    let what = if keys.len() == 1 {
        "an unknown key"
    } else {
        "unknown keys"
    };
    format!(
        "{origin} has {what}: {}; see `gatehouse config show` for those that there are",
        named.join(", ")
    )
}
