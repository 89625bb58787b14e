//! The side of a session's recorder that writes: channels, their files, and what is not durable yet.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use gatehouse_recording::capture::Captures;
use gatehouse_recording::channel::{ChannelRecorder, Sink, Verdict};
use gatehouse_recording::frames::{FileKey, FrameWriter};
use gatehouse_recording::{Event, FileName, Offset, SessionStamp, Transfer};
use tokio::sync::mpsc;

use crate::disk::{Disk, DiskFile};
use crate::error::ArchiveError;
use crate::growing::Growing;
use crate::queue::{Beginning, Part};

/// What recorders have made and is not written yet.
pub(crate) struct Outbox {
    files: BTreeMap<FileName, Vec<u8>>,
    bytes: usize,
    transfers: mpsc::Sender<Transfer>,
    pub(crate) transfers_missed: u64,
}

impl Sink for Outbox {
    fn append(&mut self, file: FileName, bytes: &[u8]) {
        self.files.entry(file).or_default().extend_from_slice(bytes);
        self.bytes += bytes.len();
    }

    fn transferred(&mut self, transfer: Transfer) {
        // The writer never waits for whoever writes rows: what does not fit is in the log all the same.
        if self.transfers.try_send(transfer).is_err() {
            self.transfers_missed += 1;
        }
    }
}

/// What a writer has to say of a file when all is written.
pub(crate) struct Written {
    pub(crate) name: FileName,
    pub(crate) length: u64,
    pub(crate) sha256: String,
    pub(crate) end_mark: Option<bool>,
}

/// What is not durable yet.
pub(crate) struct Dirty {
    pub(crate) files: Vec<(PathBuf, Arc<dyn DiskFile>)>,
    /// Files were made.
    pub(crate) names: bool,
}

/// Writes one session.
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    stamp: SessionStamp,
    key: Option<Arc<FileKey>>,
    /// Boxed, because a node of the map has room for eleven.
    channels: BTreeMap<u32, Box<ChannelRecorder>>,
    captures: Captures,
    files: BTreeMap<FileName, Growing>,
    /// First lines of casts that could not be written; each must stand before any other line.
    headers: BTreeMap<FileName, Vec<u8>>,
    /// Files were made whose names are not durable.
    new_names: bool,
    /// The room for the sealed manifest.
    reserve: Arc<dyn DiskFile>,
    head: usize,
    reserved: u64,
    pub(crate) outbox: Outbox,
}

/// What a writer begins with.
pub(crate) struct Beginnings {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) directory: PathBuf,
    pub(crate) stamp: SessionStamp,
    /// What the files are encrypted with, if they are.
    pub(crate) key: Option<Arc<FileKey>>,
    /// The room for the sealed manifest, and the bytes of its head.
    pub(crate) reserve: Arc<dyn DiskFile>,
    pub(crate) head: usize,
    pub(crate) transfers: mpsc::Sender<Transfer>,
}

/// The room that is reserved for a sealed manifest of so many files, with so large a head.
pub(crate) fn room_for_manifest(head: usize, files: usize) -> u64 {
    // A file's entry takes some 190 bytes and the signature 400; room is reserved in steps, of which one is to spare.
    let needed = head + files * 240;
    (needed.div_ceil(RESERVE_STEP) + 1).saturating_mul(RESERVE_STEP) as u64
}

const RESERVE_STEP: usize = 16 * 1024;

impl Writer {
    pub(crate) fn new(beginnings: Beginnings) -> Self {
        let Beginnings {
            disk,
            directory,
            stamp,
            key,
            reserve,
            head,
            transfers,
        } = beginnings;
        let outbox = Outbox {
            files: BTreeMap::new(),
            bytes: 0,
            transfers,
            transfers_missed: 0,
        };
        Self {
            disk,
            directory,
            stamp,
            key,
            channels: BTreeMap::new(),
            captures: Captures::new(stamp),
            files: BTreeMap::new(),
            headers: BTreeMap::new(),
            new_names: false,
            reserve,
            head,
            reserved: room_for_manifest(head, 0),
            outbox,
        }
    }

    pub(crate) fn open(&mut self, at: Offset, what: Beginning) {
        match what {
            Beginning::Channel(spec) => {
                let mut recorder = Box::new(ChannelRecorder::new(spec, self.stamp));
                recorder.open(at, &mut self.outbox);
                self.channels.insert(recorder.number(), recorder);
            }
            Beginning::Connection(number, spec) => self.captures.open(number, at, spec, &mut self.outbox),
        }
    }

    pub(crate) fn event(&mut self, part: Part, at: Offset, event: &Event) -> Verdict {
        match part {
            Part::Channel(channel) => match self.channels.get_mut(&channel) {
                Some(recorder) => recorder.push(at, event, &mut self.outbox),
                None => Verdict::Continue,
            },
            Part::Connection(connection) => {
                self.captures.push(connection, at, event, &mut self.outbox);
                Verdict::Continue
            }
        }
    }

    pub(crate) fn lost(&mut self, part: Part, at: Offset, bytes: u64) {
        match part {
            Part::Channel(channel) => {
                if let Some(recorder) = self.channels.get_mut(&channel) {
                    recorder.lost(at, bytes, &mut self.outbox);
                }
            }
            Part::Connection(connection) => self.captures.lost(connection, bytes),
        }
    }

    pub(crate) fn close(&mut self, part: Part, at: Offset) {
        match part {
            Part::Channel(channel) => {
                if let Some(mut recorder) = self.channels.remove(&channel) {
                    recorder.finish(at, &mut self.outbox);
                }
            }
            Part::Connection(connection) => self.captures.close(connection, at, &mut self.outbox),
        }
    }

    pub(crate) fn close_all(&mut self, at: Offset) {
        while let Some((_, mut recorder)) = self.channels.pop_first() {
            recorder.finish(at, &mut self.outbox);
        }
        self.captures.close_all(at, &mut self.outbox);
    }

    pub(crate) fn tick(&mut self, at: Offset) {
        for recorder in self.channels.values_mut() {
            if recorder.next_deadline().is_some_and(|due| due <= at) {
                recorder.tick(at, &mut self.outbox);
            }
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Offset> {
        self.channels
            .values()
            .filter_map(|recorder| recorder.next_deadline())
            .min()
    }

    /// Bytes that wait for [`Self::flush`].
    pub(crate) fn waiting(&self) -> usize {
        self.outbox.bytes
    }

    /// Writes what recorders made. On an error every file is cut back to whole lines, and what was not written is
    /// dropped. Gives the number of bytes written.
    pub(crate) fn flush(&mut self) -> Result<u64, ArchiveError> {
        self.outbox.bytes = 0;
        let mut outbox = std::mem::take(&mut self.outbox.files);
        let mut written = 0;
        let mut result = Ok(());
        // Kept binary before the chunk list that points into it, both before the casts that mention them.
        let rank = |name: &FileName| match name {
            FileName::Binary(_) => 0,
            FileName::Chunks(_) => 1,
            FileName::Transfers => 2,
            FileName::Cast(_) | FileName::Forward(_) => 3,
        };
        let mut names: Vec<FileName> = outbox.keys().copied().collect();
        names.sort_by_key(|name| (rank(name), *name));
        for name in names {
            let bytes = outbox.remove(&name).unwrap_or_default();
            if result.is_ok() {
                result = self.append(name, &bytes).map(|count| written += count);
            }
            if result.is_err() {
                self.keep_header(name, &bytes);
                self.captures.not_written(name);
            }
        }
        result.map(|()| written)
    }

    /// What is not durable yet; it counts as durable from now on.
    pub(crate) fn take_dirty(&mut self) -> Dirty {
        let dirty = self
            .files
            .iter_mut()
            .filter(|(_, growing)| growing.dirty)
            .map(|(name, growing)| {
                growing.dirty = false;
                (self.directory.join(name.to_string()), growing.file.clone())
            });
        Dirty {
            files: dirty.collect(),
            names: std::mem::take(&mut self.new_names),
        }
    }

    /// All files.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Arc<dyn DiskFile>)> {
        let files = self.files.iter();
        files
            .map(|(name, growing)| (self.directory.join(name.to_string()), growing.file.clone()))
            .collect()
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.new_names || self.files.values().any(|growing| growing.dirty)
    }

    /// Ends encrypted files. Where there is no room for the mark, the file stays without it, and the manifest will say so.
    pub(crate) fn end_files(&mut self) {
        for (name, growing) in &mut self.files {
            growing.end(&self.directory.join(name.to_string()));
        }
    }

    /// What was written, with digests. A file in which nothing could be written is removed.
    pub(crate) fn written(&mut self) -> Result<Vec<Written>, ArchiveError> {
        let mut list = Vec::new();
        for (name, growing) in &mut self.files {
            let path = self.directory.join(name.to_string());
            growing
                .cut_back()
                .map_err(|error| ArchiveError::io("cut a torn line off", &path, &error))?;
            if growing.length == 0 {
                if let Err(error) = self.disk.remove(&path) {
                    tracing::warn!(path = %path.display(), %error, "an empty file of a recording stays");
                }
                continue;
            }
            list.push(Written {
                name: *name,
                length: growing.length,
                sha256: growing.sha256(),
                end_mark: growing.end_mark,
            });
        }
        Ok(list)
    }

    /// Adds to a file, which is made if it is not there. Gives how many bytes it has become longer.
    fn append(&mut self, name: FileName, bytes: &[u8]) -> Result<u64, ArchiveError> {
        let path = self.directory.join(name.to_string());
        if !self.files.contains_key(&name) {
            self.make_room()?;
            let file = self
                .disk
                .create(&path)
                .map_err(|error| ArchiveError::io("create", &path, &error))?;
            self.new_names = true;
            let key = self.key.as_ref();
            let key = key.map(|key| key.of_file(self.stamp.session, name));
            let growing = Growing::new(file, key.map(FrameWriter::new));
            self.files.insert(name, growing);
        }
        let Some(growing) = self.files.get_mut(&name) else {
            return Ok(0);
        };
        let before = growing.length;
        match self.headers.get(&name) {
            Some(header) => {
                growing.append(&path, &[header, bytes].concat())?;
                self.headers.remove(&name);
            }
            None => growing.append(&path, bytes)?,
        }
        Ok(growing.length - before)
    }

    /// Room in the sealed manifest for one more file.
    fn make_room(&mut self) -> Result<(), ArchiveError> {
        let needed = room_for_manifest(self.head, self.files.len() + 1);
        if needed > self.reserved {
            let full = |error| ArchiveError::io("reserve room in", &self.directory, &error);
            self.reserve.allocate(needed).map_err(full)?;
            self.reserved = needed;
        }
        Ok(())
    }

    /// A cast without its first line would be none.
    fn keep_header(&mut self, name: FileName, bytes: &[u8]) {
        let nothing_written = self.files.get(&name).is_none_or(|growing| growing.length == 0);
        if matches!(name, FileName::Cast(_)) && nothing_written && !self.headers.contains_key(&name) {
            let end = bytes
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(bytes.len(), |at| at + 1);
            self.headers
                .insert(name, bytes.get(..end).unwrap_or_default().to_vec());
        }
    }
}
