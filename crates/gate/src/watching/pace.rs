//! How fast a session is shown.

use std::time::{Duration, Instant};

/// Bytes a second that are shown of a session, on average. No person reads more, and no terminal needs more; what
/// floods is sampled.
pub(super) const RATE: f64 = 2.0 * 1024.0 * 1024.0;
/// Bytes that may be shown at once.
const BURST: f64 = 1024.0 * 1024.0;

/// Counts what was shown.
pub(super) struct Pace {
    left: f64,
    at: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: BURST, at: now }
    }

    /// So many bytes were shown; how long to pause, if that was too much.
    pub(super) fn spent(&mut self, bytes: usize, now: Instant) -> Option<Duration> {
        let earned = now.duration_since(self.at).as_secs_f64() * RATE;
        self.at = now;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let bytes = bytes as f64;
        self.left = (self.left + earned).min(BURST) - bytes;
        (self.left < 0.0).then(|| Duration::from_secs_f64(-self.left / RATE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_slowed_to_the_rate_and_a_trickle_is_not() {
        let begun = Instant::now();
        let (mut now, mut pace) = (begun, Pace::new(begun));
        let mut shown = 0;
        while now.duration_since(begun) < Duration::from_secs(10) {
            shown += 64 * 1024;
            if let Some(pause) = pace.spent(64 * 1024, now) {
                now += pause;
            }
        }
        assert!((20..=22).contains(&(shown / (1024 * 1024))), "{shown}");
        now += Duration::from_secs(2);
        for _ in 0..100 {
            assert_eq!(pace.spent(20_000, now), None);
            now += Duration::from_millis(10);
        }
    }
}
