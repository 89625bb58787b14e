//! A running `gatehouse serve`.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::faults::VARIABLE;
use crate::run::{env_clean, send_signal};
use crate::site::program;
use crate::wait::{LIMIT, wait_for};

/// A node under test.
pub struct Node {
    child: Child,
    log: PathBuf,
    ssh: HashMap<IpAddr, SocketAddr>,
    proxied: HashMap<IpAddr, SocketAddr>,
}

impl Node {
    /// Starts a node and waits until it is ready.
    pub(crate) fn start(config: &Path, log: PathBuf) -> Self {
        let mut node = Self::launch(config, log);
        node.await_ready();
        node
    }

    /// Starts a node and does not wait for it.
    pub(crate) fn launch(config: &Path, log: PathBuf) -> Self {
        Self {
            child: spawn(config, &log),
            log,
            ssh: HashMap::new(),
            proxied: HashMap::new(),
        }
    }

    fn await_ready(&mut self) {
        wait_for("the node to be ready", LIMIT, || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the node ended with {status}:\n{}", self.log());
            }
            self.log().lines().any(is_ready).then_some(())
        });
        for (addr, behind_proxy) in self.log().lines().filter_map(listening) {
            let listeners = if behind_proxy {
                &mut self.proxied
            } else {
                &mut self.ssh
            };
            listeners.insert(addr.ip(), addr);
        }
    }

    /// Waits until it has ended by itself, as after a crash.
    pub fn crashes(mut self) -> ExitStatus {
        wait_for("the node to crash", LIMIT, || {
            self.child.try_wait().ok().flatten()
        })
    }

    /// Where the SSH gate listens at this address.
    pub fn ssh_at(&self, address: impl Into<IpAddr>) -> SocketAddr {
        let address = address.into();
        *self
            .ssh
            .get(&address)
            .unwrap_or_else(|| panic!("the node does not listen at {address}:\n{}", self.log()))
    }

    /// Where the SSH gate listens for proxies at this address.
    pub fn proxied_at(&self, address: impl Into<IpAddr>) -> SocketAddr {
        let address = address.into();
        *self.proxied.get(&address).unwrap_or_else(|| {
            panic!(
                "the node does not listen for proxies at {address}:\n{}",
                self.log()
            )
        })
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory in use, in KiB.
    pub fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the node runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("a line on memory");
        line.trim_end_matches("kB")
            .trim()
            .parse()
            .expect("a number of KiB")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send_signal(self.pid(), signal);
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends it as an administrator would, and waits.
    pub fn terminate(self) -> ExitStatus {
        self.terminate_within(LIMIT)
    }

    /// The same with a deadline of its own.
    pub fn terminate_within(mut self, limit: Duration) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        wait_for("the node to end after SIGTERM", limit, || {
            self.child.try_wait().ok().flatten()
        })
    }
}

impl Drop for Node {
    #[expect(clippy::print_stderr, reason = "shown with a failed test")]
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("-- log of the node\n{}", self.log());
        }
    }
}

fn spawn(config: &Path, log: &Path) -> Child {
    let file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .expect("the node's log");
    let mut command = Command::new(program());
    env_clean(&mut command);
    command
        .args(["serve", "--config"])
        .arg(config)
        .env(VARIABLE, config.with_file_name("faults"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file)
        .spawn()
        .expect("the node starts")
}

fn is_ready(line: &str) -> bool {
    line.split_whitespace()
        .any(|word| word == "ready" || word == "message=ready" || word == "msg=ready")
}

/// The address in `listening gate=ssh addr=127.0.0.1:40123`, and whether it is for proxies.
fn listening(line: &str) -> Option<(SocketAddr, bool)> {
    let rest = line.trim().strip_prefix("listening gate=ssh addr=")?;
    match rest.strip_suffix(" proxy_protocol=v2") {
        Some(addr) => Some((addr.parse().ok()?, true)),
        None => Some((rest.parse().ok()?, false)),
    }
}
