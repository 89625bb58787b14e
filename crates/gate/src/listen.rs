//! Listeners, bound once.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

/// Connections that the kernel keeps ready for a busy accept loop.
const BACKLOG: i32 = 1_024;

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program has the port.
    #[error("{addr} is in use by another program; stop that or choose another address for {key}")]
    InUse {
        /// The address.
        addr: SocketAddr,
        /// The key of the configuration.
        key: &'static str,
    },
    /// The port is below 1024 and the process has not the right.
    #[error(
        "{addr} needs the right to listen on ports below 1024; run as root, grant CAP_NET_BIND_SERVICE or choose a higher port for {key}"
    )]
    Forbidden {
        /// The address.
        addr: SocketAddr,
        /// The key of the configuration.
        key: &'static str,
    },
    /// The address is not one of this machine.
    #[error("{addr} is not an address of this machine; correct {key}")]
    NotLocal {
        /// The address.
        addr: SocketAddr,
        /// The key of the configuration.
        key: &'static str,
    },
    /// Anything else.
    #[error("{addr} cannot be listened on for {key}")]
    Other {
        /// The address.
        addr: SocketAddr,
        /// The key of the configuration.
        key: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

/// Which listener of a gate it is.
#[derive(Clone, Copy, Debug)]
pub struct ListenerName {
    /// The gate, for the log.
    pub gate: &'static str,
    /// The key of the configuration that names its addresses.
    pub key: &'static str,
    /// What connections have to begin with, if anything, for the log.
    pub before: Option<&'static str>,
}

/// Binds every address of a key; `[::]` takes IPv6 only, so that it can stand beside `0.0.0.0`. Each bound address is
/// logged.
///
/// # Errors
/// The first address that cannot be bound.
pub fn bind(name: ListenerName, addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ListenError> {
    let ListenerName { gate, key, before } = name;
    let mut listeners = Vec::with_capacity(addresses.len());
    for &addr in addresses {
        let listener = match bind_one(addr) {
            Ok(listener) => listener,
            // A machine without IPv6 still serves the default `[::]` beside `0.0.0.0`.
            Err(error) if addresses.len() > 1 && is_missing_ipv6(addr, &error) => {
                tracing::warn!(gate, %addr, "this machine has no IPv6; the address is left out");
                continue;
            }
            Err(source) => return Err(classify(key, addr, source)),
        };
        let bound = listener
            .local_addr()
            .map_err(|source| ListenError::Other { addr, key, source })?;
        tracing::info!(gate, addr = %bound, proxy_protocol = before, "listening");
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

fn classify(key: &'static str, addr: SocketAddr, source: std::io::Error) -> ListenError {
    match source.kind() {
        std::io::ErrorKind::AddrInUse => ListenError::InUse { addr, key },
        std::io::ErrorKind::PermissionDenied => ListenError::Forbidden { addr, key },
        std::io::ErrorKind::AddrNotAvailable => ListenError::NotLocal { addr, key },
        _ => ListenError::Other { addr, key, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSH: ListenerName = ListenerName {
        gate: "ssh",
        key: "ssh.listen",
        before: None,
    };

    #[tokio::test]
    async fn a_port_in_use_is_told_in_one_sentence() {
        let first = bind(SSH, &["127.0.0.1:0".parse().unwrap()]).unwrap();
        let addr = first[0].local_addr().unwrap();
        let error = bind(SSH, &[addr]).unwrap_err();
        assert!(matches!(error, ListenError::InUse { .. }));
        assert_eq!(
            error.to_string(),
            format!(
                "{addr} is in use by another program; stop that or choose another address for ssh.listen"
            )
        );
        let error = bind(SSH, &["192.0.2.1:0".parse().unwrap()]).unwrap_err();
        assert!(matches!(error, ListenError::NotLocal { .. }));
    }
}
