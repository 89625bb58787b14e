//! The recorder itself: it leads each event to the part that deals with it.

use std::time::Duration;

use gatehouse_model::{BinaryMode, format_time};

use super::chunks::{Chunks, FinishedChunk};
use super::echo::{EchoRule, Kept, Keys};
use super::run::{Kind, Run};
use super::utf8::Utf8Carry;
use super::{Sink, Verdict};
use crate::cast::{CastData, CastEncoder, CastEnv, CastHeader, CastOrigin, Newlines};
use crate::event::{ChannelKind, ChannelSpec, Event, SessionStamp, Stream};
use crate::file_name::FileName;
use crate::offset::Offset;
use crate::path::escape;
use crate::tap::scp::ScpTap;
use crate::tap::sftp::SftpTap;
use crate::transfer::{STARTED, Transfer};

/// The time that the rest of a split character has.
const CHARACTER_WITHIN: Duration = Duration::from_millis(100);
/// What players assume where there was no terminal.
const PLAIN_SIZE: (u32, u32) = (80, 24);
/// Most events that wait for a channel to show whether it needs a cast.
const DEFERRED_MAX: usize = 16;
/// What the person is told when `record_binary = "refuse"` ends a channel.
const REFUSED: &str =
    "binary data without a terminal is not allowed in this session; ask for record_binary = \"full\"";

#[derive(Debug)]
enum Tap {
    Sftp(SftpTap),
    Scp(ScpTap),
}

/// One of something for each stream.
#[derive(Debug)]
struct PerStream<T> {
    input: T,
    output: T,
    error: T,
}

impl<T> PerStream<T> {
    fn new(make: impl Fn(Stream) -> T) -> Self {
        Self {
            input: make(Stream::Input),
            output: make(Stream::Output),
            error: make(Stream::Error),
        }
    }

    fn of(&mut self, stream: Stream) -> &mut T {
        match stream {
            Stream::Input => &mut self.input,
            Stream::Output => &mut self.output,
            Stream::Error => &mut self.error,
        }
    }

    fn all(&self) -> [&T; 3] {
        [&self.input, &self.output, &self.error]
    }
}

/// Records one channel.
#[derive(Debug)]
pub struct ChannelRecorder {
    spec: ChannelSpec,
    stamp: SessionStamp,
    now: Offset,
    cast: Option<CastEncoder>,
    /// Events that alone are no reason to begin a cast.
    deferred: Vec<(Offset, CastData)>,
    tap: Option<Tap>,
    logged: bool,
    /// Split characters of the streams, and since when they wait.
    carry: PerStream<(Utf8Carry, Offset)>,
    echo: EchoRule,
    runs: PerStream<Run>,
    chunks: PerStream<Chunks>,
    /// Bytes in the file of kept binary, before compression.
    kept: u64,
}

impl ChannelRecorder {
    /// A recorder at a channel's beginning.
    pub fn new(spec: ChannelSpec, stamp: SessionStamp) -> Self {
        let tap = match (&spec.pty, &spec.kind) {
            (None, ChannelKind::Subsystem(name)) if name == "sftp" => {
                Some(Tap::Sftp(SftpTap::new(spec.number)))
            }
            (None, ChannelKind::Exec(command)) => Some(Tap::Scp(ScpTap::new(spec.number, command))),
            _ => None,
        };
        let keys = if spec.pty.is_some() {
            Keys::Kept
        } else {
            Keys::None
        };
        Self {
            now: Offset::ZERO,
            cast: None,
            deferred: Vec::new(),
            tap,
            logged: false,
            carry: PerStream::new(|_| (Utf8Carry::default(), Offset::ZERO)),
            echo: EchoRule::new(spec.input, keys),
            runs: PerStream::new(|_| Run::default()),
            chunks: PerStream::new(|stream| Chunks::new(stream, spec.binary, spec.input)),
            kept: 0,
            spec,
            stamp,
        }
    }

    /// The channel's number.
    pub fn number(&self) -> u32 {
        self.spec.number
    }

    /// The channel is open: a cast begins, unless it may turn out to be transfers only.
    pub fn open(&mut self, at: Offset, sink: &mut impl Sink) {
        self.now = self.now.max(at);
        if self.tap.is_none() {
            self.begin_cast();
            self.write_cast(sink);
        }
    }

    /// Something happened. An instant before the one of the last event is taken for that one.
    pub fn push(&mut self, at: Offset, event: &Event, sink: &mut impl Sink) -> Verdict {
        self.tick(at, sink);
        let at = self.now;
        match event {
            Event::Data(stream, bytes) => self.data(at, *stream, bytes, sink),
            Event::Resize { cols, rows } => {
                self.secondary(
                    at,
                    CastData::Resize {
                        cols: (*cols).max(1),
                        rows: (*rows).max(1),
                    },
                );
            }
            Event::Marker(text) => {
                self.cast().event(at, &CastData::Marker(text.clone()));
            }
            Event::Eof(stream) => {
                self.end_stream(at, *stream, sink);
                self.secondary(at, CastData::Eof(*stream));
            }
            Event::Exit(exit) => {
                // What waits to be told from binary came before.
                self.end_stream(at, Stream::Output, sink);
                self.end_stream(at, Stream::Error, sink);
                self.secondary(at, CastData::Exit(exit.clone()));
            }
        }
        self.write_cast(sink);
        let binary = self.spec.pty.is_none() && self.runs.all().into_iter().any(Run::is_binary);
        if binary && self.spec.binary == BinaryMode::Refuse {
            return Verdict::EndChannel(REFUSED);
        }
        Verdict::Continue
    }

    /// So many bytes that passed before are lost, because writing them failed.
    pub fn lost(&mut self, at: Offset, bytes: u64, sink: &mut impl Sink) {
        self.now = self.now.max(at);
        let at = self.now;
        self.cast().event(at, &CastData::Gap(bytes));
        self.write_cast(sink);
    }

    /// When [`Self::tick`] has something to do.
    pub fn next_deadline(&self) -> Option<Offset> {
        let carries = self
            .carry
            .all()
            .map(|(carry, since)| carry.waits().then(|| since.plus(CHARACTER_WITHIN)));
        let runs = self.runs.all().map(Run::next_deadline);
        let chunks = self.chunks.all().map(Chunks::next_deadline);
        [carries, runs, chunks]
            .into_iter()
            .flatten()
            .chain([self.echo.next_deadline()])
            .flatten()
            .min()
    }

    /// Time went by.
    pub fn tick(&mut self, at: Offset, sink: &mut impl Sink) {
        self.now = self.now.max(at);
        let at = self.now;
        // Each part acts as if it had been called at its deadline, so the order in which they are called is free.
        for stream in Stream::ALL {
            let mut run = std::mem::take(self.runs.of(stream));
            run.settle(at, &mut |kind, bytes| self.piece(at, stream, kind, bytes, sink));
            *self.runs.of(stream) = run;
            let (carry, since) = self.carry.of(stream);
            if carry.waits() && since.plus(CHARACTER_WITHIN) <= at {
                self.flush_carry(at, stream);
            }
            if self
                .chunks
                .of(stream)
                .next_deadline()
                .is_some_and(|due| due <= at)
            {
                self.end_chunk(at, stream, sink);
            }
        }
        self.decide(|echo, out| echo.settle(at, out), at);
        self.write_cast(sink);
    }

    /// The channel is over. Nothing may be pushed after it.
    pub fn finish(&mut self, at: Offset, sink: &mut impl Sink) {
        self.tick(at, sink);
        let at = self.now;
        self.end_tap(at, sink);
        for stream in Stream::ALL {
            self.end_stream(at, stream, sink);
        }
        self.decide(|echo, out| echo.finish(at, out), at);
        if !self.logged && !matches!(&self.spec.kind, ChannelKind::Subsystem(name) if name == "sftp") {
            // Nothing was said: the cast tells at least how it ended.
            self.begin_cast();
        }
        self.write_cast(sink);
    }

    fn data(&mut self, at: Offset, stream: Stream, bytes: &[u8], sink: &mut impl Sink) {
        if self.spec.pty.is_some() {
            self.text(at, stream, bytes);
            return;
        }
        let Some(tap) = self.tap.as_mut().filter(|_| stream != Stream::Error) else {
            self.plain(at, stream, bytes, sink);
            return;
        };
        let mut log = Vec::new();
        let fed = match tap {
            Tap::Sftp(tap) => tap.feed(at, stream, bytes, &mut log),
            Tap::Scp(tap) => tap.feed(at, stream, bytes, &mut log),
        };
        self.log(log, sink);
        if let Err(departure) = fed {
            let mut log = Vec::new();
            match self.tap.take() {
                Some(Tap::Sftp(mut tap)) => tap.finish(at, &mut log),
                Some(Tap::Scp(mut tap)) => drop(tap.finish(at, &mut log)),
                None => {}
            }
            self.log(log, sink);
            for (stream, bytes) in departure.held {
                self.plain(at, stream, &bytes, sink);
            }
        }
    }

    fn end_tap(&mut self, at: Offset, sink: &mut impl Sink) {
        let mut log = Vec::new();
        let held = match self.tap.take() {
            Some(Tap::Sftp(mut tap)) => {
                tap.finish(at, &mut log);
                Vec::new()
            }
            Some(Tap::Scp(mut tap)) => tap.finish(at, &mut log),
            None => Vec::new(),
        };
        self.log(log, sink);
        for (stream, bytes) in held {
            self.plain(at, stream, &bytes, sink);
        }
    }

    fn log(&mut self, log: Vec<Transfer>, sink: &mut impl Sink) {
        for transfer in log {
            self.logged = true;
            sink.append(
                FileName::Transfers,
                transfer.to_line(self.stamp.started).as_bytes(),
            );
            if transfer.result != STARTED {
                sink.transferred(transfer);
            }
        }
    }

    fn plain(&mut self, at: Offset, stream: Stream, bytes: &[u8], sink: &mut impl Sink) {
        let mut run = std::mem::take(self.runs.of(stream));
        run.feed(at, bytes, &mut |kind, piece| {
            self.piece(at, stream, kind, piece, sink)
        });
        *self.runs.of(stream) = run;
    }

    fn piece(&mut self, at: Offset, stream: Stream, kind: Kind, bytes: &[u8], sink: &mut impl Sink) {
        match kind {
            Kind::Text => {
                self.end_chunk(at, stream, sink);
                self.text(at, stream, bytes);
            }
            Kind::Binary => {
                self.flush_carry(at, stream);
                let finished = self.chunks.of(stream).feed(at, bytes, &mut self.kept);
                for chunk in finished {
                    self.write_chunk(at, stream, &chunk, sink);
                }
            }
        }
    }

    fn text(&mut self, at: Offset, stream: Stream, bytes: &[u8]) {
        if stream == Stream::Input {
            self.decide(|echo, out| echo.typed(at, bytes, out), at);
            return;
        }
        let (carry, since) = self.carry.of(stream);
        if !carry.waits() {
            *since = at;
        }
        let whole = carry.join(bytes);
        self.show(at, stream, &whole);
    }

    fn show(&mut self, at: Offset, stream: Stream, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.cast().output(at, stream, bytes);
            self.decide(
                |echo, out| echo.shown(at, &String::from_utf8_lossy(bytes), out),
                at,
            );
        }
    }

    fn flush_carry(&mut self, at: Offset, stream: Stream) {
        let rest = self.carry.of(stream).0.flush();
        self.show(at, stream, &rest);
    }

    fn decide(&mut self, ask: impl FnOnce(&mut EchoRule, &mut Vec<Kept>), at: Offset) {
        let mut decided = Vec::new();
        ask(&mut self.echo, &mut decided);
        for kept in decided {
            match kept {
                Kept::Bytes(bytes) => self.cast().input(at, &bytes),
                Kept::Length(length) => self.cast().event(at, &CastData::InputLength(length)),
            }
        }
    }

    fn end_stream(&mut self, at: Offset, stream: Stream, sink: &mut impl Sink) {
        let mut run = std::mem::take(self.runs.of(stream));
        run.finish(&mut |kind, bytes| self.piece(at, stream, kind, bytes, sink));
        *self.runs.of(stream) = run;
        self.flush_carry(at, stream);
        self.end_chunk(at, stream, sink);
    }

    fn end_chunk(&mut self, at: Offset, stream: Stream, sink: &mut impl Sink) {
        if let Some(chunk) = self.chunks.of(stream).finish(&mut self.kept) {
            self.write_chunk(at, stream, &chunk, sink);
        }
    }

    fn write_chunk(&mut self, at: Offset, stream: Stream, chunk: &FinishedChunk, sink: &mut impl Sink) {
        // The bytes before the line that points to them: a torn recording never points to what is not there.
        if let Some(frame) = &chunk.frame {
            sink.append(FileName::Binary(self.spec.number), frame);
        }
        sink.append(FileName::Chunks(self.spec.number), chunk.line.as_bytes());
        self.cast().event(at, &CastData::Binary(stream, chunk.length));
    }

    /// Writes an event that alone begins no cast.
    fn secondary(&mut self, at: Offset, data: CastData) {
        if let Some(cast) = &mut self.cast {
            cast.event(at, &data);
        } else if self.deferred.len() < DEFERRED_MAX {
            self.deferred.push((at, data));
        }
    }

    fn write_cast(&mut self, sink: &mut impl Sink) {
        if let Some(cast) = self.cast.as_mut().filter(|cast| cast.pending() > 0) {
            sink.append(FileName::Cast(self.spec.number), &cast.take());
        }
    }

    fn begin_cast(&mut self) {
        self.cast();
    }

    fn cast(&mut self) -> &mut CastEncoder {
        let (spec, stamp, deferred) = (&self.spec, &self.stamp, &mut self.deferred);
        self.cast.get_or_insert_with(|| {
            let mut cast = CastEncoder::new(&header(spec, stamp));
            for (at, data) in deferred.drain(..) {
                cast.event(at, &data);
            }
            cast
        })
    }
}

fn header(spec: &ChannelSpec, stamp: &SessionStamp) -> CastHeader {
    let (width, height) = spec
        .pty
        .as_ref()
        .map(|pty| (pty.cols, pty.rows))
        // A client without a window of its own says 0x0.
        .filter(|(cols, rows)| *cols > 0 && *rows > 0)
        .unwrap_or(PLAIN_SIZE);
    let (kind, command, subsystem) = match &spec.kind {
        ChannelKind::Shell => ("shell", None, None),
        ChannelKind::Exec(command) => ("exec", Some(escape(command)), None),
        ChannelKind::Subsystem(name) => ("subsystem", None, Some(escape(name.as_bytes()))),
    };
    CastHeader {
        version: 2,
        width,
        height,
        timestamp: stamp.started.as_second(),
        command,
        env: spec.pty.as_ref().map(|pty| CastEnv {
            term: escape(pty.term.as_bytes()),
        }),
        gatehouse: CastOrigin {
            session: stamp.session,
            channel: spec.number,
            kind: kind.to_owned(),
            subsystem,
            pty: spec.pty.is_some(),
            newlines: if spec.pty.is_some() {
                Newlines::Raw
            } else {
                Newlines::CrLf
            },
            input: spec.input,
            started_at: format_time(stamp.started),
        },
    }
}
