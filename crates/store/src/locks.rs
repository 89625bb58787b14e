//! Bans on people and servers.

use chrono::{DateTime, Utc};
use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Timestamp, format_time};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ExprTrait, IntoActiveModel};
use serde::Serialize;

use crate::change::Scope;
use crate::instant::{from_db, to_db};
use crate::resolve::free_text;
use crate::sign_ins::sign_out_for_good;
use crate::{Store, StoreError, Wanted, server_rows, user_rows};

/// What is locked, by name or id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LockTarget {
    /// One person.
    User(String),
    /// One server.
    Server(String),
}

/// A lock in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct LockState {
    /// When it ends by itself; `None`: when lifted.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

impl LockState {
    /// The lock of a row, if it is in force.
    pub(crate) fn in_force(
        locked: bool,
        until: Option<DateTime<Utc>>,
        reason: Option<String>,
        now: Timestamp,
    ) -> Option<Self> {
        let until = until.map(from_db);
        (locked && until.is_none_or(|until| until > now)).then_some(Self { until, reason })
    }
}

impl Store {
    /// Locks a person or a server, for a time or until lifted. Running sessions end. A lock that is there gets the
    /// new end and reason.
    ///
    /// # Errors
    /// There is no such person or server, the end has passed, or it is no longer in the state that was expected.
    pub async fn lock<'w>(
        &self,
        actor: &Actor,
        now: Timestamp,
        target: impl Into<Wanted<&'w LockTarget>>,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> Result<(), StoreError> {
        ensure_ahead(now, until)?;
        let reason = free_text("reason", reason)?;
        let mut change = self.change(Scope::Directory).await?;
        let event = Draft::new(Action::LockAdded, actor, now).detail("until", until.map(format_time));
        let event = match &reason {
            Some(reason) => event.reason(reason),
            None => event,
        };
        let until = until.map(to_db);
        let Wanted { what, expected } = target.into();
        let event = match what {
            LockTarget::User(user) => {
                let row =
                    user_rows::find_wanted(change.db(), now, Wanted::unchanged(user.as_str(), expected))
                        .await?;
                sign_out_for_good(change.db(), row.id).await?;
                let mut row = row.into_active_model();
                (row.locked, row.locked_until, row.lock_reason) = (Set(true), Set(until), Set(reason));
                event.user(row.update(change.db()).await?.name)
            }
            LockTarget::Server(server) => {
                let row =
                    server_rows::find_wanted(change.db(), now, Wanted::unchanged(server.as_str(), expected))
                        .await?;
                let mut row = row.into_active_model();
                (row.locked, row.locked_until, row.lock_reason) = (Set(true), Set(until), Set(reason));
                event.server(row.update(change.db()).await?.name)
            }
        };
        change.record(event);
        change.commit().await?;
        Ok(())
    }

    /// Lifts a lock.
    ///
    /// # Errors
    /// There is no such person or server, it is not locked, or it is no longer in the state that was expected.
    pub async fn unlock<'w>(
        &self,
        actor: &Actor,
        now: Timestamp,
        target: impl Into<Wanted<&'w LockTarget>>,
    ) -> Result<(), StoreError> {
        let Wanted { what, expected } = target.into();
        let mut change = self.change(Scope::Directory).await?;
        let not_locked = |name: &str| Err(StoreError::Conflict(format!("{name} is not locked")));
        let event = Draft::new(Action::LockRemoved, actor, now);
        let event = match what {
            LockTarget::User(user) => {
                let row =
                    user_rows::find_wanted(change.db(), now, Wanted::unchanged(user.as_str(), expected))
                        .await?;
                if !row.locked {
                    return not_locked(&row.name);
                }
                let mut row = row.into_active_model();
                (row.locked, row.locked_until, row.lock_reason) = (Set(false), Set(None), Set(None));
                event.user(row.update(change.db()).await?.name)
            }
            LockTarget::Server(server) => {
                let row =
                    server_rows::find_wanted(change.db(), now, Wanted::unchanged(server.as_str(), expected))
                        .await?;
                if !row.locked {
                    return not_locked(&row.name);
                }
                let mut row = row.into_active_model();
                (row.locked, row.locked_until, row.lock_reason) = (Set(false), Set(None), Set(None));
                event.server(row.update(change.db()).await?.name)
            }
        };
        change.record(event);
        change.commit().await?;
        Ok(())
    }
}

/// Rows with a lock in force, or those without.
pub(crate) fn lock_in_force<C: ColumnTrait>(locked: C, until: C, now: Timestamp, wanted: bool) -> Condition {
    let now = to_db(now);
    if wanted {
        Condition::all()
            .add(locked.eq(true))
            .add(until.is_null().or(until.gt(now)))
    } else {
        Condition::any().add(locked.eq(false)).add(until.lte(now))
    }
}

/// An end that is given must not have passed.
pub(crate) fn ensure_ahead(now: Timestamp, until: Option<Timestamp>) -> Result<(), StoreError> {
    match until {
        Some(until) if until <= now => Err(StoreError::invalid(
            "until",
            format!("the end {} has passed", format_time(until)),
        )),
        _ => Ok(()),
    }
}
