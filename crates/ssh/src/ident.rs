//! The client's identification line (RFC 4253 section 4.2), read ahead of the handshake because the ciphers to
//! offer depend on it: OpenSSH gets AES-GCM only, since its own order would choose the slower ChaCha20.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A client that waits for the server's line first is not kept waiting longer than this.
const PATIENCE: Duration = Duration::from_millis(200);
/// The longest line that RFC 4253 allows, its end included.
const LONGEST: usize = 255;

/// What kind of client it is, as far as the ciphers to offer depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ClientKind {
    /// OpenSSH, which knows AES-GCM and prefers ChaCha20.
    OpenSsh,
    /// Any other, or one that did not say in time.
    Other,
}

/// Reads the line as far as it comes in time. Everything that was read is returned, to be read again.
pub(crate) async fn read_ahead<S: AsyncRead + Unpin>(stream: &mut S) -> (ClientKind, BytesMut) {
    let mut line = BytesMut::with_capacity(LONGEST + 1);
    let complete = async {
        while line.len() <= LONGEST && !line.contains(&b'\n') {
            match stream.read_buf(&mut line).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    };
    // `read_buf` is cancel safe: a line cut off by the timeout loses nothing.
    let _ = tokio::time::timeout(PATIENCE, complete).await;
    (kind_of(&line), line)
}

fn kind_of(line: &[u8]) -> ClientKind {
    if line.starts_with(b"SSH-2.0-OpenSSH") {
        ClientKind::OpenSsh
    } else {
        ClientKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_is_known_by_its_line_and_nothing_read_is_lost() {
        for (sent, kind) in [
            (
                &b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\nrest"[..],
                ClientKind::OpenSsh,
            ),
            (b"SSH-2.0-dropbear_2022.83\r\n", ClientKind::Other),
            (b"GET / HTTP/1.1\r\n", ClientKind::Other),
            (b"", ClientKind::Other),
        ] {
            let (found, read) = read_ahead(&mut &sent[..]).await;
            assert_eq!(found, kind);
            assert_eq!(&read[..], sent);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_not_waited_for() {
        let (mut near, _far) = tokio::io::duplex(16);
        let (found, read) = read_ahead(&mut near).await;
        assert_eq!((found, read.len()), (ClientKind::Other, 0));
    }
}
