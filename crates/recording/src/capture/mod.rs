//! What forwards carried, as pcapng: files that Wireshark and its kin read, made of bytes that were never packets.
//!
//! - A file holds what went through one forward; each of its connections is a TCP stream of its own. A session with more than
//!   [`FILES`] forwards keeps all further ones in the last file. Each forward is an interface of its file.
//! - Packets are made up as two systems without a network between them would have sent them: link type RAW, IPv4 or IPv6
//!   and TCP, checksums right, sequence numbers without gaps. A stream begins with SYN; a direction ends with FIN; what was cut
//!   ends with RST. Segments are as long as what passed at a time, [`SEGMENT_MAX`] at most.
//! - Ends that have no address (names, which only the server resolves; sockets) get one of 198.18.0.0/15, which
//!   RFC 2544 keeps for laboratories. What they truly are is in the comments of interface and stream, and
//!   names are in a name resolution block.
//! - Whatever is added to a file is whole blocks. After a write that failed a new section begins, and bytes that are
//!   missing are missing in the sequence numbers too.
//!
//! Formats: [draft-ietf-opsawg-pcapng], RFC 791, RFC 8200, RFC 9293.
//!
//! [draft-ietf-opsawg-pcapng]: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html

mod blocks;
mod packet;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use gatehouse_model::ForwardKind;

use crate::channel::Sink;
use crate::event::{Event, SessionStamp, Stream};
use crate::file_name::FileName;
use crate::offset::Offset;

pub use blocks::{BLOCK_MAX, complete_blocks};
pub use packet::SEGMENT_MAX;
use stream::TcpStream;

/// Files that a session's captures have at most.
pub const FILES: u32 = 256;

/// The first address for ends that have none.
const SYNTHETIC: u32 = u32::from_be_bytes([198, 18, 0, 0]);
/// How many of them are used.
const SYNTHETIC_COUNT: u32 = (1 << 17) - 2;
/// The port of a socket that is listened on.
const SOCKET_PORT: u16 = 65_535;

/// A forward, as its capture shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForwardSpec {
    /// The forward's number within its session, from 0: the N of `forward-N.pcapng`, as far as there is one for each.
    pub number: u32,
    /// Which way it runs.
    pub kind: ForwardKind,
    /// Where connections are accepted, or come from.
    pub listen: String,
    /// Where they lead.
    pub destination: String,
}

impl ForwardSpec {
    /// The file that holds what it carries.
    pub fn file(&self) -> FileName {
        FileName::Forward(file_of(self.number))
    }
}

/// The number of the file that holds what a forward carries.
pub fn file_of(forward: u32) -> u32 {
    forward.min(FILES - 1)
}

/// An end of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// An address.
    Addr(SocketAddr),
    /// A name that only the server resolves, and a port.
    Name(String, u16),
    /// What has neither address nor port, such as a socket, or is not known; in words.
    Other(String),
}

/// Who began a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beginner {
    /// The person's side.
    Person,
    /// The target's side.
    Target,
}

/// A connection through a forward, as its capture must know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionSpec {
    /// What it goes through.
    pub forward: ForwardSpec,
    /// Who began it.
    pub beginner: Beginner,
    /// Where it comes from.
    pub from: End,
    /// Where it leads.
    pub to: End,
}

/// The captures of one session.
#[derive(Debug)]
pub struct Captures {
    stamp: SessionStamp,
    files: BTreeMap<FileName, Section>,
    connections: BTreeMap<u32, Connection>,
}

/// The section that is being written in a file.
#[derive(Debug, Default)]
struct Section {
    /// The forwards that are its interfaces, in their order.
    interfaces: Vec<u32>,
    /// The synthetic addresses that its name resolution blocks name.
    named: BTreeSet<Ipv4Addr>,
}

#[derive(Debug)]
struct Connection {
    forward: ForwardSpec,
    beginner: Beginner,
    names: Vec<(Ipv4Addr, String)>,
    stream: TcpStream,
    /// Bytes that were lost since the last packet.
    lost: u64,
}

/// A packet of a stream, and what is remarked on it.
struct Packet {
    bytes: Vec<u8>,
    comment: Option<String>,
}

impl Captures {
    /// Of a session in which nothing was captured yet.
    pub fn new(stamp: SessionStamp) -> Self {
        Self {
            stamp,
            files: BTreeMap::new(),
            connections: BTreeMap::new(),
        }
    }

    /// A connection begins. Its number within the session is used once.
    pub fn open(&mut self, number: u32, at: Offset, spec: ConnectionSpec, sink: &mut dyn Sink) {
        let ConnectionSpec {
            forward,
            beginner,
            from,
            to,
        } = spec;
        let comment = format!(
            "connection {number} of forward {} ({}): {} to {}",
            forward.number,
            forward.kind,
            in_words(&from),
            in_words(&to)
        );
        let mut names = Vec::new();
        let mut addr = |end: &End, side: u32| match end {
            End::Addr(addr) => *addr,
            End::Name(name, port) => {
                let ip = synthetic(forward.number, side);
                names.push((ip, name.clone()));
                SocketAddr::from((ip, *port))
            }
            End::Other(_) if side == 0 => {
                SocketAddr::from((synthetic(forward.number, side), ephemeral(number)))
            }
            End::Other(_) => SocketAddr::from((synthetic(forward.number, side), SOCKET_PORT)),
        };
        let (from, to) = (addr(&from, 0), addr(&to, 1));
        let mut connection = Connection {
            forward,
            beginner,
            names,
            stream: TcpStream::new(number, from, to),
            lost: 0,
        };
        let mut packets = connection.stream.open();
        if let Some(first) = packets.first_mut() {
            first.comment = Some(comment);
        }
        self.write(at, &mut connection, packets, sink);
        self.connections.insert(number, connection);
    }

    /// Something happens on a connection.
    pub fn push(&mut self, number: u32, at: Offset, event: &Event, sink: &mut dyn Sink) {
        let Some(mut connection) = self.connections.remove(&number) else {
            return;
        };
        let packets = match event {
            Event::Data(way, bytes) => connection.stream.data(connection.by_initiator(*way), bytes),
            Event::Eof(way) => connection.stream.finish(connection.by_initiator(*way)),
            Event::Resize { .. } | Event::Marker(_) | Event::Exit(_) => Vec::new(),
        };
        self.write(at, &mut connection, packets, sink);
        self.connections.insert(number, connection);
    }

    /// Bytes of a connection are not in the file because writing failed; the next packet says so.
    pub fn lost(&mut self, number: u32, bytes: u64) {
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.lost += bytes;
        }
    }

    /// What was made last for a file is not in it.
    pub fn not_written(&mut self, file: FileName) {
        self.files.remove(&file);
    }

    /// A connection is over. If one of its directions has not ended, it was cut.
    pub fn close(&mut self, number: u32, at: Offset, sink: &mut dyn Sink) {
        if let Some(mut connection) = self.connections.remove(&number) {
            let packets = connection.stream.close();
            self.write(at, &mut connection, packets, sink);
        }
    }

    /// All connections are over.
    pub fn close_all(&mut self, at: Offset, sink: &mut dyn Sink) {
        let open: Vec<u32> = self.connections.keys().copied().collect();
        for number in open {
            self.close(number, at, sink);
        }
    }

    fn write(&mut self, at: Offset, connection: &mut Connection, packets: Vec<Packet>, sink: &mut dyn Sink) {
        if packets.is_empty() {
            return;
        }
        let file = connection.forward.file();
        let mut out = Vec::new();
        let interface = self.interface(file, connection, &mut out);
        let started = u64::try_from(self.stamp.started.as_microsecond()).unwrap_or(0);
        let time = started.saturating_add(at.micros());
        for mut packet in packets {
            if connection.lost > 0 {
                let lost = std::mem::take(&mut connection.lost);
                packet.comment = Some(format!("{lost} bytes before this could not be recorded"));
            }
            blocks::packet(
                &mut out,
                interface,
                time,
                &packet.bytes,
                packet.comment.as_deref(),
            );
        }
        sink.append(file, &out);
    }

    /// The number of a forward's interface; section and interface begin with their first packet.
    fn interface(&mut self, file: FileName, connection: &Connection, out: &mut Vec<u8>) -> u32 {
        let forward = &connection.forward;
        let section = self.files.entry(file).or_insert_with(|| {
            let comment = format!(
                "forwards of session {}; packets are made up around the bytes that passed",
                self.stamp.session
            );
            blocks::section(out, &comment);
            Section::default()
        });
        let known = section
            .interfaces
            .iter()
            .position(|known| *known == forward.number);
        let place = known.unwrap_or_else(|| {
            let what = format!("{}: {} to {}", forward.kind, forward.listen, forward.destination);
            blocks::interface(out, &format!("forward-{}", forward.number), &what);
            section.interfaces.push(forward.number);
            section.interfaces.len() - 1
        });
        let fresh = |(ip, _): &&(Ipv4Addr, String)| section.named.insert(*ip);
        let names: Vec<_> = connection.names.iter().filter(fresh).collect();
        if !names.is_empty() {
            blocks::names(out, &names);
        }
        u32::try_from(place).unwrap_or(u32::MAX)
    }
}

impl Connection {
    fn by_initiator(&self, way: Stream) -> bool {
        (way == Stream::Input) == (self.beginner == Beginner::Person)
    }
}

/// The address of an end that has none: one for each side of each forward.
fn synthetic(forward: u32, side: u32) -> Ipv4Addr {
    let place = forward.wrapping_mul(2).wrapping_add(side) % SYNTHETIC_COUNT;
    Ipv4Addr::from(SYNTHETIC + 1 + place)
}

/// A port for an end that has none, by the connection.
fn ephemeral(connection: u32) -> u16 {
    u16::try_from(1_024 + connection % 64_000).unwrap_or(SOCKET_PORT)
}

fn in_words(end: &End) -> String {
    match end {
        End::Addr(addr) => addr.to_string(),
        End::Name(name, port) => format!("{name}:{port}"),
        End::Other(words) => words.clone(),
    }
}
