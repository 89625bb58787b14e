//! Quantiles of measured times.

use std::time::Duration;

/// The time that this share of the sorted times lies below.
pub(crate) fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list of some thousands"
    )]
    let place = (sorted.len() as f64 * share) as usize;
    sorted
        .get(place.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// The same of times in any order.
pub(crate) fn quantile_of(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    quantile(&sorted, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_ends_are_times_that_were_measured() {
        let times = [30, 10, 20].map(Duration::from_millis);
        let at = |share| quantile_of(&times, share).as_millis();
        assert_eq!([at(0.0), at(0.5), at(1.0)], [10, 20, 30]);
        assert_eq!(quantile_of(&[], 0.5), Duration::ZERO);
    }
}
