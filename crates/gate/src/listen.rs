//! Listeners: bound once, accepting without ever waiting for a handshake.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use gatehouse_model::{Protocol, SourceAddr};
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Gate;
use crate::accepted::Accepted;
use crate::limits::{Door, Full};

/// Connections that the kernel keeps ready for a busy accept loop.
const BACKLOG: i32 = 1_024;
/// Pause after a failed accept (out of file descriptors, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program has the port.
    #[error("{addr} is in use by another program; stop that or choose another address for {gate}.listen")]
    InUse {
        /// The address.
        addr: SocketAddr,
        /// The section of the configuration.
        gate: &'static str,
    },
    /// The port is below 1024 and the process has not the right.
    #[error(
        "{addr} needs the right to listen on ports below 1024; run as root, grant CAP_NET_BIND_SERVICE or choose a higher port for {gate}.listen"
    )]
    Forbidden {
        /// The address.
        addr: SocketAddr,
        /// The section of the configuration.
        gate: &'static str,
    },
    /// The address is not one of this machine.
    #[error("{addr} is not an address of this machine; correct {gate}.listen")]
    NotLocal {
        /// The address.
        addr: SocketAddr,
        /// The section of the configuration.
        gate: &'static str,
    },
    /// Anything else.
    #[error("{addr} cannot be listened on for {gate}.listen")]
    Other {
        /// The address.
        addr: SocketAddr,
        /// The section of the configuration.
        gate: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

/// Binds every address of a section; `[::]` takes IPv6 only, so that it can stand beside `0.0.0.0`. Each bound
/// address is logged as the contract says.
///
/// # Errors
/// The first address that cannot be bound.
pub fn bind(gate: &'static str, addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for &addr in addresses {
        let listener = match bind_one(addr) {
            Ok(listener) => listener,
            // A machine without IPv6 still serves the default `[::]` beside `0.0.0.0`.
            Err(error) if addresses.len() > 1 && is_missing_ipv6(addr, &error) => {
                tracing::warn!(gate, %addr, "this machine has no IPv6; the address is left out");
                continue;
            }
            Err(source) => return Err(classify(gate, addr, source)),
        };
        let bound = listener
            .local_addr()
            .map_err(|source| ListenError::Other { addr, gate, source })?;
        tracing::info!(gate, addr = %bound, "listening");
        listeners.push(listener);
    }
    Ok(listeners)
}

fn is_missing_ipv6(addr: SocketAddr, error: &std::io::Error) -> bool {
    addr.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        && matches!(error.raw_os_error(), Some(code) if code == nix::errno::Errno::EAFNOSUPPORT as i32
            || code == nix::errno::Errno::EADDRNOTAVAIL as i32)
}

fn bind_one(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn classify(gate: &'static str, addr: SocketAddr, source: std::io::Error) -> ListenError {
    match source.kind() {
        std::io::ErrorKind::AddrInUse => ListenError::InUse { addr, gate },
        std::io::ErrorKind::PermissionDenied => ListenError::Forbidden { addr, gate },
        std::io::ErrorKind::AddrNotAvailable => ListenError::NotLocal { addr, gate },
        _ => ListenError::Other { addr, gate, source },
    }
}

/// Accepts until `stop`, giving each connection a task of its own. The loop itself never waits for a peer, and a
/// panic in a task ends that connection alone.
pub async fn accept_loop<F, Fut>(
    gate: Gate,
    protocol: Protocol,
    listener: TcpListener,
    door: Door,
    stop: CancellationToken,
    tasks: TaskTracker,
    serve: Arc<F>,
) where
    F: Fn(Accepted, TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    if let Ok(own) = listener.local_addr() {
        gate.taken().reserve(own.port());
    }
    loop {
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok(pair) => pair,
                Err(error) => {
                    tracing::warn!(gate = protocol.as_str(), %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let Ok(local) = stream.local_addr() else { continue };
        let place = match door.enter(SourceAddr::new(peer.ip())) {
            Ok(place) => place,
            Err(full) => {
                refuse(protocol, peer, full);
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let accepted = Accepted::new(gate.clone(), protocol, peer, local, place);
        let serve = Arc::clone(&serve);
        tasks.spawn(async move { serve(accepted, stream).await });
    }
}

fn refuse(protocol: Protocol, peer: SocketAddr, full: Full) {
    tracing::warn!(gate = protocol.as_str(), source = %peer.ip(), reason = full.as_str(), "connection refused");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_told_in_one_sentence() {
        let first = bind("ssh", &["127.0.0.1:0".parse().unwrap()]).unwrap();
        let addr = first[0].local_addr().unwrap();
        let error = bind("ssh", &[addr]).unwrap_err();
        assert!(matches!(error, ListenError::InUse { .. }));
        assert_eq!(
            error.to_string(),
            format!(
                "{addr} is in use by another program; stop that or choose another address for ssh.listen"
            )
        );
        let error = bind("ssh", &["192.0.2.1:0".parse().unwrap()]).unwrap_err();
        assert!(matches!(error, ListenError::NotLocal { .. }));
    }
}
