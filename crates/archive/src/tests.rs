//! The archive against real files, with a disk that fails where it is told to.

mod captures;
mod crash;
mod encrypted;
mod faulty;
mod growing;
mod pool;
mod power;
mod tampered;
mod trouble;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gatehouse_model::{
    BinaryMode, ForwardCapture, InputMode, NodeId, Protocol, RecordMode, Secret, SessionId,
};
use gatehouse_recording::age::Identity;
use gatehouse_recording::cast::CastData;
use gatehouse_recording::frames::FileKey;
use gatehouse_recording::manifest::{ManifestHead, RecordingEnd, RecordingTerms};
use gatehouse_recording::signature::SigningKey;
use gatehouse_recording::{ChannelKind, ChannelSpec, Event, Offset, Pty, Stream};

use crate::{
    Archive, ArchiveConfig, Clock, Expected, KeeperError, KeyKeeper, Library, Opened, SealedKey, Sealing,
    Verification,
};

fn node() -> NodeId {
    "019301f0-0000-7000-8000-00000000aaaa".parse().unwrap()
}

fn session(number: u32) -> SessionId {
    format!("019301f0-0000-7000-8000-{number:012x}").parse().unwrap()
}

fn path(number: u32) -> String {
    format!("2026/01/31/{}", session(number))
}

fn head(number: u32, mode: RecordMode) -> ManifestHead {
    ManifestHead {
        session: session(number),
        node: node(),
        user: "p.mojski".into(),
        server: "linux-dev".into(),
        protocol: Protocol::Ssh,
        login: Some("root".into()),
        source: "127.0.1.20".parse().unwrap(),
        source_port: 50_412,
        proxy: Some("127.0.20.1".parse().unwrap()),
        backend: "127.0.3.1:22".into(),
        policies: Vec::new(),
        recording: RecordingTerms {
            mode,
            binary: BinaryMode::Digest,
            input: InputMode::Echoed,
            forwards: ForwardCapture::Off,
        },
        started_at: "2026-01-31T10:00:00Z".parse().unwrap(),
    }
}

fn config(root: &Path) -> ArchiveConfig {
    ArchiveConfig {
        root: root.join("recordings"),
        node: node(),
        writers: 2,
        patience: Duration::from_secs(20),
    }
}

fn signing_key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&Secret::new(vec![byte; 32])).unwrap()
}

fn identity(byte: u8) -> Identity {
    Identity::new([byte; 32])
}

/// Seals by an exclusive or with a number, and remembers for whom.
struct TestKeeper(u8);

impl KeyKeeper for TestKeeper {
    fn seal(&self, session: SessionId, key: &FileKey) -> Result<Vec<u8>, KeeperError> {
        let hidden = key.expose().map(|byte| byte ^ self.0);
        Ok([session.0.as_bytes().as_slice(), &[self.0], &hidden].concat())
    }

    fn open(&self, session: SessionId, sealed: &[u8]) -> Result<FileKey, KeeperError> {
        let place = [session.0.as_bytes().as_slice(), &[self.0]].concat();
        let hidden = sealed.strip_prefix(place.as_slice()).ok_or("of another store")?;
        let key: Vec<u8> = hidden.iter().map(|byte| byte ^ self.0).collect();
        FileKey::from_slice(&key).ok_or_else(|| "no key".into())
    }
}

/// Signed, not encrypted.
fn sealing() -> Sealing {
    Sealing::signed(signing_key(1), Arc::new(TestKeeper(7)))
}

/// Encrypted for two.
fn encrypted(sealed_key: SealedKey) -> Sealing {
    sealing().encrypted(vec![identity(1).recipient(), identity(2).recipient()], sealed_key)
}

/// Without encryption and with it: what holds for one must hold for the other.
fn both() -> [Sealing; 2] {
    [sealing(), encrypted(SealedKey::Kept)]
}

fn verified(library: &Library, number: u32, digest: Option<&str>) -> Verification {
    let keys = [signing_key(1).public()];
    let expected = Expected { digest, keys: &keys };
    library.verify(&path(number), &expected).unwrap()
}

fn end() -> RecordingEnd {
    RecordingEnd {
        ended_at: "2026-01-31T11:00:00Z".parse().unwrap(),
        reason: "normal".into(),
    }
}

/// A clock that goes on by a millisecond each time it is looked at.
fn clock() -> Clock {
    let ticks = AtomicU64::new(0);
    Arc::new(move || Offset::from_micros(ticks.fetch_add(1, Ordering::Relaxed) * 1000))
}

fn shell(number: u32) -> ChannelSpec {
    let pty = Some(Pty {
        term: "xterm".into(),
        cols: 80,
        rows: 24,
    });
    ChannelSpec {
        number,
        kind: ChannelKind::Shell,
        pty,
        binary: BinaryMode::Digest,
        input: InputMode::Echoed,
    }
}

fn exec(number: u32, binary: BinaryMode) -> ChannelSpec {
    ChannelSpec {
        number,
        kind: ChannelKind::Exec(b"x".to_vec()),
        pty: None,
        binary,
        input: InputMode::Echoed,
    }
}

fn output(bytes: impl Into<Bytes>) -> Event {
    Event::Data(Stream::Output, bytes.into())
}

async fn begin(archive: &Archive, number: u32) -> Opened {
    archive
        .create(head(number, RecordMode::Strict), clock())
        .await
        .unwrap()
}

/// What each channel showed.
fn shown(library: &Library, number: u32) -> HashMap<u32, Vec<u8>> {
    let recording = library.read(&path(number)).unwrap();
    let mut shown = HashMap::<u32, Vec<u8>>::new();
    for event in recording.events(recording.channels()).unwrap() {
        let (channel, event) = event.unwrap();
        if let CastData::Output(_, data) = event.data {
            shown.entry(channel).or_default().extend(data.bytes);
        }
    }
    shown
}
