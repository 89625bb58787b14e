//! What the gate tells of a session, from its opening to its end.

use gatehouse_model::{
    EndReason, Login, NodeId, PolicyId, Protocol, ProxyAddr, ServerId, SessionId, SourceAddr, Timestamp,
    UserId,
};

use crate::{RecordingAnchor, RecordingSummary};

/// A session about to be opened.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The id.
    pub id: SessionId,
    /// The node that carries it.
    pub node: NodeId,
    /// The person.
    pub user: UserId,
    /// The person's name, kept for the history.
    pub user_name: String,
    /// The server.
    pub server: ServerId,
    /// The server's name, kept for the history.
    pub server_name: String,
    /// The protocol.
    pub protocol: Protocol,
    /// Where it came from.
    pub source: SourceAddr,
    /// The port there.
    pub source_port: u16,
    /// The proxy address it came to; `None`: the gate's own.
    pub proxy: Option<ProxyAddr>,
    /// Where it goes, `host:port`.
    pub backend: String,
    /// The login at the server, if known.
    pub login: Option<Login>,
    /// The grants that allowed it.
    pub policies: Vec<PolicyId>,
    /// When it was decided.
    pub started_at: Timestamp,
    /// When the access ends.
    pub allowed_until: Option<Timestamp>,
    /// The directory of its recording, relative to the data directory.
    pub recording_path: Option<String>,
}

/// How the login at the server was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AgentUse {
    /// With the person's agent.
    Used,
    /// Without.
    #[default]
    NotUsed,
}

/// What is known once the server has accepted the person.
#[derive(Clone, Debug, Default)]
pub struct Activation {
    /// The login at the server.
    pub login: Option<Login>,
    /// The address really connected to, if it differs from what was opened.
    pub backend: Option<String>,
    /// Whether an agent was used.
    pub agent: AgentUse,
    /// How the login was made (`agent`, `password`, `keyboard-interactive`, `credential`, …), for the book.
    pub method: Option<String>,
}

/// What became known of a running session. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct SessionUpdate {
    /// The subsystem asked for.
    pub subsystem: Option<String>,
    /// That an agent was used.
    pub agent: Option<AgentUse>,
    /// Decided anew: the grants that allow it, and until when.
    pub terms: Option<(Vec<PolicyId>, Option<Timestamp>)>,
}

/// The counters of a running session or forward, as totals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ByteCount {
    /// Bytes from the person.
    pub bytes_in: u64,
    /// Bytes to the person.
    pub bytes_out: u64,
}

/// What a node knows of a running session, as it is kept in the row from time to time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SessionNote {
    /// The counters.
    pub bytes: ByteCount,
    /// When anything came from the person last.
    pub typed_at: Option<Timestamp>,
    /// What was started last: a command, `shell`, or a subsystem's name.
    pub what: Option<String>,
    /// The line of utmp that shows it, such as `ssh0`.
    pub line: Option<String>,
}

/// How a session ends.
#[derive(Clone, Debug)]
pub struct Closing {
    /// Why.
    pub reason: EndReason,
    /// Who ended it, if somebody did.
    pub ended_by: Option<String>,
    /// More on why, one sentence.
    pub detail: Option<String>,
    /// The counters.
    pub bytes: ByteCount,
    /// What was last known of it; `None`: as it stands in the row.
    pub note: Option<SessionNote>,
    /// What was recorded; `None`: as it stands in the row.
    pub recording: Option<RecordingSummary>,
    /// What the book is to hold of the closed recording; `None`: it could not be closed.
    pub anchor: Option<RecordingAnchor>,
    /// Bytes that were relayed and not written to the recording.
    pub unrecorded_bytes: u64,
}

/// Whether a call was the one that changed the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transition {
    /// It was.
    Done,
    /// Another one had done it, or the session is gone.
    AlreadyDone,
}
