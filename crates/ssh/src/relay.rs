//! Joining two ends whose bytes are nobody's business but the peers': an agent's, a forward's.
//!
//! An end of file ends one direction and is passed on; a close of either side ends both. Both sides are closed then.

use bytes::{Bytes, BytesMut};
use gatehouse_gate::{TapError, Way};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use russh::{ChannelId, client, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

/// Bytes read from a socket at a time: a channel's packet.
const PIECE: usize = 32 * 1024;

/// Sees what is about to be relayed.
pub(crate) trait Observer: Sync {
    /// Called before each piece goes on; after an error nothing more does.
    fn passes(&self, way: Way, bytes: &Bytes) -> impl Future<Output = Result<(), TapError>> + Send;
}

/// Sees nothing.
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    async fn passes(&self, _: Way, _: &Bytes) -> Result<(), TapError> {
        Ok(())
    }
}

/// Both directions are over.
struct Over;

/// Copies both ways until both sides have ended or `stop`; both channels are closed then.
pub(crate) async fn join(
    far: Channel<client::Msg>,
    near: Channel<server::Msg>,
    stop: &CancellationToken,
    observer: &impl Observer,
) {
    let (mut far_read, far_write) = far.split();
    let (mut near_read, near_write) = near.split();
    tokio::select! {
        _ = copy(&mut far_read, &near_write, Way::Out, observer) => {}
        _ = copy(&mut near_read, &far_write, Way::In, observer) => {}
        () = stop.cancelled() => {}
    }
    let _ = far_write.close().await;
    let _ = near_write.close().await;
}

/// The same between a socket at the server's end and the client's channel.
pub(crate) async fn join_socket(
    far: TcpStream,
    near: Channel<server::Msg>,
    stop: &CancellationToken,
    observer: &impl Observer,
) {
    let (far_read, far_write) = far.into_split();
    let (mut near_read, near_write) = near.split();
    let both = async {
        tokio::try_join!(
            from_socket(far_read, &near_write, observer),
            to_socket(&mut near_read, far_write, observer)
        )
    };
    tokio::select! {
        _ = both => {}
        () = stop.cancelled() => {}
    }
    let _ = near_write.close().await;
}

/// Returns when the channel is closed, or its other end takes nothing more.
async fn copy<S>(
    from: &mut ChannelReadHalf,
    to: &ChannelWriteHalf<S>,
    way: Way,
    observer: &impl Observer,
) -> Over
where
    S: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
{
    while let Some(message) = from.wait().await {
        let sent = match message {
            ChannelMsg::Data { data } => {
                if observer.passes(way, &data).await.is_err() {
                    break;
                }
                to.data_bytes(data).await
            }
            ChannelMsg::Eof => to.eof().await,
            ChannelMsg::Close => break,
            _ => Ok(()),
        };
        if sent.is_err() {
            break;
        }
    }
    Over
}

/// Until the socket's end of file, which is passed on; anything else ends both directions.
async fn from_socket(
    mut from: OwnedReadHalf,
    to: &ChannelWriteHalf<server::Msg>,
    observer: &impl Observer,
) -> Result<(), Over> {
    let mut buffer = BytesMut::with_capacity(PIECE);
    loop {
        buffer.reserve(PIECE);
        let read = from.read_buf(&mut buffer).await.map_err(|_| Over)?;
        if read == 0 {
            return to.eof().await.map_err(|_| Over);
        }
        let piece = buffer.split().freeze();
        observer.passes(Way::Out, &piece).await.map_err(|_| Over)?;
        to.data_bytes(piece).await.map_err(|_| Over)?;
    }
}

/// Until the channel's end of file, which is passed on; a close or anything else ends both directions.
async fn to_socket(
    from: &mut ChannelReadHalf,
    mut to: OwnedWriteHalf,
    observer: &impl Observer,
) -> Result<(), Over> {
    while let Some(message) = from.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                observer.passes(Way::In, &data).await.map_err(|_| Over)?;
                to.write_all(&data).await.map_err(|_| Over)?;
            }
            ChannelMsg::Eof => return to.shutdown().await.map_err(|_| Over),
            ChannelMsg::Close => break,
            _ => {}
        }
    }
    Err(Over)
}
