//! The usual scene: alice may reach web01 as the login of this test run.

use std::net::SocketAddr;

use serde_json::Value;

use crate::client::{Client, Target};
use crate::run::Run;
use crate::site::{Database, Site, text};
use crate::sshd::{Sshd, SshdSetup};
use crate::terminal::Terminal;
use crate::wait::{LIMIT, wait_for};

/// What differs from the usual scene.
pub struct Setup<'a> {
    /// Where the store is.
    pub database: Database<'a>,
    /// TOML for the configuration, as [`Site::write_config`] takes it.
    pub config: &'a str,
    /// Lines for the server's configuration.
    pub sshd: &'a [&'a str],
    /// Options of alice's grant; `None` for no grant at all.
    pub grant: Option<&'a [&'a str]>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            database: Database::Sqlite,
            config: "",
            sshd: &[],
            grant: Some(&[]),
        }
    }
}

/// A gate, a server behind it and a person in front of it.
pub struct Scene {
    /// The gate.
    pub site: Site,
    /// The server `web01`.
    pub sshd: Sshd,
    /// The person `alice`, with a key that the server knows in a forwarded agent.
    pub alice: Client,
}

impl Scene {
    /// The usual scene.
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    /// Another scene.
    pub fn with(setup: Setup<'_>) -> Self {
        Self::prepared(setup, |_, _, _| {})
    }

    /// Another scene, with something entered before the node starts.
    pub fn prepared(setup: Setup<'_>, prepare: impl FnOnce(&Site, &Client, &mut Sshd)) -> Self {
        let mut site = Site::new(setup.database, setup.config);
        let alice = Client::with_agent(site.net.person(1));
        let mut sshd = Sshd::start(
            site.net.server(1),
            SshdSetup {
                authorized: vec![alice.public_key()],
                lines: setup.sshd.iter().map(|&line| line.to_owned()).collect(),
            },
        );
        site.ok(&["pool", "add", &site.net.pool()]);
        site.add_person("alice", site.net.person(1));
        add_server(&site, "web01", &sshd, 1);
        if let Some(options) = setup.grant {
            site.ok(&[
                &["policy", "grant", "--user", "alice", "--server", "web01"],
                options,
            ]
            .concat());
        }
        prepare(&site, &alice, &mut sshd);
        site.serve();
        Self { site, sshd, alice }
    }

    /// The server through the gate.
    pub fn web01(&self) -> Target {
        self.at_proxy(1)
    }

    /// What is reached at another address of the pool, from 1, with the usual login.
    pub fn at_proxy(&self, proxy: u8) -> Target {
        Target {
            login: self.sshd.login(),
            addr: self.site.node().ssh_at(self.site.net.proxy(proxy)),
        }
    }

    /// The server without the gate.
    pub fn direct(&self) -> Target {
        Target {
            login: self.sshd.login(),
            addr: self.sshd.addr,
        }
    }

    /// `ssh web01 COMMAND` through the gate.
    pub fn ssh(&self, command: &str) -> Run {
        self.alice.ssh(&self.web01()).arg(command)
    }

    /// `ssh -tt web01` on a terminal, through the gate, with a plain shell and a known prompt.
    pub fn shell(&self) -> Terminal {
        let mut words = self.alice.ssh_words(&self.web01(), &["-tt"]);
        words.push("PS1='ready> ' exec sh".to_owned());
        let mut terminal = Terminal::start("ssh", &words);
        terminal.shows("ready> ");
        terminal
    }

    /// Waits for the newest session to be active; gives its id.
    #[track_caller]
    pub fn active_session(&self) -> String {
        let session = self
            .site
            .session("one that is active", |session| session["state"] == "active");
        text(&session, "id").to_owned()
    }

    /// Waits until there are so many sessions and all of them are closed; gives them, oldest first.
    #[track_caller]
    pub fn all_closed(&self, count: usize) -> Vec<Value> {
        let mut all = wait_for(&format!("{count} sessions, all closed"), LIMIT, || {
            let listed = self.site.list(&["session", "list"]);
            (listed.len() == count && listed.iter().all(|s| s["state"] == "closed")).then_some(listed)
        });
        all.sort_by_key(|session| text(session, "id").to_owned());
        let shown = all
            .iter()
            .map(|s| self.site.json(&["session", "show", text(s, "id")]));
        shown.collect()
    }

    /// Lets alice's grant end so long from now.
    pub fn access_ends_in(&self, span: &str) {
        let grants = self.site.list(&["policy", "list", "--user", "alice"]);
        let id = grants.first().map(|grant| grant["id"].to_string());
        let id = id.expect("alice has a grant");
        self.site.ok(&["policy", "edit", &id, "--for", span]);
    }

    /// Waits for a session to be closed; gives it.
    #[track_caller]
    pub fn closed(&self, id: &str) -> Value {
        self.site.session("the one just ended", |session| {
            session["id"] == id && session["state"] == "closed"
        })
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

/// Enters a server under a name and gives it a pool address, from 1.
pub fn add_server(site: &Site, name: &str, sshd: &Sshd, proxy: u8) {
    add_server_at(site, name, sshd.addr, proxy);
}

/// Enters whatever listens at an address as a server.
pub fn add_server_at(site: &Site, name: &str, addr: SocketAddr, proxy: u8) {
    let port = format!("--ssh={}", addr.port());
    let proxy = site.net.proxy(proxy).to_string();
    site.ok(&[
        "server",
        "add",
        name,
        &addr.ip().to_string(),
        &port,
        "--proxy",
        &proxy,
    ]);
}
