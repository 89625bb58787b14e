//! Following a recording while it grows.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use gatehouse_recording::{FileName, Offset};
use tokio::sync::watch;

use crate::error::ArchiveError;
use crate::session::Progress;

/// Most bytes that are read of one file at a time.
const READ_MAX: usize = 256 * 1024;
/// Longest line; the casts written here have none as long.
const LINE_MAX: usize = 4 * 1024 * 1024;

/// Where following begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FollowFrom {
    /// With the recording's first line.
    Start,
    /// With what comes next. The header of each channel is given all the same.
    Now,
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
}

/// Gives the lines of all casts of a recording as they are written. It reads the files on its own, at its own pace.
/// Lines of one channel come in order; those of several channels, by time as far as they were written together.
pub struct Follower {
    directory: PathBuf,
    progress: watch::Receiver<Progress>,
    from: FollowFrom,
    tails: BTreeMap<u32, Tail>,
    ready: VecDeque<FollowedLine>,
    first: bool,
}

struct Tail {
    file: File,
    position: u64,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
    header_given: bool,
    /// Lines that begin before this are not given.
    skip_to: u64,
}

impl Follower {
    pub(crate) fn new(directory: PathBuf, progress: watch::Receiver<Progress>, from: FollowFrom) -> Self {
        Self {
            directory,
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

    fn read(&mut self) -> Result<(), ArchiveError> {
        let failed = |path: &Path, error: &io::Error| ArchiveError::io("read", path, error);
        let skip = self.first && self.from == FollowFrom::Now;
        self.first = false;
        for entry in std::fs::read_dir(&self.directory).map_err(|error| failed(&self.directory, &error))? {
            let entry = entry.map_err(|error| failed(&self.directory, &error))?;
            let Some(Ok(FileName::Cast(channel))) = entry.file_name().to_str().map(str::parse) else {
                continue;
            };
            if let std::collections::btree_map::Entry::Vacant(vacant) = self.tails.entry(channel) {
                let path = entry.path();
                let file = File::open(&path).map_err(|error| failed(&path, &error))?;
                let length = file.metadata().map_err(|error| failed(&path, &error))?.len();
                let skip_to = if skip { length } else { 0 };
                vacant.insert(Tail {
                    file,
                    position: 0,
                    rest: Vec::new(),
                    header_given: false,
                    skip_to,
                });
            }
        }
        let mut lines = Vec::new();
        // Again while nothing came of it but there was more: a long stretch may be skipped, or one long line.
        let mut more = true;
        while more && lines.is_empty() {
            more = false;
            for (channel, tail) in &mut self.tails {
                let path = || self.directory.join(FileName::Cast(*channel).to_string());
                more |= tail
                    .read(*channel, &mut lines)
                    .map_err(|error| failed(&path(), &error))?;
            }
        }
        // Stable: lines of one channel never change places, for their times never go back.
        lines.sort_by_key(|line| line.at);
        self.ready.extend(lines);
        Ok(())
    }
}

impl Tail {
    /// Reads on, and tells whether there was anything to read.
    fn read(&mut self, channel: u32, lines: &mut Vec<FollowedLine>) -> io::Result<bool> {
        let mut buffer = vec![0; READ_MAX];
        let count = self.file.read_at(&mut buffer, self.position)?;
        let mut line_at = self.position - self.rest.len() as u64;
        self.position += count as u64;
        self.rest
            .extend_from_slice(buffer.get(..count).unwrap_or_default());
        let mut used = 0;
        while let Some(line) = self
            .rest
            .get(used..)
            .and_then(|rest| rest.split_inclusive(|b| *b == b'\n').next())
        {
            let Some(text) = line.strip_suffix(b"\n") else {
                break;
            };
            used += line.len();
            if !self.header_given || line_at >= self.skip_to {
                let line = String::from_utf8_lossy(text).into_owned();
                let at = if self.header_given {
                    time_of(&line)
                } else {
                    Offset::ZERO
                };
                lines.push(FollowedLine { channel, at, line });
                self.header_given = true;
            }
            line_at += line.len() as u64;
        }
        self.rest.drain(..used);
        if self.rest.len() > LINE_MAX {
            self.rest.clear();
            return Err(io::Error::other("a line without end; the cast is damaged"));
        }
        Ok(count > 0)
    }
}

/// The time with which an event's line begins.
fn time_of(line: &str) -> Offset {
    let seconds = line.strip_prefix('[').and_then(|rest| rest.split(',').next());
    seconds
        .and_then(|seconds| seconds.trim().parse().ok())
        .map_or(Offset::ZERO, Offset::from_seconds)
}
