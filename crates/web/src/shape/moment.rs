//! Moments as people write them in query strings: an instant, or a duration before now.

use gatehouse_model::{SpanSeconds, Timestamp, parse_span, parse_time};
use serde::{Deserialize, Deserializer, de};

/// A moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Moment {
    /// This instant.
    At(Timestamp),
    /// So long before now.
    Ago(SpanSeconds),
}

impl Moment {
    /// The instant that is meant.
    pub(crate) fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(instant) => instant,
            Self::Ago(span) => now.checked_sub(span.signed()).unwrap_or(Timestamp::MIN),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match parse_span(&text) {
            Ok(span) => Ok(Self::Ago(span)),
            Err(_) => parse_time(&text).map(Self::At).map_err(de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_durations_are_read() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        for (text, want) in [
            ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),
            ("2026-01-31 08:00", "2026-01-31T08:00:00Z"),
            ("1h30m", "2026-01-31T10:30:00Z"),
        ] {
            let moment: Moment = serde_json::from_value(text.into()).unwrap();
            assert_eq!(moment.instant(now).to_string(), want);
        }
        assert!(serde_json::from_value::<Moment>("soon".into()).is_err());
    }
}
