//! The SSH gate: people's own clients on one side, servers on the other, both ended here and relayed byte for byte.
//!
//! ```text
//! client ══ russh server ══ SessionChannel (two pumps, tap) ══ russh client ══ backend
//! ```
//!
//! Invariants:
//! - **Never accepted when denied.** See [`auth`](self) in the source: the reason is a banner, then `publickey` fails.
//! - **Recorded, then relayed.** A pump hands each piece of data to the channel's tap before it passes it on; data
//!   without a tap is not passed on at all.
//! - **Back pressure.** A receive window is given back when its data has been consumed (our patch to russh), so a
//!   peer that does not read stops its own channel's sender and nothing else; memory is bounded by the windows.
//! - **No waiting in the loop.** A handler method waits only for the other connection's loop, with a deadline.
//! - **The socket is ours.** Both sockets can be failed from outside, the one way to end a loop that is parked in a
//!   write.
//! - **Deadlines.** Identification 200 ms, login `login_grace`, backend `connect_timeout` and `login_timeout`, each
//!   request 10 s.

mod algorithms;
mod auth;
mod backend;
mod backend_error;
mod channel;
mod client;
mod conn;
mod deferred;
mod forward;
mod host_keys;
mod ident;
mod login;
mod mosh;
mod pump;
mod relay;
mod requests;
mod settings;
mod starting;
mod stream;
mod text;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatehouse_gate::Accepted;
use tokio::net::TcpStream;

pub use algorithms::{AlgorithmError, AlgorithmLists, Algorithms};
pub use host_keys::{HostKeyError, HostKeys, adopt_for_server, generate_for_server};
pub use login::{LoginAtServer, split_login};
pub use settings::{FirstUse, SecondStep, SshSettings};

use crate::client::Client;
use crate::conn::Conn;
use crate::stream::AbortableStream;

/// For a loop whose socket was failed to notice it.
const ABORT_PATIENCE: Duration = Duration::from_secs(5);

/// Serves one connection from its first byte to its last.
pub async fn serve(accepted: Accepted, mut stream: TcpStream, settings: Arc<SshSettings>) {
    let (kind, read_ahead) = ident::read_ahead(&mut stream).await;
    let config = settings.server_config(kind, accepted.server_there());
    let grace = tokio::time::sleep(settings.login_grace);
    let conn = Conn::new(settings, accepted);
    let stream = AbortableStream::new(stream, read_ahead, &conn.abort);
    tokio::pin!(grace);

    let starting = russh::server::run_stream(config, stream, Client::new(Arc::clone(&conn)));
    let running = tokio::select! {
        () = &mut grace => {
            conn.accepted.handshake_failed("timeout");
            return tracing::info!("no SSH identification within the login grace");
        }
        started = starting => match started {
            Ok(running) => running,
            Err(error) => {
                conn.accepted.handshake_failed(handshake_failure(&error));
                return tracing::debug!(%error, "the connection ended before the handshake");
            }
        },
    };
    let _ = conn.client.set(running.handle());
    conn.guarded(waiting::watch(Arc::clone(&conn)));
    tokio::pin!(running);

    let ended = tokio::select! {
        ended = &mut running => Some(ended),
        () = conn.client_logged_in() => None,
        () = &mut grace => {
            tracing::info!("no login within the login grace");
            if conn.handshaken.load(Ordering::Acquire) {
                conn.accepted.login_timed_out();
            } else {
                conn.accepted.handshake_failed("timeout");
            }
            conn.abort.cancel();
            tokio::time::timeout(ABORT_PATIENCE, &mut running).await.ok()
        }
    };
    let ended = match ended {
        None if !conn.abort.is_cancelled() => Some(until_end(&conn, running.as_mut()).await),
        other => other.map(Some),
    };
    if let Some(Some(outcome)) = &ended
        && !conn.handshaken.load(Ordering::Acquire)
        && !conn.abort.is_cancelled()
    {
        let reason = outcome.as_ref().err().map_or("disconnected", handshake_failure);
        conn.accepted.handshake_failed(reason);
    }
    if let Some(Some(Err(error))) = ended {
        note_error(&conn, &error);
    }
    conn.finish().await;
}

/// Waits for the client's loop; one that does not notice that its socket was failed is left to itself.
async fn until_end(
    conn: &Conn,
    mut running: std::pin::Pin<&mut russh::server::RunningSession<Client>>,
) -> Option<Result<(), russh::Error>> {
    tokio::select! {
        ended = running.as_mut() => return Some(ended),
        () = conn.abort.cancelled() => {}
    }
    tokio::time::timeout(ABORT_PATIENCE, running).await.ok()
}

/// The word for metrics, from [`gatehouse_telemetry::words::HANDSHAKE_FAILURES`].
fn handshake_failure(error: &russh::Error) -> &'static str {
    match error {
        russh::Error::NoCommonAlgo { .. } => "no_common_algorithm",
        russh::Error::Disconnect | russh::Error::HUP | russh::Error::IO(_) => "disconnected",
        russh::Error::ConnectionTimeout
        | russh::Error::InactivityTimeout
        | russh::Error::KeepaliveTimeout => "timeout",
        _ => "protocol",
    }
}

fn note_error(conn: &Conn, error: &russh::Error) {
    match error {
        russh::Error::Join(_) => {
            tracing::error!("the connection panicked");
            conn.note_close(gatehouse_gate::Close::error(
                "a fault of the gate ended this session",
            ));
        }
        other => tracing::debug!(error = %other, "the connection ended"),
    }
}
