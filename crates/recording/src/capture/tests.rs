//! Captures read back by a reader of the test's own: blocks, headers, checksums, sequence numbers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use gatehouse_model::{ForwardKind, SessionId, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::transfer::Transfer;

/// Keeps what each file was given.
#[derive(Default)]
struct Files(BTreeMap<FileName, Vec<u8>>);

impl Sink for Files {
    fn append(&mut self, file: FileName, bytes: &[u8]) {
        assert_eq!(complete_blocks(bytes), bytes.len(), "no whole blocks");
        self.0.entry(file).or_default().extend_from_slice(bytes);
    }

    fn transferred(&mut self, _: Transfer) {}
}

fn captures() -> Captures {
    Captures::new(SessionStamp {
        session: "019301f0-0000-7000-8000-000000000001"
            .parse::<SessionId>()
            .unwrap(),
        started: "2026-01-31T10:00:00Z".parse::<Timestamp>().unwrap(),
    })
}

fn spec(number: u32, from: End, to: End) -> ConnectionSpec {
    ConnectionSpec {
        forward: ForwardSpec {
            number,
            kind: ForwardKind::Local,
            listen: "client".to_owned(),
            destination: in_words(&to),
        },
        beginner: Beginner::Person,
        from,
        to,
    }
}

fn addr(text: &str) -> End {
    End::Addr(text.parse().unwrap())
}

fn data(way: Stream, bytes: &[u8]) -> Event {
    Event::Data(way, Bytes::copy_from_slice(bytes))
}

fn at(millis: u64) -> Offset {
    Offset::from_micros(millis * 1_000)
}

/// A block: its type and body.
fn blocks(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut list = Vec::new();
    while !bytes.is_empty() {
        let kind = u32::from_le_bytes(bytes[..4].try_into().unwrap());
        let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        assert_eq!(bytes[4..8], bytes[length - 4..length]);
        list.push((kind, bytes[8..length - 4].to_vec()));
        bytes = &bytes[length..];
    }
    list
}

/// A segment as it was read back.
#[derive(Debug)]
struct Seen {
    interface: u32,
    time: u64,
    from: SocketAddr,
    to: SocketAddr,
    sequence: u32,
    acknowledged: u32,
    flags: u8,
    data: Vec<u8>,
}

fn sum(bytes: &[u8]) -> u32 {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

/// Reads a packet, and checks both checksums.
fn segment(interface: u32, time: u64, packet: &[u8]) -> Seen {
    let (addresses, tcp): (Vec<u8>, &[u8]) = if packet[0] >> 4 == 4 {
        assert_eq!(sum(&packet[..20]), 0xffff, "header checksum");
        assert_eq!(
            usize::from(u16::from_be_bytes([packet[2], packet[3]])),
            packet.len()
        );
        assert_eq!(packet[9], 6);
        (packet[12..20].to_vec(), &packet[20..])
    } else {
        assert_eq!(packet[6], 6);
        assert_eq!(
            usize::from(u16::from_be_bytes([packet[4], packet[5]])),
            packet.len() - 40
        );
        (packet[8..40].to_vec(), &packet[40..])
    };
    let pseudo = [
        &addresses[..],
        &(tcp.len() as u32).to_be_bytes(),
        &[0, 0, 0, 6],
        tcp,
    ]
    .concat();
    assert_eq!(sum(&pseudo), 0xffff, "TCP checksum");
    let ip = |bytes: &[u8]| match <[u8; 4]>::try_from(bytes) {
        Ok(v4) => IpAddr::from(v4),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(bytes).unwrap()),
    };
    let (from, to) = addresses.split_at(addresses.len() / 2);
    let port = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
    let word = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
    Seen {
        interface,
        time,
        from: SocketAddr::new(ip(from), port(0)),
        to: SocketAddr::new(ip(to), port(2)),
        sequence: word(4),
        acknowledged: word(8),
        flags: tcp[13],
        data: tcp[usize::from(tcp[12] >> 4) * 4..].to_vec(),
    }
}

/// The packets of a file, checked.
fn packets(file: &[u8]) -> Vec<Seen> {
    let (mut list, mut interfaces) = (Vec::new(), 0);
    for (kind, body) in blocks(file) {
        let word = |at: usize| u32::from_le_bytes(body[at..at + 4].try_into().unwrap());
        match kind {
            0x0a0d_0d0a => interfaces = 0,
            1 => interfaces += 1,
            6 => {
                assert!(word(0) < interfaces, "an interface that was not described");
                assert_eq!(word(12), word(16), "a packet that was cut");
                let packet = &body[20..20 + word(12) as usize];
                let time = u64::from(word(4)) << 32 | u64::from(word(8));
                list.push(segment(word(0), time, packet));
            }
            _ => {}
        }
    }
    list
}

/// The bytes of one direction, told by where they come from, in the order of sequence numbers without a gap.
fn direction(packets: &[Seen], from: SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut next: Option<u32> = None;
    for seen in packets.iter().filter(|seen| seen.from == from) {
        assert_eq!(next.unwrap_or(seen.sequence), seen.sequence, "{seen:?}");
        bytes.extend_from_slice(&seen.data);
        let control = u32::from(seen.flags & 3 != 0);
        next = Some(seen.sequence.wrapping_add(seen.data.len() as u32 + control));
    }
    bytes
}

#[test]
fn a_connection_is_a_stream_from_syn_to_fin() {
    let (mut captures, mut files) = (captures(), Files::default());
    captures.open(
        0,
        at(0),
        spec(0, addr("127.0.0.1:4000"), addr("10.0.0.5:5432")),
        &mut files,
    );
    captures.push(0, at(1), &data(Stream::Input, b"select 1"), &mut files);
    captures.push(0, at(2), &data(Stream::Output, b"one"), &mut files);
    for way in [Stream::Output, Stream::Input, Stream::Input] {
        captures.push(0, at(3), &Event::Eof(way), &mut files);
    }
    captures.close(0, at(4), &mut files);
    let seen = packets(&files.0[&FileName::Forward(0)]);
    let flags: Vec<u8> = seen.iter().map(|seen| seen.flags).collect();
    assert_eq!(flags, [0x02, 0x12, 0x10, 0x18, 0x18, 0x11, 0x10, 0x11, 0x10]);
    let (client, server) = (
        "127.0.0.1:4000".parse().unwrap(),
        "10.0.0.5:5432".parse().unwrap(),
    );
    assert_eq!(direction(&seen, client), b"select 1");
    assert_eq!(direction(&seen, server), b"one");
    let last = seen.last().unwrap();
    let other = seen.iter().rfind(|other| other.from != last.from).unwrap();
    assert_eq!(last.acknowledged, other.sequence + 1, "the end is acknowledged");
    // 2026-01-31T10:00:00Z in microseconds, and the offsets.
    assert_eq!(seen[0].time, 1_769_853_600_000_000);
    assert_eq!(seen[3].time, 1_769_853_600_001_000);
}

#[test]
fn what_was_cut_ends_with_a_reset() {
    let (mut captures, mut files) = (captures(), Files::default());
    for number in 0..2 {
        captures.open(
            number,
            at(0),
            spec(number, addr("127.0.0.1:1"), addr("10.0.0.5:2")),
            &mut files,
        );
    }
    captures.push(0, at(1), &Event::Eof(Stream::Input), &mut files);
    captures.close(0, at(2), &mut files);
    captures.close_all(at(3), &mut files);
    captures.push(0, at(4), &data(Stream::Input, b"late"), &mut files);
    for number in 0..2 {
        let seen = packets(&files.0[&FileName::Forward(number)]);
        assert_eq!(seen.last().unwrap().flags, 0x14, "{number}");
    }
}

#[test]
fn ends_without_an_address_get_one_and_are_named() {
    let (mut captures, mut files) = (captures(), Files::default());
    let name = End::Name("db.internal".to_owned(), 5432);
    captures.open(0, at(0), spec(3, addr("127.0.0.1:1"), name), &mut files);
    let socket = End::Other("/run/db.sock".to_owned());
    captures.open(
        1,
        at(0),
        spec(4, End::Other("client".to_owned()), socket),
        &mut files,
    );
    captures.open(
        2,
        at(0),
        spec(5, addr("127.0.0.1:1"), addr("[2001:db8::1]:80")),
        &mut files,
    );
    let file = |number| &files.0[&FileName::Forward(number)];
    let first = |number| packets(file(number)).remove(0);
    assert_eq!(first(3).to, "198.18.0.8:5432".parse().unwrap());
    assert_eq!(first(4).from, "198.18.0.9:1025".parse().unwrap());
    assert_eq!(first(4).to, "198.18.0.10:65535".parse().unwrap());
    assert_eq!(first(5).from, "[::ffff:127.0.0.1]:1".parse().unwrap());
    let holds = |number, words: &str| {
        file(number)
            .windows(words.len())
            .any(|window| window == words.as_bytes())
    };
    assert!(holds(
        3,
        "connection 0 of forward 3 (local): 127.0.0.1:1 to db.internal:5432"
    ));
    assert!(holds(4, "client to /run/db.sock"));
    assert_eq!(blocks(file(3)).iter().filter(|(kind, _)| *kind == 4).count(), 1);
}

#[test]
fn after_a_failed_write_a_new_section_begins_and_the_gap_shows() {
    let (mut captures, mut files) = (captures(), Files::default());
    let name = FileName::Forward(0);
    captures.open(
        0,
        at(0),
        spec(0, addr("127.0.0.1:1"), addr("10.0.0.5:2")),
        &mut files,
    );
    let kept = files.0.remove(&name).unwrap();
    captures.push(0, at(1), &data(Stream::Input, b"lost"), &mut files);
    files.0.clear();
    captures.not_written(name);
    captures.lost(0, 4);
    captures.push(0, at(2), &data(Stream::Input, b"after"), &mut files);
    let seen = packets(&[kept, files.0[&name].clone()].concat());
    let (ack, after) = (&seen[2], seen.last().unwrap());
    assert_eq!(after.data, b"after");
    assert_eq!(after.sequence, ack.sequence.wrapping_add(4));
    let words = b"4 bytes before this could not be recorded";
    assert!(files.0[&name].windows(words.len()).any(|window| window == words));
}

#[test]
fn further_forwards_share_the_last_file_as_interfaces() {
    let (mut captures, mut files) = (captures(), Files::default());
    for number in [255, 256, 900, 256] {
        captures.open(
            number,
            at(0),
            spec(number, addr("127.0.0.1:1"), addr("10.0.0.5:2")),
            &mut files,
        );
    }
    let seen = packets(&files.0[&FileName::Forward(255)]);
    let interfaces: Vec<u32> = seen.iter().step_by(3).map(|seen| seen.interface).collect();
    assert_eq!(interfaces, [0, 1, 2, 1]);
}

#[test]
fn blocks_are_no_longer_than_readers_are_told() {
    let (mut captures, mut files) = (captures(), Files::default());
    let long = "ż".repeat(40_000);
    let from = End::Other(long.clone());
    captures.open(0, at(0), spec(0, from, End::Name(long, 1)), &mut files);
    captures.lost(0, u64::MAX);
    captures.push(0, at(1), &data(Stream::Input, &vec![7; 1_000_000]), &mut files);
    let file = &files.0[&FileName::Forward(0)];
    assert!(blocks(file).iter().all(|(_, body)| body.len() + 12 <= BLOCK_MAX));
    let seen = packets(file);
    assert_eq!(direction(&seen, seen[0].from).len(), 1_000_000);
}

#[test]
fn what_is_no_block_is_not_read() {
    for bad in [
        &[][..],
        &[1, 0, 0, 0],
        &[0; 64],
        &[1, 0, 0, 0, 12, 0, 0, 0, 13, 0, 0, 0],
        &[1, 0, 0, 0, 255, 255, 255, 255, 12, 0, 0, 0],
        &[1, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0],
    ] {
        assert_eq!(complete_blocks(bad), 0, "{bad:?}");
    }
}

proptest! {
    /// Whatever passes, the stream holds exactly that; a torn file holds a beginning of it.
    #[test]
    fn streams_hold_what_passed(
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..3_000)), 0..12),
        big in 0usize..200_000,
        number in any::<u32>(),
        torn in 0.0f64..1.0,
        v6 in any::<bool>(),
    ) {
        let (mut captures, mut files) = (captures(), Files::default());
        let to = if v6 { "[2001:db8::5]:5" } else { "10.0.0.5:5" };
        captures.open(number, at(0), spec(0, addr("127.0.0.1:1"), addr(to)), &mut files);
        let (mut sent, mut received) = (Vec::new(), Vec::new());
        for (inward, piece) in pieces.iter().chain([&(true, vec![9; big])]) {
            let (way, all) = if *inward {
                (Stream::Input, &mut sent)
            } else {
                (Stream::Output, &mut received)
            };
            all.extend_from_slice(piece);
            captures.push(number, at(1), &data(way, piece), &mut files);
        }
        captures.close(number, at(2), &mut files);
        let file = &files.0[&FileName::Forward(0)];
        let seen = packets(file);
        prop_assert!(direction(&seen, seen[0].from) == sent);
        prop_assert!(direction(&seen, seen[0].to) == received);

        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the file")]
        let cut = &file[..(file.len() as f64 * torn) as usize];
        let whole = packets(&cut[..complete_blocks(cut)]);
        for (told, full) in whole.iter().zip(&seen) {
            prop_assert_eq!(&told.data, &full.data);
        }
        prop_assert!(cut.len() - complete_blocks(cut) < BLOCK_MAX);
    }

    /// The reader takes any bytes, and says the same of a beginning.
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(12), any::<u8>()], 0..200)) {
        let whole = complete_blocks(&bytes);
        prop_assert!(whole <= bytes.len());
        prop_assert_eq!(complete_blocks(&bytes[..whole]), whole);
    }
}
