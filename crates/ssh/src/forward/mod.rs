//! Forwards: channels that carry somebody else's protocol, each permitted, written down and counted by the gate.
//!
//! Invariants:
//! - **Permitted, then opened.** The other side is asked for a channel only when the policy permits the forward; the
//!   side that asked is told of success only when the other side has confirmed.
//! - **Nothing waits in the loop.** Everything here runs in tasks; answers to global requests are given later, in the
//!   order of the requests (our patch to russh).
//! - **Closed when not covered.** A forward whose permission ends is closed with a sentence, and so are its
//!   connections.

mod local;
mod remote;
mod towards_client;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatehouse_gate::{ForwardConnection, TapError, Way};
use russh::{Channel, ChannelOpenFailure, client, server};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::conn::Conn;
use crate::relay::{self, Over};

pub(crate) use local::{Asked, open as open_local};
pub(crate) use remote::{Place, Remote, cancel, listen};
pub(crate) use towards_client::ToClient;

/// For a peer to open a channel; a connection that it makes for it may take as long as its system allows.
const OPEN_PATIENCE: Duration = Duration::from_secs(150);
/// For the client to open a channel: it connects to something near it.
const CLIENT_PATIENCE: Duration = Duration::from_secs(60);

/// A channel could not be opened.
pub(crate) enum OpenFailed {
    /// The peer refused.
    Refused(ChannelOpenFailure),
    /// It did not answer, or is gone.
    Silent,
}

/// Opens a channel. The attempt goes on by itself when it takes too long: an answer that finds nobody waiting would
/// end the whole connection.
pub(crate) async fn opened<S>(
    patience: Duration,
    open: impl Future<Output = Result<Channel<S>, russh::Error>> + Send + 'static,
) -> Result<Channel<S>, OpenFailed>
where
    S: From<(russh::ChannelId, russh::ChannelMsg)> + Send + Sync + 'static,
{
    let (answer, answered) = oneshot::channel();
    let opening = async move {
        let opened = open.await;
        if let Err(Ok(late)) = answer.send(opened) {
            let _ = late.close().await;
        }
    };
    tokio::spawn(opening.in_current_span());
    match tokio::time::timeout(patience, answered).await {
        Ok(Ok(Ok(channel))) => Ok(channel),
        Ok(Ok(Err(russh::Error::ChannelOpenFailure(reason)))) => Err(OpenFailed::Refused(reason)),
        _ => Err(OpenFailed::Silent),
    }
}

/// A refusal with words of the gate's own: SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254 section 5.1).
pub(crate) fn not_allowed(sentence: &str) -> ChannelOpenFailure {
    ChannelOpenFailure::Other {
        code: 1,
        reason: one_line(sentence),
    }
}

/// SSH_OPEN_CONNECT_FAILED.
pub(crate) fn not_connected(sentence: &str) -> ChannelOpenFailure {
    ChannelOpenFailure::Other {
        code: 2,
        reason: one_line(sentence),
    }
}

/// A sentence as clients show it: they print it as it comes.
fn one_line(sentence: &str) -> String {
    let words = sentence.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Conn {
    /// A place for one more connection through a forward.
    pub(crate) fn forward_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.forward_places).try_acquire_owned().ok()
    }
}

/// What is at the server's end of a forward.
pub(crate) enum Far {
    /// A channel of the backend.
    Channel(Channel<client::Msg>),
    /// A connection to the gate's own side of a remote forward.
    Socket(TcpStream),
}

/// Carries a forward's connection until it ends, is not permitted any more, or `stop`.
pub(crate) async fn carry(
    conn: &Arc<Conn>,
    connection: &ForwardConnection,
    far: Far,
    near: Channel<server::Msg>,
    stop: &CancellationToken,
) {
    let observed = Observed { conn, connection };
    let stop = stop.child_token();
    let relayed = async {
        match far {
            Far::Channel(far) => relay::join(far, near, &stop, &observed).await,
            Far::Socket(far) => relay::join_socket(far, near, &stop, &observed).await,
        }
    };
    tokio::pin!(relayed);
    let over = tokio::select! {
        over = &mut relayed => over,
        sentence = connection.revoked() => {
            conn.tell(&format!("A forward was closed: {sentence}."));
            // Both sides are closed by the relay itself; dropping it would leave them open.
            stop.cancel();
            relayed.await
        }
    };
    if over == Over::Closed {
        for way in [Way::Out, Way::In] {
            // Nothing is relayed any more, so a recorder that fails now has nothing to hold back.
            let _ = connection.ended(way).await;
        }
    }
}

struct Observed<'c> {
    conn: &'c Arc<Conn>,
    connection: &'c ForwardConnection,
}

impl Observed<'_> {
    /// A recorder that has failed ends the session, and is why: said before the channel closes, at which the client may
    /// end it by itself.
    fn told(&self, recorded: Result<(), TapError>) -> Result<(), TapError> {
        if let Err(error @ TapError::Failed(_)) = &recorded {
            self.conn.recorder_failed(&error.to_string());
        }
        recorded
    }
}

impl relay::Observer for Observed<'_> {
    async fn passes(&self, way: Way, bytes: &Bytes) -> Result<(), TapError> {
        self.told(self.connection.data(way, bytes).await)
    }

    async fn ends(&self, way: Way) -> Result<(), TapError> {
        self.told(self.connection.ended(way).await)
    }
}
