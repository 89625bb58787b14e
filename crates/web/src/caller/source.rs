//! Where a request comes from: the socket, or what a trusted proxy says.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use gatehouse_model::{AddressRange, SourceAddr};

use super::Way;
use crate::site::Transport;

/// What a proxy says of where a request came from.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// What a proxy says of how it was asked.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The two ends of the socket that a request came on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Peer {
    /// The other side.
    pub(crate) remote: SocketAddr,
    /// This side.
    pub(crate) local: SocketAddr,
}

/// The source address of a request: the socket's, or, where that is a trusted proxy's, the last address that the
/// proxies name and that is not one of them. What cannot be read counts as the proxy itself, never as somebody.
pub(crate) fn source_of(peer: Peer, headers: &HeaderMap, trusted: &[AddressRange]) -> SourceAddr {
    let is_proxy = |ip: IpAddr| trusted.iter().any(|range| range.contains(ip));
    let mut source = peer.remote.ip().to_canonical();
    if !is_proxy(source) {
        return SourceAddr::new(source);
    }
    let values: Vec<_> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|value| value.to_str().unwrap_or("?"))
        .collect();
    for word in values.iter().flat_map(|value| value.split(',')).rev() {
        let Some(ip) = address(word.trim()) else { break };
        source = ip;
        if !is_proxy(ip) {
            break;
        }
    }
    SourceAddr::new(source)
}

/// Whether what is said can be read on the way.
pub(crate) fn way_of(peer: Peer, headers: &HeaderMap, trusted: &[AddressRange], transport: Transport) -> Way {
    let here = peer.remote.ip().to_canonical().is_loopback() && peer.local.ip().to_canonical().is_loopback();
    if transport == Transport::Tls || came_by_tls_to_proxy(peer, headers, trusted) || here {
        Way::Private
    } else {
        Way::Open
    }
}

/// Whether a trusted proxy says that it was asked over TLS.
fn came_by_tls_to_proxy(peer: Peer, headers: &HeaderMap, trusted: &[AddressRange]) -> bool {
    let proxied = trusted
        .iter()
        .any(|range| range.contains(peer.remote.ip().to_canonical()));
    let last = headers.get_all(FORWARDED_PROTO).iter().next_back();
    proxied && last.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// An address as proxies write it, with or without a port.
fn address(word: &str) -> Option<IpAddr> {
    let bare = word
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next())
        .unwrap_or(word);
    let ip = bare.parse::<IpAddr>().ok();
    ip.or_else(|| word.parse::<SocketAddr>().ok().map(|at| at.ip()))
        .map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(remote: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted: Vec<AddressRange> = trusted.iter().map(|range| range.parse().unwrap()).collect();
        let peer = Peer {
            remote: SocketAddr::new(remote.parse().unwrap(), 1),
            local: "127.0.0.1:1".parse().unwrap(),
        };
        source_of(peer, &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(source("10.0.0.7", &["1.2.3.4"], &[]), "10.0.0.7");
        assert_eq!(source("10.0.0.7", &["1.2.3.4"], &["10.0.0.8"]), "10.0.0.7");
        assert_eq!(source("10.0.0.8", &["1.2.3.4"], &["10.0.0.8"]), "1.2.3.4");
        assert_eq!(source("::ffff:10.0.0.8", &["1.2.3.4"], &["10.0.0.8"]), "1.2.3.4");
    }

    #[test]
    fn the_last_that_no_proxy_made_up_counts() {
        let trusted = &["10.0.0.8", "10.0.0.9"];
        assert_eq!(
            source("10.0.0.8", &["6.6.6.6, 1.2.3.4, 10.0.0.9"], trusted),
            "1.2.3.4"
        );
        assert_eq!(
            source("10.0.0.8", &["6.6.6.6", "1.2.3.4:4711"], trusted),
            "1.2.3.4"
        );
        assert_eq!(source("10.0.0.8", &["[2001:db8::1]:80"], trusted), "2001:db8::1");
        assert_eq!(source("10.0.0.8", &["1.2.3.4, unknown"], trusted), "10.0.0.8");
        assert_eq!(source("10.0.0.8", &[], trusted), "10.0.0.8");
    }
}
