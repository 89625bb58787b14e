//! Between nodes: mutual TLS among those that share a store.
//!
//! The store keeps one certificate authority, its key sealed. Whoever can open the store (nodes, and command lines that
//! may read configuration, database and sealing key) signs a certificate for itself, in memory, for a day or two. So a
//! node and its asker recognise each other if and only if they work on the same store; there is nothing to hand out,
//! to keep on a disk or to renew by hand.
//!
//! Invariants:
//! - **Both sides prove it.** TLS 1.3 alone, the authority's certificates alone, on both sides, and the protocol's own
//!   name (ALPN). No byte of a request is read from anybody else.
//! - **A node is asked by its id.** A node's certificate holds its id as a name, which the asker checks; that of a
//!   command line cannot serve as a node's.
//! - **Bounded.** So many conversations at a time, a deadline for each handshake; the rest as in [`crate::control`].

mod authority;
mod reach;
mod serve;
mod tls;

pub use authority::AuthorityError;
pub use reach::ReachError;
pub(crate) use reach::reach;
pub use serve::NodeListenError;
pub(crate) use serve::{NodeListener, serve};

use std::net::SocketAddr;

/// Where other nodes and command lines are listened to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodeListen {
    /// The addresses; none: nowhere.
    pub listen: Vec<SocketAddr>,
    /// Where they reach this node, `host:port`; `None`: at the first address that it listens on.
    pub address: Option<String>,
}
