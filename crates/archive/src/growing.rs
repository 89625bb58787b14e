//! A file of a recording as it grows.

use std::io;
use std::path::Path;
use std::sync::Arc;

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
        let written = self.append_raw(path, &mark);
        if let Err(error) = &written {
            tracing::warn!(path = %path.display(), %error, "the end mark of an encrypted file could not be written");
        }
        self.end_mark = Some(written.is_ok());
    }

    /// Adds whole lines or whole zstd frames.
    pub(crate) fn append(&mut self, path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
        let Some(frames) = &mut self.frames else {
            return self.append_raw(path, bytes);
        };
        let sealed = frames.seal(bytes);
        self.append_raw(path, &sealed)?;
        if let Some(frames) = &mut self.frames {
            frames.commit();
        }
        Ok(())
    }

    fn append_raw(&mut self, path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
        let written = self.cut_back().and_then(|()| {
            let mut rest = bytes;
            while !rest.is_empty() {
                match self.file.append(rest) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        if let Err(error) = written {
            self.torn = true;
            // Readers see whole lines only, and the digest stays right. If it fails now, it is tried again later.
            drop(self.cut_back());
            return Err(ArchiveError::io("write to", path, &error));
        }
        self.length += bytes.len() as u64;
        self.digest.update(bytes);
        self.dirty = true;
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
