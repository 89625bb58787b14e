//! One line of the book.

use std::fmt;
use std::str::FromStr;

use gatehouse_model::{Timestamp, format_time, to_micros};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Action, Actor};

/// Longest text of a field, in bytes.
const TEXT_MAX: usize = 1_024;
/// Longest text within `detail`, in bytes.
const DETAIL_TEXT_MAX: usize = 4_096;
/// Deepest nesting of `detail`.
const DETAIL_DEPTH_MAX: usize = 8;

/// How it went.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Done.
    Ok,
    /// Refused.
    Denied,
    /// Tried, and came to nothing.
    Failed,
}

impl Outcome {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }

    /// The outcome that the word means.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Ok, Self::Denied, Self::Failed]
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

/// The text is not a hash.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a hash of 64 hexadecimal digits")]
pub struct HashError(String);

impl Hash {
    /// What stands before the first event.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| HashError(text.chars().take(80).collect()))?;
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// One audited event, as it stands in the book. Its JSON is that of the contract.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Event {
    /// Its number, from 1 without a gap.
    pub seq: u64,
    /// When, in whole microseconds.
    pub time: Timestamp,
    /// What, a code of [`Action`]. Kept as text, so that a book of a newer version can be read.
    pub action: String,
    /// Who did it.
    pub actor: String,
    /// From where.
    pub source: Option<String>,
    /// Whom it concerns.
    pub user: Option<String>,
    /// Which server it concerns.
    pub server: Option<String>,
    /// Which session it concerns.
    pub session: Option<String>,
    /// How it went.
    pub outcome: Outcome,
    /// Why: a word or a sentence.
    pub reason: Option<String>,
    /// All else.
    #[schema(value_type = Object)]
    pub detail: Map<String, Value>,
    /// The hash of this event and, through the one before it, of all before.
    #[schema(value_type = String)]
    pub hash: Hash,
}

impl Event {
    /// The hash that the event has to have when `previous` is that of the event before it.
    pub fn hash_after(&self, previous: Hash) -> Hash {
        self.hash_as(previous, self.seq)
    }

    /// The hash it would have with another number.
    pub(crate) fn hash_as(&self, previous: Hash, seq: u64) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(previous.0);
        hasher.update(self.canonical(seq).as_bytes());
        Hash(hasher.finalize().into())
    }

    fn canonical(&self, seq: u64) -> String {
        let mut out = String::with_capacity(256);
        out.push_str("{\"seq\":");
        out.push_str(&seq.to_string());
        push_text(&mut out, "time", Some(&format_time(self.time)));
        push_text(&mut out, "action", Some(&self.action));
        push_text(&mut out, "actor", Some(&self.actor));
        push_text(&mut out, "source", self.source.as_deref());
        push_text(&mut out, "user", self.user.as_deref());
        push_text(&mut out, "server", self.server.as_deref());
        push_text(&mut out, "session", self.session.as_deref());
        push_text(&mut out, "outcome", Some(self.outcome.as_str()));
        push_text(&mut out, "reason", self.reason.as_deref());
        out.push_str(",\"detail\":");
        push_object(&mut out, &self.detail);
        out.push('}');
        out
    }

    /// `detail` in its canonical form, as it is to be stored.
    pub fn canonical_detail(&self) -> String {
        let mut out = String::new();
        push_object(&mut out, &self.detail);
        out
    }
}

fn push_text(out: &mut String, key: &str, value: Option<&str>) {
    out.push_str(",\"");
    out.push_str(key);
    out.push_str("\":");
    match value {
        Some(text) => push_string(out, text),
        None => out.push_str("null"),
    }
}

fn push_string(out: &mut String, text: &str) {
    // Serialising a string cannot fail; serde_json escapes only what RFC 8259 section 7 demands.
    out.push_str(&Value::String(text.to_owned()).to_string());
}

fn push_object(out: &mut String, object: &Map<String, Value>) {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| key.as_bytes());
    out.push('{');
    for (n, (key, value)) in entries.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        push_string(out, key);
        out.push(':');
        push_value(out, value);
    }
    out.push('}');
}

fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::Object(object) => push_object(out, object),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                push_value(out, item);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// An event that has no number and no hash yet. Its texts are cut to a bound and freed of NUL, which not every
/// database keeps.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Draft {
    time: Timestamp,
    action: Action,
    actor: String,
    source: Option<String>,
    user: Option<String>,
    server: Option<String>,
    session: Option<String>,
    outcome: Outcome,
    reason: Option<String>,
    detail: Map<String, Value>,
}

impl Draft {
    /// Begins an event with the outcome `ok`; `actor` gives the source as well, if it has one.
    pub fn new(action: Action, actor: &Actor, time: Timestamp) -> Self {
        Self {
            time: to_micros(time),
            action,
            actor: clean(actor.name(), TEXT_MAX),
            source: actor.source().map(|source| source.to_string()),
            user: None,
            server: None,
            session: None,
            outcome: Outcome::Ok,
            reason: None,
            detail: Map::new(),
        }
    }

    /// Says from where.
    #[must_use]
    pub fn source(mut self, source: impl fmt::Display) -> Self {
        self.source = Some(clean(&source.to_string(), TEXT_MAX));
        self
    }

    /// Says whom it concerns.
    #[must_use]
    pub fn user(mut self, name: impl fmt::Display) -> Self {
        self.user = Some(clean(&name.to_string(), TEXT_MAX));
        self
    }

    /// Says which server it concerns.
    #[must_use]
    pub fn server(mut self, name: impl fmt::Display) -> Self {
        self.server = Some(clean(&name.to_string(), TEXT_MAX));
        self
    }

    /// Says which session it concerns.
    #[must_use]
    pub fn session(mut self, id: impl fmt::Display) -> Self {
        self.session = Some(clean(&id.to_string(), TEXT_MAX));
        self
    }

    /// Says how it went.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Says why, with a word or a sentence.
    #[must_use]
    pub fn reason(mut self, reason: impl fmt::Display) -> Self {
        self.reason = Some(clean(&reason.to_string(), TEXT_MAX));
        self
    }

    /// Adds to the detail. A `null` is left out.
    #[must_use]
    pub fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        let value = clean_value(value.into(), DETAIL_DEPTH_MAX);
        if !value.is_null() {
            self.detail.insert(clean(key, TEXT_MAX), value);
        }
        self
    }

    /// What is reported.
    pub fn action(&self) -> Action {
        self.action
    }

    /// When it happened.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Gives it its place in the book, after the event whose place and hash `head` names.
    pub fn chain(self, head: crate::Head) -> Event {
        let mut event = Event {
            seq: head.seq + 1,
            time: self.time,
            action: self.action.code().to_owned(),
            actor: self.actor,
            source: self.source,
            user: self.user,
            server: self.server,
            session: self.session,
            outcome: self.outcome,
            reason: self.reason,
            detail: self.detail,
            hash: Hash::ZERO,
        };
        event.hash = event.hash_after(head.hash);
        event
    }
}

/// Cuts at a character's border and replaces NUL.
fn clean(text: &str, max: usize) -> String {
    let mut out = text.replace('\0', "\u{FFFD}");
    if out.len() > max {
        let ellipsis = '…';
        out.truncate(out.floor_char_boundary(max - ellipsis.len_utf8()));
        out.push(ellipsis);
    }
    out
}

fn clean_value(value: Value, depth: usize) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text, DETAIL_TEXT_MAX)),
        Value::Array(_) | Value::Object(_) if depth == 0 => Value::Null,
        Value::Array(items) => items
            .into_iter()
            .map(|item| clean_value(item, depth - 1))
            .collect(),
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(key, item)| (clean(&key, TEXT_MAX), clean_value(item, depth - 1)))
                .collect(),
        ),
        plain => plain,
    }
}
