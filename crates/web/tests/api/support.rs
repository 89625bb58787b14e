//! A site for each test: a store on SQLite or PostgreSQL, a gate, four people with a token each.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use gatehouse_archive::Library;
use gatehouse_gate::{Clock, Gate, GateSettings, GuardSettings, NodeHome};
use gatehouse_model::{Role, Secret, Timestamp, TokenScope};
use gatehouse_policy::DirectorySettings;
use gatehouse_store::{Actor, Inside, KeySource, NewToken, NewUser, Store, StoreConfig};
use gatehouse_web::{AddressTrust, PublicUrl, Site, Transport, WebSettings, pages, testing};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

use crate::described::Described;

/// Runs each test on both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(&crate::support::Place::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(&crate::support::Place::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// Where requests come from: nobody's address.
const REMOTE: &str = "127.0.9.9:40000";
const LOCAL: &str = "127.0.0.1:5000";

/// A site under test.
pub(crate) struct Place {
    pub(crate) store: Store,
    router: Router,
    described: Described,
    tokens: [String; 4],
    /// A token of the administrator that may do nothing dangerous.
    stale: String,
    _gate: Gate,
    _dir: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn tag(&self) -> String {
        self.headers[header::ETAG].to_str().unwrap().to_owned()
    }

    pub(crate) fn of(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Place {
    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("test.db").display());
        Self::open(url, dir).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::open(
            Cluster::of_this_process().database(),
            tempfile::tempdir().unwrap(),
        )
        .await
    }

    async fn open(url: String, dir: TempDir) -> Self {
        let config = StoreConfig {
            database_url: url,
            data_dir: dir.path().to_owned(),
            key: KeySource::Given(Secret::from(KEY.to_owned())),
        };
        let store = Store::open(config).await.unwrap();
        let roles = [Role::User, Role::Auditor, Role::Operator, Role::Admin];
        let mut tokens = Vec::new();
        for role in roles {
            let new = NewUser {
                name: format!("the-{role}").parse().unwrap(),
                full_name: None,
                email: None,
                role,
                addresses: Vec::new(),
            };
            store
                .add_user(&Actor::system(), Timestamp::now(), new, Inside::Refuse)
                .await
                .unwrap();
            tokens.push(token(&store, &format!("the-{role}"), TokenScope::Admin).await);
        }
        let stale = token(&store, "the-admin", TokenScope::Operate).await;
        let gate = gate(&dir, &store).await;
        let settings = WebSettings {
            requests: request_limits(),
            public_url: PublicUrl::parse("https://jump:5000").unwrap(),
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            address_trust: AddressTrust::OwnPages,
            transport: Transport::Tls,
            idle_timeout: "1h".parse().unwrap(),
            session_timeout: "12h".parse().unwrap(),
            confirm_after: "10m".parse().unwrap(),
            data_dir: dir.path().to_owned(),
            configuration: serde_json::json!({}),
        };
        let library = Library::at(&dir.path().join("recordings"));
        let site = Site::new(gate.clone(), store.clone(), library, settings);
        Self {
            store,
            router: pages(&site),
            described: Described::new(&testing::document()),
            tokens: tokens.try_into().unwrap(),
            stale,
            _gate: gate,
            _dir: dir,
        }
    }

    /// Asks as whoever has this role.
    pub(crate) async fn ask(&self, role: Role, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(Some(self.token(role)), method, path, body, &[]).await
    }

    /// Asks as administrator.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.ask(Role::Admin, method, path, body).await
    }

    pub(crate) fn token(&self, role: Role) -> &str {
        let place = match role {
            Role::User => 0,
            Role::Auditor => 1,
            Role::Operator => 2,
            Role::Admin => 3,
        };
        &self.tokens[place]
    }

    pub(crate) fn stale(&self) -> &str {
        &self.stale
    }

    /// Asks, and holds what is answered against its description.
    pub(crate) async fn send(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send_from(REMOTE, token, method, path, body, headers).await
    }

    /// The same from an address of one's choice.
    pub(crate) async fn send_from(
        &self,
        remote: &str,
        token: Option<&str>,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, "jump:5000")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let (remote, local): (SocketAddr, SocketAddr) = (remote.parse().unwrap(), LOCAL.parse().unwrap());
        let request = testing::from_socket(request.body(body).unwrap(), remote, local);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = to_bytes(body, 1 << 26).await.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let path = path.split('?').next().unwrap();
        let status = parts.status.as_u16();
        self.described.check(method, path, status, &parts.headers, &text);
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }
}

async fn token(store: &Store, user: &str, scope: TokenScope) -> String {
    let new = NewToken {
        label: None,
        scope,
        source: None,
        expires_at: None,
    };
    store
        .create_token(&Actor::system(), Timestamp::now(), user, new)
        .await
        .unwrap()
        .1
}

async fn gate(dir: &TempDir, store: &Store) -> Gate {
    let home = NodeHome::take(dir.path(), Uuid::new_v4()).unwrap();
    let settings = GateSettings {
        data_dir: dir.path().to_owned(),
        recordings: dir.path().join("recordings"),
        writers: 1,
        disk_patience: Duration::from_secs(20),
        encryption: gatehouse_gate::RecordingEncryption::default(),
        directory: DirectorySettings::default(),
        warnings: Vec::new(),
        guard: GuardSettings::default(),
        keep_alerts: "90d".parse().unwrap(),
        check_book: Duration::from_secs(86_400),
        shutdown_grace: Duration::from_millis(10),
        own_ports: Vec::new(),
        node_name: "test".to_owned(),
        node_listen: gatehouse_gate::NodeListen::default(),
        login_records: gatehouse_gate::LoginRecords::default(),
    };
    Gate::start(settings, home, store.clone(), Clock::system())
        .await
        .unwrap()
}

/// A PostgreSQL cluster that goes with this process.
struct Cluster {
    directory: PathBuf,
    /// Its standard input is held open by this process; when that ends, however it ends, the shell stops the server.
    _keeper: Child,
}

/// Makes a cluster in a directory of its own, says so, waits until its input is closed, and cleans up.
const KEEPER: &str = r#"
set -e
dir=$(mktemp -d /tmp/gatehouse-postgres.XXXXXX)
cd "$dir"
trap '"$0/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
"$0/initdb" -D "$dir/data" --no-sync -A trust -U postgres -E UTF8 --locale=C >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
"$0/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o "-c listen_addresses='' -c unix_socket_directories='$dir' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400" start >/dev/null 2>&1 </dev/null || { cat "$dir/log" >&2; exit 1; }
echo "$dir"
read -r _ || true
"#;

impl Cluster {
    fn of_this_process() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(Self::start)
    }

    fn start() -> Self {
        let mut keeper = Command::new("/bin/sh");
        keeper.arg("-c").arg(KEEPER).arg(binaries());
        keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .current_dir("/");
        // PostgreSQL refuses to run as root.
        if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
            keeper.uid(65_534).gid(65_534);
        }
        let mut keeper = keeper.spawn().unwrap();
        let mut directory = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut directory)
            .unwrap();
        assert!(
            !directory.is_empty(),
            "the PostgreSQL cluster did not start; see above"
        );
        Self {
            directory: PathBuf::from(directory.trim_end()),
            _keeper: keeper,
        }
    }

    /// A new database's URL.
    fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let made = Command::new(binaries().join("createdb"))
            .arg("-h")
            .arg(&self.directory)
            .args(["-U", "postgres", &name])
            .status()
            .unwrap();
        assert!(made.success());
        let directory = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@localhost/{name}?host={directory}")
    }
}

/// The newest PostgreSQL that is installed.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            Some((
                version.file_name().to_str()?.parse().ok()?,
                version.path().join("bin"),
            ))
        })
        .filter(|(_, path)| path.join("initdb").exists())
        .collect();
    found.sort();
    let newest = found.pop();
    assert!(
        newest.is_some(),
        "these tests need PostgreSQL: apt-get install postgresql"
    );
    newest.unwrap().1
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
