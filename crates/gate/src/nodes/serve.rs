//! A node's listener for other nodes and command lines.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gatehouse_model::{NodeId, Timestamp};
use gatehouse_store::{NodeAuthority, Store};
use jiff::SignedDuration;
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::authority::{self, AuthorityError};
use super::{NodeListen, tls};
use crate::control::{From, converse};
use crate::{Gate, ListenError, ListenerName, bind};

/// Conversations at a time; more are dropped.
const CONVERSATIONS: usize = 256;
/// For the handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// A certificate older than this is signed anew; it is good for at least two days.
const RENEW: SignedDuration = SignedDuration::from_hours(12);
/// Pause after a failed accept, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How the listener for other nodes is called.
const NODE: ListenerName = ListenerName {
    gate: "node",
    key: "node.listen",
    before: None,
};

/// Bound, and not yet served.
pub(crate) struct NodeListener {
    sockets: Vec<TcpListener>,
    authority: NodeAuthority,
    /// Where others reach this node.
    pub(crate) address: String,
}

/// The node cannot listen to others.
#[derive(Debug, thiserror::Error)]
pub enum NodeListenError {
    /// An address cannot be had.
    #[error(transparent)]
    Bind(#[from] ListenError),
    /// No certificate can be had.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The bound address is not known.
    #[error("the address of node.listen cannot be told")]
    Address(#[from] std::io::Error),
}

impl NodeListener {
    /// Binds the addresses and has the store's authority at hand. `None`: the node is not to listen.
    pub(crate) async fn bind(
        wanted: &NodeListen,
        store: &Store,
        now: Timestamp,
        node: NodeId,
    ) -> Result<Option<Self>, NodeListenError> {
        let sockets = bind(NODE, &wanted.listen)?;
        let Some(first) = sockets.first() else {
            return Ok(None);
        };
        let address = match &wanted.address {
            Some(address) => address.clone(),
            None => first.local_addr()?.to_string(),
        };
        let authority = authority::establish(store, now, node).await?;
        // Now rather than at the first request.
        tls::server(&authority, node, now)?;
        Ok(Some(Self {
            sockets,
            authority,
            address,
        }))
    }
}

/// Listens until the gate stops.
pub(crate) fn serve(gate: &Gate, listener: NodeListener) {
    let shared = Arc::new(Shared {
        gate: gate.clone(),
        authority: listener.authority,
        config: Mutex::new(None),
        places: Arc::new(Semaphore::new(CONVERSATIONS)),
    });
    for socket in listener.sockets {
        gate.tasks().spawn(accept(Arc::clone(&shared), socket));
    }
}

struct Shared {
    gate: Gate,
    authority: NodeAuthority,
    /// What is shown, and when it was signed.
    config: Mutex<Option<(Timestamp, Arc<ServerConfig>)>>,
    places: Arc<Semaphore>,
}

impl Shared {
    fn config(&self) -> Result<Arc<ServerConfig>, AuthorityError> {
        let now = self.gate.clock().now();
        let mut config = self.config.lock();
        if let Some((signed, config)) = &*config
            && now.duration_since(*signed).abs() < RENEW
        {
            return Ok(Arc::clone(config));
        }
        let fresh = tls::server(&self.authority, self.gate.node(), now)?;
        *config = Some((now, Arc::clone(&fresh)));
        Ok(fresh)
    }
}

async fn accept(shared: Arc<Shared>, socket: TcpListener) {
    loop {
        let accepted = tokio::select! {
            () = shared.gate.stopped() => return,
            accepted = socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the listener for nodes could not accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
            tracing::warn!(source = %peer.ip(), "connection refused: too many ask this node");
            continue;
        };
        let shared = Arc::clone(&shared);
        let tasks = shared.gate.tasks().clone();
        tasks.spawn(async move {
            answer(&shared, stream, peer).await;
            drop(place);
        });
    }
}

async fn answer(shared: &Shared, stream: TcpStream, peer: SocketAddr) {
    let config = match shared.config() {
        Ok(config) => config,
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            return tracing::error!(error, "no certificate can be shown to other nodes");
        }
    };
    let _ = stream.set_nodelay(true);
    let shaken = TlsAcceptor::from(config).accept(stream);
    let stream = tokio::select! {
        () = shared.gate.stopped() => return,
        shaken = tokio::time::timeout(HANDSHAKE, shaken) => match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::info!(source = %peer.ip(), %error, "a stranger was refused by the listener for nodes"),
            Err(_) => return tracing::info!(source = %peer.ip(), "no handshake in time at the listener for nodes"),
        },
    };
    converse(&shared.gate, stream, From::Elsewhere(peer)).await;
}
