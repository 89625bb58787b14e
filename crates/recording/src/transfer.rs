//! Transfers and changes of files, and the log of them.

use std::time::Duration;

use gatehouse_model::{Timestamp, format_time};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::offset::Offset;

/// Which way a file went.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the target.
    Upload,
    /// From the target.
    Download,
    /// Neither: something changed at the target.
    Remote,
}

/// What was done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// A file's contents were read or written.
    Transfer,
    /// A file was removed.
    Remove,
    /// A file or directory got another name.
    Rename,
    /// A directory was made.
    Mkdir,
    /// A directory was removed.
    Rmdir,
    /// A symbolic link was made.
    Symlink,
    /// A second name was given to a file.
    Hardlink,
    /// Size, owner, mode or times were set.
    Setstat,
    /// Data was copied at the target.
    Copy,
    /// A request that is known only by its name, which stands as the path.
    Extended,
}

impl Operation {
    /// The word for it, as in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::Mkdir => "mkdir",
            Self::Rmdir => "rmdir",
            Self::Symlink => "symlink",
            Self::Hardlink => "hardlink",
            Self::Setstat => "setstat",
            Self::Copy => "copy",
            Self::Extended => "extended",
        }
    }
}

/// One transfer or change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// Its number on its channel: the line that begins a transfer and the one that ends it share it.
    pub id: u64,
    /// The channel.
    pub channel: u32,
    /// Which way.
    pub direction: Direction,
    /// What was done.
    pub operation: Operation,
    /// The path in the words of the protocol, escaped by [`crate::path::escape`].
    pub path: String,
    /// The other path of a rename, link or copy.
    pub target_path: Option<String>,
    /// Bytes of contents.
    pub bytes: u64,
    /// `started`, `ok`, `incomplete`, `unconfirmed`, or why it failed.
    pub result: String,
    /// When it began.
    pub started: Offset,
    /// How long it took.
    pub duration: Duration,
}

/// The result of a transfer that has begun and not ended.
pub const STARTED: &str = "started";
/// The result of a transfer that its channel did not live to end.
pub const INCOMPLETE: &str = "incomplete";

/// The result of a transfer whose bytes have all passed, and whose channel ended before the receiver said that it has
/// them. libssh2 (curl, and much else) leaves it out of scp.
pub const UNCONFIRMED: &str = "unconfirmed";

/// A line of `transfers.jsonl`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TransferLine {
    /// See [`Transfer::id`].
    pub id: u64,
    /// See [`Transfer::channel`].
    pub channel: u32,
    /// See [`Transfer::direction`].
    pub direction: Direction,
    /// See [`Transfer::operation`].
    pub operation: Operation,
    /// See [`Transfer::path`].
    pub path: String,
    /// See [`Transfer::target_path`].
    #[serde(default)]
    pub target_path: Option<String>,
    /// See [`Transfer::bytes`].
    pub bytes: u64,
    /// See [`Transfer::result`].
    pub result: String,
    /// The instant, RFC 3339 in UTC.
    pub started_at: String,
    /// Seconds since the session's start.
    pub started: Offset,
    /// Seconds.
    pub duration_seconds: f64,
}

impl Transfer {
    /// The instant at which it began.
    pub fn started_at(&self, session_started: Timestamp) -> Timestamp {
        let span = SignedDuration::try_from(self.started.as_duration()).unwrap_or(SignedDuration::MAX);
        session_started.saturating_add(span).unwrap_or(Timestamp::MAX)
    }

    /// Its line in the log, with the line feed.
    pub fn to_line(&self, session_started: Timestamp) -> String {
        let line = TransferLine {
            id: self.id,
            channel: self.channel,
            direction: self.direction,
            operation: self.operation,
            path: self.path.clone(),
            target_path: self.target_path.clone(),
            bytes: self.bytes,
            result: self.result.clone(),
            started_at: format_time(self.started_at(session_started)),
            started: self.started,
            duration_seconds: self.duration.as_secs_f64(),
        };
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        text
    }

    fn from_line(line: TransferLine) -> Self {
        Self {
            id: line.id,
            channel: line.channel,
            direction: line.direction,
            operation: line.operation,
            path: line.path,
            target_path: line.target_path,
            bytes: line.bytes,
            result: line.result,
            started: line.started,
            duration: Offset::from_seconds(line.duration_seconds).as_duration(),
        }
    }
}

/// Reads a transfer log, whole or torn: every complete line counts, and the line that ends a transfer replaces
/// the one that began it. What began and did not end is [`INCOMPLETE`]. Lines that are none are passed over.
pub fn read_transfers(log: &[u8]) -> Vec<Transfer> {
    let mut found: Vec<Transfer> = Vec::new();
    let mut begun = std::collections::HashMap::new();
    for line in log
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
    {
        let Ok(line) = serde_json::from_slice::<TransferLine>(line) else {
            continue;
        };
        let transfer = Transfer::from_line(line);
        let key = (transfer.channel, transfer.id);
        let place = begun
            .get(&key)
            .copied()
            .and_then(|index: usize| found.get_mut(index));
        if let Some(place) = place {
            *place = transfer;
        } else {
            begun.insert(key, found.len());
            found.push(transfer);
        }
    }
    for transfer in &mut found {
        if transfer.result == STARTED {
            INCOMPLETE.clone_into(&mut transfer.result);
        }
    }
    found
}
