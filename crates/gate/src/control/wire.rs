//! The lines of a conversation.

use std::borrow::Cow;
use std::time::Duration;

use gatehouse_audit::Actor;
use gatehouse_model::{Name, SessionId, SourceAddr};
use serde::{Deserialize, Serialize};

use super::Viewer;

/// Longest request.
pub(super) const REQUEST_MAX: u64 = 4_096;
/// Longest line of an answer: the longest line of a cast, with every character escaped.
pub(crate) const LINE_MAX: u64 = 8 * 1024 * 1024;
/// A node that has nothing to say says so this often.
pub(super) const ALIVE: Duration = Duration::from_secs(10);
/// A node that says nothing for so long is gone.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// What a node is asked, and in whose name.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Request {
    /// By somebody at a command line.
    Cli {
        /// The session to be watched.
        watch: SessionId,
        /// Their login.
        login: String,
        /// The machine that they are on.
        host: String,
    },
    /// By a person, through a node's web, which has made sure who it is and that they may.
    Person {
        /// The session to be watched.
        watch: SessionId,
        /// Their name.
        user: Name,
        /// Where they are.
        source: SourceAddr,
    },
}

impl Request {
    pub(super) fn new(watch: SessionId, viewer: &Viewer) -> Self {
        match viewer.clone() {
            Viewer::Cli { login, host } => Self::Cli { watch, login, host },
            Viewer::Person { user, source } => Self::Person { watch, user, source },
        }
    }

    pub(super) fn session(&self) -> SessionId {
        match self {
            Self::Cli { watch, .. } | Self::Person { watch, .. } => *watch,
        }
    }

    /// In whose name it is audited.
    pub(super) fn actor(&self) -> Actor {
        match self {
            Self::Cli { login, host, .. } => Actor::cli(login, host),
            Self::Person { user, source, .. } => Actor::user(user, Some(*source)),
        }
    }
}

/// What it answers.
#[derive(Serialize, Deserialize, Debug)]
#[serde(untagged)]
pub(crate) enum Answer<'a> {
    /// A line of a cast.
    Line { channel: u32, line: Cow<'a, str> },
    /// Bytes of a cast that are not shown.
    Skipped { channel: u32, skipped: u64 },
    /// Nothing happens.
    Alive { alive: bool },
    /// The session has ended.
    Ended { ended: bool },
    /// It cannot be shown.
    Error { error: String },
}

impl Answer<'_> {
    /// Appends it as a line.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let before = out.len();
        // Text and numbers can always be written to memory; half a line would break all that follow.
        if serde_json::to_writer(&mut *out, self).is_ok() {
            out.push(b'\n');
        } else {
            out.truncate(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCH: &str = r#""watch":"019301f0-0000-7000-8000-000000000001""#;

    fn read(rest: &str) -> Result<Request, serde_json::Error> {
        serde_json::from_str(&format!("{{{WATCH},{rest}}}"))
    }

    #[test]
    fn whoever_asks_is_audited_as_who_they_are() {
        let cli = read(r#""login":"root","host":"jump""#).unwrap();
        assert_eq!(cli.actor(), Actor::cli("root", "jump"));
        let person = read(r#""user":"alice","source":"10.0.0.7""#).unwrap();
        let (name, source) = ("alice".parse().unwrap(), "10.0.0.7".parse().unwrap());
        assert_eq!(person.actor(), Actor::user(&name, Some(source)));
        let viewer = Viewer::Person { user: name, source };
        assert_eq!(Request::new(person.session(), &viewer), person);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for bad in [
            r#""login":"root""#,
            r#""user":"alice""#,
            r#""login":"root","host":"jump","user":"alice","source":"10.0.0.7""#,
            r#""login":"root","host":"jump","more":1"#,
            r#""user":"a
b","source":"10.0.0.7""#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
