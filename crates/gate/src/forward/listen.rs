//! The gate's own side of a remote forward: a port on the session's proxy address, and who may use it.
//!
//! The port lies from 1024 up and is none that a gate listens on. It accepts the session's own source, the target,
//! and people who may reach the target now; with the right `remote_public`, everybody. Others are told nothing and
//! the book is.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use gatehouse_model::{ProxyAddr, Right, SessionId, SourceAddr, TargetHost};
use gatehouse_policy::may_reach;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};

use super::ForwardAsk;
use crate::live::{Core, Live};

/// The lowest port that a remote forward may have.
const LOWEST: u16 = 1_024;
/// Pause after a failed accept, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Ports that are not to be had: those on proxy addresses that sessions have taken, and those of the gates.
#[derive(Default)]
pub(crate) struct Taken {
    by_sessions: Mutex<HashMap<SocketAddr, SessionId>>,
    by_gates: Mutex<HashSet<u16>>,
}

impl Taken {
    /// Keeps a port on every address for the gates.
    pub(crate) fn reserve(&self, port: u16) {
        self.by_gates.lock().insert(port);
    }

    fn is_reserved(&self, port: u16) -> bool {
        self.by_gates.lock().contains(&port)
    }
}

/// A port cannot be listened on. Each is a sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum ListenRefusal {
    /// Below 1024.
    #[error(
        "remote forwarding of port {0} is refused: ports below 1024 are not given out; use one from 1024 up"
    )]
    Low(u16),
    /// A gate's own port.
    #[error(
        "remote forwarding of port {0} is refused: the gate itself listens on that port; use another one"
    )]
    Reserved(u16),
    /// Another session has it.
    #[error(
        "remote forwarding of port {port} is refused: another session has taken it on {ip}; use another one"
    )]
    Taken {
        /// The proxy address.
        ip: IpAddr,
        /// The port.
        port: u16,
    },
    /// Another program has it.
    #[error("remote forwarding of port {port} is refused: it is in use on {ip}; use another one")]
    InUse {
        /// The proxy address.
        ip: IpAddr,
        /// The port.
        port: u16,
    },
    /// Anything else.
    #[error("remote forwarding of port {port} is refused: the gate cannot listen on {ip}: {source}")]
    Other {
        /// The proxy address.
        ip: IpAddr,
        /// The port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
}

impl ListenRefusal {
    /// Whether another port may do better.
    pub fn is_about_this_port(&self) -> bool {
        !matches!(self, Self::Other { .. })
    }
}

/// A connection that came to the proxy address and may be passed on.
pub struct Incoming {
    /// The connection.
    pub stream: TcpStream,
    /// Where it comes from.
    pub peer: SocketAddr,
}

/// A port on the session's proxy address.
pub struct RemoteListener {
    core: Arc<Core>,
    listener: TcpListener,
    addr: SocketAddr,
    target: Option<IpAddr>,
}

impl Live {
    /// The proxy address on which remote forwards of this session listen, if it came by one of the pool.
    pub fn remote_address(&self) -> Option<ProxyAddr> {
        self.decided().proxy
    }

    /// Listens on the session's proxy address; port 0 takes a free one. `target` is the address at which the target
    /// was reached, which may connect too.
    ///
    /// # Errors
    /// The port is not to be had.
    pub async fn listen_remote(
        &self,
        proxy: ProxyAddr,
        port: u16,
        target: Option<IpAddr>,
    ) -> Result<RemoteListener, ListenRefusal> {
        let core = Arc::clone(self.core());
        let gate = core.gate();
        let ip = proxy.ip();
        if port != 0 && port < LOWEST {
            return Err(ListenRefusal::Low(port));
        }
        if gate.taken().is_reserved(port) {
            return Err(ListenRefusal::Reserved(port));
        }
        let listener = TcpListener::bind((ip, port)).await.map_err(|source| {
            let taken = gate
                .taken()
                .by_sessions
                .lock()
                .contains_key(&SocketAddr::new(ip, port));
            match source.kind() {
                std::io::ErrorKind::AddrInUse if taken => ListenRefusal::Taken { ip, port },
                std::io::ErrorKind::AddrInUse => ListenRefusal::InUse { ip, port },
                _ => ListenRefusal::Other { ip, port, source },
            }
        })?;
        let addr = listener
            .local_addr()
            .map_err(|source| ListenRefusal::Other { ip, port, source })?;
        if gate.taken().is_reserved(addr.port()) || addr.port() < LOWEST {
            return Err(ListenRefusal::Reserved(addr.port()));
        }
        gate.taken().by_sessions.lock().insert(addr, core.id);
        Ok(RemoteListener {
            core,
            listener,
            addr,
            target,
        })
    }
}

impl RemoteListener {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next connection from somebody who may use the port. Others are closed on the way.
    pub async fn accept(&self) -> Incoming {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) if self.may_use(peer) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "TCP_NODELAY could not be set");
                    }
                    return Incoming { stream, peer };
                }
                Ok((_, peer)) => self.tell(peer),
                Err(error) => {
                    tracing::warn!(session = %self.core.id, %error, "a connection of a remote forward could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn may_use(&self, peer: SocketAddr) -> bool {
        let core = &self.core;
        let source = SourceAddr::new(peer.ip());
        if source == core.decided.accepted.source() {
            return true;
        }
        let grant = core.grant.load();
        if grant.rights.allows(Right::RemotePublic) {
            return true;
        }
        let target = match &core.decided.target.host {
            TargetHost::Ip(ip) => Some(*ip),
            TargetHost::Name(_) => None,
        };
        let from_target = [self.target, target]
            .into_iter()
            .flatten()
            .any(|ip| SourceAddr::new(ip) == source);
        let gate = core.gate();
        from_target || may_reach(&gate.directory(), source, grant.server, gate.clock().now())
    }

    fn tell(&self, peer: SocketAddr) {
        let core = &self.core;
        let sentence = format!(
            "a connection from {} was refused: nobody with that address may reach {}",
            SourceAddr::new(peer.ip()),
            core.decided.server
        );
        let ask = ForwardAsk::Remote(self.addr.to_string());
        core.ledger.deny(core, &ask, &sentence);
    }
}

impl Drop for RemoteListener {
    fn drop(&mut self) {
        self.core.gate().taken().by_sessions.lock().remove(&self.addr);
    }
}
