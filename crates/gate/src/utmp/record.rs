//! One record of utmp and wtmp, byte for byte as glibc on Linux lays out `struct utmp`.
//!
//! Source: glibc's `sysdeps/gnu/bits/utmp.h` (`bits/utmpx.h` is the same), utmp(5). Fields lie at their natural
//! alignment, numbers are in the machine's byte order, texts are padded with zeros and not ended by one if full.
//!
//! | offset | bytes | field | here |
//! | --- | --- | --- | --- |
//! | 0 | 2 (+2) | `ut_type` | 7 `USER_PROCESS`, 8 `DEAD_PROCESS` |
//! | 4 | 4 | `ut_pid` | the node |
//! | 8 | 32 | `ut_line` | `ssh0` … `ssh99`, `rdp0` … `rdp99` |
//! | 40 | 4 | `ut_id` | `gs00` … `gs99`, `gr00` … `gr99` |
//! | 44 | 32 | `ut_user` | the person |
//! | 76 | 256 | `ut_host` | `login@server` |
//! | 332 | 4 | `ut_exit` | zero |
//! | 336 | 4 or 8 | `ut_session` | zero |
//! | 340 or 344 | 4 or 8 | `ut_tv.tv_sec` | the session's start or end |
//! | 344 or 352 | 4 or 8 | `ut_tv.tv_usec` | the same |
//! | 348 or 360 | 16 | `ut_addr_v6` | the source, in network order; IPv4 in the first four bytes |
//! | 364 or 376 | 20 | reserved | the node's id, while the record is in use |
//!
//! Where glibc defines `__WORDSIZE_TIME64_COMPAT32` (x86_64) the session and the time take four bytes each and a
//! record 384; on aarch64 they are a `long` and a `struct timeval` and a record takes 400.

use std::net::IpAddr;

use gatehouse_model::{NodeId, Protocol, Timestamp};
use uuid::Uuid;

/// Lines of one protocol: 0 to 99.
const LINES: u8 = 100;

const TYPE: usize = 0;
const PID: usize = 4;
const LINE: Text = Text { at: 8, length: 32 };
const ID: Text = Text { at: 40, length: 4 };
const USER: Text = Text { at: 44, length: 32 };
const HOST: Text = Text { at: 76, length: 256 };
const SESSION: usize = 336;

const USER_PROCESS: i16 = 7;
const DEAD_PROCESS: i16 = 8;

/// A field of text.
struct Text {
    at: usize,
    length: usize,
}

/// How the numbers behind the texts are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// Four bytes each: x86_64.
    Narrow,
    /// Eight bytes each: aarch64.
    Wide,
}

impl Layout {
    /// Of this machine.
    pub(super) const NATIVE: Self = if cfg!(target_arch = "aarch64") {
        Self::Wide
    } else {
        Self::Narrow
    };

    /// Bytes of one record.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::Narrow => 384,
            Self::Wide => 400,
        }
    }

    const fn word(self) -> usize {
        match self {
            Self::Narrow => 4,
            Self::Wide => 8,
        }
    }

    const fn seconds(self) -> usize {
        SESSION + self.word()
    }

    const fn micros(self) -> usize {
        self.seconds() + self.word()
    }

    const fn address(self) -> usize {
        self.micros() + self.word()
    }

    const fn reserved(self) -> usize {
        self.address() + 16
    }
}

/// A line that shows one session at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Line {
    protocol: Protocol,
    number: u8,
}

impl Line {
    #[cfg(test)]
    pub(super) fn new(protocol: Protocol, number: u8) -> Self {
        Self { protocol, number }
    }

    /// Every line of a protocol, in the order in which they are taken.
    pub(super) fn all(protocol: Protocol) -> impl Iterator<Item = Self> {
        (0..LINES).map(move |number| Self { protocol, number })
    }

    /// `ssh0`.
    pub(super) fn name(self) -> String {
        format!("{}{}", self.protocol, self.number)
    }

    /// `gs00`: the key by which glibc finds the record of a line.
    pub(super) fn id(self) -> String {
        let letter = match self.protocol {
            Protocol::Ssh => 's',
            Protocol::Rdp => 'r',
        };
        format!("g{letter}{:02}", self.number)
    }
}

/// Who is on a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Presence {
    /// The node that carries the session.
    pub(super) node: NodeId,
    /// What it is reached by.
    pub(super) protocol: Protocol,
    /// The node's process.
    pub(super) pid: u32,
    /// The person.
    pub(super) user: String,
    /// `login@server`.
    pub(super) host: String,
    /// Where the person comes from.
    pub(super) source: IpAddr,
    /// Since when.
    pub(super) since: Timestamp,
}

/// The record that puts somebody on a line.
pub(super) fn taken(layout: Layout, line: Line, by: &Presence) -> Vec<u8> {
    let mut record = base(layout, line, USER_PROCESS, by.pid, by.since);
    put_text(&mut record, &USER, &by.user);
    put_text(&mut record, &HOST, &by.host);
    match by.source {
        IpAddr::V4(address) => put(&mut record, layout.address(), &address.octets()),
        IpAddr::V6(address) => put(&mut record, layout.address(), &address.octets()),
    }
    put(&mut record, layout.reserved(), by.node.0.as_bytes());
    record
}

/// The record that says that the line is free since `at`.
pub(super) fn left(layout: Layout, line: Line, pid: u32, at: Timestamp) -> Vec<u8> {
    base(layout, line, DEAD_PROCESS, pid, at)
}

fn base(layout: Layout, line: Line, kind: i16, pid: u32, at: Timestamp) -> Vec<u8> {
    let mut record = vec![0; layout.size()];
    put(&mut record, TYPE, &kind.to_ne_bytes());
    put(&mut record, PID, &pid.to_ne_bytes());
    put_text(&mut record, &LINE, &line.name());
    put_text(&mut record, &ID, &line.id());
    let (seconds, micros) = (at.as_second(), i64::from(at.subsec_microsecond()));
    match layout {
        Layout::Narrow => {
            // The lower half: read as unsigned it lasts until 2106.
            #[expect(clippy::cast_possible_truncation, reason = "the field has four bytes")]
            put(&mut record, layout.seconds(), &(seconds as i32).to_ne_bytes());
            #[expect(clippy::cast_possible_truncation, reason = "less than a million")]
            put(&mut record, layout.micros(), &(micros as i32).to_ne_bytes());
        }
        Layout::Wide => {
            put(&mut record, layout.seconds(), &seconds.to_ne_bytes());
            put(&mut record, layout.micros(), &micros.to_ne_bytes());
        }
    }
    record
}

/// What a record says that others may have written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    /// Whether somebody is on the line.
    pub(super) taken: bool,
    line: String,
    id: String,
    /// The process that wrote it.
    pub(super) pid: u32,
    /// What the reserved bytes hold: a node's id, in records of ours.
    mark: Uuid,
}

impl Seen {
    /// Reads a record; `None` if it is not whole.
    pub(super) fn read(layout: Layout, record: &[u8]) -> Option<Self> {
        let bytes = |at: usize, length: usize| record.get(at..at + length);
        Some(Self {
            taken: i16::from_ne_bytes(bytes(TYPE, 2)?.try_into().ok()?) == USER_PROCESS,
            line: text(bytes(LINE.at, LINE.length)?),
            id: text(bytes(ID.at, ID.length)?),
            pid: u32::from_ne_bytes(bytes(PID, 4)?.try_into().ok()?),
            mark: Uuid::from_slice(bytes(layout.reserved(), 16)?).ok()?,
        })
    }

    /// Whether it is the record of this line: by its id as in glibc, or by its name.
    pub(super) fn is_of(&self, line: Line) -> bool {
        self.id == line.id() || self.line == line.name()
    }

    /// Whether this node has put somebody on it.
    pub(super) fn is_ours(&self, node: NodeId) -> bool {
        self.taken && self.mark == node.0
    }
}

fn put(record: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(field) = record.get_mut(at..at + bytes.len()) {
        field.copy_from_slice(bytes);
    }
}

fn put_text(record: &mut [u8], field: &Text, text: &str) {
    let end = text.floor_char_boundary(field.length);
    put(record, field.at, text.get(..end).unwrap_or_default().as_bytes());
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use nix::libc::utmpx;

    use super::*;

    fn presence() -> Presence {
        Presence {
            node: NodeId(Uuid::from_u128(7)),
            protocol: Protocol::Ssh,
            pid: 4_242,
            user: "p.mojski".to_owned(),
            host: "root@web01".to_owned(),
            source: "10.0.0.7".parse().unwrap(),
            since: "2026-01-31T12:00:00.25Z".parse().unwrap(),
        }
    }

    #[test]
    fn the_layout_is_that_of_this_machines_c_library() {
        let native = Layout::NATIVE;
        assert_eq!(native.size(), size_of::<utmpx>());
        assert_eq!(PID, offset_of!(utmpx, ut_pid));
        assert_eq!(LINE.at, offset_of!(utmpx, ut_line));
        assert_eq!(ID.at, offset_of!(utmpx, ut_id));
        assert_eq!(USER.at, offset_of!(utmpx, ut_user));
        assert_eq!(HOST.at, offset_of!(utmpx, ut_host));
        assert_eq!(SESSION, offset_of!(utmpx, ut_session));
        assert_eq!(native.seconds(), offset_of!(utmpx, ut_tv));
        assert_eq!(native.address(), offset_of!(utmpx, ut_addr_v6));
    }

    #[test]
    fn both_layouts_hold_every_field_and_read_back() {
        for (layout, reserved) in [(Layout::Narrow, 364), (Layout::Wide, 376)] {
            let line = Line::new(Protocol::Ssh, 7);
            let record = taken(layout, line, &presence());
            assert_eq!((record.len(), layout.reserved()), (layout.size(), reserved));
            let seen = Seen::read(layout, &record).unwrap();
            assert!(seen.taken && seen.is_of(line) && seen.is_ours(presence().node));
            assert!(!seen.is_of(Line::new(Protocol::Rdp, 7)) && !seen.is_of(Line::new(Protocol::Ssh, 8)));
            assert_eq!(&record[layout.address()..][..5], [10, 0, 0, 7, 0]);
            let free = left(layout, line, 4_242, presence().since);
            let seen = Seen::read(layout, &free).unwrap();
            assert!(!seen.taken && !seen.is_ours(presence().node) && seen.is_of(line));
            assert!(Seen::read(layout, &record[..record.len() - 40]).is_none());
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let long = Presence {
            user: "ż".repeat(20) + "x",
            host: "h".repeat(300),
            source: "2001:db8::1".parse().unwrap(),
            ..presence()
        };
        let record = taken(Layout::Narrow, Line::new(Protocol::Rdp, 99), &long);
        assert_eq!(text(&record[USER.at..][..USER.length]), "ż".repeat(16));
        assert_eq!(text(&record[HOST.at..][..HOST.length]).len(), 256);
        assert_eq!(text(&record[LINE.at..][..LINE.length]), "rdp99");
        assert_eq!(text(&record[ID.at..][..ID.length]), "gr99");
        assert_eq!(&record[Layout::Narrow.address()..][..2], [0x20, 0x01]);
    }
}
