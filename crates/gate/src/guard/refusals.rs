//! Refused connections in the log: one line a second for each kind, however many there are.

use std::collections::HashMap;

use gatehouse_model::{SourceAddr, Timestamp};
use jiff::SignedDuration;
use parking_lot::Mutex;

use crate::limits::Refusal;

/// Between two lines of one kind.
const INTERVAL: SignedDuration = SignedDuration::from_secs(1);

/// Counts of what was refused and is still to be logged.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<(&'static str, Refusal), Tally>>);

struct Tally {
    logged: Timestamp,
    more: u64,
    last: SourceAddr,
}

impl Refusals {
    /// Notes one; the first of its kind within a second is logged at once.
    pub(crate) fn note(&self, gate: &'static str, refusal: Refusal, source: SourceAddr, now: Timestamp) {
        let mut tallies = self.0.lock();
        match tallies.get_mut(&(gate, refusal)) {
            Some(tally) => {
                tally.more = tally.more.saturating_add(1);
                tally.last = source;
            }
            None => {
                let tally = Tally {
                    logged: now,
                    more: 0,
                    last: source,
                };
                tallies.insert((gate, refusal), tally);
                drop(tallies);
                log(gate, refusal, source, 1);
            }
        }
    }

    /// Logs what has come since.
    pub(crate) fn flush(&self, now: Timestamp) {
        let due = self.due(now);
        for (gate, refusal, source, count) in due {
            log(gate, refusal, source, count);
        }
    }

    fn due(&self, now: Timestamp) -> Vec<(&'static str, Refusal, SourceAddr, u64)> {
        let mut tallies = self.0.lock();
        let mut due = Vec::new();
        tallies.retain(|(gate, refusal), tally| {
            // A clock that went back counts as if the second were over.
            let since = now.duration_since(tally.logged);
            if since < INTERVAL && since >= SignedDuration::ZERO {
                return true;
            }
            if tally.more == 0 {
                return false;
            }
            due.push((*gate, *refusal, tally.last, tally.more));
            (tally.logged, tally.more) = (now, 0);
            true
        });
        due
    }
}

fn log(gate: &'static str, refusal: Refusal, source: SourceAddr, count: u64) {
    tracing::warn!(gate, %source, count, reason = refusal.as_str(), "connection refused");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_second() {
        let at = |millis: i64| Timestamp::from_millisecond(1_770_000_000_000 + millis).unwrap();
        let refusals = Refusals::default();
        let source = "10.0.0.7".parse().unwrap();
        for _ in 0..1_000 {
            refusals.note("ssh", Refusal::Blocked, source, at(0));
        }
        assert!(refusals.due(at(999)).is_empty());
        assert_eq!(refusals.due(at(1_000)), [("ssh", Refusal::Blocked, source, 999)]);
        assert!(refusals.due(at(2_000)).is_empty());
        assert!(
            refusals.0.lock().is_empty(),
            "nothing is kept of a flood that is over"
        );
    }
}
