//! What peers send before anything is known of them.

use std::net::{IpAddr, SocketAddr};

use gatehouse_gate::proxy_protocol::{HEADER_MAX, Header, parse};

/// PROXY headers: what is believed is within the bound, and written anew it says the same.
pub fn proxy_header(input: &[u8]) {
    let Ok((header, length)) = parse(input) else {
        return;
    };
    assert!(length <= HEADER_MAX && length <= input.len());
    assert_eq!(
        parse(input.get(..length).unwrap_or_default()).ok(),
        Some((header, length))
    );
    if let Header::Proxied { source, destination } = header {
        let again = written(source, destination);
        assert_eq!(parse(&again).ok(), Some((header, again.len())));
    }
}

/// A header with the command PROXY for TCP; IPv6 if one of the two is.
fn written(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let (family, ips) = match (source.ip(), destination.ip()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (0x11, [a.octets(), b.octets()].concat()),
        (a, b) => (0x21, [a, b].map(as_v6).concat()),
    };
    let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
    let body = [ips, ports].concat();
    let length = u16::try_from(body.len()).unwrap_or(0).to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n\x21"[..], &[family], &length, &body].concat()
}

fn as_v6(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}
