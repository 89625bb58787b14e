//! What downloads are made of: pieces of at most some 64 KiB, each read when the one before it was taken.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use axum::body::{Body, Bytes};
use gatehouse_archive::{ArchiveError, Captured, Casts, Contents, TranscriptLines};
use serde_json::json;

/// About how much is made at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// Something that can be had piece by piece. It may wait for a disk.
pub(super) trait Pieces: Send {
    /// The next piece; empty: there is no more.
    fn piece(&mut self) -> Result<Vec<u8>, ArchiveError>;
}

/// An answer's body of these pieces. One piece is in memory; what reads it holds no thread while the peer is slow.
pub(super) fn body(pieces: Box<dyn Pieces>) -> Body {
    Body::from_stream(futures::stream::try_unfold(pieces, |mut pieces| async move {
        let read = tokio::task::spawn_blocking(move || {
            let piece = pieces.piece();
            (pieces, piece)
        });
        let (pieces, piece) = read.await.map_err(io::Error::other)?;
        let piece = piece.map_err(|error| {
            // The peer sees that the answer breaks off; why is told here.
            tracing::warn!(error = &error as &dyn std::error::Error, "a download broke off");
            io::Error::other(error)
        })?;
        Ok::<_, io::Error>((!piece.is_empty()).then(|| (Bytes::from(piece), pieces)))
    }))
}

/// A part of a file as it lies on the disk.
pub(super) struct Stored {
    file: File,
    left: u64,
}

impl Stored {
    /// `length` bytes from this place on.
    pub(super) fn new(mut file: File, from: u64, length: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(from))?;
        Ok(Self { file, left: length })
    }
}

impl Pieces for Stored {
    fn piece(&mut self) -> Result<Vec<u8>, ArchiveError> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(PIECE);
        let mut piece = vec![0; want];
        self.file
            .read_exact(&mut piece)
            .map_err(|error| ArchiveError::Io {
                action: "read",
                path: "a file of a recording".into(),
                reason: error.to_string(),
            })?;
        self.left -= want as u64;
        Ok(piece)
    }
}

/// The length of a file up to its last line feed: one that grows may end within a line.
pub(super) fn whole_lines(file: &mut File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut block = vec![0; PIECE];
    while end > 0 {
        let begin = end.saturating_sub(PIECE as u64);
        let size = usize::try_from(end - begin).unwrap_or(PIECE);
        let part = block.get_mut(..size).unwrap_or_default();
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

impl Pieces for Contents {
    fn piece(&mut self) -> Result<Vec<u8>, ArchiveError> {
        Contents::piece(self).map(<[u8]>::to_vec)
    }
}

impl Pieces for Captured {
    fn piece(&mut self) -> Result<Vec<u8>, ArchiveError> {
        Captured::piece(self)
    }
}

/// The transcript as text, with a heading before each change of channel if there are several.
pub(super) struct Text {
    lines: TranscriptLines,
    headings: BTreeMap<u32, String>,
    last: Option<u32>,
}

impl Text {
    pub(super) fn new(casts: Casts) -> Self {
        let channels: Vec<u32> = casts.channels().collect();
        let heading = |channel: &u32| {
            let title = casts.header(*channel)?.title();
            Some((*channel, format!("== channel {channel}: {title} ==\n")))
        };
        Self {
            headings: if channels.len() > 1 {
                channels.iter().filter_map(heading).collect()
            } else {
                BTreeMap::new()
            },
            lines: casts.transcript(),
            last: None,
        }
    }
}

impl Pieces for Text {
    fn piece(&mut self) -> Result<Vec<u8>, ArchiveError> {
        let mut text = String::new();
        while text.len() < PIECE {
            let Some(line) = self.lines.next() else { break };
            if self.last.replace(line.channel) != Some(line.channel)
                && let Some(heading) = self.headings.get(&line.channel)
            {
                text.push_str(heading);
            }
            text.push_str(&line.text);
            text.push('\n');
        }
        Ok(text.into_bytes())
    }
}

/// `{"session": …, "events": […], "damage": …}`, one event a line.
pub(super) struct Everything {
    casts: Casts,
    /// What comes first; `None`: it was given.
    head: Option<String>,
    separator: &'static str,
    over: bool,
}

impl Everything {
    pub(super) fn new(session: &serde_json::Value, casts: Casts) -> Self {
        Self {
            casts,
            head: Some(format!("{{\"session\": {session},\n\"events\": [")),
            separator: "\n",
            over: false,
        }
    }
}

impl Pieces for Everything {
    fn piece(&mut self) -> Result<Vec<u8>, ArchiveError> {
        let mut text = self.head.take().unwrap_or_default();
        while text.len() < PIECE && !self.over {
            // Writing to memory does not fail.
            let _ = match self.casts.next() {
                Some(shown) => {
                    let separator = std::mem::replace(&mut self.separator, ",\n");
                    write!(text, "{separator}{}", shown.event.to_json(shown.channel))
                }
                None => {
                    self.over = true;
                    writeln!(text, "\n],\n\"damage\": {}}}", json!(self.casts.damage()))
                }
            };
        }
        Ok(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_growing_file_is_cut_to_whole_lines() {
        let cut = |bytes: &[u8]| whole_lines(&mut file(bytes), bytes.len() as u64).unwrap();
        assert_eq!(cut(b""), 0);
        assert_eq!(cut(b"no line"), 0);
        assert_eq!(cut(b"one\ntwo\nth"), 8);
        let mut long = b"one\n".to_vec();
        long.resize(3 * PIECE, b'x');
        assert_eq!(cut(&long), 4);
    }

    #[test]
    fn a_part_is_given_and_no_more() {
        let bytes: Vec<u8> = (0..200_000u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let mut stored = Stored::new(file(&bytes), 1_000, 150_000).unwrap();
        let mut got = Vec::new();
        loop {
            let piece = stored.piece().unwrap();
            if piece.is_empty() {
                break;
            }
            assert!(piece.len() <= PIECE);
            got.extend(piece);
        }
        assert_eq!(got, bytes[1_000..151_000]);
    }
}
