//! The node's side of a conversation.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use gatehouse_audit::{Action, Draft};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::Answer;
use super::wire::{ALIVE, REQUEST_MAX, Request};
use crate::Gate;
use crate::watching::{self, Shown};

/// For the request to arrive.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// For a watcher to take what it is sent; one that does not is dropped, the session never waits.
const WATCHER_PATIENCE: Duration = Duration::from_secs(30);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From {
    /// From this machine, through the socket.
    Here,
    /// From another one, over mutual TLS.
    Elsewhere(SocketAddr),
}

/// Answers one request, until the asker leaves or the gate stops.
pub(crate) async fn converse<S>(gate: &Gate, stream: S, from: From)
where
    S: AsyncRead + AsyncWrite + Send,
{
    let (read, mut write) = tokio::io::split(stream);
    let mut reader = BufReader::new(read);
    let mut line = String::new();
    let mut bounded = (&mut reader).take(REQUEST_MAX);
    let asked = within(REQUEST_PATIENCE, bounded.read_line(&mut line)).await;
    if !matches!(asked, Some(Ok(count)) if count > 0) {
        return;
    }
    let told = match serde_json::from_str::<Request>(&line) {
        Ok(request) => tokio::select! {
            told = show(gate, &request, from, &mut reader, &mut write) => told,
            () = gate.stopped() => Ok(()),
        },
        Err(_) => {
            let error = "the request is not understood; use the same version for both".to_owned();
            say(&mut write, &Answer::Error { error }).await
        }
    };
    if let Err(error) = told {
        tracing::debug!(?from, %error, "a watcher went away");
    }
    let _ = within(WATCHER_PATIENCE, write.shutdown()).await;
}

/// Shows a running session.
async fn show(
    gate: &Gate,
    request: &Request,
    from: From,
    read: &mut (impl AsyncRead + Unpin),
    write: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let refused = |error: String| Answer::Error { error };
    let Some(entry) = gate.registry().find(request.session()) else {
        let error = format!("session {} does not run on this node", request.session());
        return say(write, &refused(error)).await;
    };
    let core = entry.core;
    let mut draft = Draft::new(Action::SessionWatched, &request.actor(), gate.clock().now())
        .user(&core.decided.user)
        .server(&core.decided.server)
        .session(core.id);
    if let From::Elsewhere(peer) = from {
        draft = draft.detail("from", peer.ip().to_string());
    }
    // Nothing is shown before the book says who looked.
    if let Err(error) = gate.store().record(draft).await {
        return say(write, &refused(format!("watching could not be audited: {error}"))).await;
    }
    let mut watcher = watching::join(&core);
    drop(core);
    loop {
        tokio::select! {
            shown = watcher.next() => match shown {
                Shown::Lines(bytes) => send(write, &bytes).await?,
                Shown::Ended => return say(write, &Answer::Ended { ended: true }).await,
                Shown::Failed(why) => return say(write, &refused(why)).await,
            },
            // Nothing more is asked on this connection: a word is as good as an end.
            _ = read.read_u8() => return Ok(()),
            () = tokio::time::sleep(ALIVE) => say(write, &Answer::Alive { alive: true }).await?,
        }
    }
}

async fn say(write: &mut (impl AsyncWrite + Unpin), answer: &Answer<'_>) -> io::Result<()> {
    let mut line = Vec::new();
    answer.put(&mut line);
    send(write, &line).await
}

async fn send(write: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let sent = async {
        write.write_all(bytes).await?;
        write.flush().await
    };
    within(WATCHER_PATIENCE, sent)
        .await
        .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// The outcome of something that waits on a peer, or `None` if that takes longer.
async fn within<F: Future>(patience: Duration, waits: F) -> Option<F::Output> {
    tokio::time::timeout(patience, waits).await.ok()
}
