//! A real haproxy in front of the gate.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::net::free_port;
use crate::wait::{LIMIT, wait_for};

/// A proxy that tells the gate where connections come from, in version 2 of the PROXY protocol.
pub struct Haproxy {
    folder: TempDir,
    child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Haproxy {
    /// Starts a proxy at a free port of `address`; it connects to `gate` from `source`, and `options` stand on the
    /// line of its server.
    pub fn start(address: Ipv4Addr, source: Ipv4Addr, gate: SocketAddr, options: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for haproxy");
        let addr = SocketAddr::from((address, free_port(address)));
        let config = folder.path().join("haproxy.cfg");
        let text = format!(
            "global\n  maxconn 200\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout \
             server 60s\nlisten ssh\n  bind {addr}\n  server gate {gate} source {source} {options}\n"
        );
        fs::write(&config, text).expect("the configuration of haproxy");
        let log = fs::File::create(folder.path().join("log")).expect("the log of haproxy");
        let child = Command::new("/usr/sbin/haproxy")
            .args(["-db", "-f"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("haproxy starts: apt-get install haproxy");
        let mut proxy = Self { folder, child, addr };
        wait_for("haproxy to listen", LIMIT, || {
            let running = matches!(proxy.child.try_wait(), Ok(None));
            assert!(running, "haproxy ended:\n{}", proxy.log());
            TcpStream::connect(addr).ok()
        });
        proxy
    }

    /// What it has complained of.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
