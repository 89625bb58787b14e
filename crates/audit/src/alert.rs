//! Which events somebody has to be told of at once, and in what words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Action, Event, Outcome};

/// Longest part of an alert's sentence that comes from outside, in characters.
const QUOTED_MAX: usize = 300;

/// What kind of alert an event is.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A connection was refused: the first of a set of equal ones.
    Denied,
    /// A server showed another host key than the pinned one.
    HostKeyChanged,
    /// A session could not be recorded, or not in full.
    RecordingFailed,
    /// A node blocked a source by itself.
    SourceBlocked,
    /// The audit book is not what was written.
    AuditBroken,
    /// A limit that holds for all sources together was exceeded.
    LimitReached,
    /// Access was opened by break-glass, or was not reviewed within a day.
    BreakGlass,
    /// Somebody asked for access.
    RequestCreated,
    /// A request was approved or denied.
    RequestDecided,
    /// Somebody wants to see whether alerts arrive.
    Test,
}

/// The text is not a kind of alert.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a kind of alert; choose one of {list}", list = AlertKind::words())]
pub struct UnknownAlert(pub String);

impl AlertKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Denied,
        Self::HostKeyChanged,
        Self::RecordingFailed,
        Self::SourceBlocked,
        Self::AuditBroken,
        Self::LimitReached,
        Self::BreakGlass,
        Self::RequestCreated,
        Self::RequestDecided,
        Self::Test,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::HostKeyChanged => "host_key_changed",
            Self::RecordingFailed => "recording_failed",
            Self::SourceBlocked => "source_blocked",
            Self::AuditBroken => "audit_broken",
            Self::LimitReached => "limit_reached",
            Self::BreakGlass => "break_glass",
            Self::RequestCreated => "request_created",
            Self::RequestDecided => "request_decided",
            Self::Test => "test",
        }
    }

    fn words() -> String {
        let words: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
        words.join(", ")
    }

    /// The kind of alert that an event is; `None`: nobody has to be told.
    ///
    /// Of equal denials the first one alone is an alert, and denials of a source that is blocked are none: its block
    /// was told of, or made by somebody.
    pub fn of(event: &Event) -> Option<Self> {
        match event.action.parse().ok()? {
            Action::SessionDenied => {
                let first = event.detail.get("count") == Some(&Value::from(1))
                    && !event.detail.contains_key("repeated_since");
                (first && event.reason.as_deref() != Some("source_blocked")).then_some(Self::Denied)
            }
            Action::HostKeyChanged => Some(Self::HostKeyChanged),
            Action::RecordingFailed => Some(Self::RecordingFailed),
            Action::BlockAdded => event.actor.starts_with("node:").then_some(Self::SourceBlocked),
            Action::AuditBroken => Some(Self::AuditBroken),
            Action::AuditVerified => (event.outcome == Outcome::Failed).then_some(Self::AuditBroken),
            Action::LimitReached => Some(Self::LimitReached),
            Action::BreakGlassOpened | Action::BreakGlassUnreviewed => {
                (event.outcome == Outcome::Ok).then_some(Self::BreakGlass)
            }
            // What a rule approves at once waits for nobody: its approval is told alone.
            Action::RequestCreated => (!event.detail.contains_key("rule")).then_some(Self::RequestCreated),
            Action::RequestApproved | Action::RequestDenied => Some(Self::RequestDecided),
            Action::AlertTested => Some(Self::Test),
            _ => None,
        }
    }

    /// What happened, in one sentence on one line.
    pub fn sentence(self, event: &Event) -> String {
        let detail = |key: &str| event.detail.get(key).and_then(Value::as_str).map(shown);
        let field = |text: &Option<String>| text.as_deref().map(shown);
        let user = field(&event.user).unwrap_or_else(|| "somebody".to_owned());
        let server = field(&event.server).unwrap_or_else(|| "a server".to_owned());
        let reason = field(&event.reason).unwrap_or_else(|| "no reason is known".to_owned());
        match self {
            Self::Denied => {
                let source = field(&event.source).unwrap_or_else(|| "an unknown address".to_owned());
                let who = match &event.user {
                    Some(_) => format!("{user} at {source}"),
                    None => source,
                };
                let what = field(&event.server).or_else(|| detail("destination"));
                format!("{who} was denied {}: {reason}", what.unwrap_or(server))
            }
            Self::HostKeyChanged => {
                let algorithm = detail("algorithm").unwrap_or_default();
                let key = detail("fingerprint").unwrap_or_default();
                format!(
                    "{server} showed another host key than the pinned one ({algorithm} {key}); it waits for an \
                     administrator"
                )
            }
            Self::RecordingFailed => {
                format!("the session of {user} on {server} could not be recorded in full: {reason}")
            }
            Self::SourceBlocked => {
                let range = detail("range").unwrap_or_else(|| "a source".to_owned());
                let until = detail("until").map_or_else(String::new, |until| format!(" until {until}"));
                format!("{range} was blocked{until}: {reason}")
            }
            Self::AuditBroken => format!("the audit book is not what was written: {reason}"),
            Self::LimitReached => reason,
            Self::BreakGlass | Self::RequestCreated | Self::RequestDecided => request_sentence(event),
            Self::Test => format!("{} wants to see whether alerts arrive", shown(&event.actor)),
        }
    }
}

/// What happened to a request, in one sentence on one line.
fn request_sentence(event: &Event) -> String {
    let detail = |key: &str| event.detail.get(key).and_then(Value::as_str).map(shown);
    let field = |text: &Option<String>| text.as_deref().map(shown);
    let number = event.detail.get("request").and_then(Value::as_i64).unwrap_or(0);
    let user = field(&event.user).unwrap_or_else(|| "somebody".to_owned());
    let what = match (field(&event.server), detail("address")) {
        (Some(server), _) => {
            let protocol = detail("protocol").map_or_else(String::new, |protocol| format!(" by {protocol}"));
            let span = match (detail("until"), detail("for")) {
                (Some(until), _) => format!(" until {until}"),
                (None, Some(span)) => format!(" for {span}"),
                (None, None) => String::new(),
            };
            format!("access to {server}{protocol}{span}")
        }
        (None, Some(address)) => format!("the source address {address}"),
        (None, None) => "access".to_owned(),
    };
    let why = field(&event.reason).map_or_else(String::new, |reason| format!(": {reason}"));
    let by = detail("decided_by").unwrap_or_else(|| shown(&event.actor));
    match event.action.parse() {
        Ok(Action::BreakGlassOpened) => {
            format!("{user} opened {what} by break-glass (request #{number}){why}")
        }
        Ok(Action::BreakGlassUnreviewed) => {
            format!("{what} opened by {user} with break-glass (request #{number}) is not reviewed yet")
        }
        Ok(Action::RequestApproved) => format!("request #{number} of {user} was approved by {by}: {what}"),
        Ok(Action::RequestDenied) => {
            format!("request #{number} of {user} for {what} was denied by {by}{why}")
        }
        _ => format!("{user} asks for {what} (request #{number}){why}"),
    }
}

/// Text from outside, on one line and not too long.
fn shown(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = text.chars().take(QUOTED_MAX).map(visible).collect();
    if text.chars().nth(QUOTED_MAX).is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AlertKind {
    type Err = UnknownAlert;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kind = Self::ALL.iter().find(|kind| kind.as_str() == text);
        kind.copied().ok_or_else(|| UnknownAlert(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_model::{NodeId, Timestamp};

    use super::*;
    use crate::{Actor, Draft, Head};

    fn event(draft: Draft) -> Event {
        draft.chain(Head::EMPTY)
    }

    fn draft(action: Action) -> Draft {
        Draft::new(action, &Actor::system(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_first_of_equal_denials_alone_is_an_alert() {
        let denied = || {
            draft(Action::SessionDenied)
                .source("10.0.0.7")
                .reason("no_matching_policy")
                .detail("destination", "10.9.0.1")
        };
        let first = event(denied().detail("count", 1));
        assert_eq!(AlertKind::of(&first), Some(AlertKind::Denied));
        assert_eq!(
            AlertKind::Denied.sentence(&first),
            "10.0.0.7 was denied 10.9.0.1: no_matching_policy"
        );
        let person = event(denied().detail("count", 1).user("alice").server("web01"));
        assert_eq!(
            AlertKind::Denied.sentence(&person),
            "alice at 10.0.0.7 was denied web01: no_matching_policy"
        );
        let summary = denied().detail("count", 1).detail("repeated_since", "2026");
        assert_eq!(AlertKind::of(&event(summary)), None);
        let blocked = denied().detail("count", 1).reason("source_blocked");
        assert_eq!(AlertKind::of(&event(blocked)), None);
    }

    #[test]
    fn a_block_is_an_alert_only_if_a_node_made_it() {
        let by = |actor: &Actor| {
            let draft = Draft::new(Action::BlockAdded, actor, Timestamp::UNIX_EPOCH);
            event(draft.reason("because").detail("range", "10.0.0.7"))
        };
        assert_eq!(AlertKind::of(&by(&Actor::cli("root", "jump"))), None);
        let id: NodeId = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        let node = by(&Actor::node(id));
        assert_eq!(AlertKind::of(&node), Some(AlertKind::SourceBlocked));
        assert_eq!(
            AlertKind::SourceBlocked.sentence(&node),
            "10.0.0.7 was blocked: because"
        );
    }

    #[test]
    fn a_verification_is_an_alert_only_if_it_failed() {
        let verified = draft(Action::AuditVerified);
        assert_eq!(AlertKind::of(&event(verified.clone())), None);
        let failed = event(verified.outcome(Outcome::Failed).reason("line 7 is missing"));
        assert_eq!(AlertKind::of(&failed), Some(AlertKind::AuditBroken));
    }

    #[test]
    fn sentences_are_one_line_whatever_they_quote() {
        let hostile = format!("a\nb\u{1b}[31m{}", "x".repeat(900));
        for kind in AlertKind::ALL {
            let event = event(
                draft(Action::SessionDenied)
                    .user(&hostile)
                    .server(&hostile)
                    .reason(&hostile)
                    .detail("range", hostile.as_str()),
            );
            let sentence = kind.sentence(&event);
            assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
            assert!(sentence.len() < 1_024, "{kind} says too much");
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
        }
        assert!(
            "nothing"
                .parse::<AlertKind>()
                .unwrap_err()
                .to_string()
                .contains("denied, host_key_changed")
        );
    }
}
