//! An IP packet with a TCP segment, checksums included.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Most bytes of data in a segment: what an IPv4 packet holds beside two headers.
pub const SEGMENT_MAX: usize = 65_495;

/// The number of TCP among the protocols of IP.
const TCP: u8 = 6;
/// Hops that a packet may make.
const HOPS: u8 = 64;
/// Bytes of a TCP header without options.
const TCP_HEADER: usize = 20;
/// The window, before it is scaled.
const WINDOW: u16 = u16::MAX;
/// Options of a SYN (RFC 9293 section 3.2, RFC 7323 section 2): the largest segment, and the scale of windows, 2^14.
const SYN_OPTIONS: [u8; 8] = {
    let [high, low] = (SEGMENT_MAX as u16).to_be_bytes();
    [2, 4, high, low, 1, 3, 3, 14]
};

/// Bits of a TCP header (RFC 9293 section 3.1).
pub(super) mod flag {
    pub(in crate::capture) const FIN: u8 = 1;
    pub(in crate::capture) const SYN: u8 = 2;
    pub(in crate::capture) const RST: u8 = 4;
    pub(in crate::capture) const PSH: u8 = 8;
    pub(in crate::capture) const ACK: u8 = 16;
}

/// A segment.
pub(super) struct Segment<'d> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) flags: u8,
    /// The number of the packet (IPv4).
    pub(super) id: u16,
    /// At most [`SEGMENT_MAX`] bytes.
    pub(super) data: &'d [u8],
}

impl Segment<'_> {
    /// The packet. Where the families of the addresses differ, IPv4 puts on the clothes of IPv6.
    pub(super) fn to_packet(&self) -> Vec<u8> {
        match (self.from.ip(), self.to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let tcp = self.tcp(&[from.octets(), to.octets()].concat());
                let length = u16::try_from(20 + tcp.len()).unwrap_or(u16::MAX);
                // RFC 791 section 3.1; "don't fragment" is set.
                let mut packet = vec![0x45, 0];
                packet.extend_from_slice(&length.to_be_bytes());
                packet.extend_from_slice(&self.id.to_be_bytes());
                packet.extend_from_slice(&[0x40, 0, HOPS, TCP]);
                let addresses = [from.octets(), to.octets()].concat();
                let sum = checksum(&[&packet, &addresses]);
                packet.extend_from_slice(&sum.to_be_bytes());
                packet.extend_from_slice(&addresses);
                packet.extend_from_slice(&tcp);
                packet
            }
            (from, to) => {
                let addresses = [v6(from).octets(), v6(to).octets()].concat();
                let tcp = self.tcp(&addresses);
                let length = u16::try_from(tcp.len()).unwrap_or(u16::MAX);
                // RFC 8200 section 3.
                let mut packet = vec![0x60, 0, 0, 0];
                packet.extend_from_slice(&length.to_be_bytes());
                packet.extend_from_slice(&[TCP, HOPS]);
                packet.extend_from_slice(&addresses);
                packet.extend_from_slice(&tcp);
                packet
            }
        }
    }

    fn tcp(&self, addresses: &[u8]) -> Vec<u8> {
        let options: &[u8] = if self.flags & flag::SYN == 0 {
            &[]
        } else {
            &SYN_OPTIONS
        };
        let header = TCP_HEADER + options.len();
        let words = u8::try_from(header / 4).unwrap_or(5);
        let mut out = Vec::with_capacity(header + self.data.len());
        out.extend_from_slice(&self.from.port().to_be_bytes());
        out.extend_from_slice(&self.to.port().to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.acknowledged.to_be_bytes());
        out.extend_from_slice(&[words << 4, self.flags]);
        out.extend_from_slice(&WINDOW.to_be_bytes());
        let before = out.clone();
        let after = [&[0, 0], options].concat();
        // The pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1): the sums of both forms are the same.
        let length = u32::try_from(header + self.data.len()).unwrap_or(u32::MAX);
        let pseudo = [length.to_be_bytes(), [0, 0, 0, TCP]].concat();
        let sum = checksum(&[addresses, &pseudo, &before, &after, self.data]);
        out.extend_from_slice(&sum.to_be_bytes());
        out.extend_from_slice(&after);
        out.extend_from_slice(self.data);
        out
    }
}

fn v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// The Internet checksum (RFC 1071) over parts, of which only the last may have an odd length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        let (pairs, odd) = part.as_chunks::<2>();
        sum += pairs
            .iter()
            .map(|pair| u64::from(u16::from_be_bytes(*pair)))
            .sum::<u64>();
        sum += odd.first().map_or(0, |byte| u64::from(*byte) << 8);
    }
    while sum > u64::from(u16::MAX) {
        sum = (sum & u64::from(u16::MAX)) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // The example of RFC 1071 section 3.
        assert_eq!(
            checksum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]),
            !0xddf2
        );
        // A whole header sums up to zero.
        let segment = Segment {
            from: "192.0.2.1:1".parse().unwrap(),
            to: "192.0.2.2:2".parse().unwrap(),
            sequence: 1,
            acknowledged: 2,
            flags: flag::SYN,
            id: 7,
            data: b"odd",
        };
        assert_eq!(checksum(&[segment.to_packet().get(..20).unwrap()]), 0);
    }
}
