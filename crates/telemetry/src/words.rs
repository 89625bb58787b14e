//! The values that labels can have. Those that are words of the house are compared with its types by tests there.

/// What is not listed.
pub const OTHER: &str = "other";

/// Protocols of gates.
pub const PROTOCOLS: &[&str] = &["ssh", "rdp"];
/// Which way bytes go: from the person, or to the person.
pub const DIRECTIONS: &[&str] = &["in", "out"];
/// States of sessions that a node holds.
pub const STATES: &[&str] = &["opening", "active"];
/// What a decision says.
pub const RESULTS: &[&str] = &["allow", "deny"];
/// The reason of a decision that allows.
pub const NO_REASON: &str = "none";
/// Reasons of denials (`gatehouse_policy::Reason`).
pub const REASONS: &[&str] = &[
    NO_REASON,
    "source_blocked",
    "unknown_source",
    "user_inactive",
    "user_locked",
    "unknown_destination",
    "server_inactive",
    "server_locked",
    "protocol_not_offered",
    "no_matching_policy",
    "not_yet_valid",
    "expired",
    "outside_schedule",
    "login_not_allowed",
];
/// Why a connection is not served at all.
pub const REFUSALS: &[&str] = &[
    "blocked",
    "source_rate",
    "stranger_rate",
    "denials",
    "total",
    "source",
    "unauthenticated",
    "unauthenticated_source",
    "strangers",
    "unnamed",
    "untrusted_proxy",
    "bad_proxy_header",
];
/// Why a handshake failed.
pub const HANDSHAKE_FAILURES: &[&str] = &["timeout", "disconnected", "no_common_algorithm", "protocol"];
/// Why a login at the gate failed.
pub const LOGIN_FAILURES: &[&str] = &["refused", "timeout"];
/// How sessions end (`gatehouse_model::EndReason`).
pub const END_REASONS: &[&str] = &[
    "normal",
    "error",
    "timeout",
    "killed",
    "expired",
    "revoked",
    "service_restart",
];
/// Why a session came to nothing before it was active.
pub const SESSION_FAILURES: &[&str] = &[
    "backend_unresolved",
    "backend_refused",
    "backend_timeout",
    "backend_unreachable",
    "backend_outdated",
    "backend_handshake",
    "backend_gone",
    "host_key_changed",
    "host_key_unaccepted",
    "host_key_unchecked",
    "login_refused",
    "login_incomplete",
    "no_login_method",
    "recording_failed",
    "store_unreachable",
    OTHER,
];
/// Kinds of forwards (`gatehouse_model::ForwardKind`).
pub const FORWARDS: &[&str] = &["local", "remote", "dynamic", "unix", "x11"];
/// Which way a file goes (`gatehouse_model::TransferDirection`).
pub const TRANSFERS: &[&str] = &["upload", "download"];
/// How a transfer ends.
pub const TRANSFER_RESULTS: &[&str] = &["ok", "failed"];
/// What a disk answers to a recorder.
pub const DISK_ERRORS: &[&str] = &["disk_full", "permission", "read_only", OTHER];
/// What is done with the store.
pub const OPERATIONS: &[&str] = &["read", "write"];
/// What a database answers.
pub const STORE_ERRORS: &[&str] = &["unreachable", "locked", "permission", "disk_full", OTHER];
/// What a connection to the database does.
pub const CONNECTION_STATES: &[&str] = &["idle", "busy"];
/// Hooks that are told alerts.
pub const HOOKS: &[&str] = &["command", "webhook", "mail"];
/// What became of telling one.
pub const ALERT_RESULTS: &[&str] = &["delivered", "failed", "given_up"];
/// This version of Gatehouse.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
