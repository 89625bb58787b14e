//! Requests for access as they are asked for and shown.

use std::net::IpAddr;

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{
    AddressRange, ApprovalRuleId, Login, PolicyId, Protocol, RequestId, RequestKind, RequestState,
    ReviewVerdict, SourceAddr, SpanSeconds, Timestamp,
};
use gatehouse_policy::Schedule;
use serde::Serialize;

use crate::entity::request;
use crate::instant::from_db;
use crate::resolve::{stored, stored_opt};
use crate::{Holder, Inside, Policy, Session, StoreError};

/// What holds for all requests; it comes from the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestLimits {
    /// How long a request waits for a decision.
    pub expire_after: SpanSeconds,
    /// How many requests of one person may wait at a time.
    pub max_open: u64,
    /// How long access is asked for where nothing is said.
    pub default_for: SpanSeconds,
    /// The longest access that can be asked for or approved.
    pub max_for: SpanSeconds,
    /// How long access opened by break-glass lasts at most, and where nothing is said.
    pub break_glass_for: SpanSeconds,
    /// Addresses that are nobody's source: the gate's own, and proxies that it trusts. Those of the pool need not be
    /// among them.
    pub reserved: Vec<AddressRange>,
}

/// A request to be made.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// The person who asks, by name or id.
    pub user: String,
    /// What for.
    pub wanted: RequestTarget,
    /// Why, for people; at most 500 characters.
    pub reason: Option<String>,
    /// Where it was asked from.
    pub source: Option<SourceAddr>,
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub enum RequestTarget {
    /// Access to a server.
    Access {
        /// The server, by name or id.
        server: String,
        /// The protocol.
        protocol: Protocol,
        /// The logins; empty: any.
        logins: Vec<Login>,
        /// For how long; `None`: [`RequestLimits::default_for`].
        length: Option<SpanSeconds>,
    },
    /// A further source address.
    Address(IpAddr),
}

/// Whether a rule may approve a request at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AutoApproval {
    /// It may: the person meant to ask.
    Allowed,
    /// It may not, since something may have asked for the person, such as a link.
    Withheld,
}

/// A request that was made, or found to be there already.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Asked {
    /// The request.
    pub request: AccessRequest,
    /// An equal one was open, and is answered instead of a new one.
    pub existing: bool,
    /// What the person should know, a sentence each.
    pub remarks: Vec<String>,
}

/// Access to be opened by break-glass.
#[derive(Clone, Debug)]
pub struct NewBreakGlass {
    /// The person, by name or id.
    pub user: String,
    /// The server, by name or id.
    pub server: String,
    /// The protocol.
    pub protocol: Protocol,
    /// Why: 10 to 500 characters.
    pub reason: String,
    /// Where it was asked from.
    pub source: Option<SourceAddr>,
    /// For how long; `None`: [`RequestLimits::break_glass_for`].
    pub length: Option<SpanSeconds>,
}

/// How a request is approved; by default as it was asked.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// Another length.
    pub length: Option<SpanSeconds>,
    /// Other logins; empty: any.
    pub logins: Option<Vec<Login>>,
    /// Recurring windows; empty: always.
    pub schedules: Vec<Schedule>,
    /// A word to the person who asked.
    pub note: Option<String>,
    /// Whether an address may lie inside, or around, one of another person.
    pub inside: Inside,
}

/// A request for access.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct AccessRequest {
    /// Its number.
    pub id: RequestId,
    /// What it asks for.
    pub kind: RequestKind,
    /// The person who asked, by the name at the time.
    pub user: String,
    /// The server, by the name at the time.
    pub server: Option<String>,
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// The logins asked for; empty: any.
    pub logins: Vec<Login>,
    /// How long access was asked for.
    #[serde(rename = "for")]
    pub length: Option<SpanSeconds>,
    /// Why.
    pub reason: Option<String>,
    /// The source address asked for.
    pub address: Option<AddressRange>,
    /// Where it was asked from.
    pub source: Option<SourceAddr>,
    /// Where it is in its life.
    pub state: RequestState,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Until when it waits for a decision.
    pub expires_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided: a person's name, or the actor as in the audit book; `rule #3` for a rule.
    pub decided_by: Option<String>,
    /// A word to the person who asked.
    pub note: Option<String>,
    /// The rule that approved it.
    pub rule: Option<ApprovalRuleId>,
    /// The grant made by it.
    pub policy_id: Option<PolicyId>,
    /// What came of the review of access opened by break-glass.
    pub review: Option<Review>,
}

/// What came of a review.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Review {
    /// Who reviewed.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What it came to.
    pub verdict: ReviewVerdict,
    /// More on it.
    pub note: Option<String>,
}

/// A request with all that hangs on it.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct RequestDetail {
    /// The request.
    #[serde(flatten)]
    pub request: AccessRequest,
    /// The grant made by it, if that is still there.
    pub policy: Option<Policy>,
    /// Sessions that the grant allowed, the newest first; at most 200.
    pub sessions: Vec<Session>,
    /// Ranges of other people around or within the address asked for; for those who may decide.
    pub overlaps: Vec<Holder>,
    /// Whether the reader may decide it.
    pub may_decide: bool,
}

pub(crate) fn view(row: request::Model, now: Timestamp) -> Result<AccessRequest, StoreError> {
    let state = state_of(&row, now)?;
    let review = match (row.reviewed_at, row.reviewed_by, row.verdict) {
        (Some(at), Some(by), Some(verdict)) => Some(Review {
            by,
            at: from_db(at),
            verdict: stored("a verdict", &verdict)?,
            note: row.review_note,
        }),
        _ => None,
    };
    Ok(AccessRequest {
        id: RequestId(row.id),
        kind: stored("a kind of request", &row.kind)?,
        user: row.user_name,
        server: row.server_name,
        protocol: stored_opt("a protocol", row.protocol.as_deref())?,
        logins: logins_of(&row.logins)?,
        length: row.seconds.map(span).transpose()?,
        reason: row.reason,
        address: stored_opt("an address", row.address.as_deref())?,
        source: stored_opt("a source address", row.source.as_deref())?,
        state,
        created_at: from_db(row.created_at),
        expires_at: from_db(row.expires_at),
        decided_at: row.decided_at.map(from_db),
        decided_by: row.decided_by,
        note: row.note,
        rule: row.rule_id.map(ApprovalRuleId),
        policy_id: row.policy_id.map(PolicyId),
        review,
    })
}

/// Where a request is in its life: one whose time is over has expired, written down or not.
pub(crate) fn state_of(row: &request::Model, now: Timestamp) -> Result<RequestState, StoreError> {
    let state = stored("a state of a request", &row.state)?;
    if state == RequestState::Pending && from_db(row.expires_at) <= now {
        return Ok(RequestState::Expired);
    }
    Ok(state)
}

pub(crate) fn logins_text(logins: &[Login]) -> String {
    serde_json::json!(logins).to_string()
}

pub(crate) fn logins_of(text: &str) -> Result<Vec<Login>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt("a list of logins", error))
}

pub(crate) fn span(seconds: i64) -> Result<SpanSeconds, StoreError> {
    u64::try_from(seconds)
        .ok()
        .and_then(SpanSeconds::new)
        .ok_or_else(|| StoreError::corrupt("a duration", format!("{seconds} seconds")))
}

pub(crate) fn seconds(span: SpanSeconds) -> i64 {
    i64::try_from(span.seconds()).unwrap_or(i64::MAX)
}

/// An event about a request, with what it asks for.
pub(crate) fn about(action: Action, actor: &Actor, now: Timestamp, row: &request::Model) -> Draft {
    let length = row.seconds.and_then(|seconds| span(seconds).ok());
    let logins = logins_of(&row.logins).unwrap_or_default();
    let mut event = Draft::new(action, actor, now)
        .user(&row.user_name)
        .detail("request", row.id)
        .detail("kind", row.kind.as_str())
        .detail("protocol", row.protocol.as_deref())
        .detail("for", length.map(|length| length.to_string()))
        .detail("address", row.address.as_deref());
    if let Some(server) = &row.server_name {
        event = event.server(server);
    }
    if !logins.is_empty() {
        event = event.detail(
            "logins",
            logins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        );
    }
    event
}
