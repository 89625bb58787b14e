//! Reaching another node.

use std::time::Duration;

use gatehouse_model::{NodeId, Timestamp};
use gatehouse_store::{Node, NodeState, Store, StoreError};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authority::{AuthorityError, name_of};
use super::tls;
use crate::words;

/// For the connection, and for the handshake.
const PATIENCE: Duration = Duration::from_secs(3);

/// Another node cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The store does not know it, or cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It takes no requests over the network.
    #[error(
        "the session runs on node {0}, which cannot be asked from here; run this there, or set node.listen in its configuration"
    )]
    NotListening(String),
    /// It has stopped.
    #[error("the session runs on node {0}, which has stopped")]
    Stopped(String),
    /// It does not answer.
    #[error("node {name} does not answer at {address}; it was last heard of {heard} ago")]
    NoAnswer {
        /// Its name.
        name: String,
        /// Where it was tried.
        address: String,
        /// How long ago its heart beat last.
        heard: String,
        /// Why.
        source: std::io::Error,
    },
    /// What answers is not that node, or does not take us for one of its store.
    #[error("what answers at {address} is not node {name} of this database")]
    Stranger {
        /// The node's name.
        name: String,
        /// Where it was tried.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is no certificate to show.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Connects to a node and makes sure that it is the one.
pub(crate) async fn reach(
    store: &Store,
    now: Timestamp,
    id: NodeId,
) -> Result<TlsStream<TcpStream>, ReachError> {
    let node = store.node(id).await?;
    if node.state(now) == NodeState::Stopped {
        return Err(ReachError::Stopped(node.name));
    }
    let not_listening = || ReachError::NotListening(node.name.clone());
    let address = node.address.clone().ok_or_else(not_listening)?;
    let authority = store.node_authority().await?.ok_or_else(not_listening)?;
    let config = tls::client(&authority, now)?;
    let name = ServerName::try_from(name_of(id)).map_err(|_| not_listening())?;
    let stream = connect(&node, &address, now).await?;
    let stranger = |source| ReachError::Stranger {
        name: node.name.clone(),
        address: address.clone(),
        source,
    };
    let shaken = TlsConnector::from(config).connect(name, stream);
    match tokio::time::timeout(PATIENCE, shaken).await {
        Ok(shaken) => shaken.map_err(stranger),
        Err(_) => Err(no_answer(
            &node,
            &address,
            now,
            std::io::ErrorKind::TimedOut.into(),
        )),
    }
}

async fn connect(node: &Node, address: &str, now: Timestamp) -> Result<TcpStream, ReachError> {
    let connected = match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(connected) => connected,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    };
    let stream = connected.map_err(|source| no_answer(node, address, now, source))?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn no_answer(node: &Node, address: &str, now: Timestamp, source: std::io::Error) -> ReachError {
    ReachError::NoAnswer {
        name: node.name.clone(),
        address: address.to_owned(),
        heard: words::remaining(node.heartbeat_at, now),
        source,
    }
}
