//! Blocks of pcapng, little-endian.

use std::net::Ipv4Addr;

/// Section header block (section 4.1 of the draft).
const SECTION: u32 = 0x0a0d_0d0a;
/// Interface description block (section 4.2).
const INTERFACE: u32 = 1;
/// Name resolution block (section 4.5).
const NAMES: u32 = 4;
/// Enhanced packet block (section 4.3).
const PACKET: u32 = 6;
/// Tells the order of bytes.
const MAGIC: u32 = 0x1a2b_3c4d;
/// Packets begin with an IP header: [LINKTYPE_RAW](https://www.tcpdump.org/linktypes.html).
const LINK_RAW: u16 = 101;

/// Options (section 3.5) and those of interfaces.
const COMMENT: u16 = 1;
const NAME: u16 = 2;
const DESCRIPTION: u16 = 3;
const APPLICATION: u16 = 4;

/// Longest text of an option, in bytes.
const TEXT_MAX: usize = 1_024;
/// What surrounds a block's body: its type, and its length twice.
const FRAME: usize = 12;

/// The longest block that is made here, with room to spare.
pub const BLOCK_MAX: usize = 72 * 1024;

/// The section header.
pub(super) fn section(out: &mut Vec<u8>, comment: &str) {
    block(out, SECTION, |body| {
        body.extend_from_slice(&MAGIC.to_le_bytes());
        body.extend_from_slice(&1u16.to_le_bytes());
        body.extend_from_slice(&0u16.to_le_bytes());
        // The section's length is not known: it grows.
        body.extend_from_slice(&(-1i64).to_le_bytes());
        option(body, COMMENT, comment);
        option(
            body,
            APPLICATION,
            concat!("Gatehouse ", env!("CARGO_PKG_VERSION")),
        );
        end_of_options(body);
    });
}

/// An interface; timestamps of its packets are in microseconds, as without an option that says otherwise.
pub(super) fn interface(out: &mut Vec<u8>, name: &str, description: &str) {
    block(out, INTERFACE, |body| {
        body.extend_from_slice(&LINK_RAW.to_le_bytes());
        body.extend_from_slice(&[0; 2]);
        // No limit to a packet's length.
        body.extend_from_slice(&[0; 4]);
        option(body, NAME, name);
        option(body, DESCRIPTION, description);
        end_of_options(body);
    });
}

/// Names of addresses.
pub(super) fn names(out: &mut Vec<u8>, names: &[&(Ipv4Addr, String)]) {
    /// A record with an IPv4 address and its names, each ended by a zero.
    const RECORD_IPV4: u16 = 1;
    block(out, NAMES, |body| {
        for (ip, name) in names {
            let name = clipped(name, 255).replace('\0', " ");
            let length = 4 + name.len() + 1;
            body.extend_from_slice(&RECORD_IPV4.to_le_bytes());
            body.extend_from_slice(&u16::try_from(length).unwrap_or(0).to_le_bytes());
            body.extend_from_slice(&ip.octets());
            body.extend_from_slice(name.as_bytes());
            body.push(0);
            pad(body);
        }
        body.extend_from_slice(&[0; 4]);
    });
}

/// A packet, `time` in microseconds since 1970.
pub(super) fn packet(out: &mut Vec<u8>, interface: u32, time: u64, bytes: &[u8], comment: Option<&str>) {
    block(out, PACKET, |body| {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (high, low) = (time >> 32, time & u64::from(u32::MAX));
        let halves = [high, low].map(|half| u32::try_from(half).unwrap_or(u32::MAX));
        for word in [interface, halves[0], halves[1], length, length] {
            body.extend_from_slice(&word.to_le_bytes());
        }
        body.extend_from_slice(bytes);
        pad(body);
        if let Some(comment) = comment {
            option(body, COMMENT, comment);
            end_of_options(body);
        }
    });
}

/// How many bytes from the beginning are whole blocks (section 3.1): of a growing or torn file, what can be read.
pub fn complete_blocks(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(length) = bytes.get(end..).and_then(whole_block) {
        end += length;
    }
    end
}

/// The length of the block at the beginning, if all of it is there.
fn whole_block(bytes: &[u8]) -> Option<usize> {
    let word = |at: usize| {
        let word = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(word.try_into().ok()?))
    };
    let told = word(4)?;
    let length = usize::try_from(told).ok()?;
    let sound = (FRAME..=BLOCK_MAX).contains(&length) && length.is_multiple_of(4);
    (sound && word(length - 4)? == told).then_some(length)
}

fn block(out: &mut Vec<u8>, kind: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    fill(out);
    let length = u32::try_from(out.len() - start + 4)
        .unwrap_or(u32::MAX)
        .to_le_bytes();
    if let Some(told) = out.get_mut(start + 4..start + 8) {
        told.copy_from_slice(&length);
    }
    out.extend_from_slice(&length);
}

fn option(body: &mut Vec<u8>, code: u16, text: &str) {
    let text = clipped(text, TEXT_MAX);
    body.extend_from_slice(&code.to_le_bytes());
    body.extend_from_slice(&u16::try_from(text.len()).unwrap_or(0).to_le_bytes());
    body.extend_from_slice(text.as_bytes());
    pad(body);
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend_from_slice(&[0; 4]);
}

/// Fills up to 32 bits; blocks begin at such a boundary of what they are made in.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

fn clipped(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}
