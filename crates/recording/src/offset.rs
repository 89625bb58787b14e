//! Points in time inside a session.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Time since the session's start, in whole microseconds. Shown as seconds with six decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Offset(u64);

impl Offset {
    /// The session's start.
    pub const ZERO: Self = Self(0);

    /// From whole microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// From a span; what is finer than a microsecond is cut off.
    pub fn from_duration(span: Duration) -> Self {
        Self(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }

    /// From seconds as casts write them. Negative and absurd numbers become the nearest offset there is.
    pub fn from_seconds(seconds: f64) -> Self {
        // A cast from float to integer saturates, and makes zero of what is no number.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturation is meant"
        )]
        Self((seconds * 1e6).round() as u64)
    }

    /// Whole microseconds.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Seconds.
    pub fn seconds(self) -> f64 {
        self.as_duration().as_secs_f64()
    }

    /// The span since the session's start.
    pub fn as_duration(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// A later point; the end of time if there is none.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(Self::from_duration(span).0))
    }

    /// The span since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

impl Serialize for Offset {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.seconds())
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        f64::deserialize(from).map(Self::from_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_keep_every_microsecond() {
        for micros in [0, 1, 999_999, 1_000_001, 86_400_123_457, 31_536_000_000_001] {
            let offset = Offset::from_micros(micros);
            assert_eq!(Offset::from_seconds(offset.seconds()), offset);
            assert_eq!(Offset::from_seconds(offset.to_string().parse().unwrap()), offset);
        }
        assert_eq!(Offset::from_micros(1_000_020).to_string(), "1.000020");
        assert_eq!(Offset::from_seconds(f64::NAN), Offset::ZERO);
        assert_eq!(Offset::from_seconds(-1.0), Offset::ZERO);
    }
}
