//! The tap of SFTP (draft-ietf-secsh-filexfer-02, and what OpenSSH adds in its `PROTOCOL`, section 4).
//!
//! Packets of both directions are put together from their length prefix; of data only the head is looked at.
//! Requests are remembered by id until they are answered, handles by their bytes until they are closed. Versions 3
//! to 6 are followed as far as they agree, which is all that matters here.

use std::collections::HashMap;

use super::packets::{Complete, Fields, Packets};
use super::{Departure, Ledger, ended};
use crate::event::Stream;
use crate::offset::Offset;
use crate::path::escape;
use crate::transfer::{Direction, INCOMPLETE, Operation, Transfer};

/// Most requests that wait for their answer.
const REQUESTS_MAX: usize = 4096;
/// Most requests that wait and name a path.
const NAMED_MAX: usize = 512;
/// Most handles that are open.
const HANDLES_MAX: usize = 1024;

/// Requests of OpenSSH and others that read and change nothing.
const HARMLESS: [&[u8]; 10] = [
    b"statvfs@openssh.com",
    b"fstatvfs@openssh.com",
    b"fsync@openssh.com",
    b"limits@openssh.com",
    b"expand-path@openssh.com",
    b"users-groups-by-id@openssh.com",
    b"home-directory",
    b"check-file-name",
    b"check-file-handle",
    b"space-available",
];

/// What is remembered of a request.
#[derive(Debug)]
enum Request {
    /// Nothing but that it was made.
    Plain,
    Open {
        path: String,
        direction: Direction,
        began: Offset,
    },
    OpenDirectory,
    Close(Vec<u8>),
    Read(Vec<u8>),
    Write(Vec<u8>, u64),
    Change(Box<Transfer>),
}

#[derive(Debug)]
struct OpenFile {
    entry: Transfer,
    read: u64,
    written: u64,
    failure: Option<&'static str>,
}

/// Listens to one SFTP channel.
#[derive(Debug)]
pub struct SftpTap {
    ledger: Ledger,
    input: Packets,
    output: Packets,
    began: bool,
    answered: bool,
    requests: HashMap<u32, Request>,
    named: usize,
    handles: HashMap<Vec<u8>, Option<OpenFile>>,
}

impl SftpTap {
    /// A tap at a channel's first byte.
    pub fn new(channel: u32) -> Self {
        Self {
            ledger: Ledger::new(channel),
            input: Packets::default(),
            output: Packets::default(),
            began: false,
            answered: false,
            requests: HashMap::new(),
            named: 0,
            handles: HashMap::new(),
        }
    }

    /// Bytes passed. Transfers that began or ended are added to `log`.
    ///
    /// # Errors
    /// The bytes do not keep to SFTP.
    pub fn feed(
        &mut self,
        at: Offset,
        stream: Stream,
        bytes: &[u8],
        log: &mut Vec<Transfer>,
    ) -> Result<(), Departure> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let packets = if stream == Stream::Input {
                &mut self.input
            } else {
                &mut self.output
            };
            let (complete, after) = packets.feed(rest);
            rest = after;
            let fits = match complete {
                Complete::No => true,
                Complete::Impossible => false,
                Complete::Head(head) => {
                    let fits = self.packet(at, stream, &head, log).is_some();
                    let packets = if stream == Stream::Input {
                        &mut self.input
                    } else {
                        &mut self.output
                    };
                    packets.head = if fits { Vec::new() } else { head };
                    fits
                }
            };
            if !fits {
                return Err(self.depart(stream, rest));
            }
        }
        Ok(())
    }

    /// The channel has ended, or left the protocol.
    pub fn finish(&mut self, at: Offset, log: &mut Vec<Transfer>) {
        let mut open: Vec<OpenFile> = std::mem::take(&mut self.handles)
            .into_values()
            .flatten()
            .collect();
        open.sort_by_key(|file| file.entry.id);
        for file in open {
            self.close_file(at, file, Some(INCOMPLETE), log);
        }
        let mut changes: Vec<Box<Transfer>> = std::mem::take(&mut self.requests)
            .into_values()
            .filter_map(|request| match request {
                Request::Change(entry) => Some(entry),
                _ => None,
            })
            .collect();
        changes.sort_by_key(|entry| entry.id);
        log.extend(changes.into_iter().map(|entry| ended(*entry, at, INCOMPLETE)));
    }

    fn depart(&mut self, stream: Stream, rest: &[u8]) -> Departure {
        let mut held = Vec::new();
        let other = if stream == Stream::Input {
            Stream::Output
        } else {
            Stream::Input
        };
        for (of, packets) in [
            (Stream::Input, &mut self.input),
            (Stream::Output, &mut self.output),
        ] {
            let head = std::mem::take(&mut packets.head);
            if of == other && !head.is_empty() {
                held.insert(0, (of, head));
            } else if of == stream {
                held.push((of, [&head[..], rest].concat()));
            }
        }
        Departure { held }
    }

    /// `None` if the packet is none that belongs here.
    fn packet(&mut self, at: Offset, stream: Stream, head: &[u8], log: &mut Vec<Transfer>) -> Option<()> {
        let mut fields = Fields(head.get(4..)?);
        let kind = fields.byte()?;
        let begun = if stream == Stream::Input {
            &mut self.began
        } else {
            &mut self.answered
        };
        let first = !std::mem::replace(begun, true);
        match (stream, kind) {
            (Stream::Input, 1) | (Stream::Output, 2) => {
                let version = fields.number()?;
                return (first && (stream == Stream::Input || (self.began && (3..=6).contains(&version))))
                    .then_some(());
            }
            _ if first => return None,
            _ => {}
        }
        let id = fields.number()?;
        if stream == Stream::Input {
            let request = self.request(at, kind, &mut fields)?;
            self.named += usize::from(request.is_named());
            if self.requests.len() >= REQUESTS_MAX || self.named > NAMED_MAX {
                return None;
            }
            return self.requests.insert(id, request).is_none().then_some(());
        }
        let request = self.requests.remove(&id)?;
        self.named -= usize::from(request.is_named());
        self.answer(at, kind, request, &mut fields, log)
    }

    fn request(&mut self, at: Offset, kind: u8, fields: &mut Fields<'_>) -> Option<Request> {
        Some(match kind {
            3 => {
                let path = escape(fields.string()?);
                // SSH_FXF_WRITE and SSH_FXF_APPEND; ACE4_WRITE_DATA and ACE4_APPEND_DATA from version 5 on.
                let direction = if fields.number()? & 6 == 0 {
                    Direction::Download
                } else {
                    Direction::Upload
                };
                Request::Open {
                    path,
                    direction,
                    began: at,
                }
            }
            4 => Request::Close(fields.handle()?),
            5 => Request::Read(fields.handle()?),
            6 => {
                let handle = fields.handle()?;
                fields.long()?;
                Request::Write(handle, u64::from(fields.number()?))
            }
            7 | 8 | 12 | 16 | 17 | 19 => {
                fields.string()?;
                Request::Plain
            }
            11 => {
                fields.string()?;
                Request::OpenDirectory
            }
            9 => self.change(at, Operation::Setstat, escape(fields.string()?), None),
            10 => {
                let handle = fields.handle()?;
                let path = self.path_of(&handle);
                self.change(at, Operation::Setstat, path, None)
            }
            13 => self.change(at, Operation::Remove, escape(fields.string()?), None),
            14 => self.change(at, Operation::Mkdir, escape(fields.string()?), None),
            15 => self.change(at, Operation::Rmdir, escape(fields.string()?), None),
            18 => self.pair(at, Operation::Rename, fields)?,
            // OpenSSH sends what the link points to first, against the draft (its `PROTOCOL`, section 4.1).
            20 => self.pair(at, Operation::Symlink, fields)?,
            21 => self.pair(at, Operation::Hardlink, fields)?,
            22 | 23 => {
                fields.string()?;
                Request::Plain
            }
            200 => self.extended(at, fields)?,
            _ => return None,
        })
    }

    fn extended(&mut self, at: Offset, fields: &mut Fields<'_>) -> Option<Request> {
        let name = fields.string()?;
        Some(match name {
            b"posix-rename@openssh.com" => self.pair(at, Operation::Rename, fields)?,
            b"hardlink@openssh.com" => self.pair(at, Operation::Hardlink, fields)?,
            b"lsetstat@openssh.com" => self.change(at, Operation::Setstat, escape(fields.string()?), None),
            b"copy-data" => {
                let from = fields.handle()?;
                fields.long()?;
                fields.long()?;
                let to = fields.handle()?;
                let (from, to) = (self.path_of(&from), self.path_of(&to));
                self.change(at, Operation::Copy, from, Some(to))
            }
            known if HARMLESS.contains(&known) => Request::Plain,
            unknown => self.change(at, Operation::Extended, escape(unknown), None),
        })
    }

    fn pair(&mut self, at: Offset, operation: Operation, fields: &mut Fields<'_>) -> Option<Request> {
        let path = escape(fields.string()?);
        let target = escape(fields.string()?);
        Some(self.change(at, operation, path, Some(target)))
    }

    fn change(&mut self, at: Offset, operation: Operation, path: String, target: Option<String>) -> Request {
        let mut entry = self.ledger.entry(at, Direction::Remote, operation, path);
        entry.target_path = target;
        Request::Change(Box::new(entry))
    }

    fn path_of(&self, handle: &[u8]) -> String {
        let file = self.handles.get(handle).and_then(Option::as_ref);
        file.map(|file| file.entry.path.clone()).unwrap_or_default()
    }

    fn file(&mut self, handle: &[u8]) -> Option<&mut OpenFile> {
        self.handles.get_mut(handle).and_then(Option::as_mut)
    }

    fn answer(
        &mut self,
        at: Offset,
        kind: u8,
        request: Request,
        fields: &mut Fields<'_>,
        log: &mut Vec<Transfer>,
    ) -> Option<()> {
        let failure = match kind {
            101 => Some(status_word(fields.number()?)),
            102..=105 | 201 => None,
            _ => return None,
        };
        match request {
            Request::Open {
                path,
                direction,
                began,
            } => {
                let entry = self.ledger.entry(began, direction, Operation::Transfer, path);
                match failure {
                    Some(word) => log.push(ended(entry, at, word)),
                    None => {
                        log.push(entry.clone());
                        let file = OpenFile {
                            entry,
                            read: 0,
                            written: 0,
                            failure: None,
                        };
                        self.handles.insert(fields.handle()?, Some(file));
                    }
                }
            }
            Request::OpenDirectory if failure.is_none() => {
                self.handles.insert(fields.handle()?, None);
            }
            Request::Close(handle) => {
                if let Some(file) = self.handles.remove(&handle).flatten() {
                    self.close_file(at, file, failure.filter(|word| *word != "ok"), log);
                }
            }
            Request::Read(handle) if kind == 103 => {
                let length = u64::from(fields.number()?);
                if let Some(file) = self.file(&handle) {
                    file.read = file.read.saturating_add(length);
                }
            }
            Request::Read(handle) => {
                if let Some((file, word)) = self
                    .file(&handle)
                    .zip(failure.filter(|word| *word != "end of file"))
                {
                    file.failure = Some(word);
                }
            }
            Request::Write(handle, length) => match (self.file(&handle), failure) {
                (Some(file), Some("ok")) => file.written = file.written.saturating_add(length),
                (Some(file), Some(word)) => file.failure = Some(word),
                _ => {}
            },
            Request::Change(entry) => log.push(ended(*entry, at, failure.unwrap_or("ok"))),
            Request::Plain | Request::OpenDirectory => {}
        }
        (self.handles.len() <= HANDLES_MAX).then_some(())
    }

    fn close_file(&mut self, at: Offset, file: OpenFile, failure: Option<&str>, log: &mut Vec<Transfer>) {
        let OpenFile {
            mut entry,
            read,
            written,
            failure: earlier,
        } = file;
        let result = earlier.or(failure).unwrap_or("ok");
        // Opened for both: what was read is a transfer of its own.
        if entry.direction == Direction::Upload && read > 0 {
            let mut other = self.ledger.entry(
                entry.started,
                Direction::Download,
                Operation::Transfer,
                entry.path.clone(),
            );
            other.bytes = read;
            log.push(ended(other, at, result));
        }
        entry.bytes = if entry.direction == Direction::Upload {
            written
        } else {
            read
        };
        log.push(ended(entry, at, result));
    }
}

impl Request {
    fn is_named(&self) -> bool {
        matches!(self, Self::Open { .. } | Self::Change(_))
    }
}

/// The words of draft-ietf-secsh-filexfer-02 section 7 and its later versions.
fn status_word(code: u32) -> &'static str {
    match code {
        0 => "ok",
        1 => "end of file",
        2 | 10 => "no such file",
        3 => "permission denied",
        4 => "failure",
        5 => "bad message",
        6 => "no connection",
        7 => "connection lost",
        8 => "operation unsupported",
        9 => "invalid handle",
        11 => "file already exists",
        12 => "write protect",
        13 => "no media",
        14 => "no space on file system",
        15 => "quota exceeded",
        18 => "directory not empty",
        19 => "not a directory",
        24 => "file is a directory",
        _ => "other failure",
    }
}

#[cfg(test)]
#[path = "sftp_tests.rs"]
mod tests;
