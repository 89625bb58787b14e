//! Accepting: what comes is let in, refused, or first has to say where it comes from. The loop never waits for a peer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use gatehouse_model::{AddressRange, Protocol, ProxyAddr, SourceAddr};
use gatehouse_store::Denied;
use gatehouse_telemetry::CONNECTIONS_REFUSED;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::Gate;
use crate::accepted::Accepted;
use crate::lanes::Lanes;
use crate::limits::{Door, Refusal};
use crate::proxy_protocol::{self, Header, HeaderError};

/// Pause after a failed accept (out of file descriptors, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// For a proxy to send its header.
const HEADER_PATIENCE: Duration = Duration::from_secs(5);
/// Proxied connections that may be without their header at a time.
const UNNAMED: usize = 500;
/// The reason of a connection from somebody who is no listed proxy.
const UNTRUSTED_PROXY: &str = "untrusted_proxy";
/// The reason of a connection from a proxy that does not say where it comes from.
const BAD_PROXY_HEADER: &str = "bad_proxy_header";

/// What comes before the first byte of the protocol.
#[derive(Clone)]
pub enum Entrance {
    /// Nothing: the socket's own addresses count.
    Direct,
    /// A PROXY header, from these proxies only; the addresses in it count.
    Proxied(Proxies),
}

/// The proxies whose word on addresses counts.
#[derive(Clone)]
pub struct Proxies {
    trusted: Arc<[AddressRange]>,
    /// Connections that have not sent their header yet.
    unnamed: Arc<Semaphore>,
}

impl Proxies {
    /// These.
    pub fn new(trusted: &[AddressRange]) -> Self {
        Self {
            trusted: trusted.into(),
            unnamed: Arc::new(Semaphore::new(UNNAMED)),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|range| range.contains(address))
    }
}

/// What the listeners of one protocol have in common.
#[derive(Clone)]
pub struct Acceptor {
    /// The gate.
    pub gate: Gate,
    /// The protocol.
    pub protocol: Protocol,
    /// Bounds on connections at once.
    pub door: Door,
    /// Cancelled when no more connections are to be taken.
    pub stop: CancellationToken,
    /// The tasks of connections.
    pub tasks: TaskTracker,
    /// The threads on which they run.
    pub lanes: Lanes,
}

impl Acceptor {
    /// Accepts until it is to stop, giving each connection a task of its own. The loop itself never waits for a peer,
    /// and a panic in a task ends that connection alone.
    pub async fn run<F, Fut>(self, listener: TcpListener, entrance: Entrance, serve: Arc<F>)
    where
        F: Fn(Accepted, TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        if let Ok(own) = listener.local_addr() {
            self.gate.taken().reserve(own.port());
        }
        loop {
            let (stream, peer) = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok(pair) => pair,
                    Err(error) => {
                        tracing::warn!(gate = self.protocol.as_str(), %error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            let Ok(local) = stream.local_addr() else { continue };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
            match &entrance {
                Entrance::Direct => {
                    if let Some(accepted) = self.let_in(peer, local, &stream) {
                        self.carry(accepted, stream, Arc::clone(&serve));
                    }
                }
                Entrance::Proxied(proxies) => self.proxied(proxies, stream, peer, local, &serve),
            }
        }
    }

    fn carry<F, Fut>(&self, accepted: Accepted, stream: TcpStream, serve: Arc<F>)
    where
        F: Fn(Accepted, TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let span = accepted.span().clone();
        let served = move |stream| async move { serve(accepted, stream).instrument(span).await };
        if let Err(error) = self.lanes.carry(stream, &self.tasks, served) {
            tracing::warn!(gate = self.protocol.as_str(), %error, "a connection could not be served");
        }
    }

    /// Lets a connection in, or notes why not.
    fn let_in(&self, peer: SocketAddr, local: SocketAddr, stream: &TcpStream) -> Option<Accepted> {
        let source = SourceAddr::new(peer.ip());
        let gate = &self.gate;
        let admitted = gate.guard().admit(&gate.directory(), source, gate.clock().now());
        match admitted.and_then(|visitor| self.door.enter(visitor)) {
            Ok(place) => Some(Accepted::new(gate.clone(), self.protocol, peer, local, place)),
            Err(refusal) => {
                self.refuse(source, refusal, stream);
                None
            }
        }
    }

    /// Takes a connection that is to begin with a PROXY header.
    fn proxied<F, Fut>(
        &self,
        proxies: &Proxies,
        mut stream: TcpStream,
        peer: SocketAddr,
        local: SocketAddr,
        serve: &Arc<F>,
    ) where
        F: Fn(Accepted, TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        if !proxies.trusts(peer.ip()) {
            return self.refuse_untrusted(peer, local, &stream);
        }
        let Ok(permit) = Arc::clone(&proxies.unnamed).try_acquire_owned() else {
            return self.refuse(SourceAddr::new(peer.ip()), Refusal::Unnamed, &stream);
        };
        let (acceptor, serve) = (self.clone(), Arc::clone(serve));
        self.tasks.spawn(async move {
            let read = tokio::time::timeout(HEADER_PATIENCE, proxy_protocol::read(&mut stream)).await;
            drop(permit);
            let (source, destination) = match read {
                Ok(Ok(Header::Proxied { source, destination })) => (source, destination),
                Ok(Ok(Header::Local)) => (peer, local),
                Ok(Err(HeaderError::Io(error))) => {
                    // Health checks connect and go.
                    return tracing::debug!(proxy = %peer.ip(), %error, "a proxied connection ended without a header");
                }
                Ok(Err(error)) => return acceptor.refuse_header(peer, local, &error.to_string()),
                Err(_) => {
                    let late = format!("no PROXY header came within {} seconds", HEADER_PATIENCE.as_secs());
                    return acceptor.refuse_header(peer, local, &late);
                }
            };
            if let Some(accepted) = acceptor.let_in(source, destination, &stream) {
                acceptor.carry(accepted, stream, serve);
            }
        });
    }

    /// Somebody who is no listed proxy has come where only those may: a denial like any other.
    fn refuse_untrusted(&self, peer: SocketAddr, local: SocketAddr, stream: &TcpStream) {
        let source = SourceAddr::new(peer.ip());
        let (gate, now) = (&self.gate, self.gate.clock().now());
        let visitor = match gate.guard().admit(&gate.directory(), source, now) {
            Ok(visitor) => visitor,
            Err(refusal) => return self.refuse(source, refusal, stream),
        };
        gate.guard().strayed(visitor, UNTRUSTED_PROXY, now);
        let sentence = format!(
            "{source} is not among {}.trusted_proxies, so its connection to the listener for proxies was closed",
            self.protocol.as_str()
        );
        self.report(source, local, UNTRUSTED_PROXY, sentence);
        reset(stream);
    }

    /// A listed proxy did not say where the connection comes from. That is its operator's fault and not held against
    /// its address.
    fn refuse_header(&self, peer: SocketAddr, local: SocketAddr, what: &str) {
        let source = SourceAddr::new(peer.ip());
        self.report(source, local, BAD_PROXY_HEADER, what.to_owned());
    }

    fn report(&self, source: SourceAddr, local: SocketAddr, reason: &'static str, sentence: String) {
        let gate = self.gate.clone();
        CONNECTIONS_REFUSED.count(&[self.protocol.as_str(), reason]);
        tracing::info!(gate = self.protocol.as_str(), %source, reason, "{sentence}");
        let denied = Denied {
            at: gate.clock().now(),
            source,
            destination: ProxyAddr::new(local.ip()).to_string(),
            protocol: self.protocol,
            reason: reason.to_owned(),
            user: None,
            server: None,
            login: None,
            sentence,
        };
        let tasks = gate.tasks().clone();
        tasks.spawn(async move {
            if let Err(error) = gate.store().deny(denied).await {
                tracing::error!(%error, "a denial could not be written down");
            }
        });
    }

    fn refuse(&self, source: SourceAddr, refusal: Refusal, stream: &TcpStream) {
        let now = self.gate.clock().now();
        CONNECTIONS_REFUSED.count(&[self.protocol.as_str(), refusal.code()]);
        self.gate
            .guard()
            .note_refusal(self.protocol.as_str(), refusal, source, now);
        reset(stream);
    }
}

/// Lets the connection be reset when it is dropped, so that the kernel keeps nothing of it.
fn reset(stream: &TcpStream) {
    if let Err(error) = SockRef::from(stream).set_linger(Some(Duration::ZERO)) {
        tracing::debug!(%error, "SO_LINGER could not be set");
    }
}
