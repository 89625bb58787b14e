//! Supervision of one live session: decided again when something changes, warned ahead of its end, ended in time.

mod countdown;
#[cfg(test)]
mod jumps;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use gatehouse_faults::point;
use gatehouse_model::{EndReason, Timestamp};
use tokio::sync::mpsc;

use crate::live::{Close, Core};
use watch::Watch;

/// Longest sleep, so that a jump of the wall clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(20);
/// For the protocol to end a session by itself, before its sockets are failed, and again before it is closed
/// without it.
const END_PATIENCE: Duration = Duration::from_secs(4);

/// What a protocol is told about its running session.
#[derive(Clone, Debug)]
pub enum Command {
    /// Show this to the person, in interactive shells.
    Notice(String),
    /// The rights have changed: close what they no longer cover.
    Regranted,
    /// Show why, end everything, then close the session so.
    End(Ending),
}

/// Why a session is ended from outside.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The word.
    pub reason: EndReason,
    /// Who ended it, if somebody did.
    pub by: Option<String>,
    /// The sentence for the person.
    pub sentence: String,
}

impl Ending {
    /// How the row is to be closed.
    pub fn close(&self) -> Close {
        Close {
            reason: self.reason,
            by: self.by.clone(),
            detail: Some(self.sentence.clone()),
        }
    }
}

/// Watches a session until it closes. Without supervision there is no session: after a panic here it is ended.
pub(crate) async fn guarded(core: Arc<Core>, commands: mpsc::Sender<Command>) {
    // Its lines of the log name the session too.
    let watching = core.spawn(run(Arc::clone(&core), commands.clone()));
    if let Err(error) = watching.await
        && error.is_panic()
    {
        tracing::error!(session = %core.id, "the supervision of a session panicked");
        let sentence = "A fault of the gate ended this session.".to_owned();
        end(
            &core,
            &commands,
            Ending {
                reason: EndReason::Error,
                by: None,
                sentence,
            },
        )
        .await;
    }
}

/// Watches a session until it closes.
pub(crate) async fn run(core: Arc<Core>, commands: mpsc::Sender<Command>) {
    let gate = core.gate().clone();
    let mut directory = gate.directory_changes();
    let mut watch = Watch::new(Arc::clone(&core));
    loop {
        directory.borrow_and_update();
        core.report_loss().await;
        let now = gate.clock().now();
        point!("gate.supervise", core.id);
        let step = watch.examine(now);
        for notice in step.notices {
            // A protocol that takes no commands is stuck in a peer; a notice is not worth waiting for it.
            let _ = commands.try_send(notice);
        }
        if let Some(ending) = step.ending {
            end(&core, &commands, ending).await;
            return;
        }
        let sleep = gate_sleep(now, step.wake);
        tokio::select! {
            () = core.closing.cancelled() => return,
            failed = core.recorder.failed() => {
                core.report_loss().await;
                let sentence = format!("The recording of this session failed ({failed}), so it ends here.");
                end(&core, &commands, Ending { reason: EndReason::Error, by: None, sentence }).await;
                return;
            }
            changed = directory.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

fn gate_sleep(now: Timestamp, wake: Option<Timestamp>) -> Duration {
    let until = wake.map(|wake| Duration::try_from(wake.duration_since(now)).unwrap_or(Duration::ZERO));
    until.map_or(LONGEST_SLEEP, |until| {
        (until + Duration::from_millis(1)).min(LONGEST_SLEEP)
    })
}

/// Tells the protocol to end the session, and ends it without the protocol if that does not happen in time.
pub(crate) async fn end(core: &Arc<Core>, commands: &mpsc::Sender<Command>, ending: Ending) {
    tracing::info!(session = %core.id, reason = ending.reason.as_str(), by = ending.by.as_deref().unwrap_or("-"), "session is being ended");
    let told = async {
        let _ = commands.send(Command::End(ending.clone())).await;
        core.closing.cancelled().await;
    };
    if tokio::time::timeout(END_PATIENCE, told).await.is_ok() {
        return;
    }
    core.abort.cancel();
    if tokio::time::timeout(END_PATIENCE, core.closing.cancelled())
        .await
        .is_err()
    {
        core.close(ending.close()).await;
    }
}
