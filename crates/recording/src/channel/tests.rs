//! What a channel leaves behind.

use std::collections::BTreeMap;

use bytes::Bytes;
use gatehouse_model::{BinaryMode, InputMode};
use proptest::prelude::*;

use super::*;
use crate::cast::{CastData, CastItem, CastReader};
use crate::event::{ChannelKind, ChannelSpec, Event, Exit, Pty, SessionStamp, Stream};
use crate::offset::Offset;

#[derive(Default)]
struct Files {
    files: BTreeMap<FileName, Vec<u8>>,
    transfers: Vec<Transfer>,
}

impl Sink for Files {
    fn append(&mut self, file: FileName, bytes: &[u8]) {
        self.files.entry(file).or_default().extend_from_slice(bytes);
    }

    fn transferred(&mut self, transfer: Transfer) {
        self.transfers.push(transfer);
    }
}

impl Files {
    fn cast(&self) -> Vec<CastData> {
        let mut reader = CastReader::new();
        reader.feed(self.files.get(&FileName::Cast(0)).map_or(&[], Vec::as_slice));
        std::iter::from_fn(|| reader.next_item())
            .filter_map(|item| match item.unwrap() {
                CastItem::Event(event) => Some(event.data),
                CastItem::Header(_) => None,
            })
            .collect()
    }

    fn text(&self, wanted: Stream) -> Vec<u8> {
        let bytes_of = |data| match data {
            CastData::Output(stream, data) if stream == wanted => data.bytes,
            CastData::Input(data) if wanted == Stream::Input => data.bytes,
            _ => Vec::new(),
        };
        self.cast().into_iter().flat_map(bytes_of).collect()
    }

    fn chunks(&self) -> Vec<ChunkLine> {
        read_chunks(self.files.get(&FileName::Chunks(0)).map_or(&[], Vec::as_slice))
    }

    fn kept(&self) -> Vec<u8> {
        self.files
            .get(&FileName::Binary(0))
            .map(|file| zstd::decode_all(&file[..]).unwrap())
            .unwrap_or_default()
    }
}

fn spec(kind: ChannelKind, pty: bool, binary: BinaryMode) -> ChannelSpec {
    let pty = pty.then(|| Pty {
        term: "xterm".into(),
        cols: 80,
        rows: 24,
    });
    ChannelSpec {
        number: 0,
        kind,
        pty,
        binary,
        input: InputMode::Echoed,
    }
}

fn exec(command: &str) -> ChannelSpec {
    spec(ChannelKind::Exec(command.into()), false, BinaryMode::Digest)
}

fn stamp() -> SessionStamp {
    SessionStamp {
        session: "019301f0-0000-7000-8000-000000000001".parse().unwrap(),
        started: "2026-01-31T10:00:00Z".parse().unwrap(),
    }
}

fn data(stream: Stream, bytes: &[u8]) -> Event {
    Event::Data(stream, Bytes::copy_from_slice(bytes))
}

/// Pushes events, each so many milliseconds after the one before.
fn record(spec: ChannelSpec, events: &[(u64, Event)]) -> (Files, Vec<Verdict>) {
    let (mut recorder, mut files) = (ChannelRecorder::new(spec, stamp()), Files::default());
    recorder.open(Offset::ZERO, &mut files);
    let (mut now, mut verdicts) = (0, Vec::new());
    for (pause, event) in events {
        now += pause * 1000;
        while let Some(due) = recorder.next_deadline().filter(|due| due.micros() <= now) {
            recorder.tick(due, &mut files);
            assert!(
                recorder.next_deadline().is_none_or(|next| next > due),
                "a deadline without effect"
            );
        }
        verdicts.push(recorder.push(Offset::from_micros(now), event, &mut files));
    }
    recorder.finish(Offset::from_micros(now), &mut files);
    (files, verdicts)
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0] & 0x8f
    })
    .take(length)
    .collect()
}

#[test]
fn a_terminal_is_recorded_in_full_whatever_its_bytes() {
    let bytes = [noise(300_000), b"\0\0\xb1\xb6 ISO-8859-2\r\n".to_vec()].concat();
    let (files, _) = record(
        spec(ChannelKind::Shell, true, BinaryMode::Refuse),
        &[(0, data(Stream::Output, &bytes))],
    );
    assert_eq!(files.text(Stream::Output), bytes);
    assert_eq!(files.files.len(), 1);
}

#[test]
fn the_words_of_a_command_decide_nothing() {
    for command in ["scp -t x; bash", "rsync --server .", "cat", "sftp"] {
        let (files, _) = record(
            exec(command),
            &[
                (0, data(Stream::Output, b"$ id\nroot\n")),
                (1, data(Stream::Error, b"oops\n")),
            ],
        );
        assert_eq!(files.text(Stream::Output), b"$ id\nroot\n");
        assert_eq!(files.text(Stream::Error), b"oops\n");
    }
}

#[test]
fn long_binary_leaves_its_head_its_digest_and_its_length() {
    let bytes = noise(3_000_000);
    let events: Vec<(u64, Event)> = bytes
        .chunks(32_768)
        .map(|chunk| (1, data(Stream::Output, chunk)))
        .collect();
    let (files, _) = record(exec("rsync"), &events);
    let chunks = files.chunks();
    let binary: u64 = chunks.iter().map(|chunk| chunk.length).sum();
    let text = files.text(Stream::Output);
    assert_eq!(text.len() as u64 + binary, 3_000_000);
    assert_eq!(text[..4096], bytes[..4096]);
    assert_eq!(files.kept(), bytes[4096..4096 + 65_536]);
    assert_eq!(
        chunks[0].digest,
        format!("blake3:{}", blake3::hash(&bytes[4096..4096 + binary as usize]))
    );
    let size: usize = files.files.values().map(Vec::len).sum();
    assert!(size < 150_000, "{size}");
    let noted = files
        .cast()
        .iter()
        .map(|data| {
            if let CastData::Binary(_, length) = data {
                *length
            } else {
                0
            }
        })
        .sum::<u64>();
    assert_eq!(noted, binary);
}

#[test]
fn full_keeps_all_of_both_directions() {
    let (up, down) = (noise(700_000), noise(500_000));
    let mut events = Vec::new();
    for (a, b) in up.chunks(32_768).zip(down.chunks(23_405)) {
        events.extend([(3, data(Stream::Input, a)), (0, data(Stream::Output, b))]);
    }
    let (files, _) = record(
        spec(ChannelKind::Exec(b"x".to_vec()), false, BinaryMode::Full),
        &events,
    );
    let kept = files.kept();
    let of = |stream: Stream| -> Vec<u8> {
        files
            .chunks()
            .iter()
            .filter(|c| c.direction == stream)
            .flat_map(|c| {
                assert_eq!(c.kept, c.length);
                kept[c.offset as usize..(c.offset + c.kept) as usize].to_vec()
            })
            .collect()
    };
    assert!(up[4096..].starts_with(&of(Stream::Input)) && of(Stream::Input).len() > 690_000);
    assert_eq!(
        [
            files.text(Stream::Output)[..4096].to_vec(),
            of(Stream::Output),
            files.text(Stream::Output)[4096..].to_vec()
        ]
        .concat(),
        down
    );
}

#[test]
fn refuse_ends_the_channel_where_binary_begins() {
    let events = [
        (0, data(Stream::Output, b"text")),
        (1, data(Stream::Output, &noise(4000))),
        (200, data(Stream::Output, &noise(4096))),
        (1, data(Stream::Output, b"x")),
    ];
    let (_, verdicts) = record(spec(ChannelKind::Shell, false, BinaryMode::Refuse), &events);
    assert_eq!(verdicts[..2], [Verdict::Continue, Verdict::Continue]);
    assert!(
        verdicts[2..]
            .iter()
            .all(|verdict| matches!(verdict, Verdict::EndChannel(_)))
    );
}

#[test]
fn a_shell_behind_binary_is_recorded() {
    let events = [
        (0, data(Stream::Output, &noise(200_000))),
        (1, data(Stream::Output, b"\nroot@web01:~# ")),
        (1000, data(Stream::Input, b"rm -rf /srv\n")),
        (1, data(Stream::Output, b"rm -rf /srv\nremoved\n")),
    ];
    let (files, _) = record(exec("sh"), &events);
    let text = files.text(Stream::Output);
    assert!(text.ends_with(b"\nroot@web01:~# rm -rf /srv\nremoved\n"));
    assert_eq!(files.text(Stream::Input), b"rm -rf /srv\n");
}

#[test]
fn small_chunks_are_kept_however_many() {
    let events: Vec<(u64, Event)> = (0..200)
        .map(|_| (100, data(Stream::Output, &noise(1000))))
        .collect();
    let (files, _) = record(exec("x"), &events);
    assert_eq!(files.text(Stream::Output).len(), 200_000);
    let flood: Vec<(u64, Event)> = (0..2000)
        .map(|_| (1, data(Stream::Output, &noise(1000))))
        .collect();
    let (files, _) = record(exec("x"), &flood);
    assert!(
        files.text(Stream::Output).len() < 20_000,
        "a flood of small chunks is one run"
    );
}

#[test]
fn sftp_is_logged_and_never_text() {
    let init = [0, 0, 0, 5, 1, 0, 0, 0, 3];
    let version = [0, 0, 0, 5, 2, 0, 0, 0, 3];
    let sftp = spec(ChannelKind::Subsystem("sftp".into()), false, BinaryMode::Digest);
    let mkdir = b"\0\0\0\x0f\x0e\0\0\0\x01\0\0\0\x02/x\0\0\0\0";
    let status = b"\0\0\0\x09\x65\0\0\0\x01\0\0\0\0";
    let events = [
        (0, data(Stream::Input, &init)),
        (1, data(Stream::Output, &version)),
        (1, data(Stream::Input, mkdir)),
        (1, data(Stream::Output, status)),
        (1, Event::Exit(Exit::Status(0))),
    ];
    let (files, _) = record(sftp.clone(), &events);
    assert_eq!(files.files.keys().collect::<Vec<_>>(), [&FileName::Transfers]);
    assert_eq!(
        (
            files.transfers[0].path.as_str(),
            files.transfers[0].result.as_str()
        ),
        ("/x", "ok")
    );
    let mut events = events[..4].to_vec();
    events.extend([
        (1, data(Stream::Input, b"sh -c id\n")),
        (1, data(Stream::Output, b"uid=0\n")),
    ]);
    let (files, _) = record(sftp, &events);
    assert_eq!(files.text(Stream::Output), b"uid=0\n");
    assert!(files.cast().contains(&CastData::InputLength(9)));
}

#[test]
fn a_command_that_says_nothing_leaves_its_exit() {
    let (files, _) = record(
        exec("true"),
        &[(1, Event::Eof(Stream::Output)), (1, Event::Exit(Exit::Status(3)))],
    );
    assert_eq!(
        files.cast(),
        [CastData::Eof(Stream::Output), CastData::Exit(Exit::Status(3))]
    );
}

#[test]
fn what_came_before_the_exit_stands_before_it() {
    let events = [
        (0, data(Stream::Output, &noise(10_000))),
        (0, Event::Exit(Exit::Status(0))),
    ];
    let (files, _) = record(exec("x"), &events);
    assert_eq!(files.cast().last(), Some(&CastData::Exit(Exit::Status(0))));
}

#[test]
fn a_password_at_sudo_is_in_no_file() {
    for pty in [true, false] {
        let mut events = vec![(0, data(Stream::Output, b"$ "))];
        for byte in b"sudo -S id" {
            events.extend([
                (80, data(Stream::Input, &[*byte])),
                (5, data(Stream::Output, &[*byte])),
            ]);
        }
        events.extend([
            (80, data(Stream::Input, b"\r")),
            (5, data(Stream::Output, b"\r\n[sudo] password for p: ")),
        ]);
        for byte in b"tr0ub4dor&3" {
            events.push((150, data(Stream::Input, &[*byte])));
        }
        events.extend([
            (80, data(Stream::Input, b"\r")),
            (5, data(Stream::Output, b"\r\nuid=0(root) &3 tr\r\n$ ")),
        ]);
        let (files, _) = record(spec(ChannelKind::Shell, pty, BinaryMode::Full), &events);
        assert_eq!(
            String::from_utf8(files.text(Stream::Input))
                .unwrap()
                .trim_end_matches('\r'),
            "sudo -S id"
        );
        assert!(
            files
                .cast()
                .iter()
                .any(|data| matches!(data, CastData::InputLength(11 | 12)))
        );
        assert_eq!(files.files.len(), 1);
    }
}

fn any_part() -> impl Strategy<Value = (u64, Stream, Vec<u8>)> {
    let stream = prop_oneof![Just(Stream::Input), Just(Stream::Output), Just(Stream::Error)];
    let bytes = prop_oneof![
        4 => "[a-zż☃\r\n ]{1,30}".prop_map(String::into_bytes),
        2 => prop::collection::vec(any::<u8>(), 1..200),
        1 => (4000usize..30_000).prop_map(noise),
        1 => Just(b"\0".to_vec()),
    ];
    (prop_oneof![Just(0u64), 1u64..50, 90u64..1500], stream, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The same bytes at the same instants leave the same content, however they were cut, and whether or not
    /// ticks came in time; and every output byte is in the cast or in the chunk list.
    #[test]
    fn cuts_change_nothing_and_no_byte_is_lost(
        parts in prop::collection::vec(any_part(), 1..20), pty in any::<bool>(), cut in 1usize..5000, command in any::<bool>(),
    ) {
        let kind = if command { ChannelKind::Exec(b"scp -t x".to_vec()) } else { ChannelKind::Shell };
        let (mut whole, mut pieces) = (Vec::new(), Vec::new());
        for (pause, stream, bytes) in &parts {
            whole.push((*pause, data(*stream, bytes)));
            for (index, piece) in bytes.chunks(cut).enumerate() {
                pieces.push((if index == 0 { *pause } else { 0 }, data(*stream, piece)));
            }
        }
        let (a, _) = record(spec(kind.clone(), pty, BinaryMode::Digest), &whole);
        let (b, _) = record(spec(kind.clone(), pty, BinaryMode::Digest), &pieces);
        for stream in [Stream::Output, Stream::Error] {
            let text = a.text(stream);
            prop_assert_eq!(&text, &b.text(stream));
            let binary: u64 = a.chunks().iter().filter(|c| c.direction == stream).map(|c| c.length).sum();
            let sent: usize = parts.iter().filter(|part| part.1 == stream).map(|part| part.2.len()).sum();
            if a.transfers.is_empty() {
                prop_assert_eq!(text.len() as u64 + binary, sent as u64);
            }
        }
        prop_assert_eq!(a.chunks(), b.chunks());
        prop_assert_eq!(a.kept(), b.kept());
        let mut late = (ChannelRecorder::new(spec(kind, pty, BinaryMode::Digest), stamp()), Files::default());
        let mut now = 0;
        late.0.open(Offset::ZERO, &mut late.1);
        for (pause, event) in &whole {
            now += pause * 1000;
            let _ = late.0.push(Offset::from_micros(now), event, &mut late.1);
        }
        late.0.finish(Offset::from_micros(now), &mut late.1);
        for stream in [Stream::Output, Stream::Error] {
            prop_assert_eq!(a.text(stream), late.1.text(stream));
        }
    }
}
