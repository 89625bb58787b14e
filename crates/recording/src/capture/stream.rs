//! A TCP stream that never was: the packets that two systems would have sent.

use std::net::SocketAddr;

use super::Packet;
use super::packet::{SEGMENT_MAX, Segment, flag};

/// Bytes of one direction after which the other acknowledges, if it has nothing to say itself.
const ACKNOWLEDGE: u32 = 64 * 1024;

/// One direction of a stream.
#[derive(Debug)]
struct Direction {
    /// Where it comes from.
    from: SocketAddr,
    /// The number of the next byte. It goes round (RFC 9293 section 3.4).
    next: u32,
    /// Bytes that the other side has not acknowledged.
    pending: u32,
    finished: bool,
}

#[derive(Debug)]
pub(super) struct TcpStream {
    initiator: Direction,
    acceptor: Direction,
    /// The number of the next packet.
    id: u16,
}

impl TcpStream {
    /// A stream; `number` tells it from others between the same addresses.
    pub(super) fn new(number: u32, from: SocketAddr, to: SocketAddr) -> Self {
        // Spread, so that readers take streams of the same ports for different ones.
        let initial = number.wrapping_mul(0x9e37_79b1).wrapping_add(1);
        let direction = |from, next| Direction {
            from,
            next,
            pending: 0,
            finished: false,
        };
        Self {
            initiator: direction(from, initial),
            acceptor: direction(to, initial.rotate_left(16)),
            id: 0,
        }
    }

    /// The handshake.
    pub(super) fn open(&mut self) -> Vec<Packet> {
        let syn = self.segment(true, flag::SYN, &[]);
        let answer = self.segment(false, flag::SYN | flag::ACK, &[]);
        vec![syn, answer, self.segment(true, flag::ACK, &[])]
    }

    /// Data, in segments.
    pub(super) fn data(&mut self, from_initiator: bool, bytes: &[u8]) -> Vec<Packet> {
        let mut packets = Vec::new();
        for piece in bytes.chunks(SEGMENT_MAX) {
            packets.push(self.segment(from_initiator, flag::PSH | flag::ACK, piece));
            if self.direction(from_initiator).pending >= ACKNOWLEDGE {
                packets.push(self.segment(!from_initiator, flag::ACK, &[]));
            }
        }
        packets
    }

    /// The end of a direction, once.
    pub(super) fn finish(&mut self, from_initiator: bool) -> Vec<Packet> {
        if self.direction(from_initiator).finished {
            return Vec::new();
        }
        let end = self.segment(from_initiator, flag::FIN | flag::ACK, &[]);
        vec![end, self.segment(!from_initiator, flag::ACK, &[])]
    }

    /// The end of all: nothing where both directions have ended, else a reset.
    pub(super) fn close(&mut self) -> Vec<Packet> {
        if self.initiator.finished && self.acceptor.finished {
            return Vec::new();
        }
        let mut reset = self.segment(self.acceptor.finished, flag::RST | flag::ACK, &[]);
        reset.comment = Some("the connection was cut".to_owned());
        vec![reset]
    }

    fn direction(&mut self, from_initiator: bool) -> &mut Direction {
        if from_initiator {
            &mut self.initiator
        } else {
            &mut self.acceptor
        }
    }

    fn segment(&mut self, from_initiator: bool, flags: u8, data: &[u8]) -> Packet {
        let (own, other) = if from_initiator {
            (&mut self.initiator, &mut self.acceptor)
        } else {
            (&mut self.acceptor, &mut self.initiator)
        };
        let acknowledges = flags & flag::ACK != 0;
        let segment = Segment {
            from: own.from,
            to: other.from,
            sequence: own.next,
            acknowledged: if acknowledges { other.next } else { 0 },
            flags,
            id: self.id,
            data,
        };
        self.id = self.id.wrapping_add(1);
        let length = u32::try_from(data.len()).unwrap_or(0);
        // SYN and FIN take a number each (RFC 9293 section 3.4).
        let control = u32::from(flags & (flag::SYN | flag::FIN) != 0);
        own.next = own.next.wrapping_add(length + control);
        own.pending = own.pending.saturating_add(length);
        own.finished |= flags & flag::FIN != 0;
        if acknowledges {
            other.pending = 0;
        }
        Packet {
            bytes: segment.to_packet(),
            comment: None,
        }
    }
}
