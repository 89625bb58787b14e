//! The end of one cast that is followed, encrypted or not.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use gatehouse_recording::Offset;
use gatehouse_recording::frames::{FRAME_MAX, FrameHead, FrameReader, MAGIC, TAG};

use crate::follow::FollowedLine;

/// Longest line; the casts written here have none as long.
const LINE_MAX: usize = 4 * 1024 * 1024;
/// Bytes that are read at a time where frames are passed over: of long frames only the heads, of short ones many.
const HOP: usize = 4096;

/// A cast that grows, and how far it was read.
pub(crate) struct Tail {
    file: File,
    /// Opens what was read, if the file is encrypted.
    frames: Option<FrameReader>,
    /// How far the file was read; of an encrypted one, whole frames.
    position: u64,
    /// Where in the file lines are given again, the header apart.
    skip_to: u64,
    /// The same in the contents; [`u64::MAX`] while that is not known.
    shown_from: u64,
    /// Bytes of the contents up to the end of `rest`.
    length: u64,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
    header_given: bool,
    /// What comes next is the end of a line whose beginning was passed over.
    within: bool,
}

impl Tail {
    pub(crate) fn new(file: File, frames: Option<FrameReader>) -> Self {
        Self {
            file,
            frames,
            position: 0,
            skip_to: 0,
            shown_from: 0,
            length: 0,
            rest: Vec::new(),
            header_given: false,
            within: false,
        }
    }

    /// Passes over what was not read yet, but for the last `keep` bytes of the file.
    pub(crate) fn skip_to_last(&mut self, keep: u64) -> io::Result<()> {
        let target = self.file.metadata()?.len().saturating_sub(keep);
        if target > self.skip_to {
            self.skip_to = target;
            match &self.frames {
                None => self.shown_from = target,
                Some(_) if target > self.position => self.shown_from = u64::MAX,
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Reads on, about `piece` bytes, and tells whether there was anything to read.
    pub(crate) fn read(
        &mut self,
        channel: u32,
        piece: usize,
        lines: &mut Vec<FollowedLine>,
    ) -> io::Result<bool> {
        let began = self.position;
        if self.frames.is_some() {
            self.hop()?;
        } else {
            self.leap();
        }
        self.fill(piece)?;
        let mut line_at = self.length - self.rest.len() as u64;
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
            let whole = !std::mem::take(&mut self.within);
            let end = line_at + line.len() as u64;
            if whole && (!self.header_given || line_at >= self.shown_from) {
                let line = String::from_utf8_lossy(text).into_owned();
                let at = if self.header_given {
                    time_of(&line)
                } else {
                    Offset::ZERO
                };
                lines.push(FollowedLine {
                    channel,
                    at,
                    line,
                    begin: line_at,
                    end,
                });
                self.header_given = true;
            }
            line_at = end;
        }
        self.rest.drain(..used);
        if self.rest.len() > LINE_MAX {
            self.rest.clear();
            return Err(io::Error::other("a line without end; the cast is damaged"));
        }
        Ok(self.position > began)
    }

    /// Goes to where lines are given again, if that lies ahead of what was read.
    fn leap(&mut self) {
        // One byte before, so that a line that begins just there is known to.
        let before = self.skip_to.saturating_sub(1);
        if self.header_given && before > self.position {
            self.position = before;
            self.length = before;
            self.rest.clear();
            self.within = true;
        }
    }

    /// The same in an encrypted file, from frame to frame: they are found by their heads and not opened. What is not
    /// complete is not passed over, so where lines are given again is at the latest there.
    fn hop(&mut self) -> io::Result<()> {
        let mut buffer = [0; HOP];
        while self.header_given && self.position < self.skip_to {
            let count = self.file.read_at(&mut buffer, self.position)?;
            let (mut window, began) = (buffer.get(..count).unwrap_or_default(), self.position);
            while let Some(head) = window.first_chunk().filter(|_| self.position < self.skip_to) {
                let head = FrameHead::parse(*head).ok_or_else(no_frame)?;
                let size = usize::try_from(head.size()).unwrap_or(usize::MAX);
                let tag = window.get(size - TAG..size).and_then(|tag| tag.try_into().ok());
                let Some(tag) =
                    tag.map_or_else(|| self.tag_at(self.position + head.size()), |tag| Ok(Some(tag)))?
                else {
                    break;
                };
                if self.aim(head, self.position) {
                    return Ok(());
                }
                if let Some(frames) = &mut self.frames {
                    frames.pass(head, tag).map_err(io::Error::other)?;
                }
                self.position += head.size();
                self.length += head.plain();
                self.rest.clear();
                self.within = !head.is_whole();
                window = window.get(size..).unwrap_or_default();
            }
            if self.position == began {
                self.skip_to = self.position;
            }
        }
        if self.header_given && self.shown_from == u64::MAX {
            self.shown_from = self.length;
        }
        Ok(())
    }

    /// If lines are given again within the frame that begins here (not before it): notes where in the contents that is.
    fn aim(&mut self, head: FrameHead, at: u64) -> bool {
        let hit = self.skip_to < at + head.size();
        if hit {
            let into = self.skip_to.saturating_sub(at + FrameHead::SIZE as u64);
            self.shown_from = self.length + into.min(head.plain());
        }
        hit
    }

    /// The tag of the frame that ends here; `None` if it is not complete.
    fn tag_at(&self, end: u64) -> io::Result<Option<[u8; TAG]>> {
        let mut tag = [0; TAG];
        match self.file.read_exact_at(&mut tag, end - TAG as u64) {
            Ok(()) => Ok(Some(tag)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a piece of the file and adds what it holds to the rest.
    fn fill(&mut self, piece: usize) -> io::Result<()> {
        let wanted = match &self.frames {
            None => piece,
            // Up to where lines are given again, one frame at a time: the one with the header.
            Some(_) if self.position < self.skip_to => match self.first_frame()? {
                Some(size) => size,
                None => return Ok(()),
            },
            Some(_) => piece.max(FRAME_MAX + MAGIC.len()),
        };
        let mut buffer = vec![0; wanted];
        let count = self.file.read_at(&mut buffer, self.position)?;
        let read = buffer.get(..count).unwrap_or_default();
        let had = self.rest.len();
        match &mut self.frames {
            None => {
                self.rest.extend_from_slice(read);
                self.position += count as u64;
            }
            Some(frames) => {
                frames.feed(read);
                frames.read(&mut self.rest).map_err(io::Error::other)?;
                // A torn frame may be cut back and another one written in its place.
                self.position = frames.rewind();
            }
        }
        self.length += (self.rest.len() - had) as u64;
        Ok(())
    }

    /// Bytes up to the end of the frame that comes next, if its head is there.
    fn first_frame(&mut self) -> io::Result<Option<usize>> {
        let at = self.position.max(MAGIC.len() as u64);
        let mut head = [0; FrameHead::SIZE];
        match self.file.read_exact_at(&mut head, at) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            result => result?,
        }
        let head = FrameHead::parse(head).ok_or_else(no_frame)?;
        self.aim(head, at);
        let size = at + head.size() - self.position;
        Ok(Some(usize::try_from(size).unwrap_or(usize::MAX)))
    }
}

fn no_frame() -> io::Error {
    io::Error::other("what stands where a frame should begin is none; the cast is damaged")
}

/// The time with which an event's line begins.
fn time_of(line: &str) -> Offset {
    let seconds = line.strip_prefix('[').and_then(|rest| rest.split(',').next());
    seconds
        .and_then(|seconds| seconds.trim().parse().ok())
        .map_or(Offset::ZERO, Offset::from_seconds)
}
