//! From the server's side to the client: `-R` for ports and sockets.
//!
//! A port is listened on twice: by the gate on the session's proxy address and by the backend, both or neither. The
//! gate goes first, since it can take a port back without anybody noticing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gatehouse_gate::{ForwardAsk, Incoming, OpenForward, RemoteListener};
use russh::server::GlobalReply;
use tokio_util::sync::CancellationToken;

use super::{CLIENT_PATIENCE, Far, carry, opened};
use crate::conn::{Conn, Session};
use crate::deferred::{Opener, session_for};

/// Remote forwards of one connection.
const REMOTES: usize = 32;
/// Ports tried where the client left the choice.
const TRIES: usize = 8;
/// For the backend to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the client asked to be listened on, in its own words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// An address and a port at the server (RFC 4254 section 7.1); the port is the one in use.
    Port { address: String, port: u32 },
    /// A socket at the server (`streamlocal-forward@openssh.com`).
    Socket(String),
}

/// A remote forward in use.
pub(crate) struct Remote {
    place: Place,
    /// Its row, as long as it is in use.
    pub(super) open: OpenForward,
    /// Ends the listening and what goes through.
    pub(super) stop: CancellationToken,
}

impl Remote {
    pub(super) fn place(&self) -> &Place {
        &self.place
    }
}

/// Begins a remote forward, and answers the client.
pub(crate) async fn listen(conn: Arc<Conn>, place: Place, reply: GlobalReply) {
    match begin(&conn, place).await {
        Ok(chosen) => reply.success(chosen),
        Err(sentence) => {
            // The protocol has no words for this refusal: shells show it, the client says only that it failed.
            conn.tell_or_keep(&format!("{}.", sentence.trim_end_matches('.')));
            reply.failure();
        }
    }
}

/// Ends a remote forward at the client's wish.
pub(crate) async fn cancel(conn: Arc<Conn>, place: Place, reply: GlobalReply) {
    let found = {
        let mut remotes = conn.remotes.lock();
        let at = remotes.iter().position(|remote| remote.place == place);
        at.map(|at| remotes.swap_remove(at))
    };
    let Some(remote) = found else {
        return reply.failure();
    };
    remote.stop.cancel();
    if let Some(session) = conn.session.get() {
        end_at_backend(session, &remote.place).await;
    }
    reply.success(None);
}

async fn begin(conn: &Arc<Conn>, place: Place) -> Result<Option<u32>, String> {
    let session = session_for(conn, Opener::Forward).await?;
    if conn.remotes.lock().len() >= REMOTES {
        return Err(format!("a connection may have {REMOTES} remote forwards"));
    }
    // Before a port is taken for it; the row, which names the port, comes after.
    let ask = asked(&session, &place, None);
    if let Err(error) = session.live.permits(&ask) {
        session.live.refuse_forward(&ask, &error.to_string());
        return Err(error.to_string());
    }
    let taken = take(&session, &place).await;
    let (place, listener, chosen) = match taken {
        Ok(taken) => taken,
        Err(sentence) => {
            session.live.refuse_forward(&ask, &sentence);
            return Err(sentence);
        }
    };
    let ask = asked(&session, &place, listener.as_ref());
    let open = match session.live.open_forward(ask).await {
        Ok(open) => open,
        Err(error) => {
            end_at_backend(&session, &place).await;
            return Err(error.to_string());
        }
    };
    let remote = Arc::new(Remote {
        place,
        open,
        stop: conn.ending.child_token(),
    });
    conn.remotes.lock().push(Arc::clone(&remote));
    conn.guarded(serve(Arc::clone(conn), session, remote, listener));
    Ok(chosen)
}

fn asked(session: &Session, place: &Place, listener: Option<&RemoteListener>) -> ForwardAsk {
    match (place, listener) {
        (_, Some(listener)) => ForwardAsk::Remote(listener.addr().to_string()),
        (Place::Port { port, .. }, None) => {
            let server = session.live.decided().server_name();
            ForwardAsk::Remote(format!("{server}:{port}"))
        }
        (Place::Socket(path), None) => ForwardAsk::RemoteSocket(path.clone()),
    }
}

/// Has both sides listen; the port is known then.
async fn take(
    session: &Session,
    place: &Place,
) -> Result<(Place, Option<RemoteListener>, Option<u32>), String> {
    let Place::Port {
        address,
        port: wanted,
    } = place
    else {
        return if asks(session, place).await.is_some() {
            Ok((place.clone(), None, None))
        } else {
            Err(format!(
                "{} refused to listen on that socket",
                session.live.decided().server_name()
            ))
        };
    };
    let small = u16::try_from(*wanted).map_err(|_| format!("{wanted} is no port"))?;
    let mut last = String::new();
    for _ in 0..TRIES {
        let listener = match session.live.remote_address() {
            Some(proxy) => match session.live.listen_remote(proxy, small, session.backend_ip).await {
                Ok(listener) => Some(listener),
                Err(refusal) if small == 0 && refusal.is_about_this_port() => {
                    last = refusal.to_string();
                    continue;
                }
                Err(refusal) => return Err(refusal.to_string()),
            },
            None => None,
        };
        let port = listener.as_ref().map_or(*wanted, |own| own.addr().port().into());
        let place = Place::Port {
            address: address.clone(),
            port,
        };
        if let Some(given) = asks(session, &place).await {
            let port = if given == 0 { port } else { given };
            let place = Place::Port {
                address: address.clone(),
                port,
            };
            return Ok((place, listener, (*wanted == 0).then_some(port)));
        }
        last = format!(
            "{} refused to listen on port {port}; it may be in use there",
            session.live.decided().server_name()
        );
        if small != 0 || listener.is_none() {
            break;
        }
    }
    Err(last)
}

/// Asks the backend to listen; the port it says it took (0: the one asked for), or none for a refusal.
async fn asks(session: &Session, place: &Place) -> Option<u32> {
    let asked = async {
        match place {
            Place::Port { address, port } => {
                session.backend.tcpip_forward(address.as_str(), *port).await.ok()
            }
            Place::Socket(path) => {
                let asked = session.backend.streamlocal_forward(path.as_str()).await;
                asked.ok().map(|()| 0)
            }
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.ok().flatten()
}

async fn end_at_backend(session: &Session, place: &Place) {
    let ended = async {
        match place {
            Place::Port { address, port } => {
                session
                    .backend
                    .cancel_tcpip_forward(address.as_str(), *port)
                    .await
            }
            Place::Socket(path) => session.backend.cancel_streamlocal_forward(path.as_str()).await,
        }
    };
    if !matches!(tokio::time::timeout(PATIENCE, ended).await, Ok(Ok(()))) {
        tracing::debug!("the backend did not end a remote forward");
    }
}

/// Passes on what comes to the gate's own side, until the forward ends or is not permitted any more.
async fn serve(
    conn: Arc<Conn>,
    session: Arc<Session>,
    remote: Arc<Remote>,
    listener: Option<RemoteListener>,
) {
    let accepting = async {
        match &listener {
            Some(listener) => loop {
                let incoming = listener.accept().await;
                conn.guarded(pass_on(Arc::clone(&conn), Arc::clone(&remote), incoming));
            },
            None => std::future::pending::<()>().await,
        }
    };
    tokio::select! {
        () = accepting => {}
        () = remote.stop.cancelled() => {}
        sentence = remote.open.revoked() => {
            conn.remotes.lock().retain(|other| !Arc::ptr_eq(other, &remote));
            conn.tell(&format!("A forward was closed: {sentence}."));
            remote.stop.cancel();
            end_at_backend(&session, &remote.place).await;
        }
    }
}

async fn pass_on(conn: Arc<Conn>, remote: Arc<Remote>, Incoming { stream, peer }: Incoming) {
    let Place::Port { address, port } = remote.place().clone() else {
        return;
    };
    let Some(_place) = conn.forward_place() else {
        return;
    };
    let (Ok(connection), Some(client)) = (
        remote.open.connect(&peer.to_string()).await,
        conn.client.get().cloned(),
    ) else {
        return;
    };
    let (ip, from): (IpAddr, u32) = (peer.ip(), peer.port().into());
    let open = async move {
        client
            .channel_open_forwarded_tcpip(address, port, ip.to_string(), from)
            .await
    };
    if let Ok(near) = opened(CLIENT_PATIENCE, open).await {
        carry(&conn, &connection, Far::Socket(stream), near, &remote.stop).await;
    }
}
