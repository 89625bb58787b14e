//! Bans on people and servers.

use chrono::{DateTime, Utc};
use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Timestamp, format_time};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use serde::Serialize;

use crate::change::Scope;
use crate::instant::{from_db, to_db};
use crate::resolve::{find_server, find_user, free_text};
use crate::sign_ins::sign_out_for_good;
use crate::{Store, StoreError};

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
    /// There is no such person or server, or the end has passed.
    pub async fn lock(
        &self,
        actor: &Actor,
        now: Timestamp,
        target: &LockTarget,
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
        let event = match target {
            LockTarget::User(user) => {
                let row = find_user(change.db(), user).await?;
                sign_out_for_good(change.db(), row.id).await?;
                let mut row = row.into_active_model();
                (row.locked, row.locked_until, row.lock_reason) = (Set(true), Set(until), Set(reason));
                event.user(row.update(change.db()).await?.name)
            }
            LockTarget::Server(server) => {
                let mut row = find_server(change.db(), server).await?.into_active_model();
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
    /// There is no such person or server, or it is not locked.
    pub async fn unlock(&self, actor: &Actor, now: Timestamp, target: &LockTarget) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let not_locked = |name: &str| Err(StoreError::Conflict(format!("{name} is not locked")));
        let event = Draft::new(Action::LockRemoved, actor, now);
        let event = match target {
            LockTarget::User(user) => {
                let row = find_user(change.db(), user).await?;
                if !row.locked {
                    return not_locked(&row.name);
                }
                let mut row = row.into_active_model();
                (row.locked, row.locked_until, row.lock_reason) = (Set(false), Set(None), Set(None));
                event.user(row.update(change.db()).await?.name)
            }
            LockTarget::Server(server) => {
                let row = find_server(change.db(), server).await?;
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
