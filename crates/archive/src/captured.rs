//! What forwards carried, as it lies in a recording: whole blocks only, because a file that grows may end within one.

use gatehouse_recording::FileName;
use gatehouse_recording::capture::{BLOCK_MAX, complete_blocks};

use crate::contents::Contents;
use crate::error::ArchiveError;
use crate::library::Recording;

/// Reads a capture, decrypted where it is encrypted.
#[derive(Debug)]
pub struct Captured {
    name: FileName,
    contents: Contents,
    waiting: Vec<u8>,
}

impl Recording {
    /// A capture of forwards, by the number in the name of its file.
    ///
    /// # Errors
    /// The file cannot be opened, or there is no key to it.
    pub fn captured(&self, number: u32) -> Result<Captured, ArchiveError> {
        let name = FileName::Forward(number);
        Ok(Captured {
            name,
            contents: self.contents(name)?,
            waiting: Vec::new(),
        })
    }
}

impl Captured {
    /// The next blocks; empty at the end of what is complete.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged from here on.
    pub fn piece(&mut self) -> Result<Vec<u8>, ArchiveError> {
        loop {
            let piece = self.contents.piece()?;
            if piece.is_empty() {
                return Ok(Vec::new());
            }
            self.waiting.extend_from_slice(piece);
            let whole = complete_blocks(&self.waiting);
            if whole > 0 {
                return Ok(self.waiting.drain(..whole).collect());
            }
            if self.waiting.len() > BLOCK_MAX {
                return Err(ArchiveError::Damaged {
                    path: self.name.to_string().into(),
                    what: "it holds something that is no block of a capture".to_owned(),
                });
            }
        }
    }
}
