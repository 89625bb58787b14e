//! Following a recording while it grows.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatehouse_model::SessionId;
use gatehouse_recording::frames::{FileKey, FrameReader};
use gatehouse_recording::{FileName, Offset};
use tokio::sync::watch;

use crate::error::ArchiveError;
use crate::session::Progress;
use crate::tail::Tail;

/// Most bytes that are read of one file at a time.
const READ_MAX: usize = 256 * 1024;
/// Most bytes that are read of all files at a time, as far as each gets [`READ_MIN`].
const READ_ALL: usize = 1024 * 1024;
const READ_MIN: usize = 16 * 1024;

/// Where following begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FollowFrom {
    /// With the recording's first line.
    Start,
    /// With what comes next. The header of each channel is given all the same.
    Now,
    /// With the last so many bytes of each channel's file, and its header.
    Last(u64),
}

/// A line of a cast, complete, without its line feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FollowedLine {
    /// The channel.
    pub channel: u32,
    /// Its time; zero for a header.
    pub at: Offset,
    /// The line: the header, or an event.
    pub line: String,
    /// Where it begins in the channel's cast, in bytes of the contents (not of the encrypted file).
    pub begin: u64,
    /// Where it ends there, line feed included. The next line begins here, unless something was passed over.
    pub end: u64,
}

/// Gives the lines of all casts of a recording as they are written. It reads the files on its own, at its own pace.
/// Lines of one channel come in order; those of several channels, by time as far as they were written together.
pub struct Follower {
    directory: PathBuf,
    session: SessionId,
    /// What the files are encrypted with, if they are.
    key: Option<Arc<FileKey>>,
    progress: watch::Receiver<Progress>,
    from: FollowFrom,
    tails: BTreeMap<u32, Tail>,
    ready: VecDeque<FollowedLine>,
    first: bool,
}

impl Follower {
    pub(crate) fn new(
        directory: PathBuf,
        session: SessionId,
        key: Option<Arc<FileKey>>,
        progress: watch::Receiver<Progress>,
        from: FollowFrom,
    ) -> Self {
        Self {
            directory,
            session,
            key,
            progress,
            from,
            tails: BTreeMap::new(),
            ready: VecDeque::new(),
            first: true,
        }
    }

    /// The next line; `None` when the recording is closed (or its recorder is gone) and every line was given.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<FollowedLine, ArchiveError>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(Ok(line));
            }
            // Before reading: what is written after this is seen as a change.
            let sealed = self.progress.borrow_and_update().sealed;
            let gone = self.progress.has_changed().is_err();
            // A few pages out of the cache: not worth another thread.
            match self.read() {
                Err(error) => return Some(Err(error)),
                Ok(()) if !self.ready.is_empty() => {}
                Ok(()) if sealed || gone => return None,
                // An error means that the recorder is gone: what it wrote last is read once more.
                Ok(()) => drop(self.progress.changed().await),
            }
        }
    }

    /// Passes over what was not read yet, but for the last `keep` bytes of each channel. Lines that were read are
    /// still given. What was passed over shows in the places of the lines around it.
    ///
    /// # Errors
    /// A file cannot be asked for its length.
    pub fn skip_to_last(&mut self, keep: u64) -> Result<(), ArchiveError> {
        for (channel, tail) in &mut self.tails {
            tail.skip_to_last(keep).map_err(|error| {
                let path = self.directory.join(FileName::Cast(*channel).to_string());
                ArchiveError::io("read", &path, &error)
            })?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), ArchiveError> {
        let failed = |path: &Path, error: &io::Error| ArchiveError::io("read", path, error);
        let keep = match self.from {
            FollowFrom::Start => None,
            FollowFrom::Now => Some(0),
            FollowFrom::Last(bytes) => Some(bytes),
        };
        // A channel that comes later is given from its beginning.
        let keep = keep.filter(|_| self.first);
        self.first = false;
        for entry in std::fs::read_dir(&self.directory).map_err(|error| failed(&self.directory, &error))? {
            let entry = entry.map_err(|error| failed(&self.directory, &error))?;
            let Some(Ok(FileName::Cast(channel))) = entry.file_name().to_str().map(str::parse) else {
                continue;
            };
            if let std::collections::btree_map::Entry::Vacant(vacant) = self.tails.entry(channel) {
                let path = entry.path();
                let file = File::open(&path).map_err(|error| failed(&path, &error))?;
                let key = self.key.as_ref();
                let key = key.map(|key| key.of_file(self.session, FileName::Cast(channel)));
                let tail = vacant.insert(Tail::new(file, key.map(FrameReader::new)));
                if let Some(keep) = keep {
                    tail.skip_to_last(keep).map_err(|error| failed(&path, &error))?;
                }
            }
        }
        let piece = (READ_ALL / self.tails.len().max(1)).clamp(READ_MIN, READ_MAX);
        let mut lines = Vec::new();
        // Again while nothing came of it but there was more: a long stretch may be skipped, or one long line.
        let mut more = true;
        while more && lines.is_empty() {
            more = false;
            for (channel, tail) in &mut self.tails {
                let path = || self.directory.join(FileName::Cast(*channel).to_string());
                more |= tail
                    .read(*channel, piece, &mut lines)
                    .map_err(|error| failed(&path(), &error))?;
            }
        }
        // Stable: lines of one channel never change places, for their times never go back.
        lines.sort_by_key(|line| line.at);
        self.ready.extend(lines);
        Ok(())
    }
}
