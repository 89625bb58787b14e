//! Searching what was seen and done in sessions.
//!
//! A line is a line of a transcript, a command, or the name of a file. Its id is its moment: microseconds since 1970
//! times [`SLOTS`], the next free number where a moment has several lines. So the newest hits are those with the
//! largest ids, and neither database sorts anything.
//!
//! SQLite holds the words in an FTS5 table without contents (`search_words`): the folded words are not kept a second
//! time beside the text that is shown, and a line can still be deleted. PostgreSQL holds them in a `tsvector` with a
//! GIN index. Each line has filter words too (whose session, at which server, which kind, which session), so that a
//! filter is answered by the same index.
//!
//! Whoever reads recordings calls [`Store::sessions_to_index`], [`Store::index_lines`]; lines and how far was read are
//! written together, so nothing is indexed twice after a crash.

mod find;
mod index;
mod words;

use std::collections::BTreeMap;

use gatehouse_model::{SessionId, SessionState, Timestamp};
use serde::{Deserialize, Serialize};

pub use find::{SearchFilter, SearchHit};
pub(crate) use index::begin;

/// Lines of one microsecond; when they are used up, the next microsecond's are taken.
const SLOTS: i64 = 1_024;
/// Longest line that is kept, in bytes; the rest of it is neither found nor shown.
pub const LINE_MAX: usize = 2_048;
/// Lines of one session that are kept; what comes after is not found.
pub const SESSION_LINES_MAX: u64 = 200_000;

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    /// Something that the person saw.
    Output,
    /// A command that was started.
    Command,
    /// The name of a file that was transferred or changed.
    File,
}

impl LineKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Output, Self::Command, Self::File];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Command => "command",
            Self::File => "file",
        }
    }
}

impl std::str::FromStr for LineKind {
    type Err = crate::StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                crate::StoreError::invalid(
                    "kind",
                    format!("{text:?} is not a kind of line; give one of output, command, file"),
                )
            })
    }
}

/// A line to be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexLine {
    /// The channel that it belongs to.
    pub channel: u32,
    /// When, in microseconds since the session's start.
    pub at: u64,
    /// What it is.
    pub kind: LineKind,
    /// The line.
    pub text: String,
}

/// How far a session was read.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct IndexProgress {
    /// By channel the lines of its transcript that were indexed.
    #[serde(default)]
    pub channels: BTreeMap<u32, u64>,
    /// Names of files that were.
    #[serde(default)]
    pub files: u64,
}

/// How a session's index stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexState {
    /// How far it was read.
    pub progress: IndexProgress,
    /// Lines that are kept.
    pub lines: u64,
    /// Whether it will not be read any more.
    pub complete: bool,
    /// Attempts that failed since the last one that did not.
    pub attempts: u32,
    /// Why it is not complete in earnest.
    pub trouble: Option<String>,
}

/// What was read of a session since the last time.
#[derive(Clone, Debug, Default)]
pub struct IndexBatch {
    /// Lines that are complete.
    pub lines: Vec<IndexLine>,
    /// Lines that are still on a screen, and may change. They replace those of the batch before.
    pub on_screen: Vec<IndexLine>,
    /// How far was read, these lines included.
    pub progress: IndexProgress,
    /// Whether that was the last of it.
    pub complete: bool,
}

/// A session that is to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionToIndex {
    /// The session.
    pub id: SessionId,
    /// Where it is in its life.
    pub state: SessionState,
    /// When it began.
    pub started_at: Timestamp,
    /// Its recording, relative to the data directory.
    pub recording: String,
    /// What was started last in it.
    pub what: Option<String>,
    /// How far it was read.
    pub index: IndexState,
}
