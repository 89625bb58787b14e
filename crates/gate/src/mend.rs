//! Mending at the start of a node: recordings and rows that a crash left open.

use std::time::Duration;

use gatehouse_archive::{Recovered, Sealed, SessionRecorder};
use gatehouse_audit::Actor;
use gatehouse_model::{EndReason, SessionId, SessionState};
use gatehouse_recording::manifest::RecordingEnd;
use gatehouse_store::{ByteCount, Closing, RecordingAnchor, RecordingSummary, Session, StoreError};

use crate::live::{Core, RETRY};
use crate::outage::in_time;
use crate::start::{Gate, StartError};
use crate::transfers::missing;

/// Pause between attempts to seal a recording whose session is over.
const SEAL_AGAIN: Duration = Duration::from_secs(5);

/// What the book is to hold of a closed recording.
pub(crate) fn anchor(sealed: &Sealed) -> RecordingAnchor {
    RecordingAnchor {
        manifest_digest: sealed.manifest_digest.clone(),
        signed_by: sealed.signed_by.clone(),
    }
}

/// A recording that could not be closed with its session: its disk was full, or did not answer. Holds nothing of the
/// session itself, whose place is free for others.
pub(crate) struct SealLater {
    gate: Gate,
    recorder: SessionRecorder,
    end: RecordingEnd,
    id: SessionId,
    user: String,
    server: String,
}

impl SealLater {
    pub(crate) fn of(core: &Core, end: RecordingEnd) -> Self {
        Self {
            gate: core.gate().clone(),
            recorder: core.recorder.clone(),
            end,
            id: core.id,
            user: core.decided.user.to_string(),
            server: core.decided.server.to_string(),
        }
    }

    /// Tries until it is sealed and stands in the book, or the node stops; the next start mends it then.
    pub(crate) fn begin(self) {
        let gate = self.gate.clone();
        gate.tasks().spawn(async move {
            let sealed = loop {
                tokio::select! {
                    () = self.gate.stopping() => return,
                    () = tokio::time::sleep(SEAL_AGAIN) => {}
                }
                match self.recorder.seal(self.end.clone()).await {
                    Ok(sealed) => break sealed,
                    Err(error) => {
                        tracing::debug!(session = %self.id, %error, "the recording still cannot be sealed")
                    }
                }
            };
            self.write_down(&sealed).await;
        });
    }

    async fn write_down(&self, sealed: &Sealed) {
        let (now, actor) = (self.gate.clock().now(), Actor::node(self.gate.node()));
        let (of, anchor) = (
            (self.id, self.user.as_str(), self.server.as_str()),
            anchor(sealed),
        );
        loop {
            let written = self.gate.store().anchor_recording(&actor, now, of, &anchor);
            match in_time(written).await {
                Ok(()) => {
                    break tracing::info!(session = %self.id, "a recording was sealed after its session");
                }
                Err(StoreError::Database(_)) if !self.gate.is_stopped() => tokio::time::sleep(RETRY).await,
                Err(error) => {
                    break tracing::error!(session = %self.id, %error, "a sealed recording could not be written into the book");
                }
            }
        }
    }
}

impl Gate {
    /// Seals recordings and closes rows that an earlier run of this node left open.
    pub(crate) async fn mend(&self) -> Result<(), StartError> {
        let now = self.clock().now();
        let archive = self.archive().clone();
        let recovered = tokio::task::spawn_blocking(move || archive.recover(now))
            .await
            .map_err(StartError::Recovery)??;
        let mut open = self.store().open_sessions_of_node(now, self.node()).await?;
        for found in recovered {
            let row = open
                .iter()
                .position(|row| row.id == found.session)
                .map(|at| open.swap_remove(at));
            self.close_left_open(found.session, row.as_ref(), Some(&found))
                .await?;
        }
        for row in open {
            self.close_left_open(row.id, Some(&row), None).await?;
        }
        Ok(())
    }

    async fn close_left_open(
        &self,
        id: SessionId,
        row: Option<&Session>,
        found: Option<&Recovered>,
    ) -> Result<(), StoreError> {
        let (now, actor) = (self.clock().now(), Actor::node(self.node()));
        let Some(row) = row else {
            return self.anchor_alone(id, found).await;
        };
        let sealed = match found {
            Some(found) => found.sealed.clone(),
            // The crash came between the seal and the row.
            None => self.sealed_earlier(row),
        };
        let anchor = sealed.as_ref().map(anchor);
        if row.state == SessionState::Opening {
            let sentence = "the node stopped before the login at the server was complete";
            self.store()
                .fail_session(&actor, now, id, ("service_restart", sentence), anchor.as_ref())
                .await?;
            return Ok(());
        }
        // What the recording knows of transfers beyond the rows is in its log; rows are added for those missing.
        let known = self.store().session(now, &id.to_string()).await?.transfers;
        let log = found.map(|found| found.transfers.as_slice()).unwrap_or_default();
        self.store()
            .add_transfers(missing(id, row.started_at, log, &known))
            .await?;
        let closing = Closing {
            reason: EndReason::ServiceRestart,
            ended_by: None,
            detail: Some("the node stopped while the session was running".to_owned()),
            bytes: ByteCount {
                bytes_in: row.bytes_in,
                bytes_out: row.bytes_out,
            },
            note: None,
            recording: sealed.map(|sealed| self.summary(sealed)),
            anchor,
            unrecorded_bytes: 0,
        };
        self.store().close_session(&actor, now, id, closing).await?;
        tracing::info!(session = %id, "a session left open by a crash was closed");
        Ok(())
    }

    /// A recording whose session has no open row: it could not be closed when its session was, or the crash came
    /// before the row was written. What it is now goes into the book all the same.
    async fn anchor_alone(&self, id: SessionId, found: Option<&Recovered>) -> Result<(), StoreError> {
        let sealed = found.and_then(|found| found.sealed.as_ref().zip(found.manifest.as_ref()));
        if let Some((sealed, manifest)) = sealed {
            let (now, actor) = (self.clock().now(), Actor::node(self.node()));
            let of = (id, manifest.head.user.as_str(), manifest.head.server.as_str());
            self.store()
                .anchor_recording(&actor, now, of, &anchor(sealed))
                .await?;
            tracing::info!(session = %id, "a recording without an open row was sealed");
        }
        Ok(())
    }

    /// A closed recording as rows have it.
    pub(crate) fn summary(&self, sealed: Sealed) -> RecordingSummary {
        RecordingSummary {
            path: self.shown_path(&sealed.path),
            size: sealed.size,
            digest: Some(sealed.digest),
            files: sealed.files,
        }
    }

    fn sealed_earlier(&self, row: &Session) -> Option<Sealed> {
        let shown = self.settings().data_dir.join(&row.recording.as_ref()?.path);
        let below = shown.strip_prefix(&self.settings().recordings).ok()?;
        match self.archive().library().sealed(below.to_str()?) {
            Ok(sealed) => sealed,
            Err(error) => {
                tracing::error!(session = %row.id, error = &error as &dyn std::error::Error, "the recording of a session left open cannot be read");
                None
            }
        }
    }
}
