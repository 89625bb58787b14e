//! The indexer against real recordings and a real store.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gatehouse_archive::{
    Archive, ArchiveConfig, FollowFrom, KeeperError, KeyKeeper, Keyring, Opened, SealedKey, Sealing,
    SessionRecorder,
};
use gatehouse_model::{
    BinaryMode, EndReason, ForwardCapture, InputMode, LegacyAlgorithms, NodeId, Protocol, RecordMode, Role,
    Secret, SessionId, Timestamp, TransferDirection,
};
use gatehouse_recording::age::Identity;
use gatehouse_recording::frames::FileKey;
use gatehouse_recording::manifest::{ManifestHead, RecordingEnd, RecordingTerms};
use gatehouse_recording::signature::SigningKey;
use gatehouse_recording::{ChannelKind, ChannelSpec, Event, Exit, Offset, Pty, Stream};
use gatehouse_store::{
    Actor, ByteCount, Closing, IndexState, Inside, KeySource, LineKind, NewServer, NewSession, NewTransfer,
    NewUser, PageRequest, ProxyChoice, SearchFilter, SearchHit, Store, StoreConfig,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{EncryptedRecordings, Indexer, IndexerSettings, Pace};

const NODE: NodeId = NodeId(Uuid::from_u128(7));

fn started() -> Timestamp {
    "2026-01-31T10:00:00Z".parse().unwrap()
}

/// Seals keys by turning their bits.
struct TestKeeper;

impl KeyKeeper for TestKeeper {
    fn seal(&self, _: SessionId, key: &FileKey) -> Result<Vec<u8>, KeeperError> {
        Ok(key.expose().map(|byte| !byte).to_vec())
    }

    fn open(&self, _: SessionId, sealed: &[u8]) -> Result<FileKey, KeeperError> {
        let key: Vec<u8> = sealed.iter().map(|byte| !byte).collect();
        FileKey::from_slice(&key).ok_or_else(|| "no key".into())
    }
}

/// A site with one person and one server.
struct Site {
    dir: TempDir,
    store: Store,
    archive: Archive,
    time: Arc<AtomicU64>,
}

impl Site {
    async fn new(encrypted: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = StoreConfig {
            database_url: "sqlite:test.db".to_owned(),
            data_dir: dir.path().to_owned(),
            key: KeySource::Given(Secret::from("00".repeat(32))),
        };
        let store = Store::open(config).await.unwrap();
        let person = NewUser {
            name: "ana".parse().unwrap(),
            full_name: None,
            email: None,
            role: Role::User,
            addresses: Vec::new(),
        };
        let actor = Actor::system();
        store
            .add_user(&actor, started(), person, Inside::Refuse)
            .await
            .unwrap();
        let server = NewServer {
            name: "web01".parse().unwrap(),
            address: "127.0.3.1".parse().unwrap(),
            services: vec![(Protocol::Ssh, 22)],
            os: None,
            description: None,
            legacy_algorithms: LegacyAlgorithms::Off,
            proxy: ProxyChoice::None,
        };
        store.add_server(&actor, started(), server).await.unwrap();
        let key = SigningKey::from_seed(&Secret::new(vec![1; 32])).unwrap();
        let mut sealing = Sealing::signed(key, Arc::new(TestKeeper));
        if encrypted {
            sealing = sealing.encrypted(vec![Identity::new([1; 32]).recipient()], SealedKey::Kept);
        }
        let config = ArchiveConfig {
            root: dir.path().join("recordings"),
            node: NODE,
            writers: 1,
            patience: Duration::from_secs(20),
        };
        let archive = Archive::open(config, sealing).unwrap();
        Self {
            dir,
            store,
            archive,
            time: Arc::new(AtomicU64::new(0)),
        }
    }

    fn indexer(&self, encrypted: EncryptedRecordings) -> Indexer {
        let settings = IndexerSettings {
            node: NODE,
            data_dir: self.dir.path().to_owned(),
            keys: Keyring::new(Vec::new(), Some(Arc::new(TestKeeper))),
            encrypted,
            pace: Pace {
                look: Duration::ZERO,
                running: Duration::ZERO,
                rest: 0,
            },
        };
        Indexer::new(self.store.clone(), settings)
    }

    /// Seconds since the session's start.
    fn set_time(&self, seconds: u64) {
        self.time.store(seconds * 1_000_000, Ordering::Relaxed);
    }

    async fn session(&self, n: u128) -> (SessionId, SessionRecorder) {
        let id = SessionId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + n));
        let head = ManifestHead {
            session: id,
            node: NODE,
            user: "ana".into(),
            server: "web01".into(),
            protocol: Protocol::Ssh,
            login: None,
            source: "127.0.1.20".parse().unwrap(),
            source_port: 50_412,
            proxy: None,
            backend: "127.0.3.1:22".into(),
            policies: Vec::new(),
            recording: RecordingTerms {
                mode: RecordMode::Strict,
                binary: BinaryMode::Digest,
                input: InputMode::Echoed,
                forwards: ForwardCapture::Off,
            },
            started_at: started(),
        };
        let time = Arc::clone(&self.time);
        let clock = Arc::new(move || Offset::from_micros(time.load(Ordering::Relaxed)));
        let Opened { recorder, .. } = self.archive.create(head, clock).await.unwrap();
        let (user, server) = (
            self.store.user(started(), "ana").await.unwrap(),
            self.store.server(started(), "web01").await.unwrap(),
        );
        let new = NewSession {
            id,
            node: NODE,
            user: user.id,
            user_name: user.name.to_string(),
            server: server.id,
            server_name: server.name.to_string(),
            protocol: Protocol::Ssh,
            source: "127.0.1.20".parse().unwrap(),
            source_port: 50_412,
            proxy: None,
            backend: "127.0.3.1:22".to_owned(),
            login: None,
            policies: Vec::new(),
            started_at: started(),
            allowed_until: None,
            recording_path: Some(format!("recordings/{}", recorder.path())),
        };
        self.store.open_session(new).await.unwrap();
        let actor = Actor::system();
        self.store
            .activate_session(&actor, started(), id, Default::default())
            .await
            .unwrap();
        (id, recorder)
    }

    async fn close(&self, id: SessionId, recorder: &SessionRecorder) {
        let end = RecordingEnd {
            ended_at: "2026-01-31T11:00:00Z".parse().unwrap(),
            reason: "normal".into(),
        };
        recorder.seal(end).await.unwrap();
        self.close_row(id).await;
    }

    async fn close_row(&self, id: SessionId) {
        let closing = Closing {
            reason: EndReason::Normal,
            ended_by: None,
            detail: None,
            bytes: ByteCount::default(),
            note: None,
            recording: None,
            anchor: None,
            unrecorded_bytes: 0,
        };
        self.store
            .close_session(&Actor::system(), started(), id, closing)
            .await
            .unwrap();
    }

    async fn find(&self, query: &str) -> Vec<SearchHit> {
        let page = PageRequest::first(100);
        self.store
            .search(query, &SearchFilter::default(), &page)
            .await
            .unwrap()
            .items
    }

    async fn state(&self, id: SessionId) -> IndexState {
        self.store.index_state(id).await.unwrap().unwrap()
    }

    fn directory(&self, recorder: &SessionRecorder) -> PathBuf {
        self.dir.path().join("recordings").join(recorder.path())
    }
}

fn shell(number: u32) -> ChannelSpec {
    ChannelSpec {
        number,
        kind: ChannelKind::Shell,
        pty: Some(Pty {
            term: "xterm".into(),
            cols: 80,
            rows: 3,
        }),
        binary: BinaryMode::Digest,
        input: InputMode::Echoed,
    }
}

fn exec(number: u32, command: &str) -> ChannelSpec {
    ChannelSpec {
        kind: ChannelKind::Exec(command.as_bytes().to_vec()),
        pty: None,
        ..shell(number)
    }
}

fn output(text: &str) -> Event {
    Event::Data(Stream::Output, Bytes::copy_from_slice(text.as_bytes()))
}

/// Waits until an event with this word is in the files.
async fn written(recorder: &SessionRecorder, word: &str) {
    let mut follower = recorder.follow(FollowFrom::Start);
    let found = async { while !follower.next().await.unwrap().unwrap().line.contains(word) {} };
    tokio::time::timeout(Duration::from_secs(30), found)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_closed_session_is_found_by_what_was_seen_started_and_moved() {
    let site = Site::new(false).await;
    let (id, recorder) = site.session(1).await;
    let tap = recorder.open_channel(shell(0)).unwrap();
    for (second, text) in [
        (5, "$ cat /etc/motd\r\n"),
        (6, "Wëlcome\r\nto\r\nthe\r\n"),
        (300, "last words"),
    ] {
        site.set_time(second);
        tap.push(output(text)).await.unwrap();
    }
    let command = recorder.open_channel(exec(1, "systemctl restart nginx")).unwrap();
    command.push(output("restarted\n")).await.unwrap();
    command.push(Event::Exit(Exit::Status(0))).await.unwrap();
    let transfer = NewTransfer {
        session: id,
        direction: TransferDirection::Upload,
        operation: "rename".to_owned(),
        path: "/srv/old-name.tar".to_owned(),
        target_path: Some("/srv/new-name.tar".to_owned()),
        bytes: 7,
        result: "ok".to_owned(),
        started_at: "2026-01-31T10:00:09Z".parse().unwrap(),
        duration: Duration::ZERO,
    };
    site.store.add_transfers(vec![transfer]).await.unwrap();
    site.close(id, &recorder).await;
    let mut indexer = site.indexer(EncryptedRecordings::LeftOut);
    assert_eq!(indexer.round().await.unwrap(), 1);
    assert_eq!(indexer.round().await.unwrap(), 0, "it is read once");
    for (query, kind, t) in [
        ("welcome", LineKind::Output, 6.0),
        ("\"cat /etc/motd\"", LineKind::Output, 5.0),
        ("last words", LineKind::Output, 300.0),
        ("nginx", LineKind::Command, 0.0),
        ("old-name.tar", LineKind::File, 9.0),
        ("new-name", LineKind::File, 9.0),
    ] {
        let hits = site.find(query).await;
        assert_eq!(hits.len(), 1, "{query}: {hits:?}");
        assert_eq!((hits[0].session, hits[0].kind), (id, kind), "{query}");
        assert!((hits[0].t - t).abs() < 0.001, "{query}: {}", hits[0].t);
    }
    assert_eq!(site.find("restarted").await[0].channel, 1);
    let state = site.state(id).await;
    assert!(state.complete && state.trouble.is_none(), "{state:?}");
}

#[tokio::test]
async fn a_running_session_is_found_and_nothing_twice_after_a_crash() {
    let site = Site::new(false).await;
    let (id, recorder) = site.session(1).await;
    let tap = recorder.open_channel(shell(0)).unwrap();
    let show = async |text: &str| {
        tap.push(output(text)).await.unwrap();
        written(&recorder, text.split_whitespace().last().unwrap()).await;
    };
    let mut indexer = site.indexer(EncryptedRecordings::LeftOut);
    show("alpha\r\nbeta\r\ngamma\r\ndelta\r\nunfin").await;
    indexer.round().await.unwrap();
    assert_eq!(site.find("alpha").await.len(), 1);
    assert_eq!(
        site.find("unfin").await.len(),
        1,
        "what is on the screen is found"
    );
    show("ished\r\nepsilon\r\n").await;
    indexer.round().await.unwrap();
    assert!(site.find("unfin").await.is_empty());
    assert_eq!(site.find("unfinished").await.len(), 1);
    // The node died, and another process goes on.
    let mut indexer = site.indexer(EncryptedRecordings::LeftOut);
    show("zeta\r\neta\r\ntheta\r\n").await;
    indexer.round().await.unwrap();
    indexer.round().await.unwrap();
    let second = recorder.open_channel(exec(1, "late command")).unwrap();
    second.push(output("late output\n")).await.unwrap();
    site.close(id, &recorder).await;
    indexer.round().await.unwrap();
    let words = "alpha beta gamma delta unfinished epsilon zeta eta theta";
    for word in words.split(' ').chain(["\"late command\"", "\"late output\""]) {
        assert_eq!(site.find(word).await.len(), 1, "{word}");
    }
    assert_eq!(site.state(id).await.lines, 11);
}

#[tokio::test]
async fn an_encrypted_recording_is_indexed_only_where_that_is_wanted() {
    for (encrypted, found) in [
        (EncryptedRecordings::LeftOut, 0),
        (EncryptedRecordings::Indexed, 1),
    ] {
        let site = Site::new(true).await;
        let (id, recorder) = site.session(1).await;
        let tap = recorder.open_channel(shell(0)).unwrap();
        tap.push(output("confidential\r\n")).await.unwrap();
        written(&recorder, "confidential").await;
        let mut indexer = site.indexer(encrypted);
        indexer.round().await.unwrap();
        assert_eq!(site.find("confidential").await.len(), found);
        site.close(id, &recorder).await;
        indexer.round().await.unwrap();
        assert_eq!(site.find("confidential").await.len(), found);
        let state = site.state(id).await;
        assert_eq!(
            (state.complete, state.trouble.is_some()),
            (true, found == 0),
            "{state:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_noted_and_left_alone() {
    let site = Site::new(false).await;
    let (gone, recorder) = site.session(1).await;
    site.close(gone, &recorder).await;
    std::fs::remove_dir_all(site.directory(&recorder)).unwrap();
    let (damaged, recorder) = site.session(2).await;
    let first = recorder.open_channel(exec(0, "one")).unwrap();
    first.push(output("readable\n")).await.unwrap();
    let second = recorder.open_channel(exec(1, "two")).unwrap();
    second.push(output("unreadable\n")).await.unwrap();
    site.close(damaged, &recorder).await;
    let cast = site.directory(&recorder).join("ssh-1.cast");
    std::fs::write(cast, b"not a header\n").unwrap();
    let mut indexer = site.indexer(EncryptedRecordings::LeftOut);
    let mut rounds = 0;
    while indexer.round().await.unwrap() > 0 {
        rounds += 1;
        assert!(rounds < 10, "it is tried for ever");
    }
    assert_eq!(rounds, 3);
    for id in [gone, damaged] {
        let state = site.state(id).await;
        assert!(state.complete && state.trouble.is_some(), "{state:?}");
    }
    assert_eq!(site.find("readable").await.len(), 1, "the rest of it is found");
}

#[tokio::test]
async fn the_indexer_runs_until_it_is_stopped() {
    let site = Site::new(false).await;
    let (id, recorder) = site.session(1).await;
    let tap = recorder.open_channel(shell(0)).unwrap();
    tap.push(output("hello\r\n")).await.unwrap();
    site.close(id, &recorder).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let settings = IndexerSettings {
        node: NODE,
        data_dir: site.dir.path().to_owned(),
        keys: Keyring::default(),
        encrypted: EncryptedRecordings::LeftOut,
        pace: Pace {
            look: Duration::from_millis(10),
            ..Pace::default()
        },
    };
    let stopped = async {
        stopped.await.ok();
    };
    let running = tokio::spawn(crate::run(site.store.clone(), settings, stopped));
    let complete = async {
        while !site.state(id).await.complete {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), complete)
        .await
        .unwrap();
    stop.send(()).unwrap();
    running.await.unwrap();
}
