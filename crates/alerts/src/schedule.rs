//! When a hook is tried again.

use gatehouse_model::Timestamp;
use gatehouse_store::Retry;
use jiff::SignedDuration;

use crate::Failure;

/// Pauses after the first failures; the last one repeats.
const PAUSES: &[SignedDuration] = &[
    SignedDuration::from_secs(1),
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(10),
];
/// An alert older than this is not tried again.
pub(crate) const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// Attempts at an alert that the hook refuses.
const REFUSED_MAX: u32 = 5;

/// The pause after so many failures in a row, from 1.
pub(crate) fn pause(failures: u32) -> SignedDuration {
    let at = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let last = PAUSES.last().copied().unwrap_or(SignedDuration::ZERO);
    PAUSES.get(at).copied().unwrap_or(last)
}

/// What comes after a failed attempt at an alert that was raised at `raised`. `attempt` counts those at this alert,
/// `outage` the failures of the hook in a row.
pub(crate) fn retry(
    failure: &Failure,
    attempt: u32,
    outage: u32,
    raised: Timestamp,
    now: Timestamp,
) -> Retry {
    let failures = match failure {
        Failure::Unreachable(_) => outage,
        Failure::Refused(_) if attempt >= REFUSED_MAX => return Retry::Never,
        Failure::Refused(_) => attempt,
    };
    match now.checked_add(pause(failures)) {
        Ok(at) if at.duration_since(raised) < PATIENCE => Retry::At(at),
        _ => Retry::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 + seconds).unwrap()
    }

    #[test]
    fn pauses_grow_and_end_after_a_day() {
        let unreachable = Failure::Unreachable("no route".to_owned());
        let after = |outage| match retry(&unreachable, 1, outage, at(0), at(100)) {
            Retry::At(next) => next.duration_since(at(100)).as_secs(),
            Retry::Never => 0,
        };
        assert_eq!([1, 2, 3, 4, 5, 6, 900].map(after), [1, 5, 30, 120, 600, 600, 600]);
        assert_eq!(
            retry(&unreachable, 200, 200, at(0), at(86_400 - 600)),
            Retry::Never
        );
        assert_eq!(
            retry(&unreachable, 200, 200, at(0), at(86_400 - 601)),
            Retry::At(at(86_399))
        );
    }

    #[test]
    fn what_is_refused_is_tried_five_times() {
        let refused = Failure::Refused("400".to_owned());
        let after = |attempt| retry(&refused, attempt, 0, at(0), at(0));
        assert_eq!(after(1), Retry::At(at(1)));
        assert_eq!(after(4), Retry::At(at(120)));
        assert_eq!(after(5), Retry::Never);
    }
}
