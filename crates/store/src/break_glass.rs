//! Break-glass: access opened at once by a person with the right to, told to everybody, and reviewed afterwards.
//!
//! INVARIANT **never quietly**: grant, request, audit event and alert are written in one transaction. What is not
//! reviewed stays listed, and is told of once more after a day.
//!
//! The right counts where it is set on the person, on a group around the person, or in a grant for the person and
//! the server that is in force by its start and end. Its schedules do not matter here: the door is opened when they
//! keep it shut.

use gatehouse_audit::{Action, Actor, Outcome};
use gatehouse_model::{RequestKind, RequestState, Right, Timestamp};
use jiff::SignedDuration;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::change::{REQUEST_LOCK, Scope};
use crate::entity::{group_right, policy, policy_term, request, server, user, user_right};
use crate::instant::to_db;
use crate::policy_rows::RIGHT;
use crate::request_checks::{ensure_acting, ensure_length, ensure_offered};
use crate::request_decisions::{Terms, grant_for};
use crate::request_view::{about, seconds, view};
use crate::requests::{blank_row, name_server, write_new};
use crate::resolve::{find_server, find_user, free_text};
use crate::standing::groups_around;
use crate::{AccessRequest, GroupKind, LockState, NewBreakGlass, RequestLimits, Store, StoreError};

/// Shortest reason, in characters.
const REASON_MIN: usize = 10;
/// How long a review may take before it is asked for once more.
const REMIND_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Reminders of one transaction.
const REMINDED_AT_ONCE: u64 = 1_000;

impl Store {
    /// Opens access at once, for a person who has the right to. An attempt without the right is audited too.
    ///
    /// # Errors
    /// The person has no such right, person or server are not known or not in use, the server does not offer the
    /// protocol, the reason is too short, or the length is too long.
    pub async fn open_break_glass(
        &self,
        actor: &Actor,
        now: Timestamp,
        new: NewBreakGlass,
        limits: &RequestLimits,
    ) -> Result<AccessRequest, StoreError> {
        let reason = sound_reason(new.reason)?;
        let mut change = self.change(Scope::Directory).await?;
        change.lock(REQUEST_LOCK).await?;
        let person = find_user(change.db(), &new.user).await?;
        let server = find_server(change.db(), &new.server).await?;
        ensure_acting(&person, now)?;
        let mut row = blank_row(&person, now, limits)?;
        row.kind = RequestKind::BreakGlass.to_string();
        row.protocol = Some(new.protocol.to_string());
        row.reason = Some(reason.clone());
        row.source = new.source.map(|source| source.to_string());
        let length = ensure_length(
            new.length.unwrap_or(limits.break_glass_for),
            limits.break_glass_for,
        )?;
        row.seconds = Some(seconds(length));
        name_server(&mut row, &server);
        let event = |row: &request::Model, outcome| {
            let event = about(Action::BreakGlassOpened, actor, now, row).outcome(outcome);
            let event = event.reason(&reason).detail("policy", row.policy_id);
            match &row.source {
                Some(source) => event.source(source),
                None => event,
            }
        };
        if !has_right(change.db(), now, &person, &server, new.protocol.as_str()).await? {
            // The attempt alone is kept; nothing of the directory has changed.
            drop(change);
            self.record(event(&row, Outcome::Denied)).await?;
            return Err(StoreError::Forbidden(format!(
                "{} has no right to open access to {} by break-glass; ask for access instead",
                person.name, server.name
            )));
        }
        ensure_offered(change.db(), &server, new.protocol).await?;
        ensure_unlocked(&server, now)?;
        row.state = RequestState::Approved.to_string();
        row.decided_at = Some(to_db(now));
        row.decided_by = Some(person.name.clone());
        row.expires_at = to_db(now);
        let mut row = write_new(change.db(), row).await?;
        let terms = Terms::asked(&row)?;
        row.policy_id = Some(grant_for(&mut change, actor, now, &row, terms).await?.id.0);
        let row = row.into_active_model().reset_all().update(change.db()).await?;
        change.record(event(&row, Outcome::Ok));
        change.commit().await?;
        view(row, now)
    }

    /// Asks once more for the review of what was opened a day ago and is not reviewed, and answers how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn remind_of_unreviewed(&self, now: Timestamp) -> Result<u64, StoreError> {
        let since = now.checked_sub(REMIND_AFTER).unwrap_or(Timestamp::MIN);
        let due = || {
            request::Entity::find()
                .filter(unreviewed())
                .filter(request::Column::RemindedAt.is_null())
                .filter(request::Column::CreatedAt.lte(to_db(since)))
        };
        if due().one(self.connection()).await?.is_none() {
            return Ok(0);
        }
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let rows = due()
            .order_by_asc(request::Column::Id)
            .limit(REMINDED_AT_ONCE)
            .all(change.db())
            .await?;
        let mut count = 0;
        for row in rows {
            change.record(about(Action::BreakGlassUnreviewed, &Actor::system(), now, &row));
            let mut row = row.into_active_model();
            row.reminded_at = Set(Some(to_db(now)));
            row.update(change.db()).await?;
            count += 1;
        }
        change.commit().await?;
        Ok(count)
    }
}

/// What was opened by break-glass and is not reviewed.
pub(crate) fn unreviewed() -> Condition {
    Condition::all()
        .add(request::Column::Kind.eq(RequestKind::BreakGlass.as_str()))
        .add(request::Column::ReviewedAt.is_null())
}

fn sound_reason(reason: String) -> Result<String, StoreError> {
    let reason = free_text("reason", Some(reason))?.unwrap_or_default();
    if reason.chars().count() < REASON_MIN {
        return Err(StoreError::invalid(
            "reason",
            format!(
                "break-glass needs a reason of {REASON_MIN} characters at least; say what the emergency is"
            ),
        ));
    }
    Ok(reason)
}

fn ensure_unlocked(server: &server::Model, now: Timestamp) -> Result<(), StoreError> {
    match LockState::in_force(server.locked, server.locked_until, None, now) {
        None => Ok(()),
        Some(_) => Err(StoreError::Conflict(format!(
            "{} is locked, and break-glass does not open locks; ask an operator",
            server.name
        ))),
    }
}

/// Whether a person may open access to a server by break-glass.
async fn has_right(
    db: &impl ConnectionTrait,
    now: Timestamp,
    person: &user::Model,
    server: &server::Model,
    protocol: &str,
) -> Result<bool, StoreError> {
    let right = Right::BreakGlass.as_str();
    let own = user_right::Entity::find_by_id((person.id, right.to_owned()));
    if own.one(db).await?.is_some() {
        return Ok(true);
    }
    let around_person = groups_around(db, GroupKind::User, person.id).await?;
    let of_group = group_right::Entity::find()
        .filter(group_right::Column::RightName.eq(right))
        .filter(group_right::Column::GroupId.is_in(around_person.iter().copied()));
    if of_group.one(db).await?.is_some() {
        return Ok(true);
    }
    let around_server = groups_around(db, GroupKind::Server, server.id).await?;
    let subject = Condition::any()
        .add(policy::Column::UserId.eq(person.id))
        .add(policy::Column::UserGroupId.is_in(around_person));
    let target = Condition::any()
        .add(policy::Column::ServerId.eq(server.id))
        .add(policy::Column::ServerGroupId.is_in(around_server));
    let in_force = Condition::all()
        .add(policy::Column::RevokedAt.is_null())
        .add(policy::Column::StartAt.lte(to_db(now)))
        .add(
            Condition::any()
                .add(policy::Column::EndAt.is_null())
                .add(policy::Column::EndAt.gt(to_db(now))),
        );
    let any_protocol = Condition::any()
        .add(policy::Column::Protocol.is_null())
        .add(policy::Column::Protocol.eq(protocol));
    let carriers: Vec<i64> = policy::Entity::find()
        .select_only()
        .column(policy::Column::Id)
        .filter(subject)
        .filter(target)
        .filter(in_force)
        .filter(any_protocol)
        .into_tuple()
        .all(db)
        .await?;
    let carried = policy_term::Entity::find()
        .filter(policy_term::Column::PolicyId.is_in(carriers))
        .filter(policy_term::Column::Kind.eq(RIGHT))
        .filter(policy_term::Column::Value.eq(right));
    Ok(carried.one(db).await?.is_some())
}
