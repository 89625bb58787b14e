//! Requests for access: asked, taken back, expired. Deciding them is in `request_decisions.rs`, who may do so in
//! `request_rights.rs`.
//!
//! INVARIANT **decided-once**: a request goes from `pending` to one other state, once, whoever decides how often at
//! the same time; changes of requests come one after the other ([`REQUEST_LOCK`]). The grant that an approval makes
//! is written in the transaction of the approval.
//!
//! INVARIANT **bounded**: a person has at most [`RequestLimits::max_open`] requests waiting, makes at most
//! [`ASKED_PER_HOUR`] times as many in an hour (each is told to people), and what waits ends
//! ([`RequestLimits::expire_after`]).
//!
//! What is over (its time has passed) counts as expired from that moment on; [`Store::expire_requests`] writes it
//! down later.

use gatehouse_audit::{Action, Actor};
use gatehouse_model::{RequestId, RequestKind, RequestState, Timestamp};
use jiff::SignedDuration;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::approval_rules::covering_rule;
use crate::change::{Change, REQUEST_LOCK, Scope};
use crate::entity::{request, server, user};
use crate::instant::to_db;
use crate::request_address::{address_remarks, ensure_requestable};
use crate::request_checks::{ensure_acting, ensure_length, ensure_offered, ensure_pending, later};
use crate::request_decisions::approve_by_rule;
use crate::request_rights::absent;
use crate::request_view::{about, logins_text, seconds, view};
use crate::resolve::{find_server, find_user, free_text};
use crate::{
    AccessRequest, Asked, AutoApproval, NewRequest, RequestLimits, RequestTarget, Store, StoreError,
};

/// Logins that one request may name.
const LOGINS_MAX: usize = 20;
/// How many times the number that may wait can be made in an hour.
const ASKED_PER_HOUR: u64 = 3;
/// Requests that are written down as expired in one transaction.
const EXPIRED_AT_ONCE: u64 = 1_000;

impl Store {
    /// Asks for access or for a source address. An equal request that waits is answered instead of a new one. Where
    /// a rule covers it wholly and that is allowed, it is approved at once.
    ///
    /// # Errors
    /// The person or the server is not known or not in use, the server does not offer the protocol, the length or
    /// the address is not possible, or too many requests wait.
    pub async fn create_request(
        &self,
        actor: &Actor,
        now: Timestamp,
        new: NewRequest,
        auto: AutoApproval,
        limits: &RequestLimits,
    ) -> Result<Asked, StoreError> {
        // Looked at first, so that the directory is touched only where access is given.
        let rule = match auto {
            AutoApproval::Allowed => {
                let db = self.snapshot().await?;
                let row = wanted_row(&db, now, &new, limits).await?;
                covering_rule(&db, &row).await?
            }
            AutoApproval::Withheld => None,
        };
        let scope = rule.map_or(Scope::Record, |_| Scope::Directory);
        let mut change = self.change(scope).await?;
        change.lock(REQUEST_LOCK).await?;
        let row = wanted_row(change.db(), now, &new, limits).await?;
        let remarks = match &new.wanted {
            RequestTarget::Address(_) => address_remarks(change.db(), &row).await?,
            RequestTarget::Access { .. } => Vec::new(),
        };
        if let Some(equal) = equal_open(change.db(), now, &row).await? {
            return Ok(Asked {
                request: view(equal, now)?,
                existing: true,
                remarks,
            });
        }
        ensure_not_too_many(change.db(), now, &row, limits).await?;
        let rule = match rule {
            Some(_) => covering_rule(change.db(), &row).await?,
            None => None,
        };
        let row = insert(&mut change, actor, now, row, rule).await?;
        let row = match rule {
            Some(rule) => approve_by_rule(&mut change, actor, now, row, rule).await?,
            None => row,
        };
        change.commit().await?;
        Ok(Asked {
            request: view(row, now)?,
            existing: false,
            remarks,
        })
    }

    /// Takes a request back that waits. Only the person who asked can.
    ///
    /// # Errors
    /// The person has no such request, or it does not wait any more.
    pub async fn withdraw_request(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: RequestId,
        who: &str,
    ) -> Result<AccessRequest, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let person = find_user(change.db(), who).await?;
        let row = find(change.db(), id).await?;
        if row.user_id != person.id {
            return Err(absent(id.0));
        }
        ensure_pending(&row, now)?;
        change.record(about(Action::RequestWithdrawn, actor, now, &row));
        let mut row = row.into_active_model();
        row.state = Set(RequestState::Withdrawn.to_string());
        row.decided_at = Set(Some(to_db(now)));
        row.decided_by = Set(Some(person.name));
        let row = row.update(change.db()).await?;
        change.commit().await?;
        view(row, now)
    }

    /// Writes down that requests were not decided in time, and answers how many. Calling it often does no harm.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn expire_requests(&self, now: Timestamp) -> Result<u64, StoreError> {
        let over = || {
            request::Entity::find()
                .filter(request::Column::State.eq(RequestState::Pending.as_str()))
                .filter(request::Column::ExpiresAt.lte(to_db(now)))
        };
        if over().one(self.connection()).await?.is_none() {
            return Ok(0);
        }
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let rows = over()
            .order_by_asc(request::Column::Id)
            .limit(EXPIRED_AT_ONCE)
            .all(change.db())
            .await?;
        let mut count = 0;
        for row in rows {
            change.record(about(Action::RequestExpired, &Actor::system(), now, &row));
            let ended_at = row.expires_at;
            let mut row = row.into_active_model();
            row.state = Set(RequestState::Expired.to_string());
            row.decided_at = Set(Some(ended_at));
            row.update(change.db()).await?;
            count += 1;
        }
        change.commit().await?;
        Ok(count)
    }
}

/// The row of what is asked for, when all of it is possible.
async fn wanted_row(
    db: &impl ConnectionTrait,
    now: Timestamp,
    new: &NewRequest,
    limits: &RequestLimits,
) -> Result<request::Model, StoreError> {
    let person = find_user(db, &new.user).await?;
    ensure_acting(&person, now)?;
    let mut row = blank_row(&person, now, limits)?;
    row.reason = free_text("reason", new.reason.clone())?;
    row.source = new.source.map(|source| source.to_string());
    match &new.wanted {
        RequestTarget::Address(address) => {
            row.kind = RequestKind::Address.to_string();
            row.address = Some(
                ensure_requestable(db, &person, *address, limits)
                    .await?
                    .to_string(),
            );
        }
        RequestTarget::Access {
            server,
            protocol,
            logins,
            length,
        } => {
            let server = find_server(db, server).await?;
            ensure_offered(db, &server, *protocol).await?;
            let length = ensure_length(length.unwrap_or(limits.default_for), limits.max_for)?;
            if logins.len() > LOGINS_MAX {
                let sentence = format!("a request can name {LOGINS_MAX} logins; ask for fewer, or for any");
                return Err(StoreError::invalid("login", sentence));
            }
            row.protocol = Some(protocol.to_string());
            row.logins = logins_text(&sorted(logins));
            row.seconds = Some(seconds(length));
            name_server(&mut row, &server);
        }
    }
    Ok(row)
}

/// A row of a person that asks for nothing yet.
pub(crate) fn blank_row(
    person: &user::Model,
    now: Timestamp,
    limits: &RequestLimits,
) -> Result<request::Model, StoreError> {
    let expires_at = later(now, limits.expire_after)?;
    Ok(request::Model {
        id: 0,
        kind: RequestKind::Access.to_string(),
        user_id: person.id,
        user_name: person.name.clone(),
        user_folded: person.folded.clone(),
        server_id: None,
        server_name: None,
        server_folded: None,
        protocol: None,
        logins: "[]".to_owned(),
        seconds: None,
        reason: None,
        address: None,
        source: None,
        state: RequestState::Pending.to_string(),
        created_at: to_db(now),
        expires_at: to_db(expires_at),
        decided_at: None,
        decided_by: None,
        note: None,
        rule_id: None,
        policy_id: None,
        reviewed_at: None,
        reviewed_by: None,
        verdict: None,
        review_note: None,
        reminded_at: None,
    })
}

pub(crate) fn name_server(row: &mut request::Model, server: &server::Model) {
    row.server_id = Some(server.id);
    row.server_name = Some(server.name.clone());
    row.server_folded = Some(server.folded.clone());
}

/// Writes a row; the database gives the number.
pub(crate) async fn write_new(
    db: &impl ConnectionTrait,
    row: request::Model,
) -> Result<request::Model, StoreError> {
    let mut row = row.into_active_model().reset_all();
    row.id = sea_orm::ActiveValue::NotSet;
    Ok(row.insert(db).await?)
}

async fn insert(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    row: request::Model,
    rule: Option<i64>,
) -> Result<request::Model, StoreError> {
    let row = write_new(change.db(), row).await?;
    let mut event = about(Action::RequestCreated, actor, now, &row).detail("rule", rule);
    if let Some(reason) = &row.reason {
        event = event.reason(reason);
    }
    if let Some(source) = &row.source {
        event = event.source(source);
    }
    change.record(event);
    Ok(row)
}

fn sorted(logins: &[gatehouse_model::Login]) -> Vec<gatehouse_model::Login> {
    let mut logins = logins.to_vec();
    logins.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    logins.dedup();
    logins
}

/// The requests of a person that wait.
fn open_of(person: i64, now: Timestamp) -> sea_orm::Select<request::Entity> {
    request::Entity::find()
        .filter(request::Column::UserId.eq(person))
        .filter(request::Column::State.eq(RequestState::Pending.as_str()))
        .filter(request::Column::ExpiresAt.gt(to_db(now)))
}

async fn equal_open(
    db: &impl ConnectionTrait,
    now: Timestamp,
    wanted: &request::Model,
) -> Result<Option<request::Model>, StoreError> {
    let open = open_of(wanted.user_id, now)
        .order_by_asc(request::Column::Id)
        .all(db)
        .await?;
    Ok(open.into_iter().find(|row| {
        row.kind == wanted.kind
            && row.server_id == wanted.server_id
            && row.protocol == wanted.protocol
            && row.logins == wanted.logins
            && row.seconds == wanted.seconds
            && row.address == wanted.address
    }))
}

async fn ensure_not_too_many(
    db: &impl ConnectionTrait,
    now: Timestamp,
    wanted: &request::Model,
    limits: &RequestLimits,
) -> Result<(), StoreError> {
    let open = open_of(wanted.user_id, now).count(db).await?;
    if open >= limits.max_open {
        return Err(StoreError::Conflict(format!(
            "{} has {open} requests waiting, which is as many as can be; wait for a decision, or withdraw one",
            wanted.user_name
        )));
    }
    let an_hour_ago = now
        .checked_sub(SignedDuration::from_hours(1))
        .unwrap_or(Timestamp::MIN);
    let lately = request::Entity::find()
        .filter(request::Column::UserId.eq(wanted.user_id))
        .filter(request::Column::CreatedAt.gt(to_db(an_hour_ago)))
        .count(db)
        .await?;
    if lately >= limits.max_open.saturating_mul(ASKED_PER_HOUR) {
        return Err(StoreError::Conflict(format!(
            "{} has asked {lately} times within an hour, which is as often as can be; ask again later",
            wanted.user_name
        )));
    }
    Ok(())
}

pub(crate) async fn find(db: &impl ConnectionTrait, id: RequestId) -> Result<request::Model, StoreError> {
    let row = request::Entity::find_by_id(id.0).one(db).await?;
    row.ok_or_else(|| absent(id.0))
}
