//! Sessions that came to nothing: not recorded, not written down, or not accepted by the target.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatehouse_archive::ArchiveError;
use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_faults::point;
use gatehouse_model::SessionId;
use gatehouse_store::{StoreError, Transition};
use gatehouse_telemetry::SESSIONS_FAILED;

use super::OpenError;
use crate::accepted::Decided;
use crate::live::{Close, Core, RETRY};
use crate::mend::anchor;
use crate::outage::in_time;

/// The word for a session whose row was not written, or was and the database did not say so.
pub(super) const ROW_UNKNOWN: &str = "store_unreachable";
/// For a database that answers again to have done what it was told before.
const LATE: Duration = Duration::from_secs(20);

/// Closes a session that was begun and never ran: its recording, and its row if there is one.
pub(super) async fn fail(core: Arc<Core>, reason: String, sentence: String) {
    core.closing.cancel();
    core.finished.store(true, Ordering::Release);
    core.gate().registry().remove(core.id);
    SESSIONS_FAILED.count(&[core.decided.accepted.protocol().as_str(), &reason]);
    let anchor = core.seal("failed").await.as_ref().map(anchor);
    let gate = core.gate();
    tracing::info!(session = %core.id, reason, "session failed");
    let at = gate.clock().now();
    let actor = core.actor();
    let mut late = reason == ROW_UNKNOWN;
    point!("gate.failing", core.id);
    loop {
        let failed = gate
            .store()
            .fail_session(&actor, at, core.id, (&reason, &sentence), anchor.as_ref());
        match in_time(failed).await {
            Ok(Transition::Done) => return,
            // There was no row; one may still come of what the database was told before it fell silent.
            Ok(Transition::AlreadyDone) if late => {
                late = false;
                tokio::select! {
                    () = gate.stopped() => {}
                    () = tokio::time::sleep(LATE) => {}
                }
            }
            // The row went active although its activation was reported as failed.
            Ok(Transition::AlreadyDone) => return core.finish(Close::error(sentence)).await,
            Err(error @ StoreError::Database(_)) if !gate.is_stopped() => {
                tracing::warn!(session = %core.id, error = &error as &dyn std::error::Error, "the failed session's row cannot be written yet");
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => {
                tracing::error!(session = %core.id, error = &error as &dyn std::error::Error, "the failed session's row could not be written");
                return;
            }
        }
    }
}

/// Writes into the book that a session could not be recorded, and so was not opened.
pub(super) async fn no_recording(decided: &Decided, id: SessionId, error: ArchiveError) -> OpenError {
    let gate = decided.accepted.gate();
    SESSIONS_FAILED.count(&[decided.accepted.protocol().as_str(), "recording_failed"]);
    tracing::error!(session = %id, error = &error as &dyn std::error::Error, "no recording, no session");
    let draft = Draft::new(
        Action::RecordingFailed,
        &Actor::node(gate.node()),
        gate.clock().now(),
    )
    .user(&decided.user)
    .server(&decided.server)
    .session(id)
    .outcome(Outcome::Failed)
    .reason(&error);
    if let Err(error) = in_time(gate.store().record(draft)).await {
        tracing::error!(session = %id, %error, "the failed recording could not be written into the book");
    }
    OpenError::Recording(error)
}
