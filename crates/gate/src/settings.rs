//! What can be configured about every gate alike.

use std::path::PathBuf;
use std::time::Duration;

use gatehouse_model::SpanSeconds;
use gatehouse_policy::DirectorySettings;

use crate::guard::GuardSettings;
use crate::{LoginRecords, NodeListen, RecordingEncryption};

/// Settings of the node.
#[derive(Clone, Debug)]
pub struct GateSettings {
    /// The data directory; paths in rows are relative to it where they lie below it.
    pub data_dir: PathBuf,
    /// Where recordings go.
    pub recordings: PathBuf,
    /// Threads that write recordings.
    pub writers: usize,
    /// How long a session waits for a disk that does not answer.
    pub disk_patience: Duration,
    /// How they are encrypted.
    pub encryption: RecordingEncryption,
    /// What the configuration adds to the directory: default zone, contact, recording terms.
    pub directory: DirectorySettings,
    /// How long before the end of access the person is warned, longest first.
    pub warnings: Vec<SpanSeconds>,
    /// What each source, and all together, may take up.
    pub guard: GuardSettings,
    /// How long alerts are kept.
    pub keep_alerts: SpanSeconds,
    /// Between two checks of the whole audit book.
    pub check_book: Duration,
    /// How long running sessions may go on after the order to stop.
    pub shutdown_grace: Duration,
    /// Ports configured for this node's gates, whether they are served or not; remote forwards do not get them.
    pub own_ports: Vec<u16>,
    /// The node's name, for lists of nodes.
    pub node_name: String,
    /// Where other nodes and command lines are listened to.
    pub node_listen: NodeListen,
    /// Where sessions are shown to who(1), w(1) and last(1).
    pub login_records: LoginRecords,
}
