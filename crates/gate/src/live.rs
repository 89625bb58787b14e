//! The last stage: a running session, its taps and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use gatehouse_archive::{ChannelTap, PushError, RecordingFailed, Sealed, SessionRecorder};
use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_faults::point;
use gatehouse_model::{EndReason, SessionId, Timestamp};
use gatehouse_policy::{Grant, Rights};
use gatehouse_recording::manifest::RecordingTerms;
use gatehouse_recording::{ChannelKind, ChannelSpec, Event, Pty, Stream};
use gatehouse_store::{Closing, SessionUpdate, StoreError};
use gatehouse_telemetry::SESSIONS_CLOSED;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::accepted::Decided;
use crate::clock::Epoch;
use crate::doing::{Counters, Doing};
use crate::forward::{Ledger, Way};
use crate::mend::{SealLater, anchor};
use crate::meters::ByteMeters;
use crate::outage::in_time;
use crate::session::recording_end;
use crate::transfers::TransferRows;
use crate::watching::Slot;
use crate::{Gate, words};

/// Pause between attempts to close a row while the database is gone.
pub(crate) const RETRY: Duration = Duration::from_millis(500);
/// How long a protocol waits for a row to be closed; after that the closing goes on without it.
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);

/// What all parts of the gate share of one session.
pub(crate) struct Core {
    pub(crate) id: SessionId,
    pub(crate) decided: Decided,
    pub(crate) started: Timestamp,
    pub(crate) epoch: Epoch,
    pub(crate) terms: RecordingTerms,
    pub(crate) recorder: SessionRecorder,
    pub(crate) grant: ArcSwap<Grant>,
    pub(crate) counters: Counters,
    /// The node's counters of what this session relays.
    pub(crate) meters: ByteMeters,
    pub(crate) transfers: TransferRows,
    pub(crate) doing: Doing,
    /// The stream for those who watch.
    pub(crate) watched: Slot,
    /// Cancelled when the session begins to close: supervision stops.
    pub(crate) closing: CancellationToken,
    /// Cancelled when the protocol did not end the session in time: its sockets are to be failed.
    pub(crate) abort: CancellationToken,
    pub(crate) finished: AtomicBool,
    pub(crate) loss_reported: AtomicBool,
    /// The recording could not be closed with the session; a task goes on trying.
    pub(crate) sealed_later: AtomicBool,
    pub(crate) channels: AtomicU32,
    pub(crate) subsystem: Mutex<Option<String>>,
    pub(crate) ledger: Ledger,
    /// Told each time the session was decided again and goes on.
    pub(crate) regranted: watch::Sender<()>,
}

impl Core {
    pub(crate) fn gate(&self) -> &Gate {
        self.decided.accepted.gate()
    }

    /// Runs something about this session as a task that the node's end waits for; its lines of the log name the
    /// session.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        part: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let span = self.decided.accepted.span().clone();
        self.gate().tasks().spawn(part.instrument(span))
    }

    /// Counts bytes that are relayed.
    pub(crate) fn relayed(&self, way: Way, count: u64) {
        self.counters.add(way, count);
        self.meters.add(way, count);
    }

    /// In whose name the gate writes about this session.
    pub(crate) fn actor(&self) -> Actor {
        Actor::user(&self.decided.user, Some(self.decided.accepted.source()))
    }

    /// The recording's directory as rows show it: below the data directory, or whole where it lies elsewhere.
    pub(crate) fn recording_path(&self) -> String {
        self.gate().shown_path(self.recorder.path())
    }

    /// The instant now as an end: never before the beginning, though the wall clock may have been set back meanwhile.
    pub(crate) fn ended_at(&self) -> Timestamp {
        self.gate().clock().now().max(self.started)
    }

    pub(crate) async fn seal(&self, reason: &str) -> Option<Sealed> {
        let end = recording_end(self.ended_at(), reason);
        match self.recorder.seal(end.clone()).await {
            Ok(sealed) => Some(sealed),
            Err(error) => {
                tracing::error!(session = %self.id, error = &error as &dyn std::error::Error, "the recording could not be sealed; this is tried again");
                if !self.sealed_later.swap(true, Ordering::AcqRel) {
                    SealLater::of(self, end).begin();
                }
                None
            }
        }
    }

    /// Seals the recording and closes the row, once. Later calls do nothing.
    pub(crate) async fn close(self: &Arc<Self>, close: Close) {
        if self.finished.swap(true, Ordering::AcqRel) {
            return;
        }
        self.closing.cancel();
        let gate = self.gate().clone();
        gate.registry().remove(self.id);
        let core = Arc::clone(self);
        let protocol = self.decided.accepted.protocol();
        SESSIONS_CLOSED.count(&[protocol.as_str(), close.reason.as_str()]);
        let closing = self.spawn(async move { core.finish(close).await });
        if tokio::time::timeout(CLOSE_PATIENCE, closing).await.is_err() {
            tracing::warn!(session = %self.id, "the session's row is not closed yet; this goes on in the background");
        }
    }

    /// Writes into the book, once, that bytes were relayed and not recorded, or that the recorder failed.
    pub(crate) async fn report_loss(&self) {
        let lost = self.recorder.relayed_not_written();
        let failure = self.recorder.failure();
        if (lost == 0 && failure.is_none()) || self.loss_reported.swap(true, Ordering::AcqRel) {
            return;
        }
        let gate = self.gate();
        let draft = Draft::new(
            Action::RecordingFailed,
            &Actor::node(gate.node()),
            gate.clock().now(),
        )
        .user(&self.decided.user)
        .server(&self.decided.server)
        .session(self.id)
        .outcome(Outcome::Failed)
        .reason(failure.map_or_else(
            || "bytes were relayed that are not recorded".to_owned(),
            |f| f.to_string(),
        ))
        .detail("relayed_not_written", lost);
        if let Err(error) = in_time(gate.store().record(draft)).await {
            self.loss_reported.store(false, Ordering::Release);
            tracing::error!(session = %self.id, %error, "the failed recording could not be written into the book");
        }
    }

    pub(crate) async fn finish(&self, close: Close) {
        point!("gate.relays-stopped", self.id);
        self.ledger.finish(self.gate().clock().now()).await;
        let sealed = self.seal(close.reason.as_str()).await;
        self.transfers.complete(self.gate(), sealed.as_ref()).await;
        self.report_loss().await;
        let unrecorded_bytes = self.recorder.relayed_not_written();
        let now = self.ended_at();
        self.gate().login_book().leave(self, now);
        let news = self.doing.news(&self.counters, self.epoch, now);
        let closing = Closing {
            reason: close.reason,
            ended_by: close.by,
            detail: close.detail,
            bytes: self.counters.bytes(),
            note: news.map(|news| news.note),
            anchor: sealed.as_ref().map(anchor),
            recording: sealed.map(|sealed| self.gate().summary(sealed)),
            unrecorded_bytes,
        };
        let (gate, at, actor) = (self.gate(), now, self.actor());
        loop {
            let closed = gate.store().close_session(&actor, at, self.id, closing.clone());
            match in_time(closed).await {
                Ok(_) => break,
                Err(error @ StoreError::Database(_)) if !gate.is_stopped() => {
                    tracing::warn!(session = %self.id, error = &error as &dyn std::error::Error, "the session's row cannot be closed yet");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => {
                    tracing::error!(session = %self.id, error = &error as &dyn std::error::Error, "the session's row could not be closed");
                    break;
                }
            }
        }
        point!("gate.row-closed", self.id);
        tracing::info!(session = %self.id, reason = close.reason.as_str(), "session closed");
    }
}

/// How and why a session ends.
#[derive(Clone, Debug)]
pub struct Close {
    /// The word.
    pub reason: EndReason,
    /// Who ended it, if somebody did.
    pub by: Option<String>,
    /// More, one sentence.
    pub detail: Option<String>,
}

impl Close {
    /// One of the two sides finished.
    pub fn normal() -> Self {
        Self {
            reason: EndReason::Normal,
            by: None,
            detail: None,
        }
    }

    /// A fault, told in a sentence.
    pub fn error(detail: impl Into<String>) -> Self {
        Self {
            reason: EndReason::Error,
            by: None,
            detail: Some(detail.into()),
        }
    }
}

/// A running session. When the last clone is dropped and nobody has closed it, as after a panic, it is closed with
/// the reason `error`.
#[derive(Clone)]
pub struct Live {
    core: Arc<Core>,
    _guard: Arc<Guard>,
}

struct Guard(Arc<Core>);

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.0.finished.load(Ordering::Acquire) {
            let core = Arc::clone(&self.0);
            self.0.spawn(async move {
                core.close(Close::error("the session was lost by a fault of the gate"))
                    .await
            });
        }
    }
}

impl Live {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            _guard: Arc::new(Guard(Arc::clone(&core))),
            core,
        }
    }

    /// Tells whether anything still holds the session.
    #[cfg(test)]
    pub(crate) fn weak(&self) -> std::sync::Weak<Core> {
        Arc::downgrade(&self.core)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The session's id.
    pub fn id(&self) -> SessionId {
        self.core.id
    }

    /// What was decided at the beginning.
    pub fn decided(&self) -> &Decided {
        &self.core.decided
    }

    /// What may be done now.
    pub fn rights(&self) -> Rights {
        self.core.grant.load().rights.clone()
    }

    /// Resolves when the session was to end and the protocol did not end it in time: fail the sockets.
    pub async fn aborted(&self) {
        self.core.abort.cancelled().await;
    }

    /// The line that greets the person in an interactive shell: that it is recorded, and until when it lasts.
    pub fn greeting(&self) -> String {
        let gate = self.core.gate();
        let server = &self.core.decided.server;
        let grant = self.core.grant.load();
        let access = match grant.until {
            None => "has no end".to_owned(),
            Some(until) => format!(
                "ends at {} (in {})",
                words::moment(until, &gate.zone()),
                words::remaining(gate.clock().now(), until)
            ),
        };
        let longest = grant
            .max_length
            .map(|longest| format!(" The session may last {} at most.", words::span(longest)));
        let idle = grant
            .idle
            .map(|limit| format!(" It ends after {} without activity.", words::span(limit)));
        format!(
            "Gatehouse: this session on {server} is recorded. Your access {access}.{}{}",
            longest.unwrap_or_default(),
            idle.unwrap_or_default()
        )
    }

    /// Opens the recording of a channel.
    ///
    /// # Errors
    /// The recorder has failed or is closed.
    pub fn open_channel(&self, kind: ChannelKind, pty: Option<Pty>) -> Result<Tap, TapError> {
        if let ChannelKind::Subsystem(name) = &kind {
            self.note_subsystem(name);
        }
        self.core.doing.started(&kind);
        self.core.gate().registry().stir();
        // As granted now, which may be stricter than at the beginning.
        let terms = self.core.grant.load().recording;
        let spec = ChannelSpec {
            number: self.core.channels.fetch_add(1, Ordering::Relaxed),
            kind,
            pty,
            binary: terms.binary.unwrap_or(self.core.terms.binary),
            input: terms.input.unwrap_or(self.core.terms.input),
        };
        let tap = self.core.recorder.open_channel(spec).map_err(TapError::from)?;
        Ok(Tap {
            core: Arc::clone(&self.core),
            tap,
        })
    }

    /// Ends the session: recording sealed, row closed, once. The protocol has stopped relaying before it calls this.
    pub async fn close(&self, close: Close) {
        self.core.close(close).await;
    }

    fn note_subsystem(&self, name: &str) {
        let mut noted = self.core.subsystem.lock();
        if noted.is_some() {
            return;
        }
        *noted = Some(name.to_owned());
        drop(noted);
        let core = Arc::clone(&self.core);
        let update = SessionUpdate {
            subsystem: Some(name.to_owned()),
            ..SessionUpdate::default()
        };
        self.core.spawn(async move {
            if let Err(error) = core.gate().store().update_session(core.id, update).await {
                tracing::warn!(session = %core.id, %error, "the subsystem could not be written to the session's row");
            }
        });
    }
}

/// Why nothing more may be relayed on a channel.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// The recording has failed; the whole session ends.
    #[error("the recording failed, so the session ends here: {0}")]
    Failed(#[source] RecordingFailed),
    /// The policy refuses what this channel carries; the channel ends.
    #[error("{0}")]
    Refused(String),
    /// The session is over.
    #[error("the session is over")]
    Closed,
}

impl From<PushError> for TapError {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Failed(failed) => Self::Failed(failed),
            PushError::Refused(sentence) => Self::Refused(sentence),
            PushError::Closed => Self::Closed,
        }
    }
}

/// The recording of one channel. Whatever is to be relayed goes through here first.
#[derive(Clone)]
pub struct Tap {
    core: Arc<Core>,
    tap: ChannelTap,
}

impl Tap {
    /// The session that it belongs to.
    pub fn session(&self) -> SessionId {
        self.core.id
    }

    /// Hands bytes to the recorder; they may be relayed when this returns. Waits while the recorder is behind.
    ///
    /// # Errors
    /// They must not be relayed.
    pub async fn data(&self, stream: Stream, bytes: Bytes) -> Result<(), TapError> {
        let count = bytes.len() as u64;
        self.tap.data(stream, bytes).await?;
        let way = match stream {
            Stream::Input => Way::In,
            Stream::Output | Stream::Error => Way::Out,
        };
        let now = self.core.epoch.micros();
        self.core.relayed(way, count);
        self.core.counters.touch(now);
        if way == Way::In {
            self.core.counters.typed(now);
        }
        Ok(())
    }

    /// Hands to the recorder what the gate itself shows to the person. It does not count as activity: a warning must
    /// not keep an idle session alive.
    ///
    /// # Errors
    /// The recorder has failed or is closed.
    pub async fn own_words(&self, bytes: Bytes) -> Result<(), TapError> {
        let count = bytes.len() as u64;
        self.tap.data(Stream::Output, bytes).await?;
        self.core.relayed(Way::Out, count);
        Ok(())
    }

    /// Hands any other event to the recorder.
    ///
    /// # Errors
    /// Nothing more must be relayed.
    pub async fn push(&self, event: Event) -> Result<(), TapError> {
        self.tap.push(event).await.map_err(TapError::from)
    }

    /// Ends the channel's recording.
    pub async fn close(&self) {
        if let Err(error) = self.tap.close().await {
            tracing::debug!(session = %self.core.id, %error, "the channel's recording was closed already");
        }
    }
}
