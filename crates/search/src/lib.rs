//! Reads the recordings that lie on a node's disk and writes their lines into the store's search index: what people
//! saw, which commands were started, which files were moved.
//!
//! Invariants:
//! - **Holds nobody up.** One session at a time, in small pieces; after each piece it rests nine times as long as the
//!   piece took, so it never takes more than a tenth of a core. It only reads what is on the disk.
//! - **Goes on where it stopped.** Lines and how far they were read are written in one transaction. A cast gives the
//!   same lines whenever it is read, so after a crash the lines that are there already are passed over by their number.
//! - **Bounded.** Lines, lines of a session and screens have bounds (`gatehouse_store::LINE_MAX`,
//!   `SESSION_LINES_MAX`); of sessions that run at most [`RUNNING_MAX`] are followed, of each at most
//!   16 channels; the rest is read when they are closed.
//! - **Tried three times.** A recording that cannot be read is noted with the reason and then left alone.
//! - **Nothing clear that was not to be.** A recording that is encrypted to recipients is left out, unless the site
//!   has said otherwise: the index lies in the store in clear.
//!
//! Not here: what a word is and how it is found (`gatehouse-store`), what a screen shows (`gatehouse-recording`).

mod reading;
mod rounds;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use gatehouse_archive::Keyring;
use gatehouse_model::NodeId;

pub use rounds::{Indexer, run};

/// Sessions that run and are followed at a time.
pub const RUNNING_MAX: u64 = 64;

/// What is read, and how.
#[derive(Clone, Debug)]
pub struct IndexerSettings {
    /// Whose recordings are on this disk.
    pub node: NodeId,
    /// What the paths of recordings are relative to.
    pub data_dir: PathBuf,
    /// What opens encrypted recordings.
    pub keys: Keyring,
    /// Whether these are read too.
    pub encrypted: EncryptedRecordings,
    /// How fast.
    pub pace: Pace,
}

/// What is done with encrypted recordings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncryptedRecordings {
    /// They are left out.
    LeftOut,
    /// They are indexed, in clear.
    Indexed,
}

/// How fast recordings are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Between two looks for something to do.
    pub look: Duration,
    /// Between two reads of a session that runs.
    pub running: Duration,
    /// How long is rested after each piece, as a multiple of what it took.
    pub rest: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(5),
            running: Duration::from_secs(60),
            rest: 9,
        }
    }
}
