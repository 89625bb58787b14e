//! Starting and stopping a node.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gatehouse_archive::{Archive, ArchiveConfig, ArchiveError};
use gatehouse_audit::Actor;
use gatehouse_model::{EndReason, NodeId};
use gatehouse_policy::Directory;
use gatehouse_store::{GateHostKey, Store, StoreError};
use gatehouse_telemetry::{AUDIT_INTACT, STORE_UP};
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::forward::Taken;
use crate::guard::{self, Guard};
use crate::node::NodeHome;
use crate::nodes::{self, NodeListenError, NodeListener};
use crate::outage::in_time;
use crate::recording_keys::{self, RecordingKeyError};
use crate::refresh::{self, DirectoryError};
use crate::registry::Registry;
use crate::settings::GateSettings;
use crate::supervise::{self, Command, Ending};
use crate::utmp::LoginBook;
use crate::witness::{self, Witness};
use crate::{control, housekeeping};

/// For the last rows to be written when the node stops.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// The node cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The recordings cannot be kept.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Recordings cannot be signed.
    #[error(transparent)]
    RecordingKey(#[from] RecordingKeyError),
    /// Mending what a crash left panicked.
    #[error("the recordings that an earlier run left open could not be mended")]
    Recovery(#[source] tokio::task::JoinError),
    /// The directory cannot be had.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The control socket cannot be made.
    #[error("the control socket {path} cannot be made")]
    Control {
        /// Where.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Other nodes cannot be listened to.
    #[error(transparent)]
    Nodes(#[from] NodeListenError),
    /// The configured zone is none.
    #[error("{0:?} in policy.timezone is not a time zone; write one such as Europe/Warsaw")]
    Zone(String),
}

/// The node's gates have this in common. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    settings: GateSettings,
    zone: TimeZone,
    home: NodeHome,
    store: Store,
    archive: Archive,
    clock: Clock,
    directory: ArcSwap<Directory>,
    revision: watch::Sender<i64>,
    registry: Registry,
    /// Ports of remote forwards.
    taken: Taken,
    login_book: LoginBook,
    guard: Guard,
    witness: tokio::sync::Mutex<Witness>,
    tasks: TaskTracker,
    /// No new sessions.
    stopping: CancellationToken,
    /// Everything has ended.
    stopped: CancellationToken,
}

impl Gate {
    /// Starts the node: mends what a crash left open, reads the directory, and begins its regular duties.
    ///
    /// # Errors
    /// The store, the recordings or the control socket cannot be had.
    pub async fn start(
        settings: GateSettings,
        home: NodeHome,
        store: Store,
        clock: Clock,
    ) -> Result<Self, StartError> {
        // Until a check says otherwise.
        AUDIT_INTACT.set(&[], 1);
        let zone = gatehouse_policy::find_zone(&settings.directory.default_zone)
            .map_err(|_| StartError::Zone(settings.directory.default_zone.clone()))?;
        let now = clock.now();
        let nodes = NodeListener::bind(&settings.node_listen, &store, now, home.id()).await?;
        let address = nodes.as_ref().map(|nodes| nodes.address.as_str());
        store
            .register_node(now, home.id(), &settings.node_name, address)
            .await?;
        STORE_UP.set(&[], 1);
        let actor = Actor::node(home.id());
        let sealing = recording_keys::sealing(&store, &actor, clock.now(), &settings.encryption).await?;
        let config = ArchiveConfig {
            root: settings.recordings.clone(),
            node: home.id(),
            writers: settings.writers,
            patience: settings.disk_patience,
        };
        let archive = Archive::open(config, sealing)?;
        let directory = refresh::load(&store, &settings.directory).await?;
        let taken = Taken::default();
        settings.own_ports.iter().for_each(|port| taken.reserve(*port));
        let gate = Self(Arc::new(Inner {
            zone,
            revision: watch::Sender::new(directory.revision()),
            directory: ArcSwap::new(directory),
            registry: Registry::default(),
            taken,
            login_book: LoginBook::default(),
            guard: Guard::new(settings.guard.clone()),
            witness: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            settings,
            home,
            store,
            archive,
            clock,
        }));
        gate.mend().await?;
        control::serve(&gate)?;
        if let Some(listener) = nodes {
            nodes::serve(&gate, listener);
        }
        gate.login_book().start(&gate);
        gate.tasks().spawn(refresh::follow(gate.clone()));
        gate.tasks().spawn(recording_keys::follow(gate.clone()));
        gate.tasks().spawn(housekeeping::run(gate.clone()));
        gate.tasks().spawn(housekeeping::watch_kills(gate.clone()));
        gate.tasks().spawn(guard::run(gate.clone()));
        gate.tasks().spawn(witness::run(gate.clone()));
        Ok(gate)
    }

    /// The gate's host keys in force; those that are missing are made by `generate`, once for all nodes.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub async fn host_keys(
        &self,
        generate: impl FnOnce(&[GateHostKey]) -> Vec<GateHostKey> + Send + 'static,
    ) -> Result<Vec<GateHostKey>, StoreError> {
        let present = self.store().gate_host_keys().await?;
        let made = tokio::task::spawn_blocking(move || (generate(&present), present)).await;
        match made {
            Ok((missing, present)) if missing.is_empty() => Ok(present),
            Ok((missing, _)) => {
                let actor = Actor::node(self.node());
                self.store()
                    .keep_gate_host_keys(&actor, self.clock().now(), missing)
                    .await
            }
            Err(error) => {
                tracing::error!(%error, "host keys could not be made");
                self.store().gate_host_keys().await
            }
        }
    }

    /// The gate's host keys as they are stored.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub async fn stored_host_keys(&self) -> Result<Vec<GateHostKey>, StoreError> {
        self.store().gate_host_keys().await
    }

    /// Stops: no new sessions, a notice to the running ones, their end after the grace, the last rows.
    pub async fn stop(&self) {
        self.0.stopping.cancel();
        let grace = self.settings().shutdown_grace;
        for entry in self.registry().all() {
            let text = format!(
                "The gate is being stopped; this session ends in {} seconds.",
                grace.as_secs()
            );
            let _ = entry.commands.try_send(Command::Notice(text));
        }
        if tokio::time::timeout(grace, self.registry().empty())
            .await
            .is_err()
        {
            for entry in self.registry().all() {
                let ending = Ending {
                    reason: EndReason::ServiceRestart,
                    by: None,
                    sentence: "The gate was stopped, so this session ends here. Connect again shortly."
                        .to_owned(),
                };
                let core = Arc::clone(&entry.core);
                core.spawn(async move { supervise::end(&entry.core, &entry.commands, ending).await });
            }
            let _ = tokio::time::timeout(LAST_WRITES, self.registry().empty()).await;
        }
        self.0.stopped.cancel();
        self.tasks().close();
        let _ = tokio::time::timeout(LAST_WRITES, self.tasks().wait()).await;
        let now = self.clock().now();
        let last = async {
            in_time(self.store().flush_all_denials(now)).await?;
            in_time(self.store().stop_node(now, self.node())).await?;
            // What a short check cannot finish is checked at the next start.
            tokio::time::timeout(LAST_WRITES, witness::seal(self))
                .await
                .unwrap_or(Ok(()))
        };
        if let Err(error) = last.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the last rows could not be written"
            );
        }
        let _ = std::fs::remove_file(self.0.home.control_socket());
        // A database that does not answer takes no leave either.
        let _ = tokio::time::timeout(LAST_WRITES, self.store().close()).await;
    }

    /// The settings.
    pub fn settings(&self) -> &GateSettings {
        &self.0.settings
    }

    /// The node's id.
    pub fn node(&self) -> NodeId {
        self.0.home.id()
    }

    /// The zone in which times are told.
    pub fn zone(&self) -> TimeZone {
        self.0.zone.clone()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The directory in force.
    pub fn directory(&self) -> Arc<Directory> {
        self.0.directory.load_full()
    }

    /// Tasks that the node's end waits for.
    pub fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    /// Tells the directory's revision at each change.
    pub fn directory_changes(&self) -> watch::Receiver<i64> {
        self.0.revision.subscribe()
    }

    pub(crate) fn replace_directory(&self, directory: Arc<Directory>) {
        let revision = directory.revision();
        self.0.directory.store(directory);
        self.0.revision.send_replace(revision);
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn archive(&self) -> &Archive {
        &self.0.archive
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.0.guard
    }

    pub(crate) fn witness(&self) -> &tokio::sync::Mutex<Witness> {
        &self.0.witness
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn taken(&self) -> &Taken {
        &self.0.taken
    }

    pub(crate) fn login_book(&self) -> &LoginBook {
        &self.0.login_book
    }

    pub(crate) fn home(&self) -> &NodeHome {
        &self.0.home
    }

    /// Whether no new sessions are taken.
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.is_cancelled()
    }

    /// Resolves when the node begins to stop: what has no session yet is to go.
    pub async fn stopping(&self) {
        self.0.stopping.cancelled().await;
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.stopped.is_cancelled()
    }

    /// Resolves when the node has stopped.
    pub async fn stopped(&self) {
        self.0.stopped.cancelled().await;
    }

    /// A recording's directory as rows show it: below the data directory, or whole where it lies elsewhere.
    pub(crate) fn shown_path(&self, below_root: &str) -> String {
        let whole = self.settings().recordings.join(below_root);
        let shown: &Path = whole.strip_prefix(&self.settings().data_dir).unwrap_or(&whole);
        shown.display().to_string()
    }
}
