//! Requests decided: approved, denied; and access opened by break-glass reviewed.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{
    ApprovalRuleId, Login, RequestId, RequestKind, RequestState, ReviewVerdict, SpanSeconds, Timestamp,
    format_time,
};
use gatehouse_policy::{PolicyRules, Schedule};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};

use crate::change::{Change, REQUEST_LOCK, Scope};
use crate::entity::{request, server, user};
use crate::instant::to_db;
use crate::policies::grant;
use crate::request_address::ensure_requestable;
use crate::request_checks::{ensure_length, ensure_pending, later};
use crate::request_rights::{Decider, ensure_may_decide, ensure_may_review};
use crate::request_view::{about, logins_of, span, view};
use crate::requests::find;
use crate::resolve::{free_text, stored, stored_opt};
use crate::sources::insert_address;
use crate::{
    AccessRequest, Approval, NewAddress, NewPolicy, Policy, RequestLimits, Store, StoreError, SubjectRef,
    TargetRef,
};

/// Longest reason of a grant, in characters.
const REASON_MAX: usize = 500;

impl Store {
    /// Approves a request: makes the grant, or enters the address, in the same transaction.
    ///
    /// # Errors
    /// There is no such request for the decider, it does not wait, the decider may not decide it, or what was asked
    /// for is not possible (any more).
    pub async fn approve_request(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: RequestId,
        decider: &Decider,
        approval: Approval,
        limits: &RequestLimits,
    ) -> Result<AccessRequest, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        change.lock(REQUEST_LOCK).await?;
        let mut row = find(change.db(), id).await?;
        let by = ensure_may_decide(change.db(), actor, now, decider, &row).await?;
        ensure_pending(&row, now)?;
        row.note = free_text("note", approval.note.clone())?;
        let policy = match stored("a kind of request", &row.kind)? {
            RequestKind::Address => {
                enter_address(&mut change, actor, now, &row, &approval, limits).await?;
                None
            }
            RequestKind::Access | RequestKind::BreakGlass => {
                let terms = Terms::approved(&row, approval, limits)?;
                Some(grant_for(&mut change, actor, now, &row, terms).await?)
            }
        };
        let row = approved(&mut change, actor, now, row, by, policy).await?;
        change.commit().await?;
        view(row, now)
    }

    /// Denies a request.
    ///
    /// # Errors
    /// There is no such request for the decider, it does not wait, or the decider may not decide it.
    pub async fn deny_request(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: RequestId,
        decider: &Decider,
        note: Option<String>,
    ) -> Result<AccessRequest, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let row = find(change.db(), id).await?;
        let by = ensure_may_decide(change.db(), actor, now, decider, &row).await?;
        ensure_pending(&row, now)?;
        let note = free_text("note", note)?;
        let event = about(Action::RequestDenied, actor, now, &row).detail("decided_by", by.as_str());
        change.record(reasoned(event, note.as_deref()));
        let mut row = row.into_active_model();
        row.state = Set(RequestState::Denied.to_string());
        row.decided_at = Set(Some(to_db(now)));
        row.decided_by = Set(Some(by));
        row.note = Set(note);
        let row = row.update(change.db()).await?;
        change.commit().await?;
        view(row, now)
    }

    /// Says what a review of access opened by break-glass came to, once.
    ///
    /// # Errors
    /// There is no such request, it was not opened by break-glass, is reviewed already, or the decider is neither
    /// operator nor administrator, or the person who opened it.
    pub async fn review_request(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: RequestId,
        decider: &Decider,
        verdict: ReviewVerdict,
        note: Option<String>,
    ) -> Result<AccessRequest, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let row = find(change.db(), id).await?;
        let by = ensure_may_review(change.db(), actor, now, decider, &row).await?;
        if row.kind != RequestKind::BreakGlass.as_str() {
            return Err(StoreError::Conflict(format!(
                "request #{id} was not opened by break-glass, so there is nothing to review"
            )));
        }
        if let Some(reviewer) = &row.reviewed_by {
            return Err(StoreError::Conflict(format!(
                "request #{id} was reviewed already, by {reviewer}"
            )));
        }
        let note = free_text("note", note)?;
        let event = about(Action::RequestReviewed, actor, now, &row)
            .detail("reviewed_by", by.as_str())
            .detail("verdict", verdict.as_str());
        change.record(reasoned(event, note.as_deref()));
        let mut row = row.into_active_model();
        row.reviewed_at = Set(Some(to_db(now)));
        row.reviewed_by = Set(Some(by));
        row.verdict = Set(Some(verdict.to_string()));
        row.review_note = Set(note);
        let row = row.update(change.db()).await?;
        change.commit().await?;
        view(row, now)
    }
}

/// The terms of the grant that a request leads to.
pub(crate) struct Terms {
    length: SpanSeconds,
    logins: Vec<Login>,
    schedules: Vec<Schedule>,
}

impl Terms {
    /// As they were asked for.
    pub(crate) fn asked(row: &request::Model) -> Result<Self, StoreError> {
        let length = row.seconds.map(span).transpose()?;
        Ok(Self {
            length: length.ok_or_else(|| StoreError::corrupt("a request", "it has no length"))?,
            logins: logins_of(&row.logins)?,
            schedules: Vec::new(),
        })
    }

    fn approved(
        row: &request::Model,
        approval: Approval,
        limits: &RequestLimits,
    ) -> Result<Self, StoreError> {
        let asked = Self::asked(row)?;
        let length = approval
            .length
            .map(|length| ensure_length(length, limits.max_for));
        Ok(Self {
            length: length.transpose()?.unwrap_or(asked.length),
            logins: approval.logins.unwrap_or(asked.logins),
            schedules: approval.schedules,
        })
    }
}

/// Approves a request that a rule covers, within the change that makes it.
pub(crate) async fn approve_by_rule(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    mut row: request::Model,
    rule: i64,
) -> Result<request::Model, StoreError> {
    let terms = Terms::asked(&row)?;
    let policy = grant_for(change, actor, now, &row, terms).await?;
    row.rule_id = Some(rule);
    let by = format!("rule #{}", ApprovalRuleId(rule));
    approved(change, actor, now, row, by, Some(policy)).await
}

/// Makes the grant that a request asks for, from now on.
pub(crate) async fn grant_for(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    row: &request::Model,
    terms: Terms,
) -> Result<Policy, StoreError> {
    let person = known_person(change, row).await?;
    let server = match row.server_id {
        Some(server) => server::Entity::find_by_id(server).one(change.db()).await?,
        None => None,
    };
    let server = server.ok_or_else(|| {
        let name = row.server_name.as_deref().unwrap_or("the server");
        StoreError::Conflict(format!("{name} was removed since; deny the request"))
    })?;
    let mut rules = plain_rules(now, terms.length)?;
    rules.protocol = stored_opt("a protocol", row.protocol.as_deref())?;
    rules.logins = terms.logins;
    rules.schedules = terms.schedules;
    let new = NewPolicy {
        subject: SubjectRef::User(person.id.to_string()),
        target: TargetRef::Server(server.id.to_string()),
        rules,
        reason: Some(reason_of_grant(row)),
    };
    grant(change, actor, now, new).await
}

async fn known_person(change: &Change<'_>, row: &request::Model) -> Result<user::Model, StoreError> {
    let person = user::Entity::find_by_id(row.user_id).one(change.db()).await?;
    person
        .ok_or_else(|| StoreError::Conflict(format!("{} was removed since; deny the request", row.user_name)))
}

async fn enter_address(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    row: &request::Model,
    approval: &Approval,
    limits: &RequestLimits,
) -> Result<(), StoreError> {
    let person = known_person(change, row).await?;
    if approval.length.is_some() || approval.logins.is_some() || !approval.schedules.is_empty() {
        return Err(StoreError::invalid(
            "for",
            "a source address is entered for good and for everything; approve it without length, logins and schedules",
        ));
    }
    let address = stored_opt::<gatehouse_model::AddressRange>("an address", row.address.as_deref())?;
    let address = address.ok_or_else(|| StoreError::corrupt("a request", "it has no address"))?;
    // The pool and the people may have changed since it was asked for.
    let range = ensure_requestable(change.db(), &person, address.network(), limits).await?;
    let new = NewAddress {
        range,
        label: Some(format!("request #{}", row.id)),
        inside: approval.inside,
    };
    insert_address(change, actor, now, &person, new).await
}

/// Writes an approval, and its event.
async fn approved(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    mut row: request::Model,
    by: String,
    policy: Option<Policy>,
) -> Result<request::Model, StoreError> {
    row.state = RequestState::Approved.to_string();
    row.decided_at = Some(to_db(now));
    row.policy_id = policy.as_ref().map(|policy| policy.id.0);
    let mut event = about(Action::RequestApproved, actor, now, &row)
        .detail("decided_by", by.as_str())
        .detail("policy", row.policy_id)
        .detail("rule", row.rule_id);
    if let Some(end) = policy.and_then(|policy| policy.rules.end) {
        event = event.detail("until", format_time(end));
    }
    change.record(reasoned(event, row.note.as_deref()));
    row.decided_by = Some(by);
    Ok(row.into_active_model().reset_all().update(change.db()).await?)
}

fn reasoned(event: Draft, reason: Option<&str>) -> Draft {
    match reason {
        Some(reason) => event.reason(reason),
        None => event,
    }
}

/// Terms that last so long from now, and leave all else as configured.
fn plain_rules(now: Timestamp, length: SpanSeconds) -> Result<PolicyRules, StoreError> {
    Ok(PolicyRules {
        protocol: None,
        from: None,
        logins: Vec::new(),
        start: now,
        end: Some(later(now, length)?),
        schedules: Vec::new(),
        use_schedules: true,
        rights: Vec::new(),
        destinations: Vec::new(),
        blocked_ports: Vec::new(),
        record_mode: None,
        record_binary: None,
        record_input: None,
        record_forwards: None,
        idle: None,
        max_length: None,
    })
}

fn reason_of_grant(row: &request::Model) -> String {
    let text = match &row.reason {
        Some(reason) => format!("request #{}: {reason}", row.id),
        None => format!("request #{}", row.id),
    };
    text.chars().take(REASON_MAX).collect()
}
