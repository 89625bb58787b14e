//! Instants as text. RFC 3339 in UTC everywhere; people may also write `YYYY-MM-DD HH:MM`.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// The text is not a point in time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a time; write 2026-01-31 15:00 (UTC) or 2026-01-31T15:00:00+01:00")]
pub struct TimeError(String);

/// Reads RFC 3339, or `YYYY-MM-DD`, `YYYY-MM-DD HH:MM[:SS]` (UTC). The result has whole microseconds.
///
/// # Errors
/// The text is none of these, or names a day or hour that does not exist.
pub fn parse_time(text: &str) -> Result<Timestamp, TimeError> {
    let trimmed = text.trim();
    let error = || TimeError(text.to_owned());
    if let Ok(instant) = trimmed.parse::<Timestamp>() {
        return Ok(to_micros(instant));
    }
    // `Z` or an offset was tried above; what is left has none and is UTC.
    let shaped = trimmed.len() >= 10 && trimmed.is_ascii() && !trimmed.contains(['[', 'Z', 'z', '+']);
    if !shaped {
        return Err(error());
    }
    let date_time = trimmed.parse::<civil::DateTime>().map_err(|_| error())?;
    date_time
        .to_zoned(TimeZone::UTC)
        .map(|zoned| to_micros(zoned.timestamp()))
        .map_err(|_| error())
}

/// RFC 3339 in UTC with as many fractional digits as needed, at most six.
pub fn format_time(instant: Timestamp) -> String {
    to_micros(instant).to_string()
}

/// Cuts an instant to whole microseconds: what both databases keep.
pub fn to_micros(instant: Timestamp) -> Timestamp {
    let excess = i64::from(instant.subsec_nanosecond() % 1_000);
    let excess = if excess < 0 { excess + 1_000 } else { excess };
    instant
        .checked_sub(SignedDuration::from_nanos(excess))
        .unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, want) in [
            ("2026-01-31T15:00:00Z", "2026-01-31T15:00:00Z"),
            ("2026-01-31T15:00:00+01:00", "2026-01-31T14:00:00Z"),
            ("2026-01-31 15:00+01:00", "2026-01-31T14:00:00Z"),
            ("2026-01-31 15:00", "2026-01-31T15:00:00Z"),
            ("2026-01-31 15:00:07", "2026-01-31T15:00:07Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T15:00:00.123456789Z", "2026-01-31T15:00:00.123456Z"),
        ] {
            assert_eq!(
                format_time(parse_time(text).unwrap_or_else(|e| panic!("{text}: {e}"))),
                want
            );
        }
        for bad in [
            "",
            "tomorrow",
            "2026-02-30",
            "2026-13-01",
            "2026-01-31 25:00",
            "2026-1-1",
            "15:00",
        ] {
            assert!(parse_time(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn cutting_goes_down_before_the_epoch_too() {
        let before = Timestamp::from_nanosecond(-1_500).unwrap();
        assert_eq!(to_micros(before), Timestamp::from_nanosecond(-2_000).unwrap());
    }
}
