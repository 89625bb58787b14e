//! What a forward carries, for the recording: where the policy says so, each connection has a tap before anything is relayed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use gatehouse_archive::{ChannelTap, PushError};
use gatehouse_model::{ForwardCapture, ForwardDestination};
use gatehouse_recording::capture::{Beginner, ConnectionSpec, End, ForwardSpec};

use super::ledger::Row;
use super::{CLIENT, ForwardAsk};
use crate::live::Core;

/// The port at which X servers listen for their first display.
const X11_PORT: u16 = 6_000;
/// Longest name or path that is kept of an end, in bytes.
const TEXT_MAX: usize = 1_024;

/// Whether connections that begin now are captured: as granted now, which may be stricter than at the beginning.
pub(super) fn wanted(core: &Core) -> ForwardCapture {
    let granted = core.grant.load().recording.forwards;
    granted.unwrap_or(core.terms.forwards)
}

/// The forward as its capture shows it.
pub(super) fn spec(ask: &ForwardAsk, number: u32) -> ForwardSpec {
    let line = ask.line();
    ForwardSpec {
        number,
        kind: line.kind,
        listen: clipped(&line.listen),
        destination: clipped(&line.destination),
    }
}

/// Begins the capture of a connection.
pub(super) fn open(
    core: &Arc<Core>,
    ask: &ForwardAsk,
    row: &Row,
    origin: &str,
) -> Result<ChannelTap, PushError> {
    let (beginner, from, to) = match ask {
        ForwardAsk::Local(ForwardDestination::Address(ip, port)) => {
            let to = End::Addr(SocketAddr::new(*ip, *port));
            (Beginner::Person, end(origin), to)
        }
        ForwardAsk::Local(ForwardDestination::Name(name, port)) => {
            (Beginner::Person, end(origin), End::Name(clipped(name), *port))
        }
        ForwardAsk::LocalSocket(path) => (Beginner::Person, end(origin), End::Other(clipped(path))),
        ForwardAsk::Remote(listen) => (Beginner::Target, end(origin), end(listen)),
        ForwardAsk::RemoteSocket(path) => {
            let from = format!("a program at {}", core.decided.server);
            (Beginner::Target, End::Other(from), End::Other(clipped(path)))
        }
        ForwardAsk::X11 => (
            Beginner::Target,
            end(origin),
            End::Name(CLIENT.to_owned(), X11_PORT),
        ),
    };
    core.recorder.open_connection(ConnectionSpec {
        forward: spec(ask, row.number()),
        beginner,
        from,
        to,
    })
}

/// An end as a peer names it, `HOST:PORT`, an IPv6 address with or without brackets.
fn end(named: &str) -> End {
    let Some((host, port)) = named
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)))
    else {
        return End::Other(clipped(named));
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => End::Addr(SocketAddr::new(ip, port)),
        Err(_) if host.is_empty() => End::Other(clipped(named)),
        Err(_) => End::Name(clipped(host), port),
    }
}

/// What a peer named, as much of it as waits in memory and is shown.
fn clipped(text: &str) -> String {
    text.get(..text.floor_char_boundary(TEXT_MAX))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_peers_name_them() {
        let addr = |text: &str| End::Addr(text.parse().unwrap());
        assert_eq!(end("127.0.0.1:80"), addr("127.0.0.1:80"));
        assert_eq!(end("::1:80"), addr("[::1]:80"));
        assert_eq!(end("[::1]:80"), addr("[::1]:80"));
        assert_eq!(end("web01:80"), End::Name("web01".to_owned(), 80));
        for odd in ["client", ":80", "web01:99999", "/run/x", ""] {
            assert_eq!(end(odd), End::Other(odd.to_owned()), "{odd}");
        }
    }
}
