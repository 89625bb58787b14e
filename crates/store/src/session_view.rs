//! How a session is shown and found.

use gatehouse_model::{
    AddressRange, EndReason, ForwardKind, NodeId, PolicyId, Protocol, ProxyAddr, SessionId, SessionState,
    SourceAddr, SpanSeconds, Timestamp, TransferDirection,
};
use serde::Serialize;

use crate::StoreError;
use crate::entity::{forward, session, transfer};
use crate::instant::from_db;
use crate::resolve::{stored, stored_opt};
use crate::sort::{SessionSort, Sort};

/// A session. Its JSON is that of the contract.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// The person's name at the time.
    pub user: String,
    /// The server's name at the time.
    pub server: String,
    /// The protocol.
    pub protocol: Protocol,
    /// Where it is in its life.
    pub state: SessionState,
    /// The node that carries it.
    pub node: NodeId,
    /// Where it came from.
    pub source: SourceAddr,
    /// The port there.
    pub source_port: u16,
    /// The proxy address it came to; `None`: the gate's own.
    pub proxy: Option<ProxyAddr>,
    /// Where it went, `host:port`.
    pub backend: String,
    /// The login at the server.
    pub login: Option<String>,
    /// The subsystem asked for, such as `sftp`.
    pub subsystem: Option<String>,
    /// Whether an agent was used to log in.
    pub agent_used: bool,
    /// The grants that allowed it.
    pub policies: Vec<PolicyId>,
    /// When it was decided.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How long it lasted, or has lasted so far.
    pub duration_seconds: f64,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// Who ended it, if somebody did.
    pub ended_by: Option<String>,
    /// More on why it ended, one sentence.
    pub end_detail: Option<String>,
    /// When the access ends, or would have.
    pub allowed_until: Option<Timestamp>,
    /// Bytes from the person.
    pub bytes_in: u64,
    /// Bytes to the person.
    pub bytes_out: u64,
    /// When anything came from the person last, within some seconds.
    pub typed_at: Option<Timestamp>,
    /// What was started last: a command, `shell`, or a subsystem's name.
    pub what: Option<String>,
    /// The line of utmp that shows it, such as `ssh0`, if there is one.
    pub line: Option<String>,
    /// What was recorded.
    pub recording: Option<RecordingSummary>,
    /// Files transferred; empty in lists.
    pub transfers: Vec<Transfer>,
    /// Ports forwarded; empty in lists.
    pub forwards: Vec<Forward>,
}

/// What a session left behind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct RecordingSummary {
    /// The directory, relative to the data directory.
    pub path: String,
    /// Bytes in all.
    pub size: u64,
    /// `sha256:…` of the manifest.
    pub digest: Option<String>,
    /// The files in it.
    pub files: Vec<String>,
}

/// A file that was transferred.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Transfer {
    /// Which way.
    pub direction: TransferDirection,
    /// What was done: `transfer`, `remove`, `rename`, …
    pub operation: String,
    /// The path at the server, as asked for.
    pub path: String,
    /// The other path of a rename, link or copy, or the name as sent.
    pub target_path: Option<String>,
    /// How many bytes.
    pub bytes: u64,
    /// `ok`, or what went wrong.
    pub result: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_seconds: f64,
}

/// A port that was forwarded.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Forward {
    /// Which way it runs.
    pub kind: ForwardKind,
    /// Where connections are accepted, or come from.
    pub listen: String,
    /// Where they lead.
    pub destination: String,
    /// Bytes from the person's side.
    pub bytes_in: u64,
    /// Bytes to the person's side.
    pub bytes_out: u64,
    /// When it was opened.
    pub started_at: Timestamp,
    /// When it was closed.
    pub ended_at: Option<Timestamp>,
    /// The file of the recording that holds what it carried, if that was captured.
    pub capture: Option<String>,
}

/// A forward, with the session it belongs to.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct SessionForward {
    /// The session.
    pub session: SessionId,
    /// The person's name.
    pub user: String,
    /// The server's name.
    pub server: String,
    /// The forward.
    #[serde(flatten)]
    pub forward: Forward,
}

/// How many ids a filter of sessions takes.
pub const SESSION_IDS_MAX: usize = 5_000;

/// Which sessions to list. Those still opening are not listed unless asked for by state.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Those in this state.
    pub state: Option<SessionState>,
    /// Those of this person, by name or id.
    pub user: Option<String>,
    /// Those at this server, by name or id.
    pub server: Option<String>,
    /// Those over this protocol.
    pub protocol: Option<Protocol>,
    /// Those carried by this node.
    pub node: Option<NodeId>,
    /// Those that began at or after this.
    pub since: Option<Timestamp>,
    /// Those that began before this.
    pub until: Option<Timestamp>,
    /// Those with this login at the server, to the letter.
    pub login: Option<String>,
    /// Those from this address or range.
    pub source: Option<AddressRange>,
    /// Those that ended for this reason.
    pub reason: Option<EndReason>,
    /// Those that this grant has allowed, at any time of them.
    pub policy: Option<PolicyId>,
    /// Those that lasted, or have lasted so far, at least this long.
    pub min_duration: Option<SpanSeconds>,
    /// Those of these ids, at most [`SESSION_IDS_MAX`]; the others are left out.
    pub ids: Option<Vec<SessionId>>,
    /// In which order.
    pub sort: Sort<SessionSort>,
}

pub(crate) fn view(row: session::Model, now: Timestamp) -> Result<Session, StoreError> {
    let started_at = from_db(row.started_at);
    let ended_at = row.ended_at.map(from_db);
    let recording = match row.recording_path {
        Some(path) => Some(RecordingSummary {
            path,
            size: row.recording_size.map_or(0, unsigned),
            digest: row.recording_digest,
            files: json("a list of files", row.recording_files.as_deref().unwrap_or("[]"))?,
        }),
        None => None,
    };
    Ok(Session {
        id: SessionId(row.id),
        user: row.user_name,
        server: row.server_name,
        protocol: stored("a protocol", &row.protocol)?,
        state: stored("a session state", &row.state)?,
        node: NodeId(row.node_id),
        source: stored("a source address", &row.source)?,
        source_port: u16::try_from(row.source_port).map_err(|error| StoreError::corrupt("a port", error))?,
        proxy: stored_opt("a proxy address", row.proxy.as_deref())?,
        backend: row.backend,
        login: row.login,
        subsystem: row.subsystem,
        agent_used: row.agent_used,
        policies: json("a list of policies", &row.policies)?,
        started_at,
        ended_at,
        // A clock that was set back must not make it negative.
        duration_seconds: ended_at
            .unwrap_or(now)
            .duration_since(started_at)
            .as_secs_f64()
            .max(0.0),
        end_reason: stored_opt("an end reason", row.end_reason.as_deref())?,
        ended_by: row.ended_by,
        end_detail: row.end_detail,
        allowed_until: row.allowed_until.map(from_db),
        bytes_in: unsigned(row.bytes_in),
        bytes_out: unsigned(row.bytes_out),
        typed_at: row.typed_at.map(from_db),
        what: row.what,
        line: row.line,
        recording,
        transfers: Vec::new(),
        forwards: Vec::new(),
    })
}

pub(crate) fn view_transfer(row: transfer::Model) -> Result<Transfer, StoreError> {
    Ok(Transfer {
        direction: stored("a transfer direction", &row.direction)?,
        operation: row.operation,
        path: row.path,
        target_path: row.target_path,
        bytes: unsigned(row.bytes),
        result: row.result,
        started_at: from_db(row.started_at),
        duration_seconds: std::time::Duration::from_micros(unsigned(row.duration_micros)).as_secs_f64(),
    })
}

pub(crate) fn view_forward(row: forward::Model) -> Result<Forward, StoreError> {
    Ok(Forward {
        kind: stored("a kind of forward", &row.kind)?,
        listen: row.listen,
        destination: row.destination,
        bytes_in: unsigned(row.bytes_in),
        bytes_out: unsigned(row.bytes_out),
        started_at: from_db(row.started_at),
        ended_at: row.ended_at.map(from_db),
        capture: row.capture,
    })
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

fn json<T: serde::de::DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(what, error))
}
