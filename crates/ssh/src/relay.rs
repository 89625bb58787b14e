//! Joining two channels whose bytes are nobody's business but the peers': an agent's, a forward's.

use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use russh::{ChannelId, client, server};
use tokio_util::sync::CancellationToken;

/// Copies both ways until both sides have ended or `stop`; both channels are closed then.
pub(crate) async fn join(
    backend: Channel<client::Msg>,
    client: Channel<server::Msg>,
    stop: &CancellationToken,
) {
    let (mut backend_read, backend_write) = backend.split();
    let (mut client_read, client_write) = client.split();
    // An end of file ends one direction, and is passed on; a close of either side ends both.
    tokio::select! {
        () = copy(&mut backend_read, &client_write) => {}
        () = copy(&mut client_read, &backend_write) => {}
        () = stop.cancelled() => {}
    }
    let _ = backend_write.close().await;
    let _ = client_write.close().await;
}

async fn copy<S>(from: &mut ChannelReadHalf, to: &ChannelWriteHalf<S>)
where
    S: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
{
    while let Some(message) = from.wait().await {
        let sent = match message {
            ChannelMsg::Data { data } => to.data_bytes(data).await,
            ChannelMsg::Eof => to.eof().await,
            ChannelMsg::Close => break,
            _ => Ok(()),
        };
        if sent.is_err() {
            break;
        }
    }
}
