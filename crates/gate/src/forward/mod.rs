//! Forwards of a running session: decided, written down, counted, and closed when they are no longer covered.
//!
//! Invariants:
//! - **Decided, then relayed.** A [`ForwardConnection`] exists only for what the policy permits at that instant; it
//!   is decided again whenever the session is, and at the instant its permit names.
//! - **Recorded, then relayed.** Where the policy says that the bytes of forwards are kept, they are with the recorder before
//!   they go on; if that fails, they do not.
//! - **Everything is told.** Each forward is a row, each connection and each refusal an event. They are written in
//!   their order by one task of the session. Equal refusals within a minute are one event with a count. While the
//!   database is gone they wait; when too many wait, further forwards are refused.
//! - **Closed before the session.** The session's row is closed after the rows of its forwards.

mod capture;
mod ledger;
mod listen;

use std::sync::Arc;

use bytes::Bytes;
use gatehouse_archive::{ChannelTap, PushError};
use gatehouse_model::{ForwardCapture, ForwardDestination, ForwardKind, Right, Timestamp};
use gatehouse_policy::{ForwardRefusal, decide_forward};
use gatehouse_recording::{Event, Stream};
use gatehouse_store::ForwardLine;

use crate::live::{Core, Live, TapError};

pub(crate) use ledger::{Ledger, write_counts};
pub(crate) use listen::Taken;
pub use listen::{Incoming, ListenRefusal, RemoteListener};

use ledger::Row;

/// What the client's own end of a forward is called in rows: where it listens is not told to the gate.
pub const CLIENT: &str = "client";

/// What a forward is asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ForwardAsk {
    /// From the client through the server (`-L`, `-D`, `-W`).
    Local(ForwardDestination),
    /// From the client to a socket at the server.
    LocalSocket(String),
    /// From a port on the server's side to the client (`-R`); where it listens, for rows.
    Remote(String),
    /// From a socket at the server to the client.
    RemoteSocket(String),
    /// Windows of programs at the server.
    X11,
}

impl ForwardAsk {
    pub(crate) fn line(&self) -> ForwardLine {
        let (kind, listen, destination) = match self {
            Self::Local(to) => (ForwardKind::Local, CLIENT.to_owned(), to.to_string()),
            Self::LocalSocket(path) => (ForwardKind::Unix, CLIENT.to_owned(), path.clone()),
            Self::Remote(listen) => (ForwardKind::Remote, listen.clone(), CLIENT.to_owned()),
            Self::RemoteSocket(path) => (ForwardKind::Unix, path.clone(), CLIENT.to_owned()),
            Self::X11 => (ForwardKind::X11, "server".to_owned(), CLIENT.to_owned()),
        };
        ForwardLine {
            kind,
            listen,
            destination,
        }
    }
}

/// Why a forward is not made, in a sentence for the person.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ForwardError {
    /// The rules for destinations refuse it.
    #[error(transparent)]
    Refused(#[from] ForwardRefusal),
    /// No grant carries the right.
    #[error(
        "{what} is refused: none of your grants for this server carries the right {right}; ask your administrator for it"
    )]
    NoRight {
        /// What was asked for, in words.
        what: &'static str,
        /// The right.
        right: &'static str,
    },
    /// Too much waits to be written down.
    #[error(
        "the forward is refused: the gate's database cannot be reached, so it cannot be written down; try again shortly"
    )]
    NotWritten,
    /// What it carries is to be kept, and cannot be.
    #[error("the forward is refused: what it carries cannot be recorded: {0}")]
    NotRecorded(String),
    /// The session is over.
    #[error("the session is over")]
    Over,
}

impl From<PushError> for ForwardError {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Closed => Self::Over,
            other => Self::NotRecorded(other.to_string()),
        }
    }
}

/// Which way bytes of a forward go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// From the person.
    In,
    /// To the person.
    Out,
}

impl Way {
    fn stream(self) -> Stream {
        match self {
            Self::In => Stream::Input,
            Self::Out => Stream::Output,
        }
    }
}

impl Live {
    /// Whether the policy permits a forward now, and when that must be asked again at the latest.
    ///
    /// # Errors
    /// It does not; the error is a sentence for the person.
    pub fn permits(&self, ask: &ForwardAsk) -> Result<Option<Timestamp>, ForwardError> {
        permits(self.core(), ask)
    }

    /// Begins a forward that waits for connections, such as a port at the server. Its row exists until the value is
    /// dropped.
    ///
    /// # Errors
    /// It is not permitted (which the book is told), or cannot be written down.
    pub async fn open_forward(&self, ask: ForwardAsk) -> Result<OpenForward, ForwardError> {
        let core = self.core();
        self.decide_or_tell(&ask)?;
        let row = core.ledger.open(core, &ask).await?;
        Ok(OpenForward {
            core: Arc::clone(core),
            ask,
            row,
        })
    }

    /// Begins one connection of a forward, from `origin`: what the peer says of where it comes from, or what is seen.
    ///
    /// # Errors
    /// It is not permitted (which the book is told), or cannot be written down or recorded.
    pub async fn connect_forward(
        &self,
        ask: ForwardAsk,
        origin: &str,
    ) -> Result<ForwardConnection, ForwardError> {
        self.decide_or_tell(&ask)?;
        ForwardConnection::begin(self.core(), ask, origin).await
    }

    /// Writes into the book that a forward was refused. Does not wait.
    pub fn refuse_forward(&self, ask: &ForwardAsk, sentence: &str) {
        self.core().ledger.deny(self.core(), ask, sentence);
    }

    fn decide_or_tell(&self, ask: &ForwardAsk) -> Result<(), ForwardError> {
        match self.permits(ask) {
            Ok(_) => Ok(()),
            Err(error) => {
                self.refuse_forward(ask, &error.to_string());
                Err(error)
            }
        }
    }
}

fn permits(core: &Core, ask: &ForwardAsk) -> Result<Option<Timestamp>, ForwardError> {
    let grant = core.grant.load();
    let right = |right: Right, what| {
        if grant.rights.allows(right) {
            Ok(None)
        } else {
            let right = right.as_str();
            Err(ForwardError::NoRight { what, right })
        }
    };
    match ask {
        ForwardAsk::Local(to) => {
            let gate = core.gate();
            let source = core.decided.accepted.source();
            let permit = decide_forward(&gate.directory(), &grant, source, to, gate.clock().now())?;
            Ok(permit.ask_again)
        }
        ForwardAsk::LocalSocket(_) => right(Right::ForwardUnix, "forwarding to a socket"),
        ForwardAsk::RemoteSocket(_) => right(Right::ForwardUnix, "forwarding of a socket"),
        ForwardAsk::Remote(_) => right(Right::ForwardRemote, "remote forwarding"),
        ForwardAsk::X11 => right(Right::X11, "X11 forwarding"),
    }
}

/// Resolves with the sentence to show when a forward is not permitted any more.
async fn revoked(core: &Arc<Core>, ask: &ForwardAsk) -> String {
    let mut decided = core.regranted.subscribe();
    loop {
        decided.borrow_and_update();
        let again = match permits(core, ask) {
            Ok(again) => again,
            Err(error) => {
                core.ledger.revoke(core, ask, &error.to_string());
                return error.to_string();
            }
        };
        tokio::select! {
            // The sender is gone with the session, which ends its forwards by itself.
            changed = decided.changed() => if changed.is_err() { std::future::pending::<()>().await },
            () = crate::clock::until(core.gate().clock(), again) => {}
        }
    }
}

/// A forward that waits for connections.
pub struct OpenForward {
    core: Arc<Core>,
    ask: ForwardAsk,
    row: Arc<Row>,
}

impl OpenForward {
    /// Begins one connection of it.
    ///
    /// # Errors
    /// It is not permitted any more, or cannot be written down or recorded.
    pub async fn connect(&self, origin: &str) -> Result<ForwardConnection, ForwardError> {
        permits(&self.core, &self.ask)?;
        ForwardConnection::begin(&self.core, self.ask.clone(), origin).await
    }

    /// Resolves with the sentence to show when it is not permitted any more; the book has been told.
    pub async fn revoked(&self) -> String {
        revoked(&self.core, &self.ask).await
    }
}

impl Drop for OpenForward {
    fn drop(&mut self) {
        self.core.ledger.release(&self.core, &self.row);
    }
}

/// One connection through a forward. Whatever is relayed is recorded, where that is wanted, and counted here first.
pub struct ForwardConnection {
    core: Arc<Core>,
    ask: ForwardAsk,
    row: Arc<Row>,
    /// Where what it carries is kept, if it is. Dropped before both ways were [ended](Self::ended), it tells of a cut.
    capture: Option<ChannelTap>,
}

impl ForwardConnection {
    async fn begin(core: &Arc<Core>, ask: ForwardAsk, origin: &str) -> Result<Self, ForwardError> {
        let wanted = capture::wanted(core);
        let row = core.ledger.connect(core, &ask, origin, wanted).await?;
        let mut connection = Self {
            core: Arc::clone(core),
            ask,
            row,
            capture: None,
        };
        if wanted == ForwardCapture::On {
            let tap = capture::open(core, &connection.ask, &connection.row, origin)?;
            connection.capture = Some(tap);
        }
        Ok(connection)
    }

    /// Records bytes that are about to be relayed, where that is wanted, and counts them for the forward and for the session,
    /// which is not idle meanwhile. Waits while the recorder is behind.
    ///
    /// # Errors
    /// They must not be relayed.
    pub async fn data(&self, way: Way, bytes: &Bytes) -> Result<(), TapError> {
        if let Some(capture) = &self.capture {
            capture.data(way.stream(), bytes.clone()).await?;
        }
        let count = bytes.len() as u64;
        self.row.counters.add(way, count);
        self.row.meters.add(way, count);
        self.core.relayed(way, count);
        self.core.counters.touch(self.core.epoch.micros());
        Ok(())
    }

    /// One direction is about to end in good order. Telling it twice is telling it once.
    ///
    /// # Errors
    /// Nothing more must be relayed.
    pub async fn ended(&self, way: Way) -> Result<(), TapError> {
        match &self.capture {
            Some(capture) => Ok(capture.push(Event::Eof(way.stream())).await?),
            None => Ok(()),
        }
    }

    /// Resolves with the sentence to show when the connection is not permitted any more; the book has been told.
    pub async fn revoked(&self) -> String {
        revoked(&self.core, &self.ask).await
    }
}

impl Drop for ForwardConnection {
    fn drop(&mut self) {
        self.core.ledger.release(&self.core, &self.row);
    }
}
