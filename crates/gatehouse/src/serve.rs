//! `gatehouse serve`: the wiring of a node.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use gatehouse_archive::SealedKey;
use gatehouse_gate::{
    Acceptor, Clock, Door, Entrance, Gate, GateSettings, Lanes, ListenerName, NodeHome, NodeListen, Proxies,
    RecordingEncryption, bind, make_private_dir, recording_keyring,
};
use gatehouse_model::{Protocol, SpanSeconds};
use gatehouse_search::{EncryptedRecordings, IndexerSettings, Pace};
use gatehouse_ssh::{AlgorithmLists, Algorithms, HostKeys, SshSettings};
use gatehouse_store::Store;
use gatehouse_web::Exporter;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::{absolute, open_store};
use crate::config::{Config, FirstUse, Loaded, Log, SecondStep, Ssh, load};
use crate::failure::{Failure, sentence};
use crate::hooks::hooks;
use crate::logging;
use crate::operations::{self, exporter};
use crate::pages;

/// Threads that write recordings.
const WRITERS: usize = 4;

/// The listeners for people's own connections.
const SSH: ListenerName = ListenerName {
    gate: "ssh",
    key: "ssh.listen",
    before: None,
};
/// The listeners for connections that a proxy brings.
const SSH_BEHIND_PROXY: ListenerName = ListenerName {
    gate: "ssh",
    key: "ssh.proxy_listen",
    before: Some("v2"),
};

/// Runs the node until SIGTERM or SIGINT.
pub(crate) async fn run(loaded: Loaded) -> Result<ExitCode, Failure> {
    let config = &loaded.config;
    // Before anything takes a handle to count with.
    let exporter = exporter(&config.metrics.listen)?;
    if config.log_file().is_some() {
        make_private_dir(&absolute(&config.data_dir)?).map_err(refused)?;
    }
    logging::start(config);
    let ended = serve(&loaded, exporter).await;
    logging::flush();
    ended
}

async fn serve(loaded: &Loaded, exporter: Option<Exporter>) -> Result<ExitCode, Failure> {
    let config = &loaded.config;
    let mut signals = Signals::new()?;
    let algorithms = Algorithms::new(&algorithm_lists(&config.ssh)).map_err(refused)?;
    let home = NodeHome::take(&absolute(&config.data_dir)?, uuid::Uuid::new_v4()).map_err(refused)?;
    let hooks = hooks(config)?;
    // Held here, because sessions go on after nothing is accepted any more.
    let lanes = lanes()?;
    let store = open_store(config).await?;
    let gate = Gate::start(gate_settings(config)?, home, store.clone(), Clock::system())
        .await
        .map_err(refused)?;
    for hook in hooks {
        let kinds = config.alerts.kinds.clone();
        gate.tasks()
            .spawn(gatehouse_alerts::run(gate.clone(), store.clone(), hook, kinds));
    }

    if config.search.enabled {
        let stopped = gate.clone();
        let indexer = indexer_settings(config, &gate, &store)?;
        gate.tasks()
            .spawn(gatehouse_search::run(store.clone(), indexer, async move {
                stopped.stopping().await;
            }));
    }

    let stop = CancellationToken::new();
    let connections = TaskTracker::new();
    let listening = listen(config, algorithms, &gate, &stop, (&connections, &lanes)).await;
    // Until the last session has ended.
    let observed = CancellationToken::new();
    let operating = || operations::listen(&config.metrics.listen, exporter, &gate, &observed);
    let paging = || pages::listen(config, &gate, &store, &stop);
    if let Err(failure) = listening.and_then(|()| operating()).and_then(|()| paging()) {
        gate.stop().await;
        return Err(failure);
    }
    tracing::info!("ready");

    signals.stop_ordered(loaded).await;
    tracing::info!("stopping");
    stop.cancel();
    connections.close();
    gate.stop().await;
    observed.cancel();
    Ok(ExitCode::SUCCESS)
}

async fn listen(
    config: &Config,
    algorithms: Algorithms,
    gate: &Gate,
    stop: &CancellationToken,
    (connections, lanes): (&TaskTracker, &Lanes),
) -> Result<(), Failure> {
    let ssh = &config.ssh;
    if ssh.listen.is_off() && ssh.proxy_listen.is_off() {
        return Ok(());
    }
    let host_keys = HostKeys::load(gate).await.map_err(refused)?;
    gate.tasks().spawn(host_keys.clone().follow(gate.clone()));
    let settings = Arc::new(ssh_settings(ssh, algorithms, host_keys));
    let serve =
        Arc::new(move |accepted, stream| gatehouse_ssh::serve(accepted, stream, Arc::clone(&settings)));
    let acceptor = Acceptor {
        gate: gate.clone(),
        protocol: Protocol::Ssh,
        door: Door::new(config.limits.connection_limits()),
        stop: stop.clone(),
        tasks: connections.clone(),
        lanes: lanes.clone(),
    };
    let proxies = Proxies::new(&ssh.trusted_proxies);
    for (name, addresses, entrance) in [
        (SSH, &ssh.listen, Entrance::Direct),
        (SSH_BEHIND_PROXY, &ssh.proxy_listen, Entrance::Proxied(proxies)),
    ] {
        for listener in bind(name, addresses.addresses()).map_err(refused)? {
            let serving = acceptor
                .clone()
                .run(listener, entrance.clone(), Arc::clone(&serve));
            connections.spawn(serving);
        }
    }
    Ok(())
}

/// As many as there are processors.
fn lanes() -> Result<Lanes, Failure> {
    let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Lanes::start(count).map_err(|source| Failure::System {
        what: "threads for connections cannot be started",
        source,
    })
}

fn refused(error: impl std::error::Error) -> Failure {
    Failure::refused(sentence(&error))
}

fn gate_settings(config: &Config) -> Result<GateSettings, Failure> {
    let host = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok());
    Ok(GateSettings {
        data_dir: absolute(&config.data_dir)?,
        recordings: absolute(&config.recordings())?,
        writers: WRITERS,
        disk_patience: config.recording.patience.std(),
        encryption: RecordingEncryption {
            recipients: config.recording.recipients.clone(),
            sealed_key: if config.recording.keep_sealed_key {
                SealedKey::Kept
            } else {
                SealedKey::Dropped
            },
        },
        directory: config.directory_settings(),
        warnings: config.expiry.warnings.clone(),
        guard: config.limits.guard_settings(&config.ssh.trusted_proxies),
        keep_alerts: config.alerts.keep,
        check_book: config.audit.check.std(),
        shutdown_grace: config.shutdown.grace.std(),
        own_ports: own_ports(config),
        node_name: host.unwrap_or_else(|| "localhost".to_owned()),
        node_listen: NodeListen {
            listen: config.node.listen.addresses().to_vec(),
            address: config.node.address.clone(),
        },
        login_records: config.login_records(),
    })
}

/// What the search index is made from.
fn indexer_settings(config: &Config, gate: &Gate, store: &Store) -> Result<IndexerSettings, Failure> {
    Ok(IndexerSettings {
        node: gate.node(),
        data_dir: absolute(&config.data_dir)?,
        keys: recording_keyring(store, Vec::new()),
        encrypted: if config.search.encrypted_recordings {
            EncryptedRecordings::Indexed
        } else {
            EncryptedRecordings::LeftOut
        },
        pace: Pace::default(),
    })
}

/// The ports that the configuration names for listeners.
fn own_ports(config: &Config) -> Vec<u16> {
    let sections = [
        &config.ssh.listen,
        &config.ssh.proxy_listen,
        &config.rdp.listen,
        &config.web.listen,
        &config.web.plain_listen,
        &config.metrics.listen,
    ];
    let addresses = sections.into_iter().flat_map(|listen| listen.addresses());
    addresses
        .map(SocketAddr::port)
        .filter(|port| *port != 0)
        .collect()
}

/// The configured algorithms.
pub(crate) fn algorithm_lists(ssh: &Ssh) -> AlgorithmLists {
    AlgorithmLists {
        kex: ssh.kex.clone(),
        ciphers: ssh.ciphers.clone(),
        macs: ssh.macs.clone(),
        host_keys: ssh.host_keys.clone(),
        chacha20: Some(ssh.chacha20),
    }
}

fn ssh_settings(ssh: &Ssh, algorithms: Algorithms, host_keys: HostKeys) -> SshSettings {
    SshSettings {
        login_grace: ssh.login_grace.std(),
        connect_timeout: ssh.connect_timeout.std(),
        login_timeout: ssh.login_timeout.std(),
        password_attempts: ssh.password_attempts,
        channels: usize::try_from(ssh.channels).unwrap_or(usize::MAX),
        first_use: match ssh.first_use {
            FirstUse::Accept => gatehouse_ssh::FirstUse::Accept,
            FirstUse::Ask => gatehouse_ssh::FirstUse::Ask,
        },
        second_step: match ssh.second_step {
            SecondStep::Password => gatehouse_ssh::SecondStep::Password,
            SecondStep::Agent => gatehouse_ssh::SecondStep::Agent,
        },
        keepalive: ssh.keepalive.0.map(SpanSeconds::std),
        ..SshSettings::new(algorithms, host_keys)
    }
}

/// The orders that a running node takes.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let on = |kind| {
            signal(kind).map_err(|source| Failure::System {
                what: "signals cannot be received",
                source,
            })
        };
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    /// Resolves at SIGTERM or SIGINT. SIGHUP reads the configuration again.
    async fn stop_ordered(&mut self, running: &Loaded) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => reload(running),
            }
        }
    }
}

/// Reads the configuration again. The log's level and file change at once; for the rest the log says that a restart
/// is needed. A configuration that cannot be used changes nothing, but the log's file is opened again all the same:
/// it may have been moved away.
fn reload(running: &Loaded) {
    match load(running.file.as_deref(), std::env::vars_os()) {
        Ok(fresh) => {
            logging::reload(&fresh.config);
            let Log { level, file, .. } = running.config.log.clone();
            let but_those = Config {
                log: Log {
                    level,
                    file,
                    ..fresh.config.log.clone()
                },
                ..fresh.config.clone()
            };
            if but_those == running.config {
                tracing::info!(level = %fresh.config.log.level, "configuration read again");
            } else {
                tracing::warn!(
                    "configuration read again; what changed besides log.level and log.file counts from the next start"
                );
            }
        }
        Err(error) => {
            logging::reopen();
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the configuration could not be read again"
            );
        }
    }
}
