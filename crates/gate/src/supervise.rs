//! Supervision of one live session: decided again when something changes, warned ahead of its end, ended in time.

use std::sync::Arc;
use std::time::Duration;

use gatehouse_model::{EndReason, SpanSeconds, Timestamp};
use gatehouse_policy::{Decision, Grant};
use gatehouse_store::SessionUpdate;
use tokio::sync::mpsc;

use crate::live::{Close, Core};
use crate::words;

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

/// Watches a session until it closes.
pub(crate) async fn run(core: Arc<Core>, commands: mpsc::Sender<Command>) {
    let gate = core.gate().clone();
    let mut directory = gate.directory_changes();
    let mut watch = Watch::new(Arc::clone(&core));
    loop {
        directory.borrow_and_update();
        core.report_loss().await;
        let now = gate.clock().now();
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

struct Watch {
    core: Arc<Core>,
    /// The end that the person has been told of.
    told: Option<Timestamp>,
    /// Warnings still to come, longest first.
    warnings: Vec<SpanSeconds>,
}

struct Step {
    notices: Vec<Command>,
    ending: Option<Ending>,
    wake: Option<Timestamp>,
}

impl Watch {
    fn new(core: Arc<Core>) -> Self {
        let now = core.gate().clock().now();
        let told = effective_end(&core, &core.grant.load());
        let warnings = warnings_ahead(&core, now, told);
        Self { core, told, warnings }
    }

    fn examine(&mut self, now: Timestamp) -> Step {
        let mut notices = Vec::new();
        let grant = self.core.grant.load_full();
        let directory = self.core.gate().directory();
        let due =
            grant.next_change.is_some_and(|change| change <= now) || directory.revision() != grant.revision;
        let grant = if due {
            match self.core.decided.decide_now() {
                Decision::Deny(denial) => {
                    let expired = grant.until.is_some_and(|until| until <= now);
                    let reason = if expired {
                        EndReason::Expired
                    } else {
                        EndReason::Revoked
                    };
                    let sentence = format!("Your access has ended. {}", denial.sentence);
                    return Step {
                        notices,
                        ending: Some(Ending {
                            reason,
                            by: None,
                            sentence,
                        }),
                        wake: None,
                    };
                }
                Decision::Allow(fresh) => self.regrant(&grant, fresh, &mut notices),
            }
        } else {
            grant
        };
        if let Some(ending) = self.overdue(&grant, now) {
            return Step {
                notices,
                ending: Some(ending),
                wake: None,
            };
        }
        self.tell_moved_end(&grant, now, &mut notices);
        self.warn(now, &mut notices);
        Step {
            notices,
            ending: None,
            wake: self.next_wake(&grant, now),
        }
    }

    /// Puts a fresh grant in force.
    fn regrant(&self, old: &Grant, fresh: Grant, notices: &mut Vec<Command>) -> Arc<Grant> {
        let fresh = Arc::new(fresh);
        self.core.grant.store(Arc::clone(&fresh));
        self.core.regranted.send_replace(());
        if old.rights != fresh.rights {
            notices.push(Command::Regranted);
        }
        if old.policies != fresh.policies || old.until != fresh.until {
            let update = SessionUpdate {
                terms: Some((fresh.policies.clone(), fresh.until)),
                ..SessionUpdate::default()
            };
            let core = Arc::clone(&self.core);
            let tasks = core.gate().tasks().clone();
            tasks.spawn(async move {
                if let Err(error) = core.gate().store().update_session(core.id, update).await {
                    tracing::warn!(session = %core.id, %error, "the new terms could not be written to the session's row");
                }
            });
        }
        fresh
    }

    /// Whether the session is too long or has been idle too long.
    fn overdue(&self, grant: &Grant, now: Timestamp) -> Option<Ending> {
        let timeout = |sentence| {
            Some(Ending {
                reason: EndReason::Timeout,
                by: None,
                sentence,
            })
        };
        if self.longest_end(grant, now).is_some_and(|end| end <= now) {
            let length = grant.max_length.map(words::span).unwrap_or_default();
            return timeout(format!(
                "This session has reached the longest time allowed, {length}."
            ));
        }
        if self.idle_end(grant, now).is_some_and(|end| end <= now) {
            let idle = grant.idle.map(words::span).unwrap_or_default();
            return timeout(format!("This session was idle for {idle}."));
        }
        None
    }

    /// The end has moved since the person was told: says so, and plans the warnings anew.
    fn tell_moved_end(&mut self, grant: &Grant, now: Timestamp, notices: &mut Vec<Command>) {
        let end = effective_end(&self.core, grant);
        if end == self.told {
            return;
        }
        let zone = self.core.gate().zone();
        let server = &self.core.decided.server;
        let text = match (self.told, end) {
            (_, None) => format!("Your access to {server} no longer has an end."),
            (Some(old), Some(new)) if new > old => format!(
                "Your access to {server} has been extended; it now ends at {} (in {}).",
                words::moment(new, &zone),
                words::remaining(now, new)
            ),
            (_, Some(new)) => format!(
                "Your access to {server} now ends at {} (in {}).",
                words::moment(new, &zone),
                words::remaining(now, new)
            ),
        };
        notices.push(Command::Notice(text));
        self.told = end;
        self.warnings = warnings_ahead(&self.core, now, end);
    }

    fn warn(&mut self, now: Timestamp, notices: &mut Vec<Command>) {
        let Some(end) = self.told else { return };
        let before = self.warnings.len();
        self.warnings
            .retain(|span| end.checked_sub(span.signed()).is_ok_and(|due| due > now));
        if self.warnings.len() < before {
            notices.push(Command::Notice(format!(
                "Your access to {} ends in {}, at {}. Save your work; everything of this session is cut then.",
                self.core.decided.server,
                words::remaining(now, end.saturating_add(jiff::SignedDuration::from_millis(900)).unwrap_or(end)),
                words::moment(end, &self.core.gate().zone())
            )));
        }
    }

    fn next_wake(&self, grant: &Grant, now: Timestamp) -> Option<Timestamp> {
        let warning = self.told.and_then(|end| {
            self.warnings
                .first()
                .and_then(|span| end.checked_sub(span.signed()).ok())
        });
        [
            grant.next_change,
            grant.until,
            warning,
            self.longest_end(grant, now),
            self.idle_end(grant, now),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// When the longest session is over: counted by the steady clock, told in the wall clock's terms.
    fn longest_end(&self, grant: &Grant, now: Timestamp) -> Option<Timestamp> {
        let length = grant.max_length?.std();
        now.checked_add(left(&self.core, length)).ok()
    }

    /// When the session has been idle for too long, if nothing is relayed until then.
    fn idle_end(&self, grant: &Grant, now: Timestamp) -> Option<Timestamp> {
        let active = Duration::from_micros(self.core.counters.active_micros());
        let idle = active.checked_add(grant.idle?.std())?;
        now.checked_add(left(&self.core, idle)).ok()
    }
}

/// What is left until the session is `age` old; jumps of the wall clock make no difference.
fn left(core: &Core, age: Duration) -> jiff::SignedDuration {
    let left = age.saturating_sub(Duration::from_micros(core.epoch.micros()));
    jiff::SignedDuration::try_from(left).unwrap_or(jiff::SignedDuration::MAX)
}

fn longest_end(core: &Core, grant: &Grant) -> Option<Timestamp> {
    grant
        .max_length
        .and_then(|length| core.started.checked_add(length.signed()).ok())
}

/// The end that can be foreseen: of the access, or of the longest session.
fn effective_end(core: &Core, grant: &Grant) -> Option<Timestamp> {
    [grant.until, longest_end(core, grant)]
        .into_iter()
        .flatten()
        .min()
}

/// The warnings that are not due yet, longest first.
fn warnings_ahead(core: &Core, now: Timestamp, end: Option<Timestamp>) -> Vec<SpanSeconds> {
    let Some(end) = end else { return Vec::new() };
    let mut spans = core.gate().settings().warnings.clone();
    spans.sort_unstable_by(|a, b| b.cmp(a));
    spans.retain(|span| end.checked_sub(span.signed()).is_ok_and(|due| due > now));
    spans
}
