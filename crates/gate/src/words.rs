//! Instants and spans as people read them in notices.

use std::time::Duration;

use gatehouse_model::{SpanSeconds, Timestamp};
use jiff::tz::TimeZone;

/// `2026-01-31 16:00 CET`, with the minute rounded down.
pub(crate) fn moment(instant: Timestamp, zone: &TimeZone) -> String {
    let zoned = instant.to_zoned(zone.clone());
    zoned.strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// The span between two instants in whole minutes, or seconds below one: `4h 12m`, `50s`.
pub(crate) fn remaining(from: Timestamp, to: Timestamp) -> String {
    coarse(u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0))
}

/// What is left until an end, in the same form. A moment late counts as in time: `5m`, not `4m`.
pub(crate) fn left(left: Duration) -> String {
    coarse(left.saturating_add(Duration::from_millis(900)).as_secs())
}

fn coarse(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, m) => format!("{m}m"),
        (0, h, m) => format!("{h}h {m}m"),
        (d, h, _) => format!("{d}d {h}h"),
    }
}

/// A configured span in words: `5 minutes`, `1 minute`, `90 seconds`.
pub(crate) fn span(span: SpanSeconds) -> String {
    let seconds = span.seconds();
    let (count, unit) = match seconds {
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    if count == 1 {
        format!("1 {unit}")
    } else {
        format!("{count} {unit}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        let at = |t: &str| t.parse::<Timestamp>().unwrap();
        assert_eq!(
            remaining(at("2026-01-31T10:00:00Z"), at("2026-01-31T14:12:30Z")),
            "4h 12m"
        );
        assert_eq!(
            remaining(at("2026-01-31T10:00:00Z"), at("2026-01-31T10:00:50Z")),
            "50s"
        );
        assert_eq!(
            remaining(at("2026-01-31T10:00:00Z"), at("2026-01-31T09:00:00Z")),
            "0s"
        );
        assert_eq!(left(Duration::from_millis(299_400)), "5m");
        assert_eq!(left(Duration::from_secs(5)), "5s");
        assert_eq!(span(SpanSeconds::new(300).unwrap()), "5 minutes");
        assert_eq!(span(SpanSeconds::new(60).unwrap()), "1 minute");
        assert_eq!(span(SpanSeconds::new(90).unwrap()), "90 seconds");
        assert_eq!(
            moment(at("2026-01-31T15:00:00Z"), &TimeZone::UTC),
            "2026-01-31 15:00 UTC"
        );
    }
}
