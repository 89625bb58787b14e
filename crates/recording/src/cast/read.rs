//! Casts from bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{CastBytes, CastData, CastEvent, CastHeader, CastItem, Newlines};
use crate::event::{Exit, Stream};
use crate::offset::Offset;

/// Longest line that is read. The encoder writes none above six times 64 KiB.
const LINE_MAX: usize = 4 * 1024 * 1024;

/// Bytes that are not a cast.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// The first line is not the header of a cast that we wrote.
    #[error("the file does not begin with the header of a cast of ours ({0})")]
    Header(#[source] serde_json::Error),
    /// Another version of the format.
    #[error("the cast has version {0}; only version 2 can be read")]
    Version(u32),
    /// A later line is not an event.
    #[error("line {line} is not an event; the cast was damaged")]
    Event {
        /// Counted from 1.
        line: u64,
    },
    /// A line without end.
    #[error("line {line} is longer than {LINE_MAX} bytes; the file is not a cast")]
    LineTooLong {
        /// Counted from 1.
        line: u64,
    },
}

/// Reads a cast piece by piece, as it grows. A line counts once its line feed is there; what follows the last
/// line feed is kept for later. A line that is damaged is an error, and reading goes on after it.
#[derive(Debug, Default)]
pub struct CastReader {
    buffer: Vec<u8>,
    /// Bytes at the buffer's front that were read already.
    read: usize,
    /// Bytes from `read` on that are known to hold no line feed.
    searched: usize,
    line: u64,
    newlines: Option<Newlines>,
    exact: Option<Vec<u8>>,
    error_stream: bool,
    /// Within a line that is too long, of which nothing is kept.
    skipping: bool,
}

impl CastReader {
    /// A reader at a file's first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes that follow those before. Call [`Self::next_item`] until it has nothing left.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next header or event, if its line is complete.
    pub fn next_item(&mut self) -> Option<Result<CastItem, CastError>> {
        loop {
            let rest = self.buffer.get(self.read..)?;
            let Some(found) = rest.iter().skip(self.searched).position(|byte| *byte == b'\n') else {
                self.searched = rest.len();
                return self.overlong();
            };
            let end = self.searched + found;
            let line = rest.get(..end).unwrap_or_default().to_vec();
            (self.read, self.searched) = (self.read + end + 1, 0);
            self.line += 1;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            let item = if self.newlines.is_none() {
                Some(self.header(&line))
            } else {
                self.event(&line).transpose()
            };
            if item.is_some() {
                return item;
            }
        }
    }

    fn overlong(&mut self) -> Option<Result<CastItem, CastError>> {
        if self.searched <= LINE_MAX {
            return None;
        }
        self.buffer.clear();
        (self.read, self.searched) = (0, 0);
        let known = std::mem::replace(&mut self.skipping, true);
        (!known).then_some(Err(CastError::LineTooLong { line: self.line + 1 }))
    }

    fn header(&mut self, line: &[u8]) -> Result<CastItem, CastError> {
        let header: CastHeader = serde_json::from_slice(line).map_err(CastError::Header)?;
        if header.version != 2 {
            return Err(CastError::Version(header.version));
        }
        self.newlines = Some(header.gatehouse.newlines);
        Ok(CastItem::Header(Box::new(header)))
    }

    /// `None` for a line that only says something about the next one.
    fn event(&mut self, line: &[u8]) -> Result<Option<CastItem>, CastError> {
        let damaged = || CastError::Event { line: self.line };
        let (seconds, code, text): (f64, String, String) =
            serde_json::from_slice(line).map_err(|_| damaged())?;
        let data = match code.as_str() {
            "b" => {
                self.exact = Some(STANDARD.decode(text).map_err(|_| damaged())?);
                return Ok(None);
            }
            "e" => {
                self.error_stream = true;
                return Ok(None);
            }
            "o" => {
                let stream = if self.error_stream {
                    Stream::Error
                } else {
                    Stream::Output
                };
                let bytes = self.exact.take().unwrap_or_else(|| self.original(&text));
                CastData::Output(stream, CastBytes { text, bytes })
            }
            "i" => {
                let bytes = self.exact.take().unwrap_or_else(|| text.clone().into_bytes());
                CastData::Input(CastBytes { text, bytes })
            }
            _ => plain_event(&code, text).ok_or_else(damaged)?,
        };
        (self.exact, self.error_stream) = (None, false);
        Ok(Some(CastItem::Event(CastEvent {
            at: Offset::from_seconds(seconds),
            data,
        })))
    }

    fn original(&self, text: &str) -> Vec<u8> {
        match self.newlines {
            Some(Newlines::CrLf) => text.replace("\r\n", "\n").into_bytes(),
            _ => text.as_bytes().to_vec(),
        }
    }
}

fn plain_event(code: &str, text: String) -> Option<CastData> {
    Some(match code {
        "l" => CastData::InputLength(text.parse().ok()?),
        "r" => {
            let (cols, rows) = text.split_once('x')?;
            CastData::Resize {
                cols: cols.parse().ok()?,
                rows: rows.parse().ok()?,
            }
        }
        "m" => CastData::Marker(text),
        "d" => {
            let (stream, length) = text.split_once(' ')?;
            CastData::Binary(stream_of(stream)?, length.parse().ok()?)
        }
        "g" => CastData::Gap(text.parse().ok()?),
        "f" => CastData::Eof(stream_of(&text)?),
        "x" => CastData::Exit(match text.strip_prefix("SIGNAL ") {
            Some(name) => Exit::Signal(name.to_owned()),
            None => Exit::Status(text.parse().ok()?),
        }),
        _ => CastData::Other {
            code: code.to_owned(),
            text,
        },
    })
}

fn stream_of(word: &str) -> Option<Stream> {
    Stream::ALL.into_iter().find(|stream| stream.as_str() == word)
}
