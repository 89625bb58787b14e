//! What supervision remembers of one session, and what it says and does at each look.

use std::sync::Arc;
use std::time::Duration;

use gatehouse_model::{EndReason, SpanSeconds, Timestamp};
use gatehouse_policy::{Decision, Denial, Grant};
use gatehouse_store::SessionUpdate;
use jiff::SignedDuration;

use super::countdown::{Countdown, IdleWatch};
use super::{Command, Ending};
use crate::live::Core;
use crate::words;

/// What the person was told, and what is still to be said.
pub(super) struct Watch {
    core: Arc<Core>,
    /// The end of access that the person has been told of.
    told_until: Option<Timestamp>,
    access: Countdown,
    /// The longest session that the person has been told of.
    told_length: Option<SpanSeconds>,
    length: Countdown,
    idle: IdleWatch,
}

/// What one look at a session comes to.
pub(super) struct Step {
    pub(super) notices: Vec<Command>,
    pub(super) ending: Option<Ending>,
    pub(super) wake: Option<Timestamp>,
}

impl Watch {
    /// The greeting has told the ends that hold now.
    pub(super) fn new(core: Arc<Core>) -> Self {
        let now = core.gate().clock().now();
        let grant = core.grant.load_full();
        let warnings = &core.gate().settings().warnings;
        let clocks = Clocks::of(&core, &grant, now);
        Self {
            access: Countdown::plan(warnings, clocks.access),
            told_until: grant.until,
            length: Countdown::plan(warnings, clocks.length),
            told_length: grant.max_length,
            idle: IdleWatch::default(),
            core,
        }
    }

    pub(super) fn examine(&mut self, now: Timestamp) -> Step {
        let mut notices = Vec::new();
        let grant = self.core.grant.load_full();
        let directory = self.core.gate().directory();
        let due =
            grant.next_change.is_some_and(|change| change <= now) || directory.revision() != grant.revision;
        let grant = if due {
            match self.core.decided.decide_now() {
                Decision::Deny(denial) => {
                    return Step {
                        notices,
                        ending: Some(denied(&grant, &denial, now)),
                        wake: None,
                    };
                }
                Decision::Allow(fresh) => self.regrant(&grant, fresh, &mut notices),
            }
        } else {
            grant
        };
        let clocks = Clocks::of(&self.core, &grant, now);
        if let Some(ending) = overdue(&grant, &clocks) {
            return Step {
                notices,
                ending: Some(ending),
                wake: None,
            };
        }
        self.tell_moved_ends(&grant, &clocks, now, &mut notices);
        self.warn(&grant, &clocks, now, &mut notices);
        Step {
            notices,
            ending: None,
            wake: self.next_wake(&grant, &clocks, now),
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
            self.core.spawn(async move {
                if let Err(error) = core.gate().store().update_session(core.id, update).await {
                    tracing::warn!(session = %core.id, %error, "the new terms could not be written to the session's row");
                }
            });
        }
        fresh
    }

    /// An end has moved since the person was told of it: says so, and plans its warnings anew.
    fn tell_moved_ends(
        &mut self,
        grant: &Grant,
        clocks: &Clocks,
        now: Timestamp,
        notices: &mut Vec<Command>,
    ) {
        let warnings = &self.core.gate().settings().warnings;
        let zone = self.core.gate().zone();
        if grant.until != self.told_until {
            let server = &self.core.decided.server;
            notices.push(Command::Notice(match (self.told_until, grant.until) {
                (_, None) => format!("Your access to {server} no longer has an end."),
                (old, Some(new)) => {
                    let extended = if old.is_some_and(|old| new > old) {
                        "has been extended; it now"
                    } else {
                        "now"
                    };
                    let (end, left) = (words::moment(new, &zone), words::remaining(now, new));
                    format!("Your access to {server} {extended} ends at {end} (in {left}).")
                }
            }));
            self.access = Countdown::plan(warnings, clocks.access);
            self.told_until = grant.until;
        }
        if grant.max_length != self.told_length {
            notices.push(Command::Notice(match (grant.max_length, clocks.length) {
                (Some(longest), Some(left)) => format!(
                    "This session may now last {} at most; it ends at {} (in {}).",
                    words::span(longest),
                    words::moment(after(now, left), &zone),
                    words::left(left)
                ),
                _ => "This session may now last as long as your access.".to_owned(),
            }));
            self.length = Countdown::plan(warnings, clocks.length);
            self.told_length = grant.max_length;
        }
    }

    /// Warns of what comes first of the end of access and that of the longest session, and of idleness if it would
    /// end the session before either.
    fn warn(&mut self, grant: &Grant, clocks: &Clocks, now: Timestamp, notices: &mut Vec<Command>) {
        let access_left = clocks
            .access
            .filter(|left| clocks.length.is_none_or(|other| *left <= other));
        let length_left = clocks.length.filter(|_| access_left.is_none());
        let at = |left| words::moment(after(now, left), &self.core.gate().zone());
        if let Some(left) = access_left.filter(|left| self.access.due(*left)) {
            notices.push(Command::Notice(format!(
                "Your access to {} ends in {}, at {}. Save your work; everything of this session is cut then.",
                self.core.decided.server,
                words::left(left),
                at(left)
            )));
        }
        if let Some(left) = length_left.filter(|left| self.length.due(*left)) {
            notices.push(Command::Notice(format!(
                "This session may last {} at most and ends in {}, at {}. Save your work; after that, connect again.",
                grant.max_length.map(words::span).unwrap_or_default(),
                words::left(left),
                at(left)
            )));
        }
        let first = access_left.or(length_left);
        if let Some(limit) = grant.idle
            && let Some(left) = clocks.idle
            && first.is_none_or(|first| left < first)
            && self.idle.due(limit, clocks.active, clocks.quiet)
        {
            notices.push(Command::Notice(format!(
                "This session is idle and ends in {} unless something is typed or shown; it may be idle for {} at most.",
                words::left(left),
                words::span(limit)
            )));
        }
    }

    fn next_wake(&self, grant: &Grant, clocks: &Clocks, now: Timestamp) -> Option<Timestamp> {
        let idle = grant
            .idle
            .and_then(|limit| self.idle.next(limit, clocks.active, clocks.quiet));
        let spans = [
            clocks.access.and_then(|left| self.access.next(left)),
            clocks.length.and_then(|left| self.length.next(left)),
            clocks.length,
            idle,
            clocks.idle,
        ];
        let instants = spans.into_iter().flatten().map(|left| after(now, left));
        instants
            .chain([grant.next_change, grant.until].into_iter().flatten())
            .min()
    }
}

/// What is left until each end. The longest session and idleness are counted by the steady clock: jumps of the wall
/// clock make no difference.
struct Clocks {
    access: Option<Duration>,
    length: Option<Duration>,
    idle: Option<Duration>,
    /// The session's age when something passed last.
    active: Duration,
    /// How long ago that was.
    quiet: Duration,
}

impl Clocks {
    fn of(core: &Core, grant: &Grant, now: Timestamp) -> Self {
        let active = Duration::from_micros(core.counters.active_micros());
        // After the counter, so that nothing has passed in the future.
        let age = Duration::from_micros(core.epoch.micros());
        let quiet = age.saturating_sub(active);
        Self {
            access: grant
                .until
                .map(|until| Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO)),
            length: grant.max_length.map(|longest| longest.std().saturating_sub(age)),
            idle: grant.idle.map(|limit| limit.std().saturating_sub(quiet)),
            active,
            quiet,
        }
    }
}

/// The decision is another one: taken back, or at its foreseen end.
fn denied(grant: &Grant, denial: &Denial, now: Timestamp) -> Ending {
    let expired = grant.until.is_some_and(|until| until <= now);
    Ending {
        reason: if expired {
            EndReason::Expired
        } else {
            EndReason::Revoked
        },
        by: None,
        sentence: format!("Your access has ended. {}", denial.sentence),
    }
}

/// Whether the session is too long or has been idle too long.
fn overdue(grant: &Grant, clocks: &Clocks) -> Option<Ending> {
    let over = |left: Option<Duration>| left.is_some_and(|left| left.is_zero());
    let sentence = if over(clocks.length) {
        let longest = grant.max_length.map(words::span).unwrap_or_default();
        format!("This session has reached the longest time allowed, {longest}.")
    } else if over(clocks.idle) {
        let limit = grant.idle.map(words::span).unwrap_or_default();
        format!("This session was idle for {limit}.")
    } else {
        return None;
    };
    Some(Ending {
        reason: EndReason::Timeout,
        by: None,
        sentence,
    })
}

fn after(now: Timestamp, left: Duration) -> Timestamp {
    let left = SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX);
    now.saturating_add(left).unwrap_or(Timestamp::MAX)
}
