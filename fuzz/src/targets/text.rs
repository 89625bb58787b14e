//! What people type: durations, schedules, logins.

use gatehouse_model::{parse_access_duration, parse_span, parse_time};
use gatehouse_policy::Schedule;
use gatehouse_ssh::split_login;

/// Durations and instants: what is read is printed so that it reads as the same.
pub fn duration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(duration) = parse_access_duration(text) {
        assert_eq!(
            parse_access_duration(&duration.to_string()).as_ref(),
            Ok(&duration),
            "{text:?}"
        );
    }
    if let Ok(span) = parse_span(text) {
        assert_eq!(parse_span(&span.to_string()).as_ref(), Ok(&span), "{text:?}");
    }
    // Any instant will do, as long as nothing worse than an error comes of it.
    let _ = parse_time(text);
}

/// Schedules: what is read prints in words, and in JSON, that read as the same.
pub fn schedule(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(schedule) = text.parse::<Schedule>() else {
        return;
    };
    let words = schedule.to_string();
    assert_eq!(
        words.parse::<Schedule>().as_ref(),
        Ok(&schedule),
        "{text:?} printed as {words:?}"
    );
    let json = serde_json::to_string(&schedule).unwrap_or_default();
    assert_eq!(
        json.parse::<Schedule>().as_ref(),
        Ok(&schedule),
        "{text:?} printed as {json}"
    );
}

/// Logins that name a server: the halves are the whole, and neither is empty.
pub fn login(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match split_login(text) {
        Some(halves) => {
            assert!(!halves.login.is_empty() && !halves.server.is_empty(), "{text:?}");
            assert!(
                !halves.server.contains('@'),
                "{text:?} was not split at the last sign"
            );
            let joined = ['@', '%'].map(|sign| format!("{}{sign}{}", halves.login, halves.server));
            assert!(
                joined.iter().any(|joined| joined == text),
                "{text:?} lost something"
            );
        }
        None => {
            let in_the_middle = |sign| text.rfind(sign).is_some_and(|at| at > 0 && at + 1 < text.len());
            assert!(!in_the_middle('@'), "{text:?} names a server");
        }
    }
}
