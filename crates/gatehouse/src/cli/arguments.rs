//! Values on the command line that are no types of the model.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use gatehouse_model::{
    ApprovalRuleId, BinaryMode, DurationError, ForwardCapture, InputMode, LegacyAlgorithms, PolicyId,
    Protocol, RecordMode, RequestId, RequestKind, ReviewVerdict, Right, Role, ServerOs, SpanSeconds,
    TimeError, Timestamp, TokenScope, UnknownWord, parse_span, parse_time,
};

use crate::failure::Failure;

/// A closed list of words.
pub(crate) trait Words: FromStr<Err = UnknownWord> + Clone + Send + Sync + 'static {
    /// The words.
    fn words() -> Vec<&'static str>;
}

macro_rules! closed_lists {
    ($($name:ident),+ $(,)?) => {$(
        impl Words for $name {
            fn words() -> Vec<&'static str> {
                Self::ALL.iter().map(|word| word.as_str()).collect()
            }
        }
    )+};
}
closed_lists!(
    TokenScope,
    Role,
    Protocol,
    ServerOs,
    Right,
    RecordMode,
    BinaryMode,
    InputMode,
    ForwardCapture,
    LegacyAlgorithms,
    RequestKind,
    ReviewVerdict
);

/// Reads one of the words; help and completions list them.
pub(crate) fn word<T: Words>() -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(T::words()).try_map(|text| text.parse::<T>())
}

/// The text is not a port.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a port; write a number from 1 to 65535")]
pub(crate) struct PortError(String);

/// Reads a port.
pub(crate) fn port(text: &str) -> Result<u16, PortError> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
        _ => Err(PortError(text.to_owned())),
    }
}

/// The text is not the id of a policy.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not the number of a policy; see `gatehouse policy list`")]
pub(crate) struct PolicyIdError(String);

/// Reads the number of a policy, `12` or `#12`.
pub(crate) fn policy_id(text: &str) -> Result<PolicyId, PolicyIdError> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    match digits.parse::<i64>() {
        Ok(id) if id > 0 => Ok(PolicyId(id)),
        _ => Err(PolicyIdError(text.to_owned())),
    }
}

/// The text is not the number of a request or a rule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?} is not the number of {what}; see `gatehouse {list}`")]
pub(crate) struct NumberError {
    text: String,
    what: &'static str,
    list: &'static str,
}

/// Reads the number of a request, `12` or `#12`.
pub(crate) fn request_id(text: &str) -> Result<RequestId, NumberError> {
    number(text, "a request", "request list").map(RequestId)
}

/// Reads the number of an approval rule, `3` or `#3`.
pub(crate) fn rule_id(text: &str) -> Result<ApprovalRuleId, NumberError> {
    number(text, "a rule", "approval-rule list").map(ApprovalRuleId)
}

fn number(text: &str, what: &'static str, list: &'static str) -> Result<i64, NumberError> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let number = digits.parse::<i64>().ok().filter(|number| *number > 0);
    number.ok_or_else(|| NumberError {
        text: text.to_owned(),
        what,
        list,
    })
}

/// A moment in the past: an instant, or so long ago.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Since {
    /// This instant.
    At(Timestamp),
    /// So long before now.
    Ago(SpanSeconds),
}

impl Since {
    /// The instant that is meant.
    pub(crate) fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(instant) => instant,
            Self::Ago(span) => now.checked_sub(span.signed()).unwrap_or(Timestamp::MIN),
        }
    }
}

/// Reads an instant, or a duration before now.
pub(crate) fn since(text: &str) -> Result<Since, TimeError> {
    match parse_span(text) {
        Ok(span) => Ok(Since::Ago(span)),
        Err(_) => parse_time(text).map(Since::At),
    }
}

/// Reads a duration that must end.
pub(crate) fn span(text: &str) -> Result<SpanSeconds, DurationError> {
    parse_span(text)
}

/// The instant so long after `start`.
pub(crate) fn after(start: Timestamp, span: SpanSeconds) -> Result<Timestamp, Failure> {
    start.checked_add(span.signed()).map_err(|_| {
        Failure::refused(format!(
            "{span} from {start} is beyond the calendar; give a shorter duration"
        ))
    })
}

/// The number is not one that fits.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a speed; write a number above 0, such as 2 or 0.5")]
pub(crate) struct SpeedError(String);

/// Reads the factor of a speed.
pub(crate) fn speed(text: &str) -> Result<f64, SpeedError> {
    let number = text.strip_suffix('x').unwrap_or(text).parse::<f64>();
    match number {
        Ok(factor) if factor.is_finite() && (0.001..=1e6).contains(&factor) => Ok(factor),
        _ => Err(SpeedError(text.to_owned())),
    }
}

/// The text is not a number of seconds.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a number of seconds; write one such as 2, 0.5 or 3s")]
pub(crate) struct SecondsError(String);

/// Reads a number of seconds.
pub(crate) fn seconds(text: &str) -> Result<std::time::Duration, SecondsError> {
    let number = text.strip_suffix('s').unwrap_or(text).parse::<f64>();
    let seconds = number.ok().filter(|seconds| (0.0..=1e9).contains(seconds));
    seconds
        .map(std::time::Duration::from_secs_f64)
        .ok_or_else(|| SecondsError(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_numbers_are_checked() {
        assert_eq!(port("2222"), Ok(2222));
        for bad in ["0", "65536", "+22", "", "ssh"] {
            assert!(port(bad).is_err(), "{bad}");
        }
        assert_eq!(policy_id("#12"), Ok(PolicyId(12)));
        for bad in ["", "#", "0", "-1", "alice"] {
            assert!(policy_id(bad).is_err(), "{bad}");
        }
        assert_eq!(speed("2x"), Ok(2.0));
        assert_eq!(seconds("0.5s"), Ok(std::time::Duration::from_millis(500)));
        for bad in ["0", "-1", "inf", "NaN", "fast"] {
            assert!(speed(bad).is_err(), "{bad}");
        }
        assert!(seconds("-1").is_err() && seconds("NaN").is_err());
    }

    #[test]
    fn since_is_an_instant_or_a_while_ago() {
        let now = parse_time("2026-01-31 15:00").unwrap();
        assert_eq!(
            since("2h").unwrap().instant(now),
            parse_time("2026-01-31 13:00").unwrap()
        );
        assert_eq!(
            since("2026-01-30").unwrap().instant(now),
            parse_time("2026-01-30").unwrap()
        );
        assert!(since("yesterday").is_err());
    }
}
