//! Proxies of other libraries, in the same run. They record nothing and ask no policy.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use gatehouse_e2e::{Client, Net, Sshd, free_port};
use tempfile::TempDir;

use super::route::Route;

/// Those that could be started, and why the others could not.
pub(super) struct Peers {
    running: Vec<Peer>,
    missing: Vec<String>,
    key: Client,
    folder: Option<TempDir>,
}

struct Peer {
    route: Route,
    child: Child,
    addr: SocketAddr,
}

impl Peers {
    /// None yet; they will log in at the server with this key.
    pub(super) fn none(key: Client) -> Self {
        Self {
            running: Vec::new(),
            missing: Vec::new(),
            key,
            folder: None,
        }
    }

    /// Starts those that are wanted.
    pub(super) fn start(&mut self, net: Net, server: &Sshd, wanted: &[Route]) {
        self.folder = tempfile::tempdir().ok();
        let key = self.key.key();
        for (route, number) in [(Route::Go, 3), (Route::Paramiko, 4)] {
            if !wanted.contains(&route) {
                continue;
            }
            let started = match (route, &self.folder) {
                (Route::Go, Some(folder)) => go(net.server(number), server, &key, folder.path()),
                _ => paramiko(net.server(number), server, &key),
            };
            match started {
                Ok((child, addr)) => self.running.push(Peer { route, child, addr }),
                Err(why) => self
                    .missing
                    .push(format!("The {} proxy was not measured: {why}.", route.words())),
            }
        }
    }

    /// Where one listens.
    pub(super) fn addr(&self, route: Route) -> Option<SocketAddr> {
        let peer = self.running.iter().find(|peer| peer.route == route)?;
        Some(peer.addr)
    }

    /// The process of one.
    pub(super) fn pid(&self, route: Route) -> Option<u32> {
        let peer = self.running.iter().find(|peer| peer.route == route)?;
        Some(peer.child.id())
    }

    /// A sentence for each that is not there.
    pub(super) fn missing(&self) -> &[String] {
        &self.missing
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

fn go(listen: Ipv4Addr, server: &Sshd, key: &Path, folder: &Path) -> io::Result<(Child, SocketAddr)> {
    let program = folder.join("proxy");
    // Debian's libraries, and none from the network.
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(file("proxy.go"))
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOCACHE", folder.join("cache"))
        .status()
        .map_err(|e| io::Error::new(e.kind(), format!("go does not start ({e})")))?;
    if !built.success() {
        return Err(io::Error::other(
            "go does not build it (apt-get install golang-go golang-golang-x-crypto-dev)",
        ));
    }
    let addr = SocketAddr::from((listen, free_port(listen)));
    let mut command = Command::new(program);
    command
        .args([addr.to_string(), server.addr.to_string(), server.login()])
        .arg(key);
    ready(command, addr)
}

fn paramiko(listen: Ipv4Addr, server: &Sshd, key: &Path) -> io::Result<(Child, SocketAddr)> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/python/bin/python");
    if !python.is_file() {
        return Err(io::Error::other(
            "./test, which installs Paramiko, has not been run here",
        ));
    }
    let addr = SocketAddr::from((listen, free_port(listen)));
    let mut command = Command::new(python);
    command
        .arg(file("proxy.py"))
        .args([addr.ip().to_string(), addr.port().to_string()])
        .args([
            server.addr.ip().to_string(),
            server.addr.port().to_string(),
            server.login(),
        ])
        .arg(key);
    ready(command, addr)
}

/// Starts it and waits until it says that it listens.
fn ready(mut command: Command, addr: SocketAddr) -> io::Result<(Child, SocketAddr)> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    if line.trim() == "ready" {
        return Ok((child, addr));
    }
    let _ = child.kill();
    child.wait()?;
    Err(io::Error::other("it ended at once"))
}
