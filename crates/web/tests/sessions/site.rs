//! A node with its web, people of every role, and sessions that run without a protocol.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatehouse_archive::Library;
use gatehouse_gate::{
    Accepted, Acceptor, Clock, Close, Command, ConnectionLimits, Door, Entrance, Gate, GateSettings,
    GuardSettings, Lanes, Live, LoginMethod, LoginRecords, NodeHome, NodeListen, RecordingEncryption, Tap,
    recording_keyring,
};
use gatehouse_model::{Protocol, Role, Timestamp, TokenScope};
use gatehouse_policy::{DirectorySettings, PolicyRules};
use gatehouse_recording::{ChannelKind, Event, Exit, Pty, Stream};
use gatehouse_store::{
    Actor, AuditFilter, Inside, NewPolicy, NewServer, NewToken, NewUser, PageRequest, ProxyChoice, Store,
    StoreConfig, SubjectRef, TargetRef,
};
use gatehouse_web::{AddressTrust, PublicUrl, Site, Speech, Transport, WebSettings, pages, serve_pages};
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::http::{Answer, PATIENCE, ask};

/// People: name, role, source address.
const PEOPLE: [(&str, Role, &str); 5] = [
    ("alice", Role::User, "127.0.1.10"),
    ("bob", Role::User, "127.0.1.11"),
    ("audra", Role::Auditor, "127.0.1.12"),
    ("oscar", Role::Operator, "127.0.1.13"),
    ("ada", Role::Admin, "127.0.1.14"),
];

pub(crate) struct TestSite {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) gate: Gate,
    pub(crate) web: SocketAddr,
    tokens: Vec<(&'static str, String)>,
    gate_address: SocketAddr,
    accepted: tokio::sync::Mutex<mpsc::Receiver<Come>>,
    _stop: DropGuard,
}

/// A connection that came to the gate. Its socket is closed when the sender is dropped.
type Come = (Accepted, oneshot::Sender<()>);

/// A running session.
pub(crate) struct Running {
    pub(crate) live: Live,
    pub(crate) id: String,
    _orders: mpsc::Receiver<Command>,
    _client: TcpStream,
    _held: oneshot::Sender<()>,
}

fn rules(now: Timestamp) -> PolicyRules {
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

fn settings(dir: &std::path::Path, encryption: RecordingEncryption) -> GateSettings {
    GateSettings {
        data_dir: dir.to_owned(),
        recordings: dir.join("recordings"),
        writers: 1,
        disk_patience: PATIENCE,
        encryption,
        directory: DirectorySettings::default(),
        warnings: Vec::new(),
        guard: GuardSettings::default(),
        keep_alerts: "90d".parse().unwrap(),
        check_book: Duration::from_secs(86_400),
        shutdown_grace: Duration::from_millis(10),
        own_ports: Vec::new(),
        node_name: "near".to_owned(),
        node_listen: NodeListen::default(),
        login_records: LoginRecords::default(),
    }
}

fn web_settings(dir: &std::path::Path) -> WebSettings {
    WebSettings {
        requests: request_limits(),
        public_url: PublicUrl::parse("https://jump:5000").unwrap(),
        hosts: Vec::new(),
        trusted_proxies: Vec::new(),
        address_trust: AddressTrust::OwnPages,
        transport: Transport::Plain,
        idle_timeout: "1h".parse().unwrap(),
        session_timeout: "12h".parse().unwrap(),
        confirm_after: "10m".parse().unwrap(),
        data_dir: dir.to_owned(),
        configuration: serde_json::json!({ "web": { "public_url": "https://jump:5000" } }),
    }
}

/// People, a server and who may.
async fn populate(store: &Store) -> Vec<(&'static str, String)> {
    let (now, actor) = (Timestamp::now(), Actor::system());
    let pool = "127.0.20.0/28".parse().unwrap();
    store.add_pool_range(&actor, now, pool, None).await.unwrap();
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
    let mut tokens = Vec::new();
    for (name, role, address) in PEOPLE {
        let user = NewUser {
            name: name.parse().unwrap(),
            full_name: None,
            email: None,
            role,
            addresses: vec![address.parse().unwrap()],
        };
        store.add_user(&actor, now, user, Inside::Refuse).await.unwrap();
        let token = NewToken {
            label: None,
            scope: TokenScope::Admin,
            source: None,
            expires_at: None,
        };
        let (_, text) = store.create_token(&actor, now, name, token).await.unwrap();
        tokens.push((name, text));
    }
    for name in ["alice", "bob"] {
        let policy = NewPolicy {
            subject: SubjectRef::User(name.to_owned()),
            target: TargetRef::Server("web01".to_owned()),
            reason: None,
            rules: rules(now),
        };
        store.grant_policy(&actor, now, policy).await.unwrap();
    }
    tokens
}

impl TestSite {
    pub(crate) async fn start() -> Self {
        Self::start_with(RecordingEncryption::default()).await
    }

    /// A site whose recordings are encrypted so.
    pub(crate) async fn start_with(encryption: RecordingEncryption) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(StoreConfig::new("sqlite", dir.path())).await.unwrap();
        let tokens = populate(&store).await;
        let home = NodeHome::take(dir.path(), Uuid::new_v4()).unwrap();
        let started = Gate::start(
            settings(dir.path(), encryption),
            home,
            store.clone(),
            Clock::system(),
        );
        let gate = started.await.unwrap();
        let stop = CancellationToken::new();
        let library =
            Library::at(&dir.path().join("recordings")).with_keys(recording_keyring(&store, Vec::new()));
        let site = Site::new(gate.clone(), store.clone(), library, web_settings(dir.path()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let web = listener.local_addr().unwrap();
        tokio::spawn(serve_pages(listener, pages(&site), Speech::Plain, stop.clone()));
        let (gate_address, accepted) = open_gate(&gate, &stop).await;
        Self {
            dir,
            store,
            gate,
            web,
            tokens,
            gate_address,
            accepted: tokio::sync::Mutex::new(accepted),
            _stop: stop.drop_guard(),
        }
    }

    pub(crate) fn bearer(&self, who: &str) -> String {
        let token = self.tokens.iter().find(|(name, _)| *name == who).unwrap();
        format!("Bearer {}", token.1)
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        self.get_with(who, path, &[]).await
    }

    pub(crate) async fn get_with(&self, who: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = self.bearer(who);
        let mut all = vec![("Authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        ask(self.web, "GET", &format!("/api/v1{path}"), &all, None).await
    }

    pub(crate) async fn post(&self, who: &str, path: &str, body: &Value) -> Answer {
        let bearer = self.bearer(who);
        let headers = [("Authorization", bearer.as_str())];
        ask(self.web, "POST", &format!("/api/v1{path}"), &headers, Some(body)).await
    }

    /// A session of this person begins.
    pub(crate) async fn session(&self, who: &str) -> Running {
        let (_, _, source) = PEOPLE.iter().find(|(name, ..)| *name == who).unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
        let mut accepted = self.accepted.lock().await;
        let client = socket.connect(self.gate_address).await.unwrap();
        let (accepted, held) = tokio::time::timeout(PATIENCE, accepted.recv())
            .await
            .unwrap()
            .unwrap();
        let decided = accepted.decide("root".parse().unwrap(), None).unwrap();
        let recording = decided.record().await.unwrap();
        let (live, orders) = recording.activate(LoginMethod::Password).await.unwrap();
        Running {
            id: live.id().to_string(),
            live,
            _orders: orders,
            _client: client,
            _held: held,
        }
    }

    /// A session that ran a shell, said something, and ended.
    pub(crate) async fn ended(&self, who: &str, output: &[&str]) -> String {
        let running = self.session(who).await;
        let tap = running.shell();
        for text in output {
            say(&tap, text).await;
        }
        tap.push(Event::Exit(Exit::Status(0))).await.unwrap();
        running.end(tap).await
    }

    /// How often the book has this of a session, and who did it last.
    pub(crate) async fn booked(&self, action: &str, session: &str) -> (usize, Option<String>) {
        let filter = AuditFilter {
            action: Some(action.to_owned()),
            session: Some(session.to_owned()),
            ..AuditFilter::default()
        };
        let events = self
            .store
            .audit_events(&filter, &PageRequest::all())
            .await
            .unwrap();
        let last = events.items.first().map(|event| event.actor.clone());
        (events.items.len(), last)
    }
}

async fn open_gate(gate: &Gate, stop: &CancellationToken) -> (SocketAddr, mpsc::Receiver<Come>) {
    let listener = TcpListener::bind("127.0.20.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (come, accepted) = mpsc::channel(8);
    let serve = Arc::new(move |accepted, stream: TcpStream| {
        let come = come.clone();
        async move {
            let (hold, held) = oneshot::channel();
            let _ = come.send((accepted, hold)).await;
            let _ = held.await;
            drop(stream);
        }
    });
    let acceptor = Acceptor {
        gate: gate.clone(),
        protocol: Protocol::Ssh,
        door: Door::new(ConnectionLimits::default()),
        stop: stop.clone(),
        tasks: TaskTracker::new(),
        lanes: Lanes::start(1).unwrap(),
    };
    tokio::spawn(acceptor.run(listener, Entrance::Direct, serve));
    (address, accepted)
}

impl Running {
    /// Opens a shell.
    pub(crate) fn shell(&self) -> Tap {
        let pty = Pty {
            term: "xterm".to_owned(),
            cols: 80,
            rows: 24,
        };
        self.live.open_channel(ChannelKind::Shell, Some(pty)).unwrap()
    }

    /// Ends it.
    pub(crate) async fn end(self, tap: Tap) -> String {
        tap.close().await;
        drop(tap);
        self.live.close(Close::normal()).await;
        self.id
    }
}

/// The target says something.
pub(crate) async fn say(tap: &Tap, text: &str) {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    tap.data(Stream::Output, bytes).await.unwrap();
}

/// Waits until something is there.
pub(crate) async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.expect("it did not come")
}

/// What holds for requests in these tests.
fn request_limits() -> gatehouse_store::RequestLimits {
    let span = |text: &str| text.parse().unwrap();
    gatehouse_store::RequestLimits {
        expire_after: span("7d"),
        max_open: 20,
        default_for: span("8h"),
        max_for: span("30d"),
        break_glass_for: span("1h"),
        reserved: Vec::new(),
    }
}
