//! Servers that are not OpenSSH's.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::net::free_port;
use crate::run::Run;
use crate::tools::{client_file, missing, python};
use crate::wait::{LIMIT, wait_for};

/// A server of another maker, at a loopback address.
pub struct Server {
    folder: TempDir,
    child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Server {
    /// Dropbear's, which takes passwords of this machine's accounts. Needs root.
    pub fn dropbear(address: Ipv4Addr) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let addr = SocketAddr::from((address, free_port(address)));
        let key = folder.path().join("host_key");
        Run::new("dropbearkey")
            .args(["-t", "ed25519", "-f"])
            .arg(&key)
            .done()
            .ok();
        let mut command = Command::new("/usr/sbin/dropbear");
        command
            .args(["-F", "-E", "-P", "/dev/null", "-p", &addr.to_string(), "-r"])
            .arg(&key);
        Self::start(folder, command, addr)
    }

    /// AsyncSSH's, set up as `clients/server_asyncssh.py` says.
    pub fn asyncssh(address: Ipv4Addr, setup: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let addr = SocketAddr::from((address, free_port(address)));
        let key = folder.path().join("host_key");
        Run::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .done()
            .ok();
        let mut whole = json!({"address": address.to_string(), "port": addr.port(), "key": key});
        if let (Some(whole), Some(setup)) = (whole.as_object_mut(), setup.as_object()) {
            whole.extend(setup.clone());
        }
        let mut command = Command::new(python());
        command
            .arg(client_file("server_asyncssh.py"))
            .arg(whole.to_string());
        Self::start(folder, command, addr)
    }

    fn start(folder: TempDir, mut command: Command, addr: SocketAddr) -> Self {
        let log = File::create(folder.path().join("log")).expect("the server's log");
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let child = child.unwrap_or_else(|_| panic!("{}", missing(&program)));
        let mut server = Self { folder, child, addr };
        wait_for("the server to listen", LIMIT, || {
            let running = matches!(server.child.try_wait(), Ok(None));
            assert!(running, "{program} ended:\n{}", server.log());
            TcpStream::connect(addr).ok()
        });
        server
    }

    /// What it complained about.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    #[expect(clippy::print_stderr, reason = "shown with a failed test")]
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("-- log of the server at {}\n{}", self.addr, self.log());
        }
    }
}
