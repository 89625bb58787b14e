//! The asker's side of a conversation.

use std::path::Path;
use std::pin::Pin;

use gatehouse_model::{Name, NodeId, SessionId, SourceAddr, Timestamp};
use gatehouse_store::{Store, StoreError};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::wire::{Request, SILENCE};
use super::{Answer, LINE_MAX};
use crate::nodes::{self, ReachError};
use crate::{control_socket, node_id_in};

/// What a running session is watched through.
trait Stream: AsyncRead + tokio::io::AsyncWrite + Send {}
impl<S: AsyncRead + tokio::io::AsyncWrite + Send> Stream for S {}

/// Something of a running session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WatchLine {
    /// A line of a channel's cast: its header first, then one event each.
    Line {
        /// The channel within the session.
        channel: u32,
        /// The line.
        line: String,
    },
    /// There is too much to show: so many bytes of a channel's cast are passed over.
    Skipped {
        /// The channel within the session.
        channel: u32,
        /// How many bytes.
        bytes: u64,
    },
}

/// A running session cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No node runs on this data directory.
    #[error(
        "no gatehouse serve runs on this data directory, so nothing can be watched live; use `gatehouse session play`"
    )]
    NoNode(#[source] std::io::Error),
    /// Another node has the session, and cannot be reached.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The store does not say where the node is.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node refused.
    #[error("{0}")]
    Refused(String),
    /// The connection broke.
    #[error("the connection to the node broke")]
    Broken(#[from] std::io::Error),
    /// The node says nothing any more.
    #[error("the node has stopped answering")]
    Silent,
    /// The node said something else.
    #[error("the node answered in a way this version does not understand; use the same version for both")]
    Answer(#[source] serde_json::Error),
}

/// A running session's casts, line by line.
pub struct Watch {
    read: BufReader<Pin<Box<dyn Stream>>>,
    /// The beginning of the line that comes next.
    line: Vec<u8>,
    first: Option<WatchLine>,
}

/// Who watches, for the book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Viewer {
    /// Somebody at a command line.
    Cli {
        /// Their login.
        login: String,
        /// The machine that they are on.
        host: String,
    },
    /// A person whom the asker has made sure of.
    Person {
        /// Their name.
        user: Name,
        /// Where they are.
        source: SourceAddr,
    },
}

/// Starts to watch a running session that `node` carries: through the socket in `data_dir` if that is this machine's
/// node, otherwise over the network.
///
/// # Errors
/// The node cannot be reached, or does not have the session.
pub async fn watch(
    data_dir: &Path,
    store: &Store,
    now: Timestamp,
    (session, node): (SessionId, NodeId),
    viewer: &Viewer,
) -> Result<Watch, ControlError> {
    let mut stream: Pin<Box<dyn Stream>> = if node_id_in(data_dir) == Some(node) {
        let socket = UnixStream::connect(control_socket(data_dir)).await;
        Box::pin(socket.map_err(ControlError::NoNode)?)
    } else {
        Box::pin(nodes::reach(store, now, node).await?)
    };
    let request = Request::new(session, viewer);
    let mut line = serde_json::to_string(&request).map_err(ControlError::Answer)?;
    line.push('\n');
    let asked = async {
        stream.write_all(line.as_bytes()).await?;
        stream.flush().await
    };
    tokio::time::timeout(SILENCE, asked)
        .await
        .map_err(|_| ControlError::Silent)??;
    let mut watch = Watch {
        read: BufReader::new(stream),
        line: Vec::new(),
        first: None,
    };
    // The first answer tells whether the session is there.
    watch.first = watch.next().await?;
    Ok(watch)
}

impl Watch {
    /// What comes next; `None`: the session has ended. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The node refused or went away.
    pub async fn next(&mut self) -> Result<Option<WatchLine>, ControlError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        loop {
            self.read_line().await?;
            let line = std::mem::take(&mut self.line);
            return match serde_json::from_slice(&line).map_err(ControlError::Answer)? {
                Answer::Line { channel, line } => Ok(Some(WatchLine::Line {
                    channel,
                    line: line.into_owned(),
                })),
                Answer::Skipped { channel, skipped } => Ok(Some(WatchLine::Skipped {
                    channel,
                    bytes: skipped,
                })),
                Answer::Alive { .. } => continue,
                Answer::Ended { .. } => Ok(None),
                Answer::Error { error } => Err(ControlError::Refused(error)),
            };
        }
    }

    /// Reads on until a whole line is there. What was read stays when the future is dropped.
    async fn read_line(&mut self) -> Result<(), ControlError> {
        loop {
            let room = LINE_MAX.saturating_sub(self.line.len() as u64);
            let mut some = (&mut self.read).take(room);
            let read = some.read_until(b'\n', &mut self.line);
            let count = tokio::time::timeout(SILENCE, read)
                .await
                .map_err(|_| ControlError::Silent)??;
            if self.line.ends_with(b"\n") {
                return Ok(());
            }
            if count == 0 {
                return Err(ControlError::Broken(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}
