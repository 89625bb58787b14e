//! What every operation works with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gatehouse_archive::Library;
use gatehouse_gate::Gate;
use gatehouse_model::{AddressRange, Secret, SpanSeconds, Timestamp};
use gatehouse_policy::Directory;
use gatehouse_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::address::PublicUrl;
use crate::caller::limits;
use crate::live::Live;

/// How often what has ended is forgotten.
const KEEP_UP_EVERY: Duration = Duration::from_secs(600);

/// How long the directory in memory may stay behind the store before it is read as it is.
const CATCH_UP: Duration = Duration::from_secs(2);

/// Whether a known source address is enough for a person's own pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressTrust {
    /// It is, for these and nothing else.
    OwnPages,
    /// It is not.
    Never,
}

/// How the site's pages reach browsers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// Through TLS that ends here.
    Tls,
    /// Without; signing in works from loopback only, or through a trusted proxy that says it was asked over TLS.
    Plain,
}

/// What the configuration says of the web.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// How people reach the pages.
    pub public_url: PublicUrl,
    /// Further names under which they may.
    pub hosts: Vec<String>,
    /// Proxies whose word on the source address counts.
    pub trusted_proxies: Vec<AddressRange>,
    /// Whether a known address is enough.
    pub address_trust: AddressTrust,
    /// With TLS or without.
    pub transport: Transport,
    /// A sign-in ends when it was not used for so long.
    pub idle_timeout: SpanSeconds,
    /// A sign-in ends after so long in any case.
    pub session_timeout: SpanSeconds,
    /// For so long after signing in, dangerous things may be done without confirming.
    pub confirm_after: SpanSeconds,
    /// The node's directory, where its control socket is.
    pub data_dir: PathBuf,
    /// The configuration without secrets, for showing.
    pub configuration: serde_json::Value,
}

/// A node's web. Cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    gate: Gate,
    store: Store,
    library: Library,
    settings: WebSettings,
    live: Live,
}

impl Site {
    /// The web of this node. `library` reads its recordings.
    pub fn new(gate: Gate, store: Store, library: Library, settings: WebSettings) -> Self {
        Self(Arc::new(Inner {
            gate,
            store,
            library,
            settings,
            live: Live::new(),
        }))
    }

    /// A link by which a person sets up how they sign in.
    pub fn setup_link(&self, secret: &Secret) -> String {
        self.0.settings.public_url.setup_link(secret)
    }

    /// Forgets what has ended, from time to time, until it is to stop.
    pub async fn keep_up(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(KEEP_UP_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.forget().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "sign-ins that have ended could not be forgotten"
                );
            }
        }
    }

    async fn forget(&self) -> Result<(), StoreError> {
        let (store, now) = (self.store(), self.now());
        store.prune_sign_ins(now, limits(self.settings())).await?;
        store.prune_tokens(now).await?;
        store.prune_failures(now).await
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn library(&self) -> &Library {
        &self.0.library
    }

    pub(crate) fn settings(&self) -> &WebSettings {
        &self.0.settings
    }

    pub(crate) fn live(&self) -> &Live {
        &self.0.live
    }

    /// The directory in memory, as soon as it shows what was changed through this process; after a while, as it is.
    pub(crate) async fn directory(&self) -> Arc<Directory> {
        let changed = *self.store().changes().borrow();
        let mut shown = self.gate().directory_changes();
        // A gate that is being stopped tells no more changes.
        let _ = tokio::time::timeout(CATCH_UP, shown.wait_for(|revision| *revision >= changed)).await;
        self.gate().directory()
    }

    /// The instant, as the gates have it.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.gate.clock().now()
    }
}
