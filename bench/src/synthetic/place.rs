//! A gate between the synthetic server and the synthetic clients.

use std::fs;
use std::io;
use std::sync::Arc;

use gatehouse_e2e::{Client, Database, Site, add_server_at, this_login};

use super::backend::Backend;
use super::people::Person;
use crate::machine::open_file_limit;

/// Descriptors kept free in each process for other things.
const SPARE: u64 = 500;

/// Everybody, on this machine.
pub(crate) struct Place {
    // Before the server, so that it ends first.
    pub(crate) site: Site,
    pub(crate) backend: Backend,
    stored: Client,
    client: Client,
}

impl Place {
    /// Starts the server and the gate.
    pub(crate) fn open() -> io::Result<Self> {
        let mut site = Site::new(Database::Sqlite, "");
        // All clients come from one address.
        site.write_config(&format!("limits.exempt = [\"{}\"]", site.net.person(1)));
        let client = Client::with_key(site.net.person(1));
        let stored = Client::with_key(site.net.person(9));
        let backend = Backend::start(site.net.server(1))?;
        site.ok(&["pool", "add", &site.net.pool()]);
        add_server_at(&site, "web01", backend.addr, 1);
        let key = stored.key().display().to_string();
        site.ok(&[
            "server",
            "credential",
            "add",
            "web01",
            "--login",
            &this_login(),
            "--key",
            &key,
        ]);
        site.add_person("alice", site.net.person(1));
        site.cli(&["user", "key", "add", "alice", "-"])
            .stdin(client.public_key())
            .done()
            .ok();
        site.ok(&["policy", "grant", "--user", "alice", "--server", "web01"]);
        site.serve();
        Ok(Self {
            site,
            backend,
            stored,
            client,
        })
    }

    /// The gate's process.
    pub(crate) fn gate(&self) -> u32 {
        self.site.node().pid()
    }

    /// The person who comes through the gate.
    pub(crate) fn person(&self) -> io::Result<Arc<Person>> {
        let to = self.site.node().ssh_at(self.site.net.proxy(1));
        let person = Person::new(self.site.net.person(1), to, &this_login(), &self.client.key())?;
        Ok(Arc::new(person))
    }

    /// The same without the gate.
    pub(crate) fn direct(&self) -> io::Result<Arc<Person>> {
        let source = self.site.net.person(1);
        let person = Person::new(source, self.backend.addr, &this_login(), &self.stored.key())?;
        Ok(Arc::new(person))
    }

    /// How many sessions of the wanted ones the gate's open-file limit allows, and how many files each holds; `held`
    /// are open now, `idle` files were open before.
    pub(crate) fn room(&self, wanted: usize, held: usize, idle: usize) -> io::Result<(usize, f64)> {
        let files = self.files()?;
        let each = files.saturating_sub(idle) as f64 / held as f64;
        let room = (open_file_limit()?.saturating_sub(SPARE + idle as u64)) as f64 / each.max(1.0);
        Ok((wanted.min(room as usize), each))
    }

    /// Files that the gate has open.
    pub(crate) fn files(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.gate()))?.count())
    }
}
