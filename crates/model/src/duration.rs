//! Durations as people write them: `45s`, `1h30m`, `1y6M`, `2hours`, `permanent`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest span: a hundred years. Anything longer is a typing error.
const LONGEST: u64 = 100 * YEAR;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

/// A length of time in whole seconds, at least one. A month is 30 days, a year 365.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpanSeconds(u64);

/// A length of access: a span, or for ever.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AccessDuration {
    /// It ends after this long.
    For(SpanSeconds),
    /// It does not end.
    Permanent,
}

/// The text is not a duration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DurationError {
    /// Nothing was given.
    #[error("a duration is missing; write one such as 30m, 2h, 5d or 1h30m")]
    Empty,
    /// A part that has no meaning.
    #[error("{part:?} in the duration {text:?} is not understood; write one such as 30m, 2h, 5d or 1h30m")]
    BadPart {
        /// The whole text.
        text: String,
        /// The part of it.
        part: String,
    },
    /// A number without a unit.
    #[error("{part:?} in the duration {text:?} has no unit; add s, m, h, d, w, M (30 days) or y")]
    NoUnit {
        /// The whole text.
        text: String,
        /// The number.
        part: String,
    },
    /// `0` or `permanent` where a length is needed.
    #[error("{0:?} means no end, which is not possible here; write one such as 30m, 2h or 5d")]
    NoEnd(String),
    /// Less than a second.
    #[error("the duration {0:?} is shorter than a second")]
    TooShort(String),
    /// More than a hundred years.
    #[error("the duration {0:?} is longer than 100 years; write permanent for no end")]
    TooLong(String),
}

impl SpanSeconds {
    /// A span of `seconds`, unless that is none or more than a hundred years.
    pub fn new(seconds: u64) -> Option<Self> {
        (1..=LONGEST).contains(&seconds).then_some(Self(seconds))
    }

    /// Its length in seconds.
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// Its length as the instants' library has it.
    pub fn signed(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(i64::try_from(self.0).unwrap_or(i64::MAX))
    }

    /// Its length for timers.
    pub fn std(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0)
    }
}

/// Reads a duration where no end is possible: `0` and `permanent` are refused.
///
/// # Errors
/// The text is not a duration, or means no end; the error names the bad part.
pub fn parse_span(text: &str) -> Result<SpanSeconds, DurationError> {
    match parse_access_duration(text)? {
        AccessDuration::For(span) => Ok(span),
        AccessDuration::Permanent => Err(DurationError::NoEnd(text.to_owned())),
    }
}

/// Reads a duration where an end is meant: `0` and `permanent` say that there is none.
///
/// # Errors
/// The text is not a duration; the error names the bad part.
pub fn parse_access_duration(text: &str) -> Result<AccessDuration, DurationError> {
    let trimmed = text.trim();
    match trimmed {
        "" => return Err(DurationError::Empty),
        "0" | "permanent" => return Ok(AccessDuration::Permanent),
        _ => {}
    }
    // Thousandths of a second, so that decimals add up exactly before the result is cut to whole seconds.
    let mut millis: u128 = 0;
    let mut rest = trimmed;
    while !rest.is_empty() {
        let number_end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let after_space = after.trim_start();
        let unit_end = after_space
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after_space.len());
        let (unit, tail) = after_space.split_at(unit_end);
        let part = || {
            let whole = rest.len() - tail.len();
            rest.get(..whole.max(rest.chars().next().map_or(0, char::len_utf8)))
                .unwrap_or(rest)
                .to_owned()
        };
        let bad = || DurationError::BadPart {
            text: text.to_owned(),
            part: part(),
        };
        let value = decimal_millis(number).ok_or_else(bad)?;
        if unit.is_empty() {
            return Err(if tail.is_empty() {
                DurationError::NoUnit {
                    text: text.to_owned(),
                    part: number.to_owned(),
                }
            } else {
                bad()
            });
        }
        let unit_seconds = unit_seconds(unit).ok_or_else(bad)?;
        millis = value
            .checked_mul(u128::from(unit_seconds))
            .and_then(|m| m.checked_add(millis))
            .ok_or_else(|| DurationError::TooLong(text.to_owned()))?;
        rest = tail.trim_start();
    }
    let seconds = u64::try_from(millis / 1_000).map_err(|_| DurationError::TooLong(text.to_owned()))?;
    match SpanSeconds::new(seconds) {
        Some(span) => Ok(AccessDuration::For(span)),
        None if seconds == 0 => Err(DurationError::TooShort(text.to_owned())),
        None => Err(DurationError::TooLong(text.to_owned())),
    }
}

/// A decimal number in thousandths, with at most three decimals.
fn decimal_millis(number: &str) -> Option<u128> {
    let (whole, fraction) = match number.split_once('.') {
        None => (number, ""),
        Some((_, "")) => return None,
        Some((whole, fraction)) => (whole, fraction),
    };
    if whole.is_empty() || whole.len() > 12 || fraction.len() > 3 || fraction.contains('.') {
        return None;
    }
    let digits = format!("{whole}{fraction:0<3}");
    digits.parse().ok()
}

fn unit_seconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => WEEK,
        "M" | "month" | "months" => MONTH,
        "y" | "year" | "years" => YEAR,
        _ => return None,
    })
}

impl fmt::Display for SpanSeconds {
    /// Largest units first; weeks and months only where they come out even: `1y6M`, `2w`, `10d`, `1h30m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::fmt::Write;
        let mut text = String::new();
        let mut rest = self.0;
        let mut take = |unit: u64, letter: &str, text: &mut String| {
            let count = rest / unit;
            rest %= unit;
            if count > 0 {
                write!(text, "{count}{letter}")?;
            }
            Ok(rest)
        };
        let after_years = take(YEAR, "y", &mut text)?;
        let days = after_years / DAY;
        if days.is_multiple_of(30) {
            take(MONTH, "M", &mut text)?;
        } else if days.is_multiple_of(7) {
            take(WEEK, "w", &mut text)?;
        }
        take(DAY, "d", &mut text)?;
        take(HOUR, "h", &mut text)?;
        take(MINUTE, "m", &mut text)?;
        take(1, "s", &mut text)?;
        f.pad(&text)
    }
}

impl FromStr for SpanSeconds {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_span(text)
    }
}

impl TryFrom<String> for SpanSeconds {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SpanSeconds> for String {
    fn from(span: SpanSeconds) -> Self {
        span.to_string()
    }
}

impl fmt::Display for AccessDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(span) => span.fmt(f),
            Self::Permanent => f.pad("permanent"),
        }
    }
}

impl FromStr for AccessDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_access_duration(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(text: &str) -> u64 {
        parse_span(text)
            .unwrap_or_else(|e| panic!("{text}: {e}"))
            .seconds()
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, want) in [
            ("45s", 45),
            ("30m", 1_800),
            ("2h", 7_200),
            ("5d", 432_000),
            ("1w", 604_800),
            ("1M", 2_592_000),
            ("1y", 31_536_000),
            ("1.5h", 5_400),
            ("1h30m", 5_400),
            ("2d12h30m", 217_800),
            ("1y6M", 31_536_000 + 6 * 2_592_000),
            ("30min", 1_800),
            ("2hours", 7_200),
            ("5days", 432_000),
            ("1 hour 30 minutes", 5_400),
            ("1.5s", 1),
        ] {
            assert_eq!(seconds(text), want, "{text}");
        }
    }

    #[test]
    fn no_end_only_where_an_end_is_meant() {
        assert_eq!(parse_access_duration("0"), Ok(AccessDuration::Permanent));
        assert_eq!(parse_access_duration("permanent"), Ok(AccessDuration::Permanent));
        assert!(matches!(parse_span("0"), Err(DurationError::NoEnd(_))));
        assert!(matches!(parse_span("permanent"), Err(DurationError::NoEnd(_))));
    }

    #[test]
    fn an_error_names_the_bad_part() {
        for (text, part) in [
            ("2x", "2x"),
            ("1h3q", "3q"),
            ("h", "h"),
            ("1h-3m", "-"),
            ("1..5h", "1..5h"),
            ("1H", "1H"),
        ] {
            match parse_span(text) {
                Err(DurationError::BadPart { part: found, .. }) => assert_eq!(found, part, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(parse_span("90"), Err(DurationError::NoUnit { .. })));
        assert!(matches!(parse_span("1h30"), Err(DurationError::NoUnit { .. })));
        assert!(matches!(parse_span("0.5s"), Err(DurationError::TooShort(_))));
        assert!(matches!(parse_span("0s"), Err(DurationError::TooShort(_))));
        assert!(matches!(parse_span("101y"), Err(DurationError::TooLong(_))));
        assert!(matches!(
            parse_span("999999999999y"),
            Err(DurationError::TooLong(_))
        ));
        assert!(matches!(parse_span(""), Err(DurationError::Empty)));
    }

    #[test]
    fn spans_print_as_people_would_say() {
        for text in [
            "45s", "30m", "2h", "5d", "1w", "1M", "1y", "1h30m", "2d12h30m", "1y6M", "10d", "3w",
        ] {
            assert_eq!(parse_span(text).unwrap().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn the_formatter_and_the_parser_agree(count in 1..=LONGEST) {
            let span = SpanSeconds::new(count).unwrap();
            prop_assert_eq!(parse_span(&span.to_string()).unwrap(), span);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            let _ = parse_access_duration(&text);
        }
    }
}
