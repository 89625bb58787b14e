//! The life of a session against a real store and archive: what holds whatever a protocol does.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatehouse_model::{
    BinaryMode, EndReason, ForwardCapture, InputMode, Login, PolicyId, Protocol, RecordMode, SessionId,
    SessionState, Timestamp,
};
use gatehouse_policy::{DirectorySettings, PolicyRules, Reason};
use gatehouse_recording::Offset;
use gatehouse_recording::manifest::{ManifestHead, RecordingTerms};
use gatehouse_recording::{ChannelKind, Stream};
use gatehouse_store::{
    Actor, AlertFilter, AlertKind, AuditFilter, Inside, KillTarget, NewPolicy, NewServer, NewUser,
    PageRequest, ProxyChoice, SessionFilter, Store, StoreConfig, SubjectRef, TargetRef,
};
use uuid::Uuid;

use crate::accepted::{Accepted, FirstLook};
use crate::clock::Clock;
use crate::guard::{GuardSettings, Standing, Visitor};
use crate::limits::{ConnectionLimits, Door};
use crate::node::NodeHome;
use crate::session::LoginMethod;
use crate::settings::GateSettings;
use crate::{Close, Gate, OpenError, witness};

const PATIENCE: Duration = Duration::from_secs(20);

async fn gate(dir: &Path) -> (Gate, Store, PolicyId) {
    gate_by(dir, Clock::system()).await
}

/// A node with a person and a server, by this clock.
pub(crate) async fn gate_by(dir: &Path, clock: Clock) -> (Gate, Store, PolicyId) {
    let now = Timestamp::now();
    let actor = Actor::system();
    let store = Store::open(StoreConfig::new("sqlite", dir)).await.unwrap();
    let pool = "127.0.20.0/28".parse().unwrap();
    store.add_pool_range(&actor, now, pool, None).await.unwrap();
    let user = NewUser {
        name: "alice".parse().unwrap(),
        full_name: None,
        email: None,
        role: gatehouse_model::Role::User,
        addresses: vec!["127.0.1.10".parse().unwrap()],
    };
    store.add_user(&actor, now, user, Inside::Refuse).await.unwrap();
    let server = NewServer {
        name: "web01".parse().unwrap(),
        address: "127.0.3.1".parse().unwrap(),
        services: vec![(Protocol::Ssh, 22)],
        os: None,
        description: None,
        legacy_algorithms: gatehouse_model::LegacyAlgorithms::Off,
        proxy: ProxyChoice::Address("127.0.20.1".parse().unwrap()),
    };
    store.add_server(&actor, now, server).await.unwrap();
    let policy = NewPolicy {
        subject: SubjectRef::User("alice".to_owned()),
        target: TargetRef::Server("web01".to_owned()),
        reason: None,
        rules: rules(now),
    };
    let policy = store.grant_policy(&actor, now, policy).await.unwrap();
    (start_by(dir, &store, clock).await, store, policy.id)
}

/// A node of this directory.
async fn start(dir: &Path, store: &Store) -> Gate {
    start_by(dir, store, Clock::system()).await
}

async fn start_by(dir: &Path, store: &Store, clock: Clock) -> Gate {
    let home = NodeHome::take(dir, Uuid::new_v4()).unwrap();
    let settings = GateSettings {
        data_dir: dir.to_owned(),
        recordings: dir.join("recordings"),
        writers: 1,
        disk_patience: PATIENCE,
        encryption: crate::RecordingEncryption::default(),
        directory: DirectorySettings::default(),
        warnings: Vec::new(),
        guard: GuardSettings::default(),
        keep_alerts: "90d".parse().unwrap(),
        check_book: Duration::from_secs(86_400),
        shutdown_grace: Duration::from_millis(10),
        own_ports: Vec::new(),
        node_name: "test".to_owned(),
        node_listen: crate::NodeListen::default(),
        login_records: crate::LoginRecords::default(),
    };
    Gate::start(settings, home, store.clone(), clock).await.unwrap()
}

pub(crate) fn rules(now: Timestamp) -> PolicyRules {
    PolicyRules {
        protocol: None,
        from: None,
        logins: Vec::new(),
        start: now,
        end: None,
        schedules: Vec::new(),
        use_schedules: true,
        rights: Vec::new(),
        destinations: Vec::new(),
        blocked_ports: Vec::new(),
        record_mode: None,
        record_binary: None,
        record_input: None,
        record_forwards: None,
        idle: None,
        max_length: None,
    }
}

pub(crate) fn accepted(gate: &Gate, door: &Door) -> Accepted {
    let peer: SocketAddr = "127.0.1.10:50000".parse().unwrap();
    let local: SocketAddr = "127.0.20.1:22".parse().unwrap();
    let place = door.enter(alice()).ok().unwrap();
    Accepted::new(gate.clone(), Protocol::Ssh, peer, local, place)
}

fn alice() -> Visitor {
    Visitor {
        range: "127.0.1.10".parse().unwrap(),
        standing: Standing::Known,
    }
}

pub(crate) fn root() -> Login {
    "root".parse().unwrap()
}

/// Waits until the store's sessions are as wanted; fails with what they are.
async fn sessions(store: &Store, wanted: impl Fn(&[(SessionState, Option<EndReason>)]) -> bool) {
    let mut seen = Vec::new();
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let page = store
                .sessions(
                    Timestamp::now(),
                    &SessionFilter::default(),
                    &PageRequest::default(),
                )
                .await
                .unwrap();
            seen = page.items.iter().map(|s| (s.state, s.end_reason)).collect();
            if wanted(&seen) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_closes_its_session_alone_and_gives_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, store, _) = gate(dir.path()).await;
    let door = Door::new(ConnectionLimits {
        unauthenticated: 2,
        unauthenticated_per_source: 2,
        total: 2,
        ..ConnectionLimits::default()
    });
    let open = async || {
        let accepted = accepted(&gate, &door);
        assert!(matches!(accepted.first_look(), FirstLook::Open));
        let recording = accepted.decide(root(), None).unwrap().record().await.unwrap();
        recording.activate(LoginMethod::Password).await.unwrap()
    };
    let (healthy, _orders) = open().await;
    let (doomed, orders) = open().await;
    let core = doomed.weak();
    let task = tokio::spawn(async move {
        let _held = (doomed, orders);
        panic!("a fault inside one session");
    });
    assert!(task.await.unwrap_err().is_panic());
    sessions(&store, |all| {
        all.contains(&(SessionState::Closed, Some(EndReason::Error)))
            && all.contains(&(SessionState::Active, None))
    })
    .await;
    healthy.close(Close::normal()).await;
    drop(healthy);
    sessions(&store, |all| {
        all.contains(&(SessionState::Closed, Some(EndReason::Normal)))
    })
    .await;
    // Nothing holds the sessions any more: two places are free again, and the recorder's files closed.
    let freed = tokio::time::timeout(PATIENCE, async {
        while core.strong_count() > 0 || door.enter(alice()).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(
        freed.await.is_ok(),
        "{} still hold the session",
        core.strong_count()
    );
    gate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_head_is_an_alarm_and_is_not_sealed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, store, _) = gate(dir.path()).await;
    let path = dir.path().join("audit.head");
    // The node seals once at its start, and then not for a minute.
    let sealed = tokio::time::timeout(PATIENCE, async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    sealed.await.unwrap();
    let sound = std::fs::read_to_string(&path).unwrap();
    let forged = sound.replacen(':', ":00", 1);
    std::fs::write(&path, &forged).unwrap();
    let alarms = async || {
        let filter = AuditFilter {
            action: Some("audit.broken".to_owned()),
            ..AuditFilter::default()
        };
        let page = store.audit_events(&filter, &PageRequest::all()).await.unwrap();
        page.items.len()
    };
    witness::seal(&gate).await.unwrap();
    assert_eq!(alarms().await, 1);
    let alerts = store
        .alerts(&AlertFilter::default(), &PageRequest::all())
        .await
        .unwrap();
    assert_eq!(alerts.items[0].kind, AlertKind::AuditBroken);
    witness::seal(&gate).await.unwrap();
    assert_eq!(alarms().await, 1, "once until somebody has looked into it");
    witness::check_whole(&gate).await.unwrap();
    assert_eq!(alarms().await, 2, "and again each day");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), forged, "the proof stays");
    // Somebody has looked into it, and begins anew.
    std::fs::remove_file(&path).unwrap();
    witness::seal(&gate).await.unwrap();
    assert_ne!(std::fs::read_to_string(&path).unwrap(), forged);
    witness::check_whole(&gate).await.unwrap();
    assert_eq!(alarms().await, 2);
    gate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_exceeds_its_limit_is_blocked_on_every_node() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, store, _) = gate(dir.path()).await;
    let source = "203.0.113.9".parse().unwrap();
    for _ in 0..31 {
        let (directory, now) = (gate.directory(), gate.clock().now());
        gate.guard()
            .denied(&directory, source, Reason::UnknownSource, now);
    }
    let blocked = tokio::time::timeout(PATIENCE, async {
        while !gate.directory().is_blocked(source, gate.clock().now()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    blocked.await.unwrap();
    let block = &store.blocks(Timestamp::now()).await.unwrap()[0];
    assert_eq!(
        (block.range.to_string().as_str(), block.repetition),
        ("203.0.113.9", Some(1))
    );
    assert_eq!(block.created_by, format!("node:{}", gate.node()));
    gate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_to_end_reaches_a_session_that_is_still_opening() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, store, _) = gate(dir.path()).await;
    let door = Door::new(ConnectionLimits::default());
    let recording = accepted(&gate, &door)
        .decide(root(), None)
        .unwrap()
        .record()
        .await
        .unwrap();
    let ordered = store
        .request_kill(&Actor::system(), Timestamp::now(), &KillTarget::All, None)
        .await
        .unwrap();
    assert_eq!(ordered, [recording.id()]);
    let taken = tokio::time::timeout(PATIENCE, async {
        while !store.kill_requests(gate.node()).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    taken.await.unwrap();
    let refused = recording.activate(LoginMethod::Password).await.err();
    assert!(matches!(refused, Some(OpenError::Ended(_))), "{refused:?}");
    drop(recording);
    gate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_ends_between_the_decision_and_its_use_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, store, policy) = gate(dir.path()).await;
    let door = Door::new(ConnectionLimits::default());
    let waiting = accepted(&gate, &door).decide(root(), None).unwrap();
    let recording = accepted(&gate, &door)
        .decide(root(), None)
        .unwrap()
        .record()
        .await
        .unwrap();
    let mut changes = gate.directory_changes();
    store
        .revoke_policy(&Actor::system(), Timestamp::now(), policy, None)
        .await
        .unwrap();
    let before = waiting.grant().revision;
    let changed = changes.wait_for(|revision| *revision > before);
    tokio::time::timeout(PATIENCE, changed).await.unwrap().unwrap();
    assert!(waiting.again().is_err());
    assert!(matches!(waiting.record().await.err(), Some(OpenError::Ended(_))));
    assert!(matches!(
        recording.activate(LoginMethod::Password).await.err(),
        Some(OpenError::Ended(_))
    ));
    drop(recording);
    gate.stop().await;
}

#[tokio::test]
async fn a_closed_session_shows_all_transfers_however_fast_they_came() {
    const FILES: usize = 4_000;
    let dir = tempfile::tempdir().unwrap();
    let (gate, store, _) = gate(dir.path()).await;
    let door = Door::new(ConnectionLimits::default());
    let decided = accepted(&gate, &door).decide(root(), None).unwrap();
    let recording = decided.record().await.unwrap();
    let (live, _orders) = recording.activate(LoginMethod::Password).await.unwrap();
    let command = ChannelKind::Exec(b"scp -r -t /tmp".to_vec());
    let tap = live.open_channel(command, None).unwrap();
    // Whole conversations at once, as a client does that does not wait: more than the queue of rows holds.
    tap.data(Stream::Output, Bytes::from_static(b"\0")).await.unwrap();
    for number in 0..FILES {
        let record = format!("C0644 0 {number}\n");
        for (stream, bytes) in [
            (Stream::Input, Bytes::from(record)),
            (Stream::Output, Bytes::from_static(b"\0")),
            (Stream::Input, Bytes::from_static(b"\0")),
            (Stream::Output, Bytes::from_static(b"\0")),
        ] {
            tap.data(stream, bytes).await.unwrap();
        }
    }
    tap.close().await;
    live.close(Close::normal()).await;
    sessions(&store, |all| {
        all == [(SessionState::Closed, Some(EndReason::Normal))]
    })
    .await;
    let id = recording.id().to_string();
    let shown = store.session(Timestamp::now(), &id).await.unwrap();
    let paths: HashSet<_> = shown.transfers.iter().map(|row| row.path.as_str()).collect();
    assert_eq!((shown.transfers.len(), paths.len()), (FILES, FILES));
    gate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_left_open_whose_row_is_gone_is_closed_and_anchored_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (gate, ..) = gate(dir.path()).await;
    let session = SessionId(Uuid::now_v7());
    let head = ManifestHead {
        session,
        node: gate.node(),
        user: "alice".to_owned(),
        server: "web01".to_owned(),
        protocol: Protocol::Ssh,
        login: None,
        source: "127.0.1.10".parse().unwrap(),
        source_port: 1,
        proxy: None,
        backend: "127.0.3.1:22".to_owned(),
        policies: Vec::new(),
        recording: RecordingTerms {
            mode: RecordMode::Strict,
            binary: BinaryMode::Digest,
            input: InputMode::Echoed,
            forwards: ForwardCapture::Off,
        },
        started_at: Timestamp::now(),
    };
    let clock = Arc::new(|| Offset::ZERO);
    drop(gate.archive().create(head, clock).await.unwrap());
    gate.stop().await;
    drop(gate);

    let store = Store::open(StoreConfig::new("sqlite", dir.path())).await.unwrap();
    let again = start(dir.path(), &store).await;
    let lines = store.recording_anchors(session).await.unwrap();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].sound && lines[0].event.action == "recording.sealed");
    let keys = store.recording_keys().await.unwrap();
    assert_eq!(lines[0].event.detail["manifest_key"], keys[0].id.as_str());
    assert_eq!(
        lines[0].event.user.as_deref(),
        Some("alice"),
        "it can be searched for"
    );
    again.stop().await;
}
