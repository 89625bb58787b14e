//! What happens on a channel, as its recorder is told.

use bytes::Bytes;
use gatehouse_model::{BinaryMode, InputMode, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// A stream of a channel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// From the person to the target.
    Input,
    /// From the target to the person.
    Output,
    /// The target's second output (RFC 4254 section 5.2, `SSH_EXTENDED_DATA_STDERR`).
    Error,
}

impl Stream {
    /// Every stream, in order.
    pub const ALL: [Self; 3] = [Self::Input, Self::Output, Self::Error];

    /// The word for it in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Error => "error",
        }
    }
}

/// How a command on a channel ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exit {
    /// With a status.
    Status(u32),
    /// By a signal, named without `SIG`.
    Signal(String),
}

/// Something that happened on a channel. Data is shared, not copied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Bytes on a stream, before they are relayed. What the gate itself writes to the person is output as well.
    Data(Stream, Bytes),
    /// The window has a new size.
    Resize {
        /// Columns.
        cols: u32,
        /// Rows.
        rows: u32,
    },
    /// A remark, shown by players as a marker.
    Marker(String),
    /// A stream has ended.
    Eof(Stream),
    /// The command has ended.
    Exit(Exit),
}

impl Event {
    /// How many bytes it holds in memory while it waits.
    pub fn weight(&self) -> usize {
        match self {
            Self::Data(_, bytes) => bytes.len(),
            Self::Marker(text) => text.len(),
            _ => 0,
        }
    }
}

/// What a session channel was opened for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChannelKind {
    /// A login shell.
    Shell,
    /// A command, in bytes as the client sent it.
    Exec(Vec<u8>),
    /// A subsystem, such as `sftp`.
    Subsystem(String),
}

/// The terminal that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pty {
    /// `TERM`.
    pub term: String,
    /// Columns.
    pub cols: u32,
    /// Rows.
    pub rows: u32,
}

/// What a recorder must know of its channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelSpec {
    /// The channel's number within its session, from 0: the N of `ssh-N.cast`.
    pub number: u32,
    /// What it was opened for.
    pub kind: ChannelKind,
    /// Its terminal, if one was asked for.
    pub pty: Option<Pty>,
    /// What to do with binary without a pty.
    pub binary: BinaryMode,
    /// What to keep of typed input.
    pub input: InputMode,
}

/// The session that a channel belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionStamp {
    /// The session.
    pub session: SessionId,
    /// Its start, from which every offset counts.
    pub started: Timestamp,
}
