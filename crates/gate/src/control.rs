//! The node's control socket: how the command line watches a running session.
//!
//! One request a connection, one JSON object a line. The request: `{"watch": "SESSION", "login": "root", "host": "jump"}`.
//! The answers: `{"channel": 0, "line": "…"}` for each line of a cast, then `{"ended": true}`; or
//! `{"error": "…"}`. The socket is in the data directory with mode 0600: who can open it owns the node.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::SessionId;
use nix::sys::stat::{Mode, umask};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixStream};

use crate::start::StartError;
use crate::{Gate, control_socket};

/// Longest request.
const REQUEST_MAX: u64 = 4_096;
/// For the request to arrive.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// For a watcher to take a line; one that does not is dropped, the session never waits.
const WATCHER_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    watch: SessionId,
    login: String,
    host: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Answer {
    Line { channel: u32, line: String },
    Ended { ended: bool },
    Error { error: String },
}

/// A line of a running session's cast.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatchLine {
    /// The channel within the session.
    pub channel: u32,
    /// The line of the cast: its header first, then one event each.
    pub line: String,
}

/// A running session cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No node runs on this data directory.
    #[error(
        "no gatehouse serve runs on this data directory, so nothing can be watched live; use `gatehouse session play`"
    )]
    NoNode(#[source] std::io::Error),
    /// The node refused.
    #[error("{0}")]
    Refused(String),
    /// The connection broke.
    #[error("the connection to the node broke")]
    Broken(#[from] std::io::Error),
    /// The node said something else.
    #[error("the node answered in a way this version does not understand; use the same version for both")]
    Answer(#[source] serde_json::Error),
}

/// A running session's casts, line by line.
pub struct Watch(Lines<BufReader<OwnedReadHalf>>, Option<WatchLine>);

/// Starts to watch a running session of the node with this data directory, in the name of `login` on `host`.
///
/// # Errors
/// No node runs there, or it does not have the session.
pub async fn watch(
    data_dir: &Path,
    session: SessionId,
    login: &str,
    host: &str,
) -> Result<Watch, ControlError> {
    let stream = UnixStream::connect(control_socket(data_dir))
        .await
        .map_err(ControlError::NoNode)?;
    let (read, mut write) = stream.into_split();
    let request = Request {
        watch: session,
        login: login.to_owned(),
        host: host.to_owned(),
    };
    let mut line = serde_json::to_string(&request).map_err(ControlError::Answer)?;
    line.push('\n');
    write.write_all(line.as_bytes()).await?;
    let mut watch = Watch(BufReader::new(read).lines(), None);
    // The first answer tells whether the session is there.
    watch.1 = watch.next().await?;
    Ok(watch)
}

impl Watch {
    /// The next line; `None`: the session has ended.
    ///
    /// # Errors
    /// The node refused or went away.
    pub async fn next(&mut self) -> Result<Option<WatchLine>, ControlError> {
        if let Some(first) = self.1.take() {
            return Ok(Some(first));
        }
        let Some(line) = self.0.next_line().await? else {
            return Err(ControlError::Broken(std::io::ErrorKind::UnexpectedEof.into()));
        };
        match serde_json::from_str(&line).map_err(ControlError::Answer)? {
            Answer::Line { channel, line } => Ok(Some(WatchLine { channel, line })),
            Answer::Ended { .. } => Ok(None),
            Answer::Error { error } => Err(ControlError::Refused(error)),
        }
    }
}

/// Makes the socket and serves it until the gate stops.
pub(crate) fn serve(gate: &Gate) -> Result<(), StartError> {
    let path = gate.home().control_socket();
    let error = |source| StartError::Control {
        path: path.clone(),
        source,
    };
    // What lies there is left over: the node's lock says that no other one runs.
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {}
        Err(other) => return Err(error(other)),
    }
    // Nobody else may connect in between, whatever the mode of the directory.
    let mask = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let listener = UnixListener::bind(&path);
    umask(mask);
    let listener = listener.map_err(error)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(error)?;
    let gate = gate.clone();
    let tasks = gate.tasks().clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = gate.stopped() => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(gate.tasks().spawn(answer(gate.clone(), stream))),
                    Err(error) => {
                        tracing::warn!(%error, "the control socket could not accept");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
    });
    Ok(())
}

async fn answer(gate: Gate, stream: UnixStream) {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(read.take(REQUEST_MAX));
    let read = tokio::time::timeout(REQUEST_PATIENCE, reader.read_line(&mut line)).await;
    if !matches!(read, Ok(Ok(count)) if count > 0) {
        return;
    }
    let told = match serde_json::from_str::<Request>(&line) {
        Ok(request) => tokio::select! {
            told = show(&gate, &request, &mut write) => told,
            () = gate.stopped() => Ok(()),
        },
        Err(_) => {
            say(
                &mut write,
                &Answer::Error {
                    error: "the request is not understood".to_owned(),
                },
            )
            .await
        }
    };
    if let Err(error) = told {
        tracing::debug!(%error, "a watcher went away");
    }
}

async fn show(
    gate: &Gate,
    request: &Request,
    write: &mut (impl AsyncWriteExt + Unpin),
) -> Result<(), std::io::Error> {
    let Some(entry) = gate.registry().find(request.watch) else {
        let error = format!("session {} does not run on this node", request.watch);
        return say(write, &Answer::Error { error }).await;
    };
    let core = entry.core;
    let actor = Actor::cli(&request.login, &request.host);
    let draft = Draft::new(Action::SessionWatched, &actor, gate.clock().now())
        .user(&core.decided.user)
        .server(&core.decided.server)
        .session(core.id);
    // Nothing is shown before the book says who looked.
    if let Err(error) = gate.store().record(draft).await {
        return say(
            write,
            &Answer::Error {
                error: format!("watching could not be audited: {error}"),
            },
        )
        .await;
    }
    let mut follower = core.follow();
    drop(core);
    while let Some(line) = follower.next().await {
        match line {
            Ok(line) => {
                say(
                    write,
                    &Answer::Line {
                        channel: line.channel,
                        line: line.line,
                    },
                )
                .await?
            }
            Err(error) => {
                return say(
                    write,
                    &Answer::Error {
                        error: error.to_string(),
                    },
                )
                .await;
            }
        }
    }
    say(write, &Answer::Ended { ended: true }).await
}

async fn say(write: &mut (impl AsyncWriteExt + Unpin), answer: &Answer) -> Result<(), std::io::Error> {
    let mut line = serde_json::to_string(answer).map_err(std::io::Error::other)?;
    line.push('\n');
    tokio::time::timeout(WATCHER_PATIENCE, write.write_all(line.as_bytes()))
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}
