//! The listeners of the pages: bounded in number and time, with or without TLS, HTTP/1.1 and HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutWriter;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::caller::Peer;

/// Connections at a time; the others wait in the kernel's queue.
const CONNECTIONS: usize = 2_048;
/// For TLS to be agreed on.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For a request's head to come, and between requests.
const HEAD: Duration = Duration::from_secs(60);
/// For a peer to take what it is sent.
const WRITE: Duration = Duration::from_secs(60);
/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 32 * 1024;
/// Requests at a time on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// For requests under way when the node stops.
const GRACE: Duration = Duration::from_secs(3);
/// Pause after a failed accept, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a listener speaks.
#[derive(Clone)]
pub enum Speech {
    /// TLS.
    Tls(Arc<ServerConfig>),
    /// HTTP as it is.
    Plain,
}

/// Serves the pages on a listener until it is to stop.
pub async fn serve_pages(listener: TcpListener, routes: Router, speech: Speech, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (routes, speech, stop) = (routes.clone(), speech.clone(), stop.clone());
                tokio::spawn(async move {
                    connection(stream, routes, speech, stop).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the pages could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, routes: Router, speech: Speech, stop: CancellationToken) {
    let (Ok(remote), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else {
        return;
    };
    // Small answers and events go out at once.
    let _ = stream.set_nodelay(true);
    let peer = Peer { remote, local };
    match speech {
        Speech::Plain => answer(stream, routes, peer, stop).await,
        Speech::Tls(config) => {
            let agreed = tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await;
            match agreed {
                Ok(Ok(stream)) => answer(stream, routes, peer, stop).await,
                Ok(Err(error)) => tracing::debug!(%error, %remote, "TLS was not agreed on"),
                Err(_) => tracing::debug!(%remote, "TLS took too long"),
            }
        }
    }
}

async fn answer<S>(stream: S, routes: Router, peer: Peer, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(WRITE));
    let stream = Box::pin(stream);
    let service = routes.map_request(move |mut request: axum::http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(axum::body::Body::new)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(HEAD)
        .keep_alive_timeout(WRITE);
    let serving =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => Some(ended),
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::time::timeout(GRACE, serving).await.ok()
        }
    };
    if let Some(Err(error)) = ended {
        tracing::debug!(error = error.to_string(), "a connection to the pages ended");
    }
}
