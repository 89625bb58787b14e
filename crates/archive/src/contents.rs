//! The contents of a recording's file, encrypted or not.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gatehouse_recording::frames::{FrameKey, FrameReader};

use crate::error::ArchiveError;

/// Bytes that are read at a time.
pub(crate) const READ: usize = 64 * 1024;

/// How a file is to be read.
pub(crate) enum Form {
    /// As it stands.
    Plain,
    /// Encrypted; of a growing or torn file, what is complete.
    Frames(FrameKey),
    /// Encrypted and closed: an end mark that is missing is told.
    ClosedFrames(FrameKey),
}

/// Reads a file of a recording, decrypted where it is encrypted. What is damaged is told when all before it was given.
pub struct Contents {
    path: PathBuf,
    file: File,
    frames: Option<FrameReader>,
    /// Whether the end mark must be there.
    closed: bool,
    raw: Box<[u8]>,
    plain: Vec<u8>,
    given: usize,
}

impl Contents {
    pub(crate) fn open(path: &Path, form: Form) -> Result<Self, ArchiveError> {
        let file = File::open(path).map_err(|error| ArchiveError::io("open", path, &error))?;
        let closed = matches!(form, Form::ClosedFrames(_));
        let frames = match form {
            Form::Plain => None,
            Form::Frames(key) | Form::ClosedFrames(key) => Some(FrameReader::new(key)),
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            frames,
            closed,
            raw: vec![0; READ].into_boxed_slice(),
            plain: Vec::new(),
            given: 0,
        })
    }

    /// The next piece; empty at the end of what is complete.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged from here on.
    pub fn piece(&mut self) -> Result<&[u8], ArchiveError> {
        self.more()?;
        let from = std::mem::replace(&mut self.given, self.plain.len());
        Ok(self.plain.get(from..).unwrap_or_default())
    }

    /// All that is left.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn all(mut self) -> Result<Vec<u8>, ArchiveError> {
        let mut all = Vec::new();
        loop {
            let piece = self.piece()?;
            if piece.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(piece);
        }
    }

    /// Sees to it that there is something to give, unless the file is over.
    fn more(&mut self) -> Result<(), ArchiveError> {
        while self.given == self.plain.len() {
            self.plain.clear();
            self.given = 0;
            let count = self
                .file
                .read(&mut self.raw)
                .map_err(|error| ArchiveError::io("read", &self.path, &error))?;
            let raw = self.raw.get(..count).unwrap_or_default();
            let Some(frames) = &mut self.frames else {
                self.plain.extend_from_slice(raw);
                return Ok(());
            };
            frames.feed(raw);
            let mut result = frames.read(&mut self.plain);
            if count == 0 && self.plain.is_empty() && result.is_ok() && self.closed {
                result = frames.finish();
            }
            match result {
                // It comes again when what is good was given.
                Err(error) if self.plain.is_empty() => {
                    return Err(ArchiveError::Damaged {
                        path: self.path.clone(),
                        what: error.to_string(),
                    });
                }
                _ if count == 0 => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Read for Contents {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.more().map_err(io::Error::other)?;
        let left = self.plain.get(self.given..).unwrap_or_default();
        let count = left.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), left.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
