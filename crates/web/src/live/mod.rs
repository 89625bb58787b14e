//! What is kept in memory for those who look on: streams of events, views of recordings and running sessions.
//!
//! Nothing of it has to outlive the process; all of it is bounded.

mod bookmarks;
mod hub;
mod notebook;
mod pages;
mod places;
mod told;
mod watching;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::{Measured, TranscriptPlace, TranscriptReader};
use crate::problem::Problem;

pub(crate) use bookmarks::Bookmarks;
pub(crate) use hub::{Hub, Line, News, message};
pub(crate) use notebook::{Looked, Notebook};
pub(crate) use pages::{ChannelPlace, ChannelReader, EventPage};
pub(crate) use places::{Place, Places};
pub(crate) use told::{Teller, Told};
pub(crate) use watching::Watching;

/// Recordings that are read from end to end at a time, so that a few who look on do not take every processor and disk.
const SCANS: usize = 4;
/// Transcripts that are remembered between two pages: each holds the screens of its channels.
const TRANSCRIPTS: usize = 8;
/// Channels that are remembered between two pages: each holds a line or two.
const CHANNELS: usize = 64;

/// A node's looking on.
pub(crate) struct Live {
    /// Who looked at what lately.
    pub(crate) notebook: Notebook,
    /// Who reads what is new, for all who listen.
    pub(crate) hub: Hub,
    /// Held while the audit book is checked on somebody's demand.
    pub(crate) book: tokio::sync::Mutex<()>,
    /// Streams that are open, by person.
    pub(crate) places: Places,
    /// What is known of the channels of closed recordings.
    pub(crate) measured: Measured,
    /// Transcripts that are read page by page.
    pub(crate) transcripts: Bookmarks<TranscriptPlace, TranscriptReader>,
    /// Channels that are read page by page.
    pub(crate) channels: Bookmarks<ChannelPlace, ChannelReader>,
    /// For reading a whole recording.
    scans: Arc<Semaphore>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            notebook: Notebook::default(),
            hub: Hub::default(),
            book: tokio::sync::Mutex::default(),
            places: Places::default(),
            measured: Measured::default(),
            transcripts: Bookmarks::new(TRANSCRIPTS),
            channels: Bookmarks::new(CHANNELS),
            scans: Arc::new(Semaphore::new(SCANS)),
        }
    }

    /// Waits until one more recording may be read from end to end.
    pub(crate) async fn scan(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.scans)
            .acquire_owned()
            .await
            .map_err(|error| Problem::fault("recordings cannot be read any more", &error))
    }
}
