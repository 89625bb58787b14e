//! How the access that a set of policies gives runs on from an instant: until when, from when, and when it changes.

use jiff::{SignedDuration, Timestamp};

use crate::directory::{Policies, Policy};
use crate::windows::{LOOK_AHEAD, RunEnd};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Policies that would allow the same request whenever their time has come and their schedules match.
pub(crate) struct Timeline<'d> {
    pub(crate) policies: &'d Policies,
    pub(crate) candidates: Vec<Candidate<'d>>,
}

/// A policy, and whether it is open at the instant that was asked about.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'d> {
    pub(crate) policy: &'d Policy,
    pub(crate) is_open: bool,
}

/// When the policy that is open now closes for the first time.
#[derive(Clone, Copy)]
struct Closing {
    /// `None`: it does not.
    at: Option<Timestamp>,
    /// Whether the answer came from the end of the look-ahead and not from a window's end.
    beyond_horizon: bool,
}

/// How access runs on from an instant at which it is open.
pub(crate) struct Course {
    pub(crate) until: Option<Timestamp>,
    pub(crate) next_change: Option<Timestamp>,
}

impl Timeline<'_> {
    /// The first instant at which none of the candidates is open any more, and the first at which one of them opens
    /// or closes, seen from `at`, at which one is open.
    pub(crate) fn course(&self, at: Timestamp) -> Course {
        // The horizon moves once a day, so that the answer is the same until then.
        let next_day = next_midnight(at);
        let horizon = ahead(next_day, LOOK_AHEAD);
        let mut change = None;
        let mut reached = Reached {
            instant: at,
            beyond_horizon: false,
        };
        let (mut permanent, mut for_good) = (false, false);
        for Candidate { policy, is_open } in &self.candidates {
            if *is_open {
                let closing = closes(self.policies, policy, at, horizon);
                change = earlier(change, closing.at);
                permanent |= reached.extend(closing);
                for_good |= closing.at.is_none() && !closing.beyond_horizon;
            }
        }
        for Candidate { policy, .. } in self.candidates.iter().filter(|candidate| !candidate.is_open) {
            let limit = change.unwrap_or(ahead(at.max(policy.start), LOOK_AHEAD));
            let opening = opens_later(self.policies, policy, at, limit);
            change = earlier(change, opening);
        }
        let until = if permanent {
            None
        } else {
            self.until(&mut reached, horizon)
        };
        if reached.beyond_horizon && !for_good {
            change = earlier(change, Some(next_day));
        }
        Course {
            until,
            next_change: change,
        }
    }

    /// Goes from each closing to the last closing of what is open there, until nothing is.
    fn until(&self, reached: &mut Reached, horizon: Timestamp) -> Option<Timestamp> {
        loop {
            let here = reached.instant;
            for Candidate { policy, .. } in &self.candidates {
                // Schedules are not looked at beyond the horizon.
                let visible = here < horizon || !policy.is_scheduled();
                if visible && is_open(self.policies, policy, here) {
                    let permanent = reached.extend(closes(self.policies, policy, here, horizon));
                    if permanent {
                        return None;
                    }
                }
            }
            if reached.instant == here {
                return Some(here);
            }
        }
    }

    /// The first instant from `from` on at which one of the candidates is open, with that candidate.
    pub(crate) fn next_opening(&self, from: Timestamp) -> Option<(Timestamp, &Policy)> {
        let mut best: Option<(Timestamp, &Policy)> = None;
        for Candidate { policy, .. } in &self.candidates {
            let begin = from.max(policy.start);
            // A policy that begins late is looked at for as long as one that has begun.
            let limit = best.map_or(ahead(begin, LOOK_AHEAD), |(instant, _)| instant);
            let opening = opens(self.policies, policy, from, limit);
            if let Some(instant) = opening.filter(|instant| best.is_none_or(|(b, _)| *instant < b)) {
                best = Some((instant, policy));
            }
        }
        best
    }
}

/// How far access was followed.
struct Reached {
    instant: Timestamp,
    beyond_horizon: bool,
}

impl Reached {
    /// Goes on to a closing if it is later; whether there is none.
    fn extend(&mut self, closing: Closing) -> bool {
        self.beyond_horizon |= closing.beyond_horizon;
        match closing.at {
            Some(instant) => self.instant = self.instant.max(instant),
            None => return true,
        }
        false
    }
}

/// The window that is open at `from`, from its own beginning, or the next one; windows that follow each other without a
/// break are one. `None`: there is none within the look-ahead, or it has no end within it.
pub(crate) fn next_window(
    policies: &Policies,
    policy: &Policy,
    from: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let begin = from.max(policy.start);
    let opening = opens(policies, policy, from, ahead(begin, LOOK_AHEAD))?;
    let closing = closes(policies, policy, opening, ahead(opening, LOOK_AHEAD)).at?;
    let since = policies
        .windows(policy)
        .filter_map(|windows| windows.open_since(opening))
        .min();
    Some((since.unwrap_or(opening).max(policy.start), closing))
}

/// Whether the policy's time has come and not gone, and its schedules match.
pub(crate) fn is_open(policies: &Policies, policy: &Policy, at: Timestamp) -> bool {
    policy.start <= at && policy.end().is_none_or(|end| at < end) && is_within_schedules(policies, policy, at)
}

/// Whether the policy has no schedules, or one that matches.
pub(crate) fn is_within_schedules(policies: &Policies, policy: &Policy, at: Timestamp) -> bool {
    !policy.is_scheduled() || policies.windows(policy).any(|windows| windows.is_open(at))
}

/// When a policy that is open at `at` closes, looking through windows that follow each other without a break.
fn closes(policies: &Policies, policy: &Policy, at: Timestamp, horizon: Timestamp) -> Closing {
    let own_end = Closing {
        at: policy.end(),
        beyond_horizon: false,
    };
    if !policy.is_scheduled() {
        return own_end;
    }
    // What lies behind the policy's own end is of no interest.
    let limit = policy.end().map_or(horizon, |end| end.min(horizon));
    let several = policies.windows(policy).nth(1).is_some();
    let mut reached = at;
    loop {
        let here = reached;
        for windows in policies.windows(policy) {
            match windows.run_end(here, limit) {
                None => {}
                Some(RunEnd::At(instant)) => reached = reached.max(instant),
                Some(RunEnd::BeyondHorizon) => {
                    let beyond_horizon = policy.end().is_none_or(|end| end > horizon);
                    return Closing {
                        beyond_horizon,
                        ..own_end
                    };
                }
            }
        }
        if reached == here || !several {
            return Closing {
                at: Some(reached),
                beyond_horizon: false,
            };
        }
    }
}

/// The first instant from `from` on, and not after `limit`, at which the policy is open.
fn opens(policies: &Policies, policy: &Policy, from: Timestamp, limit: Timestamp) -> Option<Timestamp> {
    let begin = from.max(policy.start);
    let in_time = begin <= limit && policy.end().is_none_or(|end| begin < end);
    if in_time && is_within_schedules(policies, policy, begin) {
        return Some(begin);
    }
    opens_later(policies, policy, begin, limit)
}

/// The same for a policy that is closed at `from`.
fn opens_later(policies: &Policies, policy: &Policy, from: Timestamp, limit: Timestamp) -> Option<Timestamp> {
    if policy.start > from {
        return opens(policies, policy, policy.start, limit);
    }
    // A window that begins at the policy's end or later is none of its own.
    let limit = policy.end().map_or(limit, |end| end.min(limit));
    let starts = policies
        .windows(policy)
        .filter_map(|windows| windows.next_start(from, limit));
    starts
        .min()
        .filter(|start| policy.end().is_none_or(|end| *start < end))
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The first midnight (UTC) after the instant.
fn next_midnight(at: Timestamp) -> Timestamp {
    let days = at.as_second().div_euclid(DAY.as_secs()) + 1;
    Timestamp::from_second(days * DAY.as_secs()).unwrap_or(Timestamp::MAX)
}

fn ahead(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
