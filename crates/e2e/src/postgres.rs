//! PostgreSQL clusters of our own: one for a test run with a database for each who asks, and more for tests that stop
//! theirs.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::Signal;

use crate::net::free_port;
use crate::process::children;
use crate::run::{Run, send_signal};
use crate::wait::{LIMIT, wait_for};

/// Account `nobody`, since PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// Runs the server until standard input ends, which it does with the test process however that ends; then
/// stops the server and removes its folder.
const GUARD: &str = r#"trap '' INT
"$1" -D "$2/data" -c listen_addresses=127.0.0.1 -c port="$3" -c unix_socket_directories='' -c fsync=off \
    -c synchronous_commit="$4" -c full_page_writes=off -c max_connections=300 >>"$2/log" 2>&1 &
server=$!
cat >/dev/null
kill -CONT $server
kill -QUIT $server
wait $server
[ -e "$2/keep" ] || rm -rf "$2""#;

/// A cluster.
pub struct Cluster {
    port: u16,
    programs: PathBuf,
    folder: PathBuf,
    guard: Option<(Child, ChildStdin)>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// That of the test run: it ends with it, and nothing of it is kept.
    Shared,
    /// One test's: what it has committed it has after a crash.
    Own,
}

/// A new database; gives its address for `database_url`.
pub fn database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let cluster = cluster();
    let name = format!("gatehouse_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    cluster.database(&name)
}

/// Runs SQL in a database made by [`database`], as an attacker with access to it would.
pub fn sql(url: &str, statement: &str) -> String {
    let name = url.rsplit('/').next().expect("a database's name");
    cluster().sql(name, statement)
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(Kind::Shared))
}

impl Cluster {
    /// A cluster for one test alone, which may stop it.
    pub fn own() -> Self {
        Self::start(Kind::Own)
    }

    /// A new database on it; gives its address.
    pub fn database(&self, name: &str) -> String {
        self.psql("postgres", &format!("create database {name}"))
            .done()
            .ok();
        self.url(name)
    }

    fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs SQL on it.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        self.psql(database, statement).done().ok()
    }

    /// Ends it at once, as `pg_ctl stop -m immediate` does: connections break, and what is not committed is gone.
    pub fn stop(&mut self) {
        if let Some((mut guard, stdin)) = self.guard.take() {
            fs::write(self.folder.join("keep"), "").expect("a mark in the cluster's folder");
            drop(stdin);
            let _ = guard.wait();
        }
    }

    /// Starts it again after [`Cluster::stop`].
    pub fn start_again(&mut self) {
        self.launch();
    }

    /// Holds it still: it takes connections and requests, and answers nothing.
    pub fn hold(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let text = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        let server = text.lines().next().and_then(|line| line.parse().ok());
        let Some(server) = server else { return };
        // The one who starts others first.
        send_signal(server, signal);
        for child in children(server) {
            send_signal(child, signal);
        }
    }

    fn start(kind: Kind) -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().expect("a folder for PostgreSQL").keep();
        let as_root = nix::unistd::geteuid().is_root();
        if as_root {
            std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY))
                .expect("the folder given to nobody");
        }
        let output = unprivileged(&programs.join("initdb"), &folder)
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
        let mut cluster = Self {
            port: free_port(Ipv4Addr::LOCALHOST),
            programs,
            folder,
            guard: None,
            kind,
        };
        cluster.launch();
        cluster
    }

    fn launch(&mut self) {
        let _ = fs::remove_file(self.folder.join("keep"));
        let mut guard = unprivileged(Path::new("sh"), &self.folder)
            .args(["-c", GUARD, "sh"])
            .arg(self.programs.join("postgres"))
            .arg(&self.folder)
            .arg(self.port.to_string())
            .arg(match self.kind {
                Kind::Shared => "off",
                Kind::Own => "on",
            })
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("PostgreSQL starts");
        let stdin = guard.stdin.take().expect("the guard's input");
        self.guard = Some((guard, stdin));
        wait_for("PostgreSQL to answer", LIMIT, || {
            (self.psql("postgres", "select 1").done().code == Some(0)).then_some(())
        });
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

impl Drop for Cluster {
    fn drop(&mut self) {
        self.go_on();
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn unprivileged(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir(folder);
    command
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
