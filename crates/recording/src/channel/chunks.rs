//! Binary: its list of chunks, and the bytes that are kept of it.
//!
//! `ssh-N.chunks.jsonl` has a line for each chunk of each stream, written when the chunk ends: after a second, at
//! 16 MiB (256 KiB where all is kept), or when text follows. `ssh-N.bin.zst` holds what is kept, one zstd frame for each
//! chunk (RFC 8878 section 3: frames may follow one another), so that a torn file gives every complete chunk.

use std::time::Duration;

use gatehouse_model::{BinaryMode, InputMode};
use serde::{Deserialize, Serialize};

use crate::event::Stream;
use crate::offset::Offset;

/// Bytes of binary that are kept of each stream where only digests are.
pub(crate) const HEAD: u64 = 64 * 1024;
/// Longest chunk where only digests are kept.
const DIGEST_CHUNK: u64 = 16 * 1024 * 1024;
/// Longest chunk where all is kept.
const FULL_CHUNK: u64 = 256 * 1024;
/// Longest time of a chunk.
const CHUNK_TIME: Duration = Duration::from_secs(1);
/// What is read is terminal noise and archives alike: the fastest level that still finds repeats.
const LEVEL: i32 = 1;

/// A line of `ssh-N.chunks.jsonl`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChunkLine {
    /// When its first byte passed, in seconds since the session's start.
    pub time: Offset,
    /// When its last byte passed.
    pub until: Offset,
    /// The stream.
    pub direction: Stream,
    /// Bytes.
    pub length: u64,
    /// `blake3:` and the BLAKE3 digest of the bytes, 64 hexadecimal digits. Whatever passes a gate is digested, and SHA-256
    /// alone would be a fifth of what the gate does for it.
    pub digest: String,
    /// How many of them, from the first, are kept.
    pub kept: u64,
    /// Where the kept bytes begin in `ssh-N.bin.zst`, before compression.
    pub offset: u64,
}

/// What a finished chunk adds to the files.
#[derive(Debug)]
pub(crate) struct FinishedChunk {
    pub(crate) line: String,
    /// A zstd frame.
    pub(crate) frame: Option<Vec<u8>>,
    pub(crate) length: u64,
}

#[derive(Debug)]
struct Chunk {
    began: Offset,
    last: Offset,
    length: u64,
    digest: blake3::Hasher,
    kept: Vec<u8>,
}

/// The chunks of one stream.
#[derive(Debug)]
pub(crate) struct Chunks {
    stream: Stream,
    /// Bytes that may still be kept.
    budget: u64,
    longest: u64,
    chunk: Option<Chunk>,
}

impl Chunks {
    pub(crate) fn new(stream: Stream, binary: BinaryMode, input: InputMode) -> Self {
        let (budget, longest) = match binary {
            _ if stream == Stream::Input && input == InputMode::None => (0, DIGEST_CHUNK),
            BinaryMode::Full => (u64::MAX, FULL_CHUNK),
            BinaryMode::Digest | BinaryMode::Refuse => (HEAD, DIGEST_CHUNK),
        };
        Self {
            stream,
            budget,
            longest,
            chunk: None,
        }
    }

    /// Takes binary; gives the chunks that are full. `kept_before` is how much the file of kept bytes holds.
    pub(crate) fn feed(&mut self, at: Offset, bytes: &[u8], kept_before: &mut u64) -> Vec<FinishedChunk> {
        let mut finished = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let chunk = self.chunk.get_or_insert_with(|| Chunk {
                began: at,
                last: at,
                length: 0,
                digest: blake3::Hasher::new(),
                kept: Vec::new(),
            });
            let room = usize::try_from(self.longest - chunk.length).unwrap_or(usize::MAX);
            let (piece, after) = rest.split_at(rest.len().min(room));
            let keep = piece
                .len()
                .min(usize::try_from(self.budget).unwrap_or(usize::MAX));
            chunk
                .kept
                .extend_from_slice(piece.get(..keep).unwrap_or_default());
            chunk.digest.update(piece);
            chunk.length += piece.len() as u64;
            chunk.last = at;
            self.budget -= keep as u64;
            rest = after;
            if chunk.length >= self.longest || at.since(chunk.began) >= CHUNK_TIME {
                finished.extend(self.finish(kept_before));
            }
        }
        finished
    }

    /// When the chunk ends by itself.
    pub(crate) fn next_deadline(&self) -> Option<Offset> {
        self.chunk.as_ref().map(|chunk| chunk.began.plus(CHUNK_TIME))
    }

    /// Ends the chunk.
    pub(crate) fn finish(&mut self, kept_before: &mut u64) -> Option<FinishedChunk> {
        let chunk = self.chunk.take()?;
        let line = ChunkLine {
            time: chunk.began,
            until: chunk.last,
            direction: self.stream,
            length: chunk.length,
            digest: format!("blake3:{}", chunk.digest.finalize().to_hex()),
            kept: chunk.kept.len() as u64,
            offset: *kept_before,
        };
        *kept_before += chunk.kept.len() as u64;
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        // Compressing in memory fails for want of memory only, and that aborts before.
        let frame =
            (!chunk.kept.is_empty()).then(|| zstd::bulk::compress(&chunk.kept, LEVEL).unwrap_or_default());
        Some(FinishedChunk {
            line: text,
            frame,
            length: chunk.length,
        })
    }
}

/// Reads a chunk list, whole or torn: every complete line that is one.
pub fn read_chunks(list: &[u8]) -> Vec<ChunkLine> {
    list.split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// How many of these bytes are whole zstd frames: where to begin reading on, or to cut a torn file. No frame that is
/// written here is longer than [`FRAME_MAX`].
pub fn complete_frames(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(rest) = bytes.get(end..).filter(|rest| !rest.is_empty()) {
        match zstd::zstd_safe::find_frame_compressed_size(rest) {
            Ok(length) if length > 0 && length <= rest.len() => end += length,
            _ => break,
        }
    }
    end
}

/// The longest frame of kept binary, compressed, with room to spare.
pub const FRAME_MAX: usize = 2 * FULL_CHUNK as usize;
