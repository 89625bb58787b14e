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

    /// Called before an end of file goes on; after an error it does not.
    fn ends(&self, way: Way) -> impl Future<Output = Result<(), TapError>> + Send;
}

/// Sees nothing.
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    async fn passes(&self, _: Way, _: &Bytes) -> Result<(), TapError> {
        Ok(())
    }

    async fn ends(&self, _: Way) -> Result<(), TapError> {
        Ok(())
    }
}

/// Both directions are over, and how that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    /// A side closed the channel, or both directions have ended.
    Closed,
    /// Anything else: it was stopped, or a side is gone.
    Cut,
}

/// Copies both ways until both sides have ended or `stop`; both channels are closed then.
pub(crate) async fn join(
    far: Channel<client::Msg>,
    near: Channel<server::Msg>,
    stop: &CancellationToken,
    observer: &impl Observer,
) -> Over {
    let (mut far_read, far_write) = far.split();
    let (mut near_read, near_write) = near.split();
    let over = tokio::select! {
        over = copy(&mut far_read, &near_write, Way::Out, observer) => over,
        over = copy(&mut near_read, &far_write, Way::In, observer) => over,
        () = stop.cancelled() => Over::Cut,
    };
    let _ = far_write.close().await;
    let _ = near_write.close().await;
    over
}

/// The same between a socket at the server's end and the client's channel.
pub(crate) async fn join_socket(
    far: TcpStream,
    near: Channel<server::Msg>,
    stop: &CancellationToken,
    observer: &impl Observer,
) -> Over {
    let (far_read, far_write) = far.into_split();
    let (mut near_read, near_write) = near.split();
    let both = async {
        tokio::try_join!(
            from_socket(far_read, &near_write, observer),
            to_socket(&mut near_read, far_write, observer)
        )
    };
    let over = tokio::select! {
        ended = both => ended.err().unwrap_or(Over::Closed),
        () = stop.cancelled() => Over::Cut,
    };
    let _ = near_write.close().await;
    over
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
            ChannelMsg::Eof => {
                if observer.ends(way).await.is_err() {
                    break;
                }
                to.eof().await
            }
            ChannelMsg::Close => return Over::Closed,
            _ => Ok(()),
        };
        if sent.is_err() {
            break;
        }
    }
    Over::Cut
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
        let read = from.read_buf(&mut buffer).await.map_err(|_| Over::Cut)?;
        if read == 0 {
            observer.ends(Way::Out).await.map_err(|_| Over::Cut)?;
            return to.eof().await.map_err(|_| Over::Cut);
        }
        let piece = buffer.split().freeze();
        observer.passes(Way::Out, &piece).await.map_err(|_| Over::Cut)?;
        to.data_bytes(piece).await.map_err(|_| Over::Cut)?;
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
                observer.passes(Way::In, &data).await.map_err(|_| Over::Cut)?;
                to.write_all(&data).await.map_err(|_| Over::Cut)?;
            }
            ChannelMsg::Eof => {
                observer.ends(Way::In).await.map_err(|_| Over::Cut)?;
                return to.shutdown().await.map_err(|_| Over::Cut);
            }
            ChannelMsg::Close => return Err(Over::Closed),
            _ => {}
        }
    }
    Err(Over::Cut)
}
