//! What targets and clients send: file transfer protocols, terminal output; and casts that come from a disk.

use gatehouse_model::{BinaryMode, ForwardKind, InputMode, SessionId, Timestamp};
use gatehouse_recording::capture::{
    BLOCK_MAX, Beginner, Captures, ConnectionSpec, End, ForwardSpec, complete_blocks,
};
use gatehouse_recording::cast::{CastData, CastItem, CastReader};
use gatehouse_recording::channel::{ChannelRecorder, Sink, Verdict};
use gatehouse_recording::screen::{SafeRenderer, Transcript};
use gatehouse_recording::tap::scp::ScpTap;
use gatehouse_recording::tap::sftp::SftpTap;
use gatehouse_recording::{
    ChannelKind, ChannelSpec, Event, FileName, Offset, Pty, SessionStamp, Stream, Transfer,
};

/// Bytes of two directions: each piece begins with its direction and length.
fn pieces(input: &[u8]) -> Vec<(Stream, &[u8])> {
    let mut pieces = Vec::new();
    let mut rest = input;
    while let [head, after @ ..] = rest {
        let stream = match head & 3 {
            0 | 1 => Stream::Input,
            2 => Stream::Output,
            _ => Stream::Error,
        };
        let (piece, after) = after.split_at(usize::from(head >> 2).min(after.len()));
        pieces.push((stream, piece));
        rest = after;
    }
    pieces
}

/// The SFTP tap: what it logs does not depend on how the bytes were cut.
pub fn sftp(input: &[u8]) {
    let whole = run_sftp(pieces(input));
    let single = pieces(input)
        .into_iter()
        .flat_map(|(stream, piece)| piece.chunks(1).map(move |c| (stream, c)));
    assert_eq!(run_sftp(single), whole);
}

fn run_sftp<'a>(pieces: impl IntoIterator<Item = (Stream, &'a [u8])>) -> (Vec<Transfer>, bool) {
    let (mut tap, mut log) = (SftpTap::new(0), Vec::new());
    for (stream, piece) in pieces {
        if tap.feed(Offset::ZERO, stream, piece, &mut log).is_err() {
            return (log, true);
        }
    }
    tap.finish(Offset::ZERO, &mut log);
    (log, false)
}

/// The same for the old protocol of scp.
pub fn scp(input: &[u8]) {
    let whole = run_scp(pieces(input));
    let single = pieces(input)
        .into_iter()
        .flat_map(|(stream, piece)| piece.chunks(1).map(move |c| (stream, c)));
    assert_eq!(run_scp(single), whole);
}

fn run_scp<'a>(pieces: impl IntoIterator<Item = (Stream, &'a [u8])>) -> (Vec<Transfer>, bool) {
    let (mut tap, mut log) = (ScpTap::new(0, b"scp -t /tmp"), Vec::new());
    for (stream, piece) in pieces {
        if tap.feed(Offset::ZERO, stream, piece, &mut log).is_err() {
            return (log, true);
        }
    }
    tap.finish(Offset::ZERO, &mut log);
    (log, false)
}

/// The cast reader: any bytes, and the same items however they come in.
pub fn cast(input: &[u8]) {
    let items = |size: usize| {
        let mut reader = CastReader::new();
        let mut items = Vec::new();
        for chunk in input.chunks(size.max(1)) {
            reader.feed(chunk);
            while let Some(item) = reader.next_item() {
                items.push(item.map_err(|error| error.to_string()));
            }
        }
        items
    };
    assert_eq!(items(1), items(input.len()));
}

/// What a viewer's terminal gets is safe, and the screen model survives anything.
pub fn screen(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let shown = SafeRenderer::new().render(&text);
    for introducer in [
        "\u{1b}]", "\u{1b}P", "\u{1b}_", "\u{1b}^", "\u{1b}X", "\u{9d}", "\u{90}",
    ] {
        assert!(!shown.contains(introducer), "{introducer:?} passed in {shown:?}");
    }
    let mut transcript = Transcript::new(1 + input.len() as u32 % 200, 1 + input.len() as u32 % 60);
    let mut reader = CastReader::new();
    for item in casts_of(
        input,
        Some(Pty {
            term: "xterm".into(),
            cols: 80,
            rows: 24,
        }),
        &mut reader,
    ) {
        if let CastItem::Event(event) = item {
            drop(transcript.feed(&event));
        }
    }
    drop(transcript.finish());
}

/// The recorder of a channel with a terminal loses no byte of the output, whatever it is.
pub fn channel(input: &[u8]) {
    let pty = Some(Pty {
        term: "xterm".into(),
        cols: 80,
        rows: 24,
    });
    let items = casts_of(input, pty, &mut CastReader::new());
    for stream in [Stream::Output, Stream::Error] {
        let sent: Vec<u8> = pieces(input)
            .iter()
            .filter(|(s, _)| *s == stream)
            .flat_map(|(_, p)| p.to_vec())
            .collect();
        let recorded: Vec<u8> = items
            .iter()
            .filter_map(|item| match item {
                CastItem::Event(event) => Some(&event.data),
                CastItem::Header(_) => None,
            })
            .filter_map(|data| match data {
                CastData::Output(of, data) if *of == stream => Some(data.bytes.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        assert_eq!(recorded, sent, "{stream:?}");
    }
    // Without a terminal other rules hold; none of them may panic.
    let _ = casts_of(input, None, &mut CastReader::new());
}

/// Blocks of captures: any bytes can be read, and what is made here is whole, however far it was written.
pub fn capture(input: &[u8]) {
    let whole = complete_blocks(input);
    assert!(whole <= input.len());
    let kept = input.get(..whole).unwrap_or_default();
    assert_eq!(complete_blocks(kept), whole);

    let mut captures = Captures::new(stamp());
    let mut files = Files::default();
    let words = String::from_utf8_lossy(input).into_owned();
    let forward = ForwardSpec {
        number: input.len() as u32,
        kind: ForwardKind::Local,
        listen: words.clone(),
        destination: words.clone(),
    };
    let spec = ConnectionSpec {
        forward,
        beginner: Beginner::Person,
        from: End::Other(words.clone()),
        to: End::Name(words, 80),
    };
    captures.open(0, Offset::ZERO, spec, &mut files);
    for (stream, piece) in pieces(input) {
        let event = Event::Data(stream, piece.to_vec().into());
        captures.push(0, Offset::ZERO, &event, &mut files);
    }
    captures.close(0, Offset::ZERO, &mut files);
    let made = &files.capture;
    assert_eq!(complete_blocks(made), made.len());
    let torn = made
        .get(..made.len() - input.len() % made.len())
        .unwrap_or_default();
    assert!(torn.len() - complete_blocks(torn) < BLOCK_MAX);
}

fn stamp() -> SessionStamp {
    let session: SessionId = "01935c8e-0000-7000-8000-000000000000"
        .parse()
        .unwrap_or_else(|_| SessionId(Default::default()));
    SessionStamp {
        session,
        started: Timestamp::UNIX_EPOCH,
    }
}

/// Records the pieces on one channel and reads the cast back.
#[expect(clippy::panic, reason = "a finding")]
fn casts_of(input: &[u8], pty: Option<Pty>, reader: &mut CastReader) -> Vec<CastItem> {
    let spec = ChannelSpec {
        number: 0,
        kind: ChannelKind::Shell,
        pty,
        binary: BinaryMode::Digest,
        input: InputMode::Echoed,
    };
    let mut recorder = ChannelRecorder::new(spec, stamp());
    let mut files = Files::default();
    recorder.open(Offset::ZERO, &mut files);
    let mut at = Offset::ZERO;
    for (number, (stream, piece)) in pieces(input).into_iter().enumerate() {
        at = at.plus(std::time::Duration::from_millis(number as u64 % 700));
        let event = Event::Data(stream, piece.to_vec().into());
        if recorder.push(at, &event, &mut files) != Verdict::Continue {
            break;
        }
    }
    recorder.finish(at, &mut files);
    reader.feed(&files.cast);
    let mut items = Vec::new();
    while let Some(item) = reader.next_item() {
        match item {
            Ok(item) => items.push(item),
            Err(error) => panic!("a cast of our own cannot be read: {error}"),
        }
    }
    items
}

/// Keeps casts and captures, forgets the rest.
#[derive(Default)]
struct Files {
    cast: Vec<u8>,
    capture: Vec<u8>,
}

impl Sink for Files {
    fn append(&mut self, file: FileName, bytes: &[u8]) {
        match file {
            FileName::Cast(_) => self.cast.extend_from_slice(bytes),
            FileName::Forward(_) => self.capture.extend_from_slice(bytes),
            _ => {}
        }
    }

    fn transferred(&mut self, _transfer: Transfer) {}
}
