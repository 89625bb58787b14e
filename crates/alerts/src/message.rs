//! A mail that tells of an alert.

use std::fmt;
use std::str::FromStr;

use gatehouse_model::format_time;
use gatehouse_store::{AlertKind, DueAlert};
use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use serde_json::Value;

use crate::MailError;

/// Longest subject, in characters.
const SUBJECT_MAX: usize = 150;

/// A mail address, with or without a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailAddress(pub(crate) Mailbox);

impl MailAddress {
    /// Reads an address such as `ops@example.com` or `Gatehouse <gate@example.com>`.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, MailError> {
        match Mailbox::from_str(text) {
            Ok(mailbox) => Ok(Self(mailbox)),
            Err(_) => Err(MailError::Address(text.chars().take(200).collect())),
        }
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The mail to one person. Its `Message-ID` is the same whenever the alert is told, so that one that comes twice is
/// known; it asks programs not to answer.
pub(crate) fn message(
    alert: &DueAlert,
    node: &str,
    public_url: &str,
    (from, to): (&MailAddress, &MailAddress),
) -> Result<Message, lettre::error::Error> {
    let domain = from.0.email.domain();
    let id = format!("<alert-{}-{}@{domain}>", alert.id, alert.time.as_microsecond());
    let automatic = HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    );
    Message::builder()
        .from(from.0.clone())
        .to(to.0.clone())
        .subject(subject(alert))
        .message_id(Some(id))
        .header(ContentType::TEXT_PLAIN)
        .raw_header(automatic)
        .body(body(alert, node, public_url))
}

fn subject(alert: &DueAlert) -> String {
    let text = format!("[Gatehouse] {}", alert.sentence);
    if text.chars().count() <= SUBJECT_MAX {
        return text;
    }
    let cut: String = text.chars().take(SUBJECT_MAX).collect();
    cut + "…"
}

fn body(alert: &DueAlert, node: &str, public_url: &str) -> String {
    let mut text = format!("{}.\n\n", alert.sentence.trim_end_matches('.'));
    let number = alert.event.pointer("/detail/request").and_then(Value::as_i64);
    if let Some(number) = number {
        let url = public_url.trim_end_matches('/');
        text.push_str(&format!("See {url}/requests/{number}\n"));
        let hint = match alert.kind {
            AlertKind::RequestCreated => Some("decide it: gatehouse request approve|deny"),
            AlertKind::BreakGlass => Some("review it: gatehouse request review"),
            _ => None,
        };
        if let Some(hint) = hint {
            text.push_str(&format!("or {hint} {number}\n"));
        }
        text.push('\n');
    }
    let (kind, time) = (alert.kind.as_str(), format_time(alert.time));
    text.push_str(&format!(
        "Kind: {kind}\nTime: {time}\nNode: {node}\nAlert: {}\n",
        alert.id
    ));
    text
}
