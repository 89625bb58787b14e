//! From the client through the server: `-L`, `-D`, `-W`, and sockets at the server.

use std::sync::Arc;

use gatehouse_gate::ForwardAsk;
use gatehouse_model::ForwardDestination;
use russh::server::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure, client};

use super::{Far, OPEN_PATIENCE, OpenFailed, carry, not_allowed, not_connected, opened};
use crate::conn::{Conn, Session};
use crate::deferred::{Opener, session_for};

/// What the client asked for, as it said it.
pub(crate) enum Asked {
    /// `direct-tcpip` (RFC 4254 section 7.2).
    Tcp {
        host: String,
        port: u32,
        origin: String,
        origin_port: u32,
    },
    /// `direct-streamlocal@openssh.com`.
    Socket(String),
}

impl Asked {
    fn ask(&self) -> Option<ForwardAsk> {
        match self {
            Self::Tcp { host, port, .. } => {
                let port = u16::try_from(*port).ok()?;
                Some(ForwardAsk::Local(ForwardDestination::new(host, port)))
            }
            Self::Socket(path) => Some(ForwardAsk::LocalSocket(path.clone())),
        }
    }

    fn origin(&self) -> String {
        match self {
            Self::Tcp {
                origin, origin_port, ..
            } => format!("{origin}:{origin_port}"),
            Self::Socket(_) => gatehouse_gate::CLIENT.to_owned(),
        }
    }

    fn destination(&self) -> String {
        match self {
            Self::Tcp { host, port, .. } => format!("{host}:{port}"),
            Self::Socket(path) => path.clone(),
        }
    }
}

/// Opens a connection that the client asked for, and carries it to its end.
pub(crate) async fn open(conn: Arc<Conn>, near: Channel<Msg>, asked: Asked, reply: ChannelOpenHandle) {
    let Some(_place) = conn.forward_place() else {
        let full = ChannelOpenFailure::Other {
            code: 4,
            reason: "too many connections through forwards of this session".to_owned(),
        };
        return reply.reject(full).await;
    };
    let session = match session_for(&conn, Opener::Forward).await {
        Ok(session) => session,
        Err(sentence) => return reply.reject(not_allowed(&sentence)).await,
    };
    let Some(ask) = asked.ask() else {
        return reply.reject(not_connected("that is no port")).await;
    };
    let connection = match session.live.connect_forward(ask, &asked.origin()).await {
        Ok(connection) => connection,
        Err(error) => return reply.reject(not_allowed(&error.to_string())).await,
    };
    match open_at_backend(&session, &asked).await {
        Ok(far) => {
            reply.accept().await;
            carry(&conn, &connection, Far::Channel(far), near, &conn.ending).await;
        }
        Err(OpenFailed::Refused(reason)) => reply.reject(reason).await,
        Err(OpenFailed::Silent) => {
            let sentence = format!(
                "{} did not connect to {} in time",
                conn.server(),
                asked.destination()
            );
            reply.reject(not_connected(&sentence)).await;
        }
    }
}

async fn open_at_backend(session: &Arc<Session>, asked: &Asked) -> Result<Channel<client::Msg>, OpenFailed> {
    let session = Arc::clone(session);
    match asked {
        Asked::Tcp {
            host,
            port,
            origin,
            origin_port,
        } => {
            let (host, port, origin, origin_port) = (host.clone(), *port, origin.clone(), *origin_port);
            let open = async move {
                let backend = &session.backend;
                backend
                    .channel_open_direct_tcpip(host, port, origin, origin_port)
                    .await
            };
            opened(OPEN_PATIENCE, open).await
        }
        Asked::Socket(path) => {
            let path = path.clone();
            opened(OPEN_PATIENCE, async move {
                session.backend.channel_open_direct_streamlocal(path).await
            })
            .await
        }
    }
}
