//! Where the trial happens: a directory, and addresses and ports that nobody uses.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gatehouse_model::SpanSeconds;

use crate::config::{Config, Listen, load};
use crate::failure::Failure;

/// Ports tried for the gate, the one that is easy to remember first.
const PORTS: std::ops::Range<u16> = 2222..2322;
/// Third bytes tried for the gate's network 127.0.N.0/28; its servers are in 127.0.(N+10).
const NETWORKS: std::ops::Range<u8> = 20..30;
/// The last byte of the gate's own address, outside the pool.
const GATE: u8 = 100;
/// The last byte of an address that nobody connects to; who listens there has the network and the port.
const CLAIM: u8 = 101;

/// The trial's directory and addresses.
pub(super) struct Place {
    dir: PathBuf,
    kept: Kept,
    network: u8,
    /// Bound as long as the trial lasts, so that another one takes other addresses.
    _claim: TcpListener,
    /// The port that the gate listens on, at each of its addresses.
    pub(super) port: u16,
    /// The port of the pages, at the gate's own address.
    web_port: u16,
}

/// Whether the directory outlives the trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kept {
    Yes,
    No,
}

impl Place {
    /// Makes the directory and chooses addresses.
    pub(super) fn make(named: Option<PathBuf>) -> Result<Self, Failure> {
        let (network, port, claim) = free_network()?;
        let (dir, kept) = match named {
            Some(dir) => (named_directory(&dir)?, Kept::Yes),
            None => (temporary_directory()?, Kept::No),
        };
        Ok(Self {
            dir,
            kept,
            network,
            _claim: claim,
            port,
            web_port: free_port(Ipv4Addr::new(127, 0, network, GATE))?,
        })
    }

    /// Removes the directory, unless it was named.
    pub(super) fn leave(self) -> Result<(), Failure> {
        match self.kept {
            Kept::Yes => Ok(()),
            Kept::No => fs::remove_dir_all(&self.dir).map_err(|source| Failure::File {
                path: self.dir.clone(),
                done: "removed",
                source,
            }),
        }
    }

    /// The directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The configuration's file.
    pub(super) fn config_file(&self) -> PathBuf {
        self.file("gatehouse.toml")
    }

    /// The node's log.
    pub(super) fn node_log(&self) -> PathBuf {
        self.file("node.log")
    }

    /// The pool.
    pub(super) fn pool(&self) -> String {
        format!("{}/28", Ipv4Addr::new(127, 0, self.network, 0))
    }

    /// The gate's own address, outside the pool.
    pub(super) fn gate(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, 0, self.network, GATE)
    }

    /// Where the pages are.
    pub(super) fn url(&self) -> String {
        format!("https://{}:{}", self.gate(), self.web_port)
    }

    /// The proxy address of a sample server, from 1.
    pub(super) fn proxy(&self, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 0, self.network, number)
    }

    /// Where a sample server listens, from 1.
    pub(super) fn server(&self, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 0, self.network + 10, number)
    }

    /// Writes the configuration, and reads it as any other.
    pub(super) fn write_config(&self) -> Result<Config, Failure> {
        let listen = [self.gate(), self.proxy(1), self.proxy(2)].map(|ip| SocketAddr::from((ip, self.port)));
        let mut config = Config {
            data_dir: self.file("data"),
            ..Config::default()
        };
        config.ssh.listen = Listen::new(listen);
        config.rdp.listen = Listen::default();
        config.web.listen = Listen::new([SocketAddr::from((self.gate(), self.web_port))]);
        config.web.public_url = self.url();
        config.metrics.listen = Listen::default();
        // A trial is nobody's login at this machine.
        config.utmp.utmp = PathBuf::new();
        config.utmp.wtmp = PathBuf::new();
        config.policy.contact = Some("whoever started this trial".to_owned());
        // Warnings and the last moments are short, so that they can be seen.
        config.expiry.warnings = [60, 20].into_iter().filter_map(SpanSeconds::new).collect();
        config.shutdown.grace = SpanSeconds::new(1).unwrap_or(config.shutdown.grace);
        let text = toml::to_string(&config).map_err(|error| {
            Failure::refused(format!("the configuration cannot be written as TOML: {error}"))
        })?;
        let path = self.config_file();
        fs::write(&path, text).map_err(|source| Failure::File {
            path: path.clone(),
            done: "written",
            source,
        })?;
        Ok(load(Some(&path), [])?.config)
    }
}

fn named_directory(dir: &Path) -> Result<PathBuf, Failure> {
    let dir = std::path::absolute(dir).map_err(|source| Failure::File {
        path: dir.to_owned(),
        done: "made",
        source,
    })?;
    make_private(&dir)?;
    let failed = |source| Failure::File {
        path: dir.clone(),
        done: "read",
        source,
    };
    if fs::read_dir(&dir).map_err(failed)?.next().is_some() {
        let shown = dir.display();
        return Err(Failure::refused(format!(
            "{shown} is not empty; name a directory that is, or a new one"
        )));
    }
    Ok(dir)
}

fn temporary_directory() -> Result<PathBuf, Failure> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::refused(format!("no random name can be had for a directory: {error}")))?;
    let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let dir = std::env::temp_dir().join(format!("gatehouse-demo-{name}"));
    make_private(&dir)?;
    Ok(dir)
}

/// Makes a directory for its owner alone; one that is there keeps its permissions.
fn make_private(dir: &Path) -> Result<(), Failure> {
    let failed = |source| Failure::File {
        path: dir.to_owned(),
        done: "made",
        source,
    };
    if dir.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(failed)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(failed)
}

/// A network and a port of which nothing is in use yet, and the claim to them.
fn free_network() -> Result<(u8, u16, TcpListener), Failure> {
    for port in PORTS {
        for network in NETWORKS {
            let address = |number| Ipv4Addr::new(127, 0, network, number);
            let Ok(claim) = TcpListener::bind((address(CLAIM), port)) else {
                continue;
            };
            if [1, 2, GATE]
                .into_iter()
                .all(|number| is_free(address(number), port))
            {
                return Ok((network, port, claim));
            }
        }
    }
    Err(Failure::refused(
        "no loopback address is free for the trial; stop other programs that listen in 127.0.20.0/20",
    ))
}

fn is_free(address: Ipv4Addr, port: u16) -> bool {
    TcpListener::bind((address, port)).is_ok()
}

/// A free port at an address.
pub(super) fn free_port(address: Ipv4Addr) -> Result<u16, Failure> {
    TcpListener::bind((address, 0))
        .and_then(|listener| listener.local_addr())
        .map(|addr| addr.port())
        .map_err(|source| Failure::System {
            what: "no port is free for a sample server",
            source,
        })
}
