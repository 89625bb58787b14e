//! A running `gatehouse serve`.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::faults::VARIABLE;
use crate::run::{env_clean, send_signal};
use crate::site::program;
use crate::wait::{LIMIT, wait_for};

/// A node under test.
pub struct Node {
    child: Child,
    /// What it writes to standard error, and the log's file if the configuration names one.
    logs: Vec<PathBuf>,
    metrics: Option<SocketAddr>,
    web: Vec<SocketAddr>,
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
            logs: [log].into_iter().chain(log_file(config)).collect(),
            metrics: None,
            web: Vec::new(),
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
        for (gate, addr, behind_proxy) in self.log().lines().filter_map(listening) {
            if gate == "metrics" {
                self.metrics = Some(addr);
                continue;
            }
            if gate == "web" {
                self.web.push(addr);
                continue;
            }
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

    /// Where its pages are: the first of `web.listen`.
    pub fn web(&self) -> SocketAddr {
        self.web_at(0)
    }

    /// Where its pages are, by the order in the configuration, `web.plain_listen` last.
    pub fn web_at(&self, index: usize) -> SocketAddr {
        *self
            .web
            .get(index)
            .unwrap_or_else(|| panic!("the node serves no such page:\n{}", self.log()))
    }

    /// Where it answers with its metrics.
    pub fn metrics(&self) -> SocketAddr {
        self.metrics
            .unwrap_or_else(|| panic!("the node has no listener for metrics:\n{}", self.log()))
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        let read = self.logs.iter().filter_map(|log| fs::read(log).ok());
        read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
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

/// The log's file, if the configuration names one with a whole path.
fn log_file(config: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(config).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("log.file = "))?;
    Some(value.trim_matches('"').into())
}

/// A line of the log as JSON.
fn json(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok()
}

/// A field of such a line.
fn said<'l>(line: &'l Value, field: &str) -> Option<&'l str> {
    line.get(field)?.as_str()
}

fn is_ready(line: &str) -> bool {
    line == "ready" || json(line).is_some_and(|line| said(&line, "message") == Some("ready"))
}

/// The gate and the address in `listening gate=ssh addr=127.0.0.1:40123`, and whether it is for proxies.
fn listening(line: &str) -> Option<(String, SocketAddr, bool)> {
    if let Some(line) = json(line) {
        if said(&line, "message") != Some("listening") {
            return None;
        }
        let proxied = said(&line, "proxy_protocol") == Some("v2");
        return Some((
            said(&line, "gate")?.to_owned(),
            said(&line, "addr")?.parse().ok()?,
            proxied,
        ));
    }
    let (gate, rest) = line
        .trim()
        .strip_prefix("listening gate=")?
        .split_once(" addr=")?;
    match rest.strip_suffix(" proxy_protocol=v2") {
        Some(addr) => Some((gate.to_owned(), addr.parse().ok()?, true)),
        None => Some((gate.to_owned(), rest.parse().ok()?, false)),
    }
}
