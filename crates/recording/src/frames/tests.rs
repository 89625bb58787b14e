//! Frames: torn, cut, changed, moved, resumed.

use gatehouse_model::SessionId;
use proptest::prelude::*;

use super::*;
use crate::FileName;

const CAST: FileName = FileName::Cast(0);

fn session() -> SessionId {
    "019301f0-0000-7000-8000-000000000001".parse().unwrap()
}

fn key() -> FileKey {
    FileKey::new([7; 32])
}

fn writer() -> FrameWriter {
    FrameWriter::new(key().of_file(session(), CAST))
}

fn reader() -> FrameReader {
    FrameReader::new(key().of_file(session(), CAST))
}

/// A file of these pieces, and its length after each of them.
fn file(pieces: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
    let (mut writer, mut bytes, mut ends) = (writer(), Vec::new(), Vec::new());
    for piece in pieces {
        bytes.extend(writer.seal(piece));
        writer.commit();
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn with_end(pieces: &[Vec<u8>]) -> Vec<u8> {
    let (mut writer, mut bytes) = (writer(), Vec::new());
    for piece in pieces {
        bytes.extend(writer.seal(piece));
        writer.commit();
    }
    bytes.extend(writer.end());
    bytes
}

fn read(bytes: &[u8]) -> (Vec<u8>, Result<(), FrameError>, Result<(), FrameError>) {
    let (mut reader, mut plain) = (reader(), Vec::new());
    reader.feed(bytes);
    let read = reader.read(&mut plain);
    (plain, read, reader.finish())
}

fn scan(bytes: &[u8], key: Option<FrameKey>) -> FrameTail {
    let mut scanner = FrameScanner::new(key);
    for piece in bytes.chunks(1000) {
        scanner.feed(piece);
    }
    scanner.finish()
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        9 => proptest::collection::vec(any::<u8>(), 1..200),
        1 => (1usize..3, any::<u8>()).prop_map(|(times, byte)| vec![byte; times * PLAIN_MAX - 1]),
        1 => (any::<u8>()).prop_map(|byte| vec![byte; PLAIN_MAX + 1]),
    ];
    proptest::collection::vec(piece, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_however_it_comes(pieces in pieces(), size in 1usize..5000) {
        let bytes = with_end(&pieces);
        let (mut reader, mut plain) = (reader(), Vec::new());
        for piece in bytes.chunks(size) {
            reader.feed(piece);
            reader.read(&mut plain).unwrap();
        }
        prop_assert_eq!(plain, pieces.concat());
        prop_assert!(reader.is_ended());
        prop_assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_torn_file_gives_every_complete_frame_and_is_cut_after_whole_lines(pieces in pieces(), at in any::<prop::sample::Index>()) {
        let (bytes, ends) = file(&pieces);
        let torn = &bytes[..at.index(bytes.len() + 1)];
        let (plain, read, finished) = read(torn);
        prop_assert_eq!(read, Ok(()));
        prop_assert_eq!(finished, Err(FrameError::CutOff { at: torn.len() as u64 }));
        prop_assert!(pieces.concat().starts_with(&plain));
        let whole = ends.iter().take_while(|end| **end <= torn.len()).count();
        prop_assert!(plain.len() >= pieces[..whole].concat().len());
        let cut = ends[..whole].last().copied().unwrap_or(0) as u64;
        for key in [None, Some(key().of_file(session(), CAST))] {
            prop_assert_eq!(scan(torn, key).length, cut);
        }
    }

    #[test]
    fn a_changed_byte_is_found_and_nothing_after_it_is_given(pieces in pieces(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = with_end(&pieces);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let (plain, _, finished) = read(&bytes);
        prop_assert!(finished.is_err());
        prop_assert!(pieces.concat().starts_with(&plain));
    }

    #[test]
    fn a_file_that_a_crash_tore_is_ended_and_read(pieces in pieces(), at in any::<prop::sample::Index>()) {
        let (bytes, ends) = file(&pieces);
        let mut torn = bytes[..at.index(bytes.len() + 1)].to_vec();
        let tail = scan(&torn, Some(key().of_file(session(), CAST)));
        torn.truncate(tail.length as usize);
        prop_assume!(!torn.is_empty());
        torn.extend(FrameWriter::ending(key().of_file(session(), CAST), &tail).end());
        let whole = ends.iter().take_while(|end| **end as u64 <= tail.length).count();
        prop_assert_eq!(read(&torn), (pieces[..whole].concat(), Ok(()), Ok(())));
        // Found again, nothing is to be done.
        let again = scan(&torn, None);
        prop_assert_eq!((again.ended, again.length), (true, torn.len() as u64));
    }
}

fn three() -> (Vec<u8>, Vec<usize>) {
    file(&[b"one\n".to_vec(), b"two\n".to_vec(), b"six\n".to_vec()])
}

#[test]
fn frames_that_were_moved_repeated_or_left_out_are_found() {
    let (bytes, ends) = three();
    let parts = [
        &bytes[..ends[0]],
        &bytes[ends[0]..ends[1]],
        &bytes[ends[1]..ends[2]],
    ];
    for order in [&[0, 2, 1][..], &[0, 2], &[0, 1, 1], &[0, 1, 0], &[0, 1, 2, 2]] {
        let moved: Vec<u8> = order.iter().flat_map(|n| parts[*n].iter().copied()).collect();
        let (plain, read, _) = read(&moved);
        assert!(read.is_err(), "{order:?}");
        assert!(b"one\ntwo\nsix\n".starts_with(&plain[..]), "{order:?}");
    }
    // Nor does it count where a torn file is to be cut.
    let again = [&bytes[..], &bytes[8..]].concat();
    for key in [None, Some(key().of_file(session(), CAST))] {
        assert_eq!(scan(&again, key).length, bytes.len() as u64);
    }
    let mut ended = with_end(&[b"one\n".to_vec()]);
    ended.extend_from_slice(parts[1]);
    assert!(matches!(read(&ended).1, Err(FrameError::AfterEnd { .. })));
}

#[test]
fn a_frame_of_another_file_session_or_key_does_not_open() {
    let other: SessionId = "019301f0-0000-7000-8000-000000000002".parse().unwrap();
    let bytes = with_end(&[b"one\n".to_vec()]);
    for wrong in [
        key().of_file(other, CAST),
        key().of_file(session(), FileName::Cast(1)),
        key().of_file(session(), FileName::Transfers),
        FileKey::new([8; 32]).of_file(session(), CAST),
    ] {
        let (mut reader, mut plain) = (FrameReader::new(wrong), Vec::new());
        reader.feed(&bytes);
        assert_eq!(reader.read(&mut plain), Err(FrameError::Changed { at: 8 }));
        assert!(plain.is_empty());
    }
    assert_ne!(key().id(), FileKey::new([8; 32]).id());
    assert_eq!(format!("{:?}", key()), "[secret]");
}

#[test]
fn what_could_not_be_written_leaves_no_trace_and_its_nonce_is_not_used_again() {
    let mut writer = writer();
    let mut bytes = writer.seal(b"one\n");
    writer.commit();
    let lost = writer.seal(b"two\n");
    let lost_too = writer.end();
    let kept = writer.seal(b"six\n");
    writer.commit();
    bytes.extend_from_slice(&kept);
    let counters = [&lost, &lost_too, &kept].map(|frame| frame[4..12].to_vec());
    assert!(counters[0] < counters[1] && counters[1] < counters[2]);
    bytes.extend(writer.end());
    assert_eq!(read(&bytes), (b"one\nsix\n".to_vec(), Ok(()), Ok(())));
}

#[test]
fn nothing_to_write_makes_no_frame_and_an_empty_file_can_be_ended() {
    let mut writer = writer();
    assert!(writer.seal(b"").is_empty());
    writer.commit();
    assert_eq!(read(&writer.end()), (Vec::new(), Ok(()), Ok(())));
    assert_eq!(read(&[]).2, Err(FrameError::CutOff { at: 0 }));
    assert_eq!(read(b"{\"version\":2}").1, Err(FrameError::Magic));
}

#[test]
fn zeros_after_a_crash_of_the_machine_are_cut_off_and_a_damaged_middle_stays() {
    let (bytes, ends) = three();
    let opening = || Some(key().of_file(session(), CAST));
    let zeros = [&bytes[..ends[1]], &[0; 500]].concat();
    assert_eq!(scan(&zeros, None).length, ends[1] as u64);
    let mut hollow = bytes.clone();
    hollow[ends[1] + 12..].fill(0);
    assert_eq!(scan(&hollow, opening()).length, ends[1] as u64);
    let mut middle = bytes.clone();
    middle[ends[0] + 13] ^= 1;
    assert_eq!(scan(&middle, opening()).length, bytes.len() as u64);
    assert!(matches!(read(&middle).1, Err(FrameError::Changed { .. })));
}

#[test]
fn a_frame_can_be_passed_over_and_what_follows_opens_only_after_it() {
    let (bytes, ends) = three();
    let head = |at: usize| FrameHead::parse(bytes[at..at + FrameHead::SIZE].try_into().unwrap()).unwrap();
    let second = head(ends[0]);
    assert_eq!(
        (second.plain(), second.size() as usize, second.is_whole()),
        (4, ends[1] - ends[0], true)
    );
    let pass = |tag: [u8; TAG]| {
        let (mut reader, mut plain) = (reader(), Vec::new());
        reader.feed(&bytes[..ends[0] + 5]);
        reader.read(&mut plain).unwrap();
        assert_eq!(reader.rewind(), ends[0] as u64);
        reader.pass(second, tag).unwrap();
        assert!(reader.pass(head(8), tag).is_err(), "an earlier one cannot follow");
        reader.feed(&bytes[ends[1]..]);
        reader.read(&mut plain).map(|()| plain)
    };
    let tag: [u8; TAG] = bytes[ends[1] - TAG..ends[1]].try_into().unwrap();
    assert_eq!(pass(tag), Ok(b"one\nsix\n".to_vec()));
    assert_eq!(pass([0; TAG]), Err(FrameError::Changed { at: ends[1] as u64 }));
}

#[test]
fn the_form_is_as_documented() {
    let (bytes, ends) = file(&[vec![b'x'; PLAIN_MAX + 1]]);
    assert_eq!(bytes[..8], MAGIC);
    assert_eq!(bytes[8..20], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let second = 8 + 12 + PLAIN_MAX + 16;
    assert_eq!(
        bytes[second..second + 12],
        [0x40, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    );
    assert_eq!(ends[0], second + 12 + 1 + 16);
    // Computed apart from this code (HKDF and AES-GCM of Python's `cryptography`).
    assert_eq!(key().id(), "33f1d5e7fbd57aac5d947710b9b7d3f6");
    let one = with_end(&[b"one\n".to_vec()]);
    assert_eq!(
        hex::encode(&one[8..]),
        "4000000400000000000000007cb952d02784a4a79111e531c5333c3e3d3f02d7c00000000000000000000001022668810c4e703492998774fd9c9b2c"
    );
}
