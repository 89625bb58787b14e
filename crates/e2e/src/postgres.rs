//! A PostgreSQL cluster of our own, one for a test run, and one database for each who asks.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::net::free_port;
use crate::run::Run;
use crate::wait::{LIMIT, wait_for};

/// Account `nobody`, since PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// Runs the server until standard input ends, which it does with the test process however that ends; then
/// stops the server and removes its folder.
const GUARD: &str = r#"trap '' INT
"$1" -D "$2/data" -c listen_addresses=127.0.0.1 -c port="$3" -c unix_socket_directories='' -c fsync=off \
    -c synchronous_commit=off -c full_page_writes=off -c max_connections=300 >"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "$2""#;

struct Cluster {
    port: u16,
    programs: PathBuf,
    _guard: (Child, ChildStdin),
}

/// A new database; gives its address for `database_url`.
pub fn database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let cluster = cluster();
    let name = format!("gatehouse_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    cluster
        .psql("postgres", &format!("create database {name}"))
        .done()
        .ok();
    format!("postgres://postgres@127.0.0.1:{}/{name}", cluster.port)
}

/// Runs SQL in a database made by [`database`], as an attacker with access to it would.
pub fn sql(url: &str, statement: &str) -> String {
    let name = url.rsplit('/').next().expect("a database's name");
    cluster().psql(name, statement).done().ok()
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

impl Cluster {
    fn start() -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().expect("a folder for PostgreSQL").keep();
        let as_root = nix::unistd::geteuid().is_root();
        if as_root {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY))
                .expect("the folder given to nobody");
        }
        let unprivileged = |program: &Path| {
            let mut command = Command::new(program);
            if as_root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command.current_dir(&folder);
            command
        };
        let output = unprivileged(&programs.join("initdb"))
            .args([
                "--no-sync",
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(folder.join("data"))
            .output()
            .expect("initdb starts");
        assert!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let port = free_port(Ipv4Addr::LOCALHOST);
        let mut guard = unprivileged(Path::new("sh"))
            .args(["-c", GUARD, "sh"])
            .arg(programs.join("postgres"))
            .arg(&folder)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("PostgreSQL starts");
        let stdin = guard.stdin.take().expect("the guard's input");
        let cluster = Self {
            port,
            programs,
            _guard: (guard, stdin),
        };
        wait_for("PostgreSQL to answer", LIMIT, || {
            (cluster.psql("postgres", "select 1").done().code == Some(0)).then_some(())
        });
        cluster
    }

    fn psql(&self, database: &str, statement: &str) -> Run {
        let port = self.port.to_string();
        Run::new(self.programs.join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                "127.0.0.1",
                "-U",
                "postgres",
                "-p",
                &port,
            ])
            .args(["-d", database, "-c", statement])
    }
}

/// Where Debian keeps the programs of the newest PostgreSQL, or else the path.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .max();
    newest.expect("PostgreSQL is installed: ./test installs it")
}
