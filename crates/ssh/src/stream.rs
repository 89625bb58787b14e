//! The client's and the backend's sockets, wrapped so that they can be failed from outside.
//!
//! A session loop that is parked in a write to a peer who stopped reading sees no timer and no message.
//! Failing the stream under it is the one way to end it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A stream that fails with `ConnectionAborted` in both directions once its token is cancelled, and that first
/// yields bytes which were read ahead.
pub(crate) struct AbortableStream<S> {
    inner: S,
    read_ahead: BytesMut,
    abort_read: Pin<Box<WaitForCancellationFutureOwned>>,
    abort_write: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<S> AbortableStream<S> {
    /// Wraps `inner`; `read_ahead` is what was already read from it.
    pub(crate) fn new(inner: S, read_ahead: BytesMut, abort: &CancellationToken) -> Self {
        Self {
            inner,
            read_ahead,
            abort_read: Box::pin(abort.clone().cancelled_owned()),
            abort_write: Box::pin(abort.clone().cancelled_owned()),
        }
    }
}

fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "ended by the gate")
}

impl<S: AsyncRead + Unpin> AsyncRead for AbortableStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.abort_read.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(aborted()));
        }
        if !self.read_ahead.is_empty() {
            let count = self.read_ahead.len().min(buf.remaining());
            buf.put_slice(self.read_ahead.get(..count).unwrap_or_default());
            self.read_ahead.advance(count);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AbortableStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.abort_write.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(aborted()));
        }
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.abort_write.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(aborted()));
        }
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_was_read_ahead_comes_first_and_an_abort_wakes_a_parked_writer() {
        let (near, mut far) = tokio::io::duplex(16);
        let abort = CancellationToken::new();
        let mut stream = AbortableStream::new(near, BytesMut::from(&b"SSH-"[..]), &abort);
        far.write_all(b"2.0\n").await.unwrap();
        let mut text = [0; 8];
        stream.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"SSH-2.0\n");

        let parked = tokio::spawn(async move { stream.write_all(&[0; 64]).await });
        abort.cancel();
        assert_eq!(
            parked.await.unwrap().unwrap_err().kind(),
            io::ErrorKind::ConnectionAborted
        );
    }
}
