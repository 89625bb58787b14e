//! Session channels from their opening to what runs on them, at once or after a login that is still to be made.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatehouse_gate::ForwardAsk;
use gatehouse_model::Right;
use gatehouse_recording::ChannelKind;
use russh::server::ChannelOpenHandle;
use russh::{Channel, ChannelOpenFailure};

use crate::channel::SessionChannel;
use crate::conn::{Conn, Session};
use crate::deferred::{Opener, session_for};
use crate::forward::{self, OpenFailed};
use crate::requests::X11Request;

/// For the backend to open a channel.
const OPEN_PATIENCE: Duration = Duration::from_secs(20);

/// Opens a channel at the backend; the client's is confirmed when the backend's is.
pub(crate) async fn open(
    conn: Arc<Conn>,
    session: Arc<Session>,
    channel: Arc<SessionChannel>,
    reply: ChannelOpenHandle,
) {
    match open_at_backend(&session).await {
        Ok(backend) => {
            channel.attach(&conn, backend);
            reply.accept().await;
        }
        Err(reason) => {
            conn.channels.lock().remove(&channel.id);
            channel.mark_closed();
            reply.reject(reason).await;
        }
    }
}

async fn open_at_backend(session: &Arc<Session>) -> Result<Channel<russh::client::Msg>, ChannelOpenFailure> {
    let session = Arc::clone(session);
    let open = async move { session.backend.channel_open_session().await };
    forward::opened(OPEN_PATIENCE, open)
        .await
        .map_err(|failed| match failed {
            OpenFailed::Refused(reason) => reason,
            OpenFailed::Silent => ChannelOpenFailure::ConnectFailed,
        })
}

/// Makes the login at the backend if it is still to be made, then passes on what was asked for.
pub(crate) async fn start_deferred(conn: Arc<Conn>, channel: Arc<SessionChannel>, kind: ChannelKind) {
    let session = match session_for(&conn, Opener::Channel).await {
        Ok(session) => session,
        Err(sentence) => return refuse(&conn, &channel, &sentence).await,
    };
    let backend = match open_at_backend(&session).await {
        Ok(backend) => backend,
        Err(_) => {
            let sentence = format!(
                "{} refused to open another session on this connection",
                conn.server()
            );
            return refuse(&conn, &channel, &sentence).await;
        }
    };
    channel.attach(&conn, backend);
    let (pty, variables, agent, x11) = {
        let requests = channel.requests.lock();
        let (pty, variables) = (requests.pty.clone(), requests.variables.clone());
        (pty, variables, requests.agent, requests.x11.clone())
    };
    let Some(to_backend) = channel.backend.get() else {
        return;
    };
    if agent && session.live.rights().allows(Right::Agent) {
        SessionChannel::tell(to_backend.agent_forward(false)).await;
    }
    if let Some(x11) = x11
        && x11_permitted(&conn, &session)
    {
        ask_x11(&conn, &channel, &x11).await;
    }
    if let Some(pty) = pty
        && !channel.ask_pty(&pty).await
    {
        channel.requests.lock().pty = None;
    }
    for (name, value) in variables {
        SessionChannel::tell(to_backend.set_env(false, name, value)).await;
    }
    match channel.start(&conn, &session, kind).await {
        Ok(true) => {}
        Ok(false) => {
            let sentence = format!("{} refused what was asked for", conn.server());
            refuse(&conn, &channel, &sentence).await;
        }
        Err(sentence) => refuse(&conn, &channel, &sentence).await,
    }
}

/// Whether windows are permitted; if not, that is shown when something starts.
pub(crate) fn x11_permitted(conn: &Conn, session: &Session) -> bool {
    let Err(error) = session.live.permits(&ForwardAsk::X11) else {
        return true;
    };
    session.live.refuse_forward(&ForwardAsk::X11, &error.to_string());
    conn.tell_or_keep(&format!("{error}."));
    false
}

pub(crate) async fn ask_x11(conn: &Conn, channel: &SessionChannel, x11: &X11Request) -> bool {
    let taken = channel.ask_x11(x11).await;
    conn.x11_asked.fetch_or(taken, Ordering::AcqRel);
    taken
}

async fn refuse(conn: &Conn, channel: &SessionChannel, sentence: &str) {
    channel.refuse(sentence).await;
    if let Some(backend) = channel.backend.get() {
        let _ = backend.close().await;
    }
    conn.channels.lock().remove(&channel.id);
}
