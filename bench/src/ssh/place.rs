//! The place of the comparison: one person, one server, a jump host and a gate.

use std::io;
use std::process::{Command, Stdio};

use gatehouse_e2e::{Client, Database, Site, Sshd, SshdSetup, Target, add_server};

use super::peers::Peers;
use super::route::Route;

/// Seconds after which a client that has not ended by itself is ended; longer than any transfer should need.
const LIMIT: &str = "180";

/// What the client is configured to use. With `ssh -J` both of its connections do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Terms {
    /// What OpenSSH uses unless told otherwise.
    Defaults,
    /// The key exchange that everybody has.
    Curve25519,
    /// The cipher that the gate uses with OpenSSH anyway.
    Aes128Gcm,
    /// The cipher that OpenSSH would use, which the gate has by a setting.
    ChaCha20,
}

/// OpenSSH's line for a cipher alone.
const CHACHA20: &str = "Ciphers chacha20-poly1305@openssh.com";

impl Terms {
    const ALL: [Self; 4] = [Self::Defaults, Self::Curve25519, Self::Aes128Gcm, Self::ChaCha20];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Defaults => "defaults",
            Self::Curve25519 => "curve25519",
            Self::Aes128Gcm => "aes128-gcm",
            Self::ChaCha20 => "chacha20",
        }
    }

    fn option(self) -> Option<&'static str> {
        match self {
            Self::Defaults => None,
            // One exchange under two names; Paramiko knows the older one alone.
            Self::Curve25519 => Some("KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org"),
            Self::Aes128Gcm => Some("Ciphers aes128-gcm@openssh.com"),
            Self::ChaCha20 => Some(CHACHA20),
        }
    }

    /// The person who connects on these terms.
    fn person(self) -> (&'static str, u8) {
        match self {
            Self::Defaults => ("alice", 1),
            Self::Curve25519 => ("bob", 2),
            Self::Aes128Gcm => ("carol", 3),
            Self::ChaCha20 => ("dave", 4),
        }
    }
}

/// A gate, a server behind it, a jump host beside it, and a person for each [`Terms`], who proves a key that both
/// hosts and the gate know. The gate logs in at the server with a stored key.
pub(super) struct Place {
    // Before the servers, so that it ends first and no session ends for want of a server.
    pub(super) site: Site,
    pub(super) server: Sshd,
    pub(super) jump: Sshd,
    people: Vec<(Terms, Client)>,
    /// Other proxies.
    pub(super) peers: Peers,
}

impl Place {
    /// Starts everybody.
    pub(super) fn open() -> Self {
        Self::start("", &[])
    }

    /// A gate that offers ChaCha20, and a server that has nothing else, so that every leg uses it.
    pub(super) fn of_chacha20() -> Self {
        Self::start("ssh.chacha20 = true", &[CHACHA20])
    }

    /// The gate with this line of configuration, the server with these.
    fn start(gate_line: &str, server_lines: &[&str]) -> Self {
        let mut site = Site::new(Database::Sqlite, gate_line);
        let people: Vec<_> = Terms::ALL.map(|terms| (terms, client(&site, terms))).into();
        let stored = Client::with_key(site.net.person(9));
        let keys: Vec<_> = people.iter().map(|(_, client)| client.public_key()).collect();
        let with_stored = keys.iter().cloned().chain([stored.public_key()]).collect();
        let server = sshd(&site, 1, with_stored, server_lines);
        let jump = sshd(&site, 2, keys, &[]);
        site.ok(&["pool", "add", &site.net.pool()]);
        add_server(&site, "web01", &server, 1);
        let key = stored.key().display().to_string();
        let credential = ["server", "credential", "add", "web01", "--login", &server.login()];
        site.ok(&[&credential[..], &["--key", &key]].concat());
        for (terms, client) in &people {
            let (name, number) = terms.person();
            site.add_person(name, site.net.person(number));
            site.cli(&["user", "key", "add", name, "-"])
                .stdin(client.public_key())
                .done()
                .ok();
            site.ok(&["policy", "grant", "--user", name, "--server", "web01"]);
        }
        site.serve();
        Self {
            site,
            server,
            jump,
            people,
            peers: Peers::none(stored),
        }
    }

    /// Starts these other proxies, too.
    pub(super) fn compared(mut self, peers: &[Route]) -> Self {
        self.peers.start(self.site.net, &self.server, peers);
        self
    }

    /// The routes that are there, in the order in which they take turns.
    pub(super) fn routes(&self) -> impl Iterator<Item = Route> {
        let peers = Route::PEERS
            .into_iter()
            .filter(|peer| self.peers.addr(*peer).is_some());
        Route::ALL.into_iter().chain(peers)
    }

    /// The process between client and server, where there is one alone.
    pub(super) fn proxy_pid(&self, route: Route) -> Option<u32> {
        match route {
            Route::Direct | Route::Jump => None,
            Route::Gate => Some(self.site.node().pid()),
            Route::Go | Route::Paramiko => self.peers.pid(route),
        }
    }

    /// `ssh … COMMAND` on a route, with both ends of its pipes here; its complaints show on this terminal.
    pub(super) fn ssh(
        &self,
        terms: Terms,
        route: Route,
        options: &[&str],
        command: &str,
    ) -> io::Result<Command> {
        let (_, client) = self
            .people
            .iter()
            .find(|(whose, _)| *whose == terms)
            .ok_or_else(|| io::Error::other("nobody connects on these terms"))?;
        let jump = format!("{}@{}", self.jump.login(), self.jump.addr);
        let (addr, through) = match route {
            Route::Direct => (self.server.addr, None),
            Route::Jump => (self.server.addr, Some(["-J", &jump])),
            Route::Gate => (self.site.node().ssh_at(self.site.net.proxy(1)), None),
            Route::Go | Route::Paramiko => {
                let addr = self.peers.addr(route);
                (
                    addr.ok_or_else(|| io::Error::other("the proxy is missing"))?,
                    None,
                )
            }
        };
        let target = Target {
            login: self.server.login(),
            addr,
        };
        let options: Vec<_> = options
            .iter()
            .copied()
            .chain(through.into_iter().flatten())
            .collect();
        let mut ssh = Command::new("timeout");
        ssh.args(["--foreground", LIMIT, "ssh"])
            .args(client.ssh_words(&target, &options))
            .arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Ok(ssh)
    }

    /// Checks that a session through the gate leaves a recording.
    pub(super) fn recording_is_on(&self) -> io::Result<()> {
        let status = self
            .ssh(Terms::Defaults, Route::Gate, &[], "true")?
            .stdin(Stdio::null())
            .status()?;
        let session = self.site.closed_session();
        let recorded = self.site.recording(&session).is_dir();
        if status.success() && recorded {
            return Ok(());
        }
        let log = self.site.node().log();
        Err(io::Error::other(format!(
            "a session ended with {status} and left {session}, log of the gate:\n{log}"
        )))
    }
}

fn client(site: &Site, terms: Terms) -> Client {
    let (_, number) = terms.person();
    let mut client = Client::with_key(site.net.person(number));
    client.option("LogLevel ERROR");
    // From OpenSSH 9.5 on keys are sent on a beat of 20 ms, which hides what is measured.
    client.option("IgnoreUnknown ObscureKeystrokeTiming");
    client.option("ObscureKeystrokeTiming no");
    if let Some(line) = terms.option() {
        client.option(line);
    }
    client
}

fn sshd(site: &Site, number: u8, authorized: Vec<String>, lines: &[&str]) -> Sshd {
    let lines = lines.iter().map(|&line| line.to_owned()).collect();
    Sshd::start(site.net.server(number), SshdSetup { authorized, lines })
}
