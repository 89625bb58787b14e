//! Bans on people and servers, and blocked sources.

use chrono::{DateTime, Utc};
use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{AddressRange, Timestamp, format_time};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder,
};
use serde::Serialize;

use crate::change::Scope;
use crate::entity::block;
use crate::instant::{from_db, to_db};
use crate::resolve::{find_server, find_user, free_text, not_found, stored};
use crate::{Kind, Store, StoreError};

/// What is locked, by name or id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LockTarget {
    /// One person.
    User(String),
    /// One server.
    Server(String),
}

/// A lock in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LockState {
    /// When it ends by itself; `None`: when lifted.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// A blocked source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Block {
    /// The range.
    pub range: AddressRange,
    /// When it ends; `None`: when lifted.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
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
                let mut row = find_user(change.db(), user).await?.into_active_model();
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

    /// The blocks in force, in the order in which they were made.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn blocks(&self, now: Timestamp) -> Result<Vec<Block>, StoreError> {
        let in_force = Condition::any()
            .add(block::Column::Until.is_null())
            .add(block::Column::Until.gt(to_db(now)));
        let rows = block::Entity::find()
            .filter(in_force)
            .order_by_asc(block::Column::Id)
            .all(self.connection());
        rows.await?.into_iter().map(view).collect()
    }

    /// Blocks a source, for a time or until lifted. A block of the same range gets the new end and reason.
    ///
    /// # Errors
    /// The end has passed.
    pub async fn add_block(
        &self,
        actor: &Actor,
        now: Timestamp,
        range: AddressRange,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> Result<Block, StoreError> {
        ensure_ahead(now, until)?;
        let reason = free_text("reason", reason)?;
        let mut change = self.change(Scope::Directory).await?;
        let text = range.to_string();
        block::Entity::delete_many()
            .filter(block::Column::Range.eq(&text))
            .exec(change.db())
            .await?;
        let row = block::ActiveModel {
            range: Set(text.clone()),
            until: Set(until.map(to_db)),
            reason: Set(reason.clone()),
            created_at: Set(to_db(now)),
            created_by: Set(actor.name().to_owned()),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        let event = Draft::new(Action::BlockAdded, actor, now).detail("range", text);
        let event = event.detail("until", until.map(format_time));
        change.record(match reason {
            Some(reason) => event.reason(reason),
            None => event,
        });
        change.commit().await?;
        view(row)
    }

    /// Lifts a block.
    ///
    /// # Errors
    /// There is none of this range.
    pub async fn remove_block(
        &self,
        actor: &Actor,
        now: Timestamp,
        range: AddressRange,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let text = range.to_string();
        let deleted = block::Entity::delete_many()
            .filter(block::Column::Range.eq(&text))
            .exec(change.db())
            .await?;
        if deleted.rows_affected == 0 {
            let known = block::Entity::find()
                .all(change.db())
                .await?
                .into_iter()
                .map(|row| row.range)
                .collect();
            return Err(not_found(Kind::Block, &text, known));
        }
        change.record(Draft::new(Action::BlockRemoved, actor, now).detail("range", text));
        change.commit().await?;
        Ok(())
    }
}

fn ensure_ahead(now: Timestamp, until: Option<Timestamp>) -> Result<(), StoreError> {
    match until {
        Some(until) if until <= now => Err(StoreError::invalid(
            "until",
            format!("the end {} has passed", format_time(until)),
        )),
        _ => Ok(()),
    }
}

fn view(row: block::Model) -> Result<Block, StoreError> {
    Ok(Block {
        range: stored("a block", &row.range)?,
        until: row.until.map(from_db),
        reason: row.reason,
        created_at: from_db(row.created_at),
        created_by: row.created_by,
    })
}
