//! Why a verb did not do what it was asked for, and how that is told: one sentence and an exit status.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use gatehouse_store::StoreError;

use crate::config::ConfigError;
use crate::terminal::clean;

/// A verb that came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// It was refused, or cannot be done.
    #[error("{0}")]
    Refused(String),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A recording cannot be read.
    #[error(transparent)]
    Archive(#[from] gatehouse_archive::ArchiveError),
    /// A running session cannot be watched.
    #[error(transparent)]
    Control(#[from] gatehouse_gate::ControlError),
    /// The rows of the store contradict each other.
    #[error(transparent)]
    Directory(#[from] gatehouse_policy::BuildError),
    /// A file cannot be used.
    #[error("{} cannot be {done}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried, such as "read".
        done: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Something of the machine does not work; `what` is a sentence.
    #[error("{what}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Standard output is closed or full.
    #[error("the answer cannot be written")]
    Output(#[source] io::Error),
    /// The answer cannot be put into JSON.
    #[error("the answer cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// Something that cannot be done, in one sentence.
    pub(crate) fn refused(sentence: impl Into<String>) -> Self {
        Self::Refused(sentence.into())
    }

    /// A wrong command line, in one sentence.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self::Usage(sentence.into())
    }

    /// 2 for a wrong command line, else 1. A reader that went away (`| head`) is no failure.
    pub(crate) fn status(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    /// Whether there is anything to tell.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// The error and what caused it, as one sentence on one line.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some errors repeat their cause in their own words.
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    clean(&lines.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once_and_on_the_same_line() {
        let source = io::Error::new(io::ErrorKind::NotFound, "no such\nfile\x1b[2J");
        let failure = Failure::File {
            path: "/x".into(),
            done: "read",
            source,
        };
        assert_eq!(sentence(&failure), "/x cannot be read: no such file\\x1b[2J");
        let inner = io::Error::other("why");
        let failure = Failure::Config(ConfigError::Unreadable {
            path: "/x".into(),
            source: inner,
        });
        assert_eq!(sentence(&failure).matches("why").count(), 1);
    }
}
