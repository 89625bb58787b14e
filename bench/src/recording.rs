//! `bench recording`: how much output a core records, as it stands and encrypted.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatehouse_archive::{Archive, ArchiveConfig, KeeperError, KeyKeeper, Opened, SealedKey, Sealing};
use gatehouse_model::{
    BinaryMode, ForwardCapture, InputMode, NodeId, Protocol, RecordMode, Secret, SessionId, SourceAddr,
    Timestamp,
};
use gatehouse_recording::age::Identity;
use gatehouse_recording::frames::{FileKey, FrameReader, FrameWriter};
use gatehouse_recording::manifest::{ManifestHead, RecordingEnd, RecordingTerms};
use gatehouse_recording::signature::SigningKey;
use gatehouse_recording::{ChannelKind, ChannelSpec, Event, FileName, Offset, Pty, Stream};

use crate::effort::{Effort, Length};

/// Output of one pass through the recorder.
const BYTES: Effort<usize> = Effort {
    full: 512 << 20,
    quick: 64 << 20,
};
/// Plaintext of one pass through the frames alone.
const FRAME_BYTES: Effort<usize> = Effort {
    full: 1 << 30,
    quick: 128 << 20,
};
/// Passes, of which the quietest counts.
const PASSES: Effort<usize> = Effort { full: 5, quick: 2 };
/// What a fast command sends in one packet.
const CHUNK: usize = 32 * 1024;
/// Nanoseconds of a tick in `/proc/self/stat`.
const TICK: Duration = Duration::from_millis(10);

/// Measures and prints a table.
pub(crate) fn run(length: Length, out: &mut dyn Write) -> io::Result<()> {
    let (sealed, opened) = frames(FRAME_BYTES.at(length), PASSES.at(length))?;
    writeln!(
        out,
        "frames of 64 KiB, one core: {sealed:.0} MB/s made, {opened:.0} MB/s opened\n"
    )?;
    writeln!(
        out,
        "{:<44}{:>16}{:>16}{:>14}",
        "terminal output, recorded to the end", "MB/CPU second", "MB/s", "bytes written"
    )?;
    for (what, chunk) in [("32 KiB at a time", CHUNK), ("100 bytes at a time", 100)] {
        // Packets of 100 bytes are what costs there, not bytes.
        let bytes = if chunk == CHUNK {
            BYTES.at(length)
        } else {
            BYTES.at(length) / 16
        };
        let mut best: [Option<Pass>; 2] = [None, None];
        for _ in 0..PASSES.at(length) {
            for (best, recipients) in best.iter_mut().zip([0, 2]) {
                let pass = record(bytes, chunk, recipients)?;
                if best.as_ref().is_none_or(|least| pass.cpu < least.cpu) {
                    *best = Some(pass);
                }
            }
        }
        for (pass, form) in best.into_iter().flatten().zip(["plain", "encrypted for 2"]) {
            writeln!(
                out,
                "{:<44}{:>16.0}{:>16.0}{:>14}",
                format!("{what}, {form}"),
                megabytes(bytes, pass.cpu),
                megabytes(bytes, pass.wall),
                pass.size
            )?;
        }
    }
    Ok(())
}

struct Pass {
    cpu: Duration,
    wall: Duration,
    size: u64,
}

/// Records so much output of one terminal; no recipients: as it stands.
fn record(bytes: usize, chunk: usize, recipients: u8) -> io::Result<Pass> {
    let root = tempfile::tempdir()?;
    let signing = SigningKey::from_seed(&Secret::new(vec![1; SigningKey::SEED]));
    let signing = signing.ok_or_else(|| io::Error::other("no signing key"))?;
    let recipients = (0..recipients).map(|n| Identity::new([n + 1; 32]).recipient());
    let sealing = Sealing::signed(signing, Arc::new(Keeper)).encrypted(recipients.collect(), SealedKey::Kept);
    let config = ArchiveConfig {
        root: root.path().join("recordings"),
        node: NodeId(ID),
        writers: 1,
        patience: Duration::from_secs(30),
    };
    let archive = Archive::open(config, sealing).map_err(io::Error::other)?;
    let output = Bytes::from(text(chunk));
    let (cpu, wall) = (cpu_time()?, Instant::now());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let sealed = runtime.block_on(async {
        let Opened { recorder, .. } = archive.create(head(), clock()).await.map_err(io::Error::other)?;
        let tap = recorder.open_channel(shell()).map_err(io::Error::other)?;
        for _ in 0..bytes / chunk {
            let event = Event::Data(Stream::Output, output.clone());
            tap.push(event).await.map_err(io::Error::other)?;
        }
        tap.close().await.map_err(io::Error::other)?;
        let end = RecordingEnd {
            ended_at: Timestamp::UNIX_EPOCH,
            reason: "normal".to_owned(),
        };
        recorder.seal(end).await.map_err(io::Error::other)
    })?;
    Ok(Pass {
        cpu: cpu_time()?.saturating_sub(cpu),
        wall: wall.elapsed(),
        size: sealed.size,
    })
}

/// Frames by themselves: megabytes a second made and opened.
fn frames(bytes: usize, passes: usize) -> io::Result<(f64, f64)> {
    let key = || FileKey::new([7; 32]).of_file(SessionId(ID), FileName::Cast(0));
    let plain = text(64 * 1024);
    let (mut made, mut opened) = (0f64, 0f64);
    for _ in 0..passes {
        let mut writer = FrameWriter::new(key());
        let mut reader = FrameReader::new(key());
        let (mut writing, mut reading) = (Duration::ZERO, Duration::ZERO);
        let mut read = Vec::new();
        for _ in 0..bytes / plain.len() {
            let start = Instant::now();
            let frame = writer.seal(&plain);
            writer.commit();
            writing += start.elapsed();
            let start = Instant::now();
            read.clear();
            reader.feed(&frame);
            reader.read(&mut read).map_err(io::Error::other)?;
            reading += start.elapsed();
        }
        made = made.max(megabytes(bytes, writing));
        opened = opened.max(megabytes(bytes, reading));
    }
    Ok((made, opened))
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn megabytes(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64().max(1e-9)
}

/// What `ls -l --color` and a compiler write: lines with some colour.
fn text(length: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(length + 100);
    for number in 0.. {
        if text.len() >= length {
            break;
        }
        let line = format!(
            "-rw-r--r-- 1 root root {:>8} Jan 31 10:00 \x1b[01;32mfile-{number}\x1b[0m\r\n",
            number * 7919
        );
        text.extend_from_slice(line.as_bytes());
    }
    text.truncate(length);
    text
}

/// The time that all threads of this process have run (proc(5): fields 14 and 15 of `stat`, in ticks).
fn cpu_time() -> io::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u32 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u32>().ok())
        .sum();
    Ok(TICK * ticks)
}

struct Keeper;

impl KeyKeeper for Keeper {
    fn seal(&self, _: SessionId, key: &FileKey) -> Result<Vec<u8>, KeeperError> {
        Ok(key.expose().to_vec())
    }

    fn open(&self, _: SessionId, sealed: &[u8]) -> Result<FileKey, KeeperError> {
        FileKey::from_slice(sealed).ok_or_else(|| "no key".into())
    }
}

const ID: uuid::Uuid = uuid::Uuid::from_u128(0x0193_01f0_0000_7000_8000_0000_0000_0001);

fn head() -> ManifestHead {
    ManifestHead {
        session: SessionId(ID),
        node: NodeId(ID),
        user: "alice".to_owned(),
        server: "web01".to_owned(),
        protocol: Protocol::Ssh,
        login: None,
        source: SourceAddr::new(std::net::IpAddr::from([127, 0, 0, 1])),
        source_port: 1,
        proxy: None,
        backend: "127.0.0.1:22".to_owned(),
        policies: Vec::new(),
        recording: RecordingTerms {
            mode: RecordMode::Strict,
            binary: BinaryMode::Digest,
            input: InputMode::Echoed,
            forwards: ForwardCapture::Off,
        },
        started_at: Timestamp::UNIX_EPOCH,
    }
}

fn shell() -> ChannelSpec {
    ChannelSpec {
        number: 0,
        kind: ChannelKind::Shell,
        pty: Some(Pty {
            term: "xterm".to_owned(),
            cols: 80,
            rows: 24,
        }),
        binary: BinaryMode::Digest,
        input: InputMode::Echoed,
    }
}

fn clock() -> gatehouse_archive::Clock {
    let start = Instant::now();
    Arc::new(move || Offset::from_micros(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_recording_is_measured_plain_and_encrypted() {
        for recipients in [0, 2] {
            let pass = record(1024 * 1024, 4096, recipients);
            assert!(pass.is_ok_and(|pass| pass.size > 1024 * 1024), "{recipients}");
        }
    }
}
