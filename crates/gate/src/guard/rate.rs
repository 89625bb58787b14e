//! How often something may happen, and the account that is kept of it.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use gatehouse_model::{SpanSeconds, Timestamp};
use serde::{Deserialize, Serialize};

/// The largest count that can be told apart within a second.
const COUNT_MAX: u32 = 1_000_000;

/// So many at once, and as many again in each further span, evenly: `30/10m`. Or `off`: any number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(Option<(NonZeroU32, SpanSeconds)>);

/// The text is no rate.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a rate; write one such as 30/10m (a number up to {COUNT_MAX} and a duration), or off")]
pub struct RateError(String);

impl Rate {
    /// Any number.
    pub const OFF: Self = Self(None);

    /// `count` in each `span`. `None`: there is no such rate.
    pub fn new(count: u32, span: SpanSeconds) -> Option<Self> {
        let count = NonZeroU32::new(count).filter(|count| count.get() <= COUNT_MAX)?;
        Some(Self(Some((count, span))))
    }

    /// Microseconds in which all is paid back, and those in which one is.
    fn micros(self) -> Option<(i64, i64)> {
        let (count, span) = self.0?;
        let whole = i64::try_from(span.seconds()).ok()?.checked_mul(1_000_000)?;
        Some((whole, whole / i64::from(count.get())))
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || RateError(text.chars().take(80).collect());
        if text.trim() == "off" {
            return Ok(Self::OFF);
        }
        let (count, span) = text.split_once('/').ok_or_else(wrong)?;
        let count = count.trim().parse().map_err(|_| wrong())?;
        let span = span.trim().parse().map_err(|_| wrong())?;
        Self::new(count, span).ok_or_else(wrong)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((count, span)) => write!(f, "{count}/{span}"),
            None => f.write_str("off"),
        }
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

/// Whether an event was within the rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counted {
    Within,
    Over,
}

/// What one source owes: the instant, in microseconds, at which everything is paid back (the "theoretical arrival
/// time" of the generic cell rate algorithm, ITU-T I.371). Eight bytes are all there is to keep.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Account(i64);

impl Account {
    /// Counts one event. One that is over the rate is not added to the debt.
    pub(crate) fn count(&mut self, rate: Rate, now: Timestamp) -> Counted {
        let Some((whole, one)) = rate.micros() else {
            return Counted::Within;
        };
        let now = now.as_microsecond();
        let next = self.paid_back(whole, now).saturating_add(one);
        if next.saturating_sub(now) > whole {
            return Counted::Over;
        }
        self.0 = next;
        Counted::Within
    }

    /// Whether the next event would be over the rate.
    pub(crate) fn is_full(self, rate: Rate, now: Timestamp) -> bool {
        let mut tried = self;
        tried.count(rate, now) == Counted::Over
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Microseconds until everything is paid back.
    pub(crate) fn debt(self, now: Timestamp) -> i64 {
        self.0.saturating_sub(now.as_microsecond()).max(0)
    }

    /// When all is paid back, not before now. A debt that no counting can have made comes from a clock that went
    /// back; it is forgotten.
    fn paid_back(self, whole: i64, now: i64) -> i64 {
        if self.0.saturating_sub(now) > whole {
            now
        } else {
            self.0.max(now)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 + seconds).unwrap()
    }

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn rates_are_read_and_written_alike_and_wrong_ones_named() {
        for text in ["30/10m", "1/1s", "1000000/1d", "off", "6000/1h30m"] {
            assert_eq!(rate(text).to_string(), text);
        }
        assert_eq!(rate(" 30 / 10m ").to_string(), "30/10m");
        for text in [
            "",
            "30",
            "0/1m",
            "1000001/1m",
            "-1/1m",
            "30/0",
            "30/permanent",
            "30/",
            "/1m",
            "on",
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains("30/10m"), "{error}");
        }
    }

    #[test]
    fn a_burst_passes_and_is_paid_back_evenly() {
        let (mut account, rate) = (Account::default(), rate("30/10m"));
        for _ in 0..30 {
            assert!(!account.is_full(rate, at(0)));
            assert_eq!(account.count(rate, at(0)), Counted::Within);
        }
        assert!(account.is_full(rate, at(0)));
        assert_eq!(account.count(rate, at(19)), Counted::Over);
        assert_eq!(account.count(rate, at(20)), Counted::Within);
        assert_eq!(account.count(rate, at(20)), Counted::Over);
        account.clear();
        assert_eq!(
            (account.count(rate, at(20)), account.debt(at(20))),
            (Counted::Within, 20_000_000)
        );
        assert_eq!(account.debt(at(41)), 0);
    }

    #[test]
    fn a_clock_that_goes_back_forgives() {
        let (mut account, rate) = (Account::default(), rate("2/1m"));
        for _ in 0..3 {
            account.count(rate, at(86_400));
        }
        assert_eq!(account.count(rate, at(0)), Counted::Within);
    }

    #[test]
    fn off_counts_nothing() {
        let mut account = Account::default();
        for _ in 0..1_000 {
            assert_eq!(account.count(Rate::OFF, at(0)), Counted::Within);
        }
        assert_eq!(account, Account::default());
    }

    proptest! {
        /// Within any stretch of time no more pass than one burst and what is paid back meanwhile.
        #[test]
        fn no_more_pass_than_the_rate_says(
            count in 1u32..50,
            span in 1u64..100,
            pauses in prop::collection::vec(0i64..20, 1..300),
        ) {
            let rate = Rate::new(count, SpanSeconds::new(span).unwrap()).unwrap();
            let (mut account, mut now, mut passed) = (Account::default(), 0i64, 0u64);
            for pause in pauses {
                now += pause;
                passed += u64::from(account.count(rate, at(now)) == Counted::Within);
            }
            let paid = u64::try_from(now).unwrap() * u64::from(count) / span;
            // A microsecond's rounding can pay one back early.
            prop_assert!(passed <= u64::from(count) + paid + 1);
        }
    }
}
