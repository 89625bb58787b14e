//! What can go wrong, each in a sentence.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatehouse_model::SessionId;
use gatehouse_recording::manifest::ManifestError;
use gatehouse_telemetry::RECORDER_WRITE_ERRORS;
use gatehouse_telemetry::words::OTHER;

/// An operation on a recording failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file system (or the account's quota) has no room: `ENOSPC`, `EDQUOT`.
    #[error("the disk is full: cannot {action} {path}; free space, or move the recordings to a larger disk")]
    Full {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// The account may not: `EACCES`, `EPERM`.
    #[error("no permission to {action} {path}; give the service's account the right to read and write there")]
    Permission {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// The file system is mounted read-only, perhaps after a fault of the disk: `EROFS`.
    #[error("the file system is read-only: cannot {action} {path}; check the disk and mount it writable")]
    ReadOnly {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
    },
    /// The disk does not answer: a file server that is gone, a broken controller.
    #[error(
        "the disk has not answered for {seconds} seconds: cannot {action} {path}; check the disk or the file server"
    )]
    Stalled {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// Anything else that the system answers, such as a fault of the disk.
    #[error("cannot {action} {path}: {reason}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// There is no such recording; it may have been removed by hand or by retention.
    #[error("there is no recording at {path}; it may have been removed")]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The path is not one that recordings have.
    #[error("{path:?} is not the path of a recording, such as 2026/01/31/0193…")]
    BadPath {
        /// What was given.
        path: String,
    },
    /// What is there cannot be read as a recording.
    #[error("the recording at {path} is damaged: {what}")]
    Damaged {
        /// Where.
        path: PathBuf,
        /// In which way.
        what: String,
    },
    /// The recording is encrypted, and no key to it is at hand.
    #[error(
        "the recording at {path} is encrypted for {recipients}, and {why}; give the identity of one of them with --identity FILE"
    )]
    NoKey {
        /// Where.
        path: PathBuf,
        /// For whom it is encrypted.
        recipients: String,
        /// Why the keys at hand do not open it.
        why: String,
    },
    /// No key could be made for a recording, or it could not be sealed or wrapped.
    #[error("the recording cannot be encrypted: {0}")]
    Encryption(String),
    /// A recording of this session exists; an id was used twice.
    #[error("a recording of session {0} exists already; start a new session")]
    Exists(SessionId),
    /// The archive's threads are gone: the process is ending.
    #[error("the archive is closing; no recording can be made any more")]
    Closing,
}

/// A recorder has failed and its session may not go on.
#[derive(Clone, Debug, thiserror::Error)]
#[error("recording failed: {cause}")]
pub struct RecordingFailed {
    /// What went wrong first.
    pub cause: ArchiveError,
    /// Bytes that were handed over, and so may have been relayed, and are not in the files.
    pub relayed_not_written: u64,
}

/// An event was not taken, and is not to be relayed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PushError {
    /// Recording failed, and the session's mode is strict: end the session.
    #[error(transparent)]
    Failed(#[from] RecordingFailed),
    /// `record_binary = "refuse"`: end this channel; the sentence is for the person.
    #[error("{0}")]
    Refused(String),
    /// The recording, or this channel's, is closed.
    #[error("the recording is closed already")]
    Closed,
}

impl ArchiveError {
    /// Gives an answer of the system its kind.
    pub(crate) fn io(action: &'static str, path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { action, path },
            io::ErrorKind::PermissionDenied => Self::Permission { action, path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { action, path },
            _ => Self::Io {
                action,
                path,
                reason: error.to_string(),
            },
        }
    }

    pub(crate) fn stalled(action: &'static str, path: &Path, waited: Duration) -> Self {
        Self::Stalled {
            action,
            path: path.to_owned(),
            seconds: waited.as_secs(),
        }
    }

    /// Counts the error among those of recorders.
    pub(crate) fn count(&self) {
        RECORDER_WRITE_ERRORS.count(&[match self {
            Self::Full { .. } => "disk_full",
            Self::Permission { .. } => "permission",
            Self::ReadOnly { .. } => "read_only",
            _ => OTHER,
        }]);
    }

    pub(crate) fn damaged(path: &Path, error: &ManifestError) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: error.to_string(),
        }
    }
}
