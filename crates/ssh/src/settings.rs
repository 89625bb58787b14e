//! What can be configured about the SSH gate.

use std::sync::Arc;
use std::time::Duration;

use gatehouse_model::{LegacyAlgorithms, ServerId};
use russh::server::Config;
use russh::{MethodKind, MethodSet, SshId, client};

use crate::algorithms::Algorithms;
use crate::host_keys::HostKeys;
use crate::ident::ClientKind;

/// Receive window of a channel, each way: what a peer may send before it is read, and so the most that a reader
/// who stalls costs.
const WINDOW: u32 = 2 * 1024 * 1024;
/// Messages that may wait for a channel's reader; small packets run out of these before the window is full.
const CHANNEL_QUEUE: usize = 16_384;
/// Refused authentication requests, refused key probes included, before the client is cut off.
const AUTH_REQUESTS: usize = 20;

/// Whether a password may be sent to a backend whose host key is seen for the first time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FirstUse {
    /// The key is pinned and the password sent.
    Accept,
    /// The key is kept for an administrator to accept; until then no password is sent.
    Ask,
}

/// What follows when a person with registered keys has proved one, and no stored credential is to be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecondStep {
    /// A password or keyboard-interactive, passed on to the server; an empty answer means the forwarded agent.
    Password,
    /// Nothing: the forwarded agent logs in.
    Agent,
}

/// The SSH gate's settings.
#[derive(Clone, Debug)]
pub struct SshSettings {
    /// The algorithms offered.
    pub algorithms: Algorithms,
    /// The gate's host keys.
    pub host_keys: HostKeys,
    /// From the connection's beginning to a login.
    pub login_grace: Duration,
    /// For the backend to accept a connection.
    pub connect_timeout: Duration,
    /// For each later step of the backend's login.
    pub login_timeout: Duration,
    /// Wrong passwords and keyboard-interactive rounds before the client is told no more.
    pub password_attempts: u32,
    /// Channels open at a time on one connection.
    pub channels: usize,
    /// Connections through forwards open at a time on one connection.
    pub forward_connections: usize,
    /// Whether a password goes to a host key never seen before.
    pub first_use: FirstUse,
    /// What follows a registered key.
    pub second_step: SecondStep,
    /// Interval of keep-alive messages to client and backend.
    pub keepalive: Option<Duration>,
}

impl SshSettings {
    /// Settings with the built-in limits.
    pub fn new(algorithms: Algorithms, host_keys: HostKeys) -> Self {
        Self {
            algorithms,
            host_keys,
            login_grace: Duration::from_secs(120),
            connect_timeout: Duration::from_secs(10),
            login_timeout: Duration::from_secs(20),
            password_attempts: 6,
            channels: 100,
            forward_connections: 256,
            first_use: FirstUse::Accept,
            second_step: SecondStep::Password,
            keepalive: Some(Duration::from_secs(60)),
        }
    }

    pub(crate) fn server_config(&self, kind: ClientKind, server: Option<ServerId>) -> Arc<Config> {
        Arc::new(Config {
            server_id: SshId::Standard("SSH-2.0-Gatehouse".into()),
            methods: login_methods(),
            // A refused probe of a key is no guess; wrong passwords are slowed down where they are handled.
            auth_rejection_time: Duration::from_millis(20),
            auth_rejection_time_initial: Some(Duration::ZERO),
            keys: self.host_keys.of(server),
            window_size: WINDOW,
            channel_buffer_size: CHANNEL_QUEUE,
            preferred: self.algorithms.for_client(kind),
            max_auth_attempts: AUTH_REQUESTS,
            inactivity_timeout: None,
            keepalive_interval: self.keepalive,
            keepalive_max: 3,
            nodelay: true,
            ..Config::default()
        })
    }

    pub(crate) fn client_config(&self, pinned: &[String], legacy: LegacyAlgorithms) -> Arc<client::Config> {
        Arc::new(client::Config {
            client_id: SshId::Standard("SSH-2.0-Gatehouse".into()),
            window_size: WINDOW,
            channel_buffer_size: CHANNEL_QUEUE,
            preferred: self.algorithms.for_backend(pinned, legacy),
            keepalive_interval: self.keepalive,
            keepalive_max: 3,
            nodelay: true,
            ..client::Config::default()
        })
    }
}

/// What a person who may enter is offered.
pub(crate) fn login_methods() -> MethodSet {
    methods(&[
        MethodKind::PublicKey,
        MethodKind::KeyboardInteractive,
        MethodKind::Password,
    ])
}

/// What a person who may not enter is offered: nothing that could be guessed.
pub(crate) fn denied_methods() -> MethodSet {
    methods(&[MethodKind::PublicKey])
}

/// The second step after a registered key.
pub(crate) fn second_step_methods() -> MethodSet {
    methods(&[MethodKind::KeyboardInteractive, MethodKind::Password])
}

pub(crate) fn methods(kinds: &[MethodKind]) -> MethodSet {
    let mut set = MethodSet::empty();
    for kind in kinds {
        set.push(*kind);
    }
    set
}
