//! The table.

use crate::metric::{Kind, Label, Metric};
use crate::words;

/// Bounds for what takes microseconds, in seconds.
const MICROSECONDS: &[f64] = &[
    1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2,
];
/// Bounds for what a disk or a database does, in seconds.
const STORAGE: &[f64] = &[
    5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Bounds for what peers and people take, in seconds.
const SETUP: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];

macro_rules! metrics {
    ($($constant:ident = $kind:expr, $name:literal, [$($label:ident: $values:expr),*], $help:literal $(, if $exists:expr)?;)+) => {
        $(
            #[doc = $help]
            pub static $constant: Metric = Metric {
                name: $name,
                kind: $kind,
                help: $help,
                labels: &[$(Label { name: stringify!($label), values: $values }),*],
                exists: metrics!(@exists $($exists)?),
            };
        )+
        /// Every metric.
        pub static ALL: &[&Metric] = &[$(&$constant),+];
    };
    (@exists) => { |_| true };
    (@exists $exists:expr) => { $exists };
}

metrics! {
    BUILD_INFO = Kind::Gauge, "gatehouse_build_info", [version: &[words::VERSION]],
        "Always 1; the label is the version that runs.";
    PROCESS_START_TIME = Kind::Gauge, "gatehouse_process_start_time_seconds", [],
        "When the node was started, in seconds since 1970.";
    PROCESS_MEMORY = Kind::Gauge, "gatehouse_process_resident_memory_bytes", [],
        "Memory of the node's process that is in use.";
    PROCESS_THREADS = Kind::Gauge, "gatehouse_process_threads", [],
        "Threads of the node's process.";
    PROCESS_OPEN_FDS = Kind::Gauge, "gatehouse_process_open_fds", [],
        "File descriptors that the node's process has open.";
    PROCESS_MAX_FDS = Kind::Gauge, "gatehouse_process_max_fds", [],
        "File descriptors that the node's process may have open.";
    LOG_LINES_LOST = Kind::Counter, "gatehouse_log_lines_lost_total", [],
        "Log lines that could not be written.";

    CONNECTIONS_ACCEPTED = Kind::Counter, "gatehouse_connections_accepted_total", [protocol: words::PROTOCOLS],
        "Connections that were let in at a gate.";
    CONNECTIONS_REFUSED = Kind::Counter, "gatehouse_connections_refused_total",
        [protocol: words::PROTOCOLS, reason: words::REFUSALS],
        "Connections that were closed at once because of a limit, a block or their proxy.";
    HANDSHAKE_FAILURES = Kind::Counter, "gatehouse_handshake_failures_total",
        [protocol: words::PROTOCOLS, reason: words::HANDSHAKE_FAILURES],
        "Connections that ended before the client had agreed on keys with the gate.";
    HANDSHAKE_SECONDS = Kind::Histogram(SETUP), "gatehouse_handshake_seconds", [protocol: words::PROTOCOLS],
        "Time from accepting a connection until keys were agreed on.";
    LOGIN_FAILURES = Kind::Counter, "gatehouse_login_failures_total",
        [protocol: words::PROTOCOLS, reason: words::LOGIN_FAILURES],
        "Logins with a wrong password or answer, and connections without a login within the login grace.";

    DECISIONS = Kind::Counter, "gatehouse_decisions_total",
        [protocol: words::PROTOCOLS, result: words::RESULTS, reason: words::REASONS],
        "Decisions on connections; those on running sessions, which are decided again, are not counted.",
        if |values| matches!(values, [_, result, reason] if (*result == "allow") == (*reason == words::NO_REASON));
    DECISION_SECONDS = Kind::Histogram(MICROSECONDS), "gatehouse_decision_seconds", [protocol: words::PROTOCOLS],
        "Time that a decision took, those of running sessions included.";

    SESSIONS = Kind::Gauge, "gatehouse_sessions", [protocol: words::PROTOCOLS, state: words::STATES],
        "Sessions of this node.";
    SESSIONS_OPENED = Kind::Counter, "gatehouse_sessions_opened_total", [protocol: words::PROTOCOLS],
        "Sessions that became active.";
    SESSIONS_FAILED = Kind::Counter, "gatehouse_sessions_failed_total",
        [protocol: words::PROTOCOLS, reason: words::SESSION_FAILURES],
        "Allowed connections that came to no session.";
    SESSIONS_CLOSED = Kind::Counter, "gatehouse_sessions_closed_total",
        [protocol: words::PROTOCOLS, reason: words::END_REASONS],
        "Sessions that ended after they had been active.";
    SESSION_SETUP_SECONDS = Kind::Histogram(SETUP), "gatehouse_session_setup_seconds", [protocol: words::PROTOCOLS],
        "Time from accepting a connection until its session was active, with what the person took to type.";
    BACKEND_SETUP_SECONDS = Kind::Histogram(SETUP), "gatehouse_backend_setup_seconds", [protocol: words::PROTOCOLS],
        "Time from beginning a recording until the server had accepted the login.";
    SESSION_BYTES = Kind::Counter, "gatehouse_session_bytes_total",
        [protocol: words::PROTOCOLS, direction: words::DIRECTIONS],
        "Bytes relayed in sessions, forwards included.";

    FORWARDS = Kind::Gauge, "gatehouse_forwards", [kind: words::FORWARDS],
        "Forwards in use.";
    FORWARD_CONNECTIONS = Kind::Counter, "gatehouse_forward_connections_total", [kind: words::FORWARDS],
        "Connections through forwards.";
    FORWARDS_REFUSED = Kind::Counter, "gatehouse_forwards_refused_total", [kind: words::FORWARDS],
        "Forwards and connections through them that were refused.";
    FORWARD_BYTES = Kind::Counter, "gatehouse_forward_bytes_total",
        [kind: words::FORWARDS, direction: words::DIRECTIONS],
        "Bytes relayed through forwards.";
    TRANSFERS = Kind::Counter, "gatehouse_transfers_total",
        [direction: words::TRANSFERS, result: words::TRANSFER_RESULTS],
        "Operations on files by SFTP and SCP that ended.";
    TRANSFER_BYTES = Kind::Counter, "gatehouse_transfer_bytes_total", [direction: words::TRANSFERS],
        "Bytes of files in them.";

    RECORDER_QUEUE_BYTES = Kind::Gauge, "gatehouse_recorder_queue_bytes", [],
        "Bytes that wait to be written into recordings, of all sessions; at most 256 KiB of each.";
    RECORDER_WAIT_SECONDS = Kind::Histogram(STORAGE), "gatehouse_recorder_wait_seconds", [],
        "Time for which the oldest event of a batch had waited when the batch was written.";
    RECORDER_SYNC_SECONDS = Kind::Histogram(STORAGE), "gatehouse_recorder_sync_seconds", [],
        "Time that it took to make what a session had written durable.";
    RECORDER_WRITTEN_BYTES = Kind::Counter, "gatehouse_recorder_written_bytes_total", [],
        "Bytes written into recordings.";
    RECORDER_LOST_BYTES = Kind::Counter, "gatehouse_recorder_lost_bytes_total", [],
        "Bytes that were taken to be recorded and could not be written.";
    RECORDER_WRITE_ERRORS = Kind::Counter, "gatehouse_recorder_write_errors_total", [kind: words::DISK_ERRORS],
        "Recordings that could not be begun, writes into recordings that failed, and closings that failed.";

    STORE_SECONDS = Kind::Histogram(STORAGE), "gatehouse_store_seconds", [operation: words::OPERATIONS],
        "Time of each statement that reads, and of each whole transaction that writes.";
    STORE_WAIT_SECONDS = Kind::Histogram(STORAGE), "gatehouse_store_wait_seconds", [],
        "Time for which transactions that write waited to begin: for their turn, a connection and the database.";
    STORE_ERRORS = Kind::Counter, "gatehouse_store_errors_total", [kind: words::STORE_ERRORS],
        "Errors of the database.";
    STORE_CONNECTIONS = Kind::Gauge, "gatehouse_store_connections", [state: words::CONNECTION_STATES],
        "Connections to the database.";
    STORE_UP = Kind::Gauge, "gatehouse_store_up", [],
        "1 if the database answered the node's last heartbeat.";
    DIRECTORY_REVISION = Kind::Gauge, "gatehouse_directory_revision", [],
        "Revision of the directory that is in force on this node.";

    AUDIT_INTACT = Kind::Gauge, "gatehouse_audit_intact", [],
        "1 if the last check found the audit book as it was written, 0 if it found a break.";
    AUDIT_CHECKED = Kind::Gauge, "gatehouse_audit_checked_timestamp_seconds", [],
        "When the audit book was checked last, in seconds since 1970; 0 if not since the start.";
    BLOCKS = Kind::Gauge, "gatehouse_blocks", [],
        "Blocks of sources that are in force.";
    SOURCES_BLOCKED = Kind::Counter, "gatehouse_sources_blocked_total", [],
        "Sources that this node has blocked.";
    ALERT_ATTEMPTS = Kind::Counter, "gatehouse_alert_attempts_total",
        [hook: words::HOOKS, result: words::ALERT_RESULTS],
        "Attempts to tell alerts; those that failed are tried again, those given up are not.";
}
