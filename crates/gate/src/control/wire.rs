//! The lines of a conversation.

use std::borrow::Cow;
use std::time::Duration;

use gatehouse_model::SessionId;
use serde::{Deserialize, Serialize};

/// Longest request.
pub(super) const REQUEST_MAX: u64 = 4_096;
/// Longest line of an answer: the longest line of a cast, with every character escaped.
pub(crate) const LINE_MAX: u64 = 8 * 1024 * 1024;
/// A node that has nothing to say says so this often.
pub(super) const ALIVE: Duration = Duration::from_secs(10);
/// A node that says nothing for so long is gone.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

/// What a node is asked.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// The session to be watched.
    pub(super) watch: SessionId,
    /// Who asks.
    pub(super) login: String,
    /// The machine that they are on.
    pub(super) host: String,
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
