//! A file of a recording as it grows.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::Arc;

use gatehouse_faults::{failing, point};
use gatehouse_recording::frames::FrameWriter;
use sha2::{Digest, Sha256};

use crate::disk::DiskFile;
use crate::error::ArchiveError;

/// A file of the recording.
pub(crate) struct Growing {
    pub(crate) file: Arc<dyn DiskFile>,
    /// Bytes of it that count.
    pub(crate) length: u64,
    /// Of all that was written.
    digest: Sha256,
    /// Makes what is written, if the file is encrypted.
    frames: Option<FrameWriter>,
    /// Whether the end mark of an encrypted file was written; `None`: not tried yet, or none is needed.
    pub(crate) end_mark: Option<bool>,
    /// Something was written that is not durable.
    pub(crate) dirty: bool,
    /// More lies on the disk than `length`: a part of a write that failed.
    torn: bool,
}

/// What a file is once what is being written counts.
struct Tally {
    length: u64,
    digest: Sha256,
}

thread_local! {
    /// Where frames are made: one for each thread that writes, none for each session.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Growing {
    pub(crate) fn new(file: Arc<dyn DiskFile>, frames: Option<FrameWriter>) -> Self {
        Self {
            file,
            length: 0,
            digest: Sha256::new(),
            frames,
            end_mark: None,
            dirty: false,
            torn: false,
        }
    }

    /// Of all that counts.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }

    /// Writes the end mark of an encrypted file in which there is something, once. Where there is no room for it, the
    /// file stays without.
    pub(crate) fn end(&mut self, path: &Path) {
        let Some(frames) = &mut self.frames else {
            return;
        };
        if self.length == 0 || self.end_mark == Some(true) {
            return;
        }
        let mark = frames.end();
        let written = self.add(path, |file, _, tally| tally.write(file, &mark));
        if let Err(error) = &written {
            tracing::warn!(path = %path.display(), %error, "the end mark of an encrypted file could not be written");
        }
        self.end_mark = Some(written.is_ok());
    }

    /// Adds whole lines or whole zstd frames. On an error the file is as before.
    pub(crate) fn append(&mut self, path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.add(path, |file, frames, tally| match frames {
            None => tally.write(file, bytes),
            Some(frames) => {
                SCRATCH.with_borrow_mut(|scratch| {
                    frames.seal_each(bytes, scratch, |frame| tally.write(file, frame))
                })?;
                frames.commit();
                Ok(())
            }
        })
    }

    /// Adds what `write` writes, all of it or nothing.
    fn add(
        &mut self,
        path: &Path,
        write: impl FnOnce(&dyn DiskFile, &mut Option<FrameWriter>, &mut Tally) -> io::Result<()>,
    ) -> Result<(), ArchiveError> {
        let mut tally = Tally {
            length: self.length,
            digest: self.digest.clone(),
        };
        let written = failing!("archive.append", path.display())
            .and_then(|()| self.cut_back())
            .and_then(|()| write(&*self.file, &mut self.frames, &mut tally));
        if let Err(error) = written {
            self.torn = true;
            // Readers see whole lines only, and the digest stays right. If it fails now, it is tried again later.
            drop(self.cut_back());
            return Err(ArchiveError::io("write to", path, &error));
        }
        self.length = tally.length;
        self.digest = tally.digest;
        self.dirty = true;
        point!("archive.appended", path.display());
        Ok(())
    }

    /// Takes back what was written in part.
    pub(crate) fn cut_back(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        Ok(())
    }
}

impl Tally {
    fn write(&mut self, file: &dyn DiskFile, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match file.append(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.length += bytes.len() as u64;
        self.digest.update(bytes);
        Ok(())
    }
}
