//! A database for each test: a SQLite file, or a database in a PostgreSQL cluster of this process's own.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use gatehouse_model::{AddressRange, Name, Role, Secret, TargetHost, Timestamp};
use gatehouse_policy::PolicyRules;
use gatehouse_store::{
    Actor, Inside, KeySource, NewPolicy, NewServer, NewUser, Policy, ProxyChoice, Server, Store, StoreConfig,
    StoreError, SubjectRef, TargetRef, User,
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;

/// Runs each test on both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(&crate::support::Place::sqlite()).await;
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

/// A key for all stores of the tests.
pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Where a test has its database.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) dir: TempDir,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite:{}", dir.path().join("test.db").display()),
            dir,
        }
    }

    pub(crate) async fn postgres() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let cluster = Cluster::of_this_process();
        let admin = Database::connect(cluster.url("postgres")).await.unwrap();
        admin
            .execute_unprepared(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        admin.close().await.unwrap();
        Self {
            url: cluster.url(&name),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn config(&self) -> StoreConfig {
        StoreConfig {
            database_url: self.url.clone(),
            data_dir: self.data_dir(),
            key: KeySource::Given(Secret::from(KEY.to_owned())),
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(self.config()).await.unwrap()
    }

    /// The database without the store, for looking and tampering.
    pub(crate) async fn raw(&self) -> DatabaseConnection {
        Database::connect(&self.url).await.unwrap()
    }

    pub(crate) async fn tamper(&self, sql: &str) -> u64 {
        let raw = self.raw().await;
        let done = raw.execute_unprepared(sql).await.unwrap().rows_affected();
        raw.close().await.unwrap();
        done
    }
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
        keeper
            .arg("-c")
            .arg(KEEPER)
            .arg(binaries())
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
            "the PostgreSQL cluster for the tests did not start; see above"
        );
        Self {
            directory: PathBuf::from(directory.trim_end()),
            _keeper: keeper,
        }
    }

    fn url(&self, database: &str) -> String {
        let directory = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@localhost/{database}?host={directory}")
    }
}

/// The newest PostgreSQL that is installed. Without one the tests fail: they promise something about it.
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

/// A moment that all tests begin at.
pub(crate) fn at(text: &str) -> Timestamp {
    gatehouse_model::parse_time(text).unwrap()
}

pub(crate) fn now() -> Timestamp {
    at("2026-01-31 12:00")
}

pub(crate) fn cli() -> Actor {
    Actor::cli("root", "jump")
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn range(text: &str) -> AddressRange {
    text.parse().unwrap()
}

pub(crate) async fn user(store: &Store, text: &str, addresses: &[&str]) -> User {
    let new = NewUser {
        name: name(text),
        full_name: None,
        email: None,
        role: Role::User,
        addresses: addresses.iter().map(|address| range(address)).collect(),
    };
    store.add_user(&cli(), now(), new, Inside::Refuse).await.unwrap()
}

pub(crate) fn new_server(text: &str, proxy: ProxyChoice) -> NewServer {
    NewServer {
        name: name(text),
        address: "127.0.3.1".parse::<TargetHost>().unwrap(),
        services: vec![(gatehouse_model::Protocol::Ssh, 22)],
        os: None,
        description: None,
        legacy_algorithms: gatehouse_model::LegacyAlgorithms::Off,
        proxy,
    }
}

pub(crate) async fn server(store: &Store, text: &str) -> Server {
    store
        .add_server(&cli(), now(), new_server(text, ProxyChoice::IfAvailable))
        .await
        .unwrap()
}

/// Terms without any limit.
pub(crate) fn rules() -> PolicyRules {
    PolicyRules {
        protocol: None,
        from: None,
        logins: Vec::new(),
        start: now(),
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

pub(crate) async fn grant(store: &Store, user: &str, server: &str, rules: PolicyRules) -> Policy {
    let new = NewPolicy {
        subject: SubjectRef::User(user.to_owned()),
        target: TargetRef::Server(server.to_owned()),
        rules,
        reason: None,
    };
    store.grant_policy(&cli(), now(), new).await.unwrap()
}

/// The sentence of a refusal.
pub(crate) fn sentence<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    result.unwrap_err().to_string()
}

/// The codes and subjects of the book, oldest first.
pub(crate) async fn actions(store: &Store) -> Vec<String> {
    let filter = gatehouse_store::AuditFilter {
        order: gatehouse_store::AuditOrder::OldestFirst,
        ..Default::default()
    };
    let page = store
        .audit_events(&filter, &gatehouse_store::PageRequest::all())
        .await
        .unwrap();
    page.items.into_iter().map(|event| event.action).collect()
}

/// All bytes of all files below a directory.
pub(crate) fn bytes_below(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        if entry.path().is_dir() {
            bytes.extend(bytes_below(&entry.path()));
        } else {
            bytes.extend(std::fs::read(entry.path()).unwrap());
        }
    }
    bytes
}
