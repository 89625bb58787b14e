//! What the backend may open towards the client: the agent, what remote forwards brought, windows.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use gatehouse_gate::{ForwardAsk, ForwardConnection};
use gatehouse_model::Right;
use russh::client::{self, ChannelOpenHandle};
use russh::{Channel, ChannelOpenFailure, server};
use tokio_util::sync::CancellationToken;

use super::remote::{Place, Remote};
use super::{CLIENT_PATIENCE, Far, OpenFailed, carry, not_allowed, opened};
use crate::backend::{ForwardedFrom, TowardsClient};
use crate::conn::{Conn, open_agent};
use crate::relay;

/// The way from a backend to its connection's client.
pub(crate) struct ToClient(pub(crate) Weak<Conn>);

impl TowardsClient for ToClient {
    fn backend_gone(&self) {
        if let Some(conn) = self.0.upgrade()
            && conn.session.get().is_some()
        {
            conn.backend_lost();
        }
    }

    fn agent_channel(&self, channel: Channel<client::Msg>, reply: ChannelOpenHandle) {
        if let Some(conn) = self.0.upgrade() {
            conn.guarded(agent(Arc::clone(&conn), channel, reply));
        }
    }

    fn forwarded_channel(
        &self,
        channel: Channel<client::Msg>,
        from: ForwardedFrom,
        reply: ChannelOpenHandle,
    ) {
        if let Some(conn) = self.0.upgrade() {
            conn.guarded(forwarded(Arc::clone(&conn), channel, from, reply));
        }
    }

    fn x11_channel(&self, channel: Channel<client::Msg>, origin: (String, u32), reply: ChannelOpenHandle) {
        if let Some(conn) = self.0.upgrade() {
            conn.guarded(x11(Arc::clone(&conn), channel, origin, reply));
        }
    }
}

async fn agent(conn: Arc<Conn>, channel: Channel<client::Msg>, reply: ChannelOpenHandle) {
    let session = conn.session.get();
    let allowed = conn.agent_offered.load(Ordering::Acquire)
        && session.is_some_and(|session| session.live.rights().allows(Right::Agent));
    let Ok(_place) = Arc::clone(&conn.agent_channels).try_acquire_owned() else {
        return reply.reject(ChannelOpenFailure::ResourceShortage).await;
    };
    if !allowed {
        return reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    }
    let stop = conn.agent_stop.lock().clone();
    match open_agent(&conn).await {
        Some(agent) => {
            reply.accept().await;
            relay::join(channel, agent, &stop, &relay::Unobserved).await;
        }
        None => reply.reject(ChannelOpenFailure::ConnectFailed).await,
    }
}

/// The remote forward that a backend's channel belongs to: the backend names the address as it was asked, or in its
/// own way; the port tells them apart then.
fn find(conn: &Conn, from: &ForwardedFrom) -> Option<Arc<Remote>> {
    let remotes = conn.remotes.lock();
    let exact = remotes.iter().find(|remote| match (remote.place(), from) {
        (Place::Port { address, port }, ForwardedFrom::Port { to, to_port, .. }) => {
            address == to && port == to_port
        }
        (Place::Socket(path), ForwardedFrom::Socket(from)) => path == from,
        _ => false,
    });
    let by_port = || {
        remotes.iter().find(|remote| match (remote.place(), from) {
            (Place::Port { port, .. }, ForwardedFrom::Port { to_port, .. }) => port == to_port,
            _ => false,
        })
    };
    exact.or_else(by_port).cloned()
}

async fn forwarded(
    conn: Arc<Conn>,
    channel: Channel<client::Msg>,
    from: ForwardedFrom,
    reply: ChannelOpenHandle,
) {
    let Some(remote) = find(&conn, &from) else {
        // A backend opens only what was asked of it.
        return reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    };
    let origin = match &from {
        ForwardedFrom::Port {
            origin, origin_port, ..
        } => format!("{origin}:{origin_port}"),
        ForwardedFrom::Socket(path) => path.clone(),
    };
    let connection = match remote.open.connect(&origin).await {
        Ok(connection) => connection,
        Err(error) => return reply.reject(not_allowed(&error.to_string())).await,
    };
    let Some(client) = conn.client.get().cloned() else {
        return;
    };
    let open: futures::future::BoxFuture<'static, _> = match (remote.place().clone(), from) {
        (
            Place::Port { address, port },
            ForwardedFrom::Port {
                origin, origin_port, ..
            },
        ) => Box::pin(async move {
            client
                .channel_open_forwarded_tcpip(address, port, origin, origin_port)
                .await
        }),
        (Place::Socket(path), _) | (_, ForwardedFrom::Socket(path)) => {
            Box::pin(async move { client.channel_open_forwarded_streamlocal(path).await })
        }
    };
    pass_on(&conn, channel, open, connection, &remote.stop, reply).await;
}

async fn x11(
    conn: Arc<Conn>,
    channel: Channel<client::Msg>,
    (origin, port): (String, u32),
    reply: ChannelOpenHandle,
) {
    let asked_for = conn.x11_asked.load(Ordering::Acquire);
    let (Some(session), Some(client), true) = (conn.session.get(), conn.client.get().cloned(), asked_for)
    else {
        return reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    };
    let whence = format!("{origin}:{port}");
    let connection = match session.live.connect_forward(ForwardAsk::X11, &whence).await {
        Ok(connection) => connection,
        Err(error) => return reply.reject(not_allowed(&error.to_string())).await,
    };
    let open = async move { client.channel_open_x11(origin, port).await };
    pass_on(&conn, channel, open, connection, &conn.ending, reply).await;
}

/// Opens the client's side, confirms the backend's, and carries the connection to its end.
async fn pass_on(
    conn: &Arc<Conn>,
    far: Channel<client::Msg>,
    open: impl Future<Output = Result<Channel<server::Msg>, russh::Error>> + Send + 'static,
    connection: ForwardConnection,
    stop: &CancellationToken,
    reply: ChannelOpenHandle,
) {
    let Some(_place) = conn.forward_place() else {
        return reply.reject(ChannelOpenFailure::ResourceShortage).await;
    };
    match opened(CLIENT_PATIENCE, open).await {
        Ok(near) => {
            reply.accept().await;
            carry(conn, &connection, Far::Channel(far), near, stop).await;
        }
        Err(OpenFailed::Refused(reason)) => reply.reject(reason).await,
        Err(OpenFailed::Silent) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
    }
}
