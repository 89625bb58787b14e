//! When a session is warned of its ends: pure arithmetic over what is left, without a clock.
//!
//! Three ends are counted down to, each by its own clock: the end of access (an instant of the wall clock), the
//! longest session (its age) and idleness (time since something passed). A session is warned of whichever of the
//! first two comes first, at each of the configured spans before it; of idleness once for each time that it falls
//! idle.

use std::time::Duration;

use gatehouse_model::SpanSeconds;

/// Longest time for which idleness is warned of ahead.
const IDLE_LEAD: Duration = Duration::from_secs(60);

/// Warnings still to come before one end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Countdown {
    /// How long before the end each is due, longest first.
    pending: Vec<Duration>,
}

impl Countdown {
    /// Plans the warnings before an end that is `left` away; those that are due by then already are left out, since
    /// the person is told of the end itself at this moment. `None`: there is no end.
    pub(super) fn plan(spans: &[SpanSeconds], left: Option<Duration>) -> Self {
        let Some(left) = left else { return Self::default() };
        let mut pending: Vec<_> = spans.iter().map(|span| span.std()).collect();
        pending.sort_unstable_by(|a, b| b.cmp(a));
        pending.retain(|span| *span < left);
        Self { pending }
    }

    /// Whether a warning is due, `left` before the end. Several that are due at once count as one.
    pub(super) fn due(&mut self, left: Duration) -> bool {
        let before = self.pending.len();
        self.pending.retain(|span| *span < left);
        self.pending.len() < before
    }

    /// How long until the next one, `left` before the end.
    pub(super) fn next(&self, left: Duration) -> Option<Duration> {
        let next = self.pending.iter().find(|span| **span < left);
        next.map(|span| left.saturating_sub(*span))
    }
}

/// Whether the session has been warned since it fell idle.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct IdleWatch {
    /// The warning that was given: for which limit, and when something had passed last by then.
    warned: Option<(SpanSeconds, Duration)>,
}

impl IdleWatch {
    /// Whether idleness is to be warned of: `quiet` ago something passed last, at `active` of the session's age.
    /// Anything that passes cancels the warning, and the next idling is warned of again.
    pub(super) fn due(&mut self, limit: SpanSeconds, active: Duration, quiet: Duration) -> bool {
        let warned = Some((limit, active));
        if self.warned == warned || quiet + lead(limit) < limit.std() {
            return false;
        }
        self.warned = warned;
        true
    }

    /// How long until it may be.
    pub(super) fn next(&self, limit: SpanSeconds, active: Duration, quiet: Duration) -> Option<Duration> {
        (self.warned != Some((limit, active))).then(|| (limit.std() - lead(limit)).saturating_sub(quiet))
    }
}

/// A minute before the end, or half the time if that is shorter.
fn lead(limit: SpanSeconds) -> Duration {
    IDLE_LEAD.min(limit.std() / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(seconds: u64) -> SpanSeconds {
        SpanSeconds::new(seconds).unwrap()
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_span_is_warned_of_once_and_late_ones_together() {
        let mut countdown = Countdown::plan(&[span(60), span(300), span(10)], Some(secs(400)));
        assert!(!countdown.due(secs(301)));
        assert_eq!(countdown.next(secs(301)), Some(secs(1)));
        assert!(countdown.due(secs(300)));
        assert!(!countdown.due(secs(299)));
        assert!(countdown.due(secs(5)));
        assert_eq!(countdown.next(secs(5)), None);
    }

    #[test]
    fn what_is_due_when_the_end_is_told_is_not_said_again() {
        let mut countdown = Countdown::plan(&[span(300), span(60)], Some(secs(60)));
        assert!(!countdown.due(secs(59)));
        assert_eq!(Countdown::plan(&[span(300)], None), Countdown::default());
    }

    #[test]
    fn idleness_is_warned_of_once_until_something_passes() {
        let limit = span(600);
        let mut idle = IdleWatch::default();
        assert!(!idle.due(limit, secs(100), secs(539)));
        assert_eq!(idle.next(limit, secs(100), secs(539)), Some(secs(1)));
        assert!(idle.due(limit, secs(100), secs(540)));
        assert!(!idle.due(limit, secs(100), secs(570)));
        assert_eq!(idle.next(limit, secs(100), secs(570)), None);
        // Something passed, and it falls idle again.
        assert!(!idle.due(limit, secs(650), secs(1)));
        assert!(idle.due(limit, secs(650), secs(545)));
        // Another limit is another warning.
        assert!(idle.due(span(590), secs(650), secs(550)));
    }

    #[test]
    fn a_short_idle_time_is_warned_of_half_way() {
        let mut idle = IdleWatch::default();
        assert!(!idle.due(span(4), secs(0), Duration::from_millis(1_999)));
        assert!(idle.due(span(4), secs(0), secs(2)));
    }

    proptest! {
        #[test]
        fn sleeping_until_the_next_one_misses_none(spans in prop::collection::vec(1u64..5_000, 0..6), start in 1u64..6_000) {
            let spans: Vec<_> = spans.into_iter().map(span).collect();
            let mut wanted: Vec<_> = spans.iter().map(|s| s.std()).filter(|s| *s < secs(start)).collect();
            wanted.sort_unstable_by(|a, b| b.cmp(a));
            wanted.dedup();
            let mut left = secs(start);
            let mut countdown = Countdown::plan(&spans, Some(left));
            let mut said = Vec::new();
            while let Some(sleep) = countdown.next(left) {
                left -= sleep;
                prop_assert!(countdown.due(left));
                said.push(left);
            }
            prop_assert_eq!(said, wanted);
        }
    }
}
