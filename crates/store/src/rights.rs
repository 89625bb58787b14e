//! Rights set on people and groups, apart from any grant.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Right, Timestamp};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::change::Scope;
use crate::entity::{group_right, user_right};
use crate::resolve::{find_group, find_user, not_found, stored};
use crate::{GroupKind, Kind, Store, StoreError};

/// Who a right is set on, by name or id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RightHolder {
    /// One person.
    User(String),
    /// A group of people, and all below it.
    Group(String),
}

impl Store {
    /// Sets a right on a person or a group.
    ///
    /// # Errors
    /// There is no such person or group, or it has the right already.
    pub async fn add_right(
        &self,
        actor: &Actor,
        now: Timestamp,
        holder: &RightHolder,
        right: Right,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let found = Found::of(change.db(), holder).await?;
        if found.rights(change.db()).await?.contains(&right) {
            return Err(StoreError::Conflict(format!(
                "{} has the right {right} already",
                found.name()
            )));
        }
        let right_name = Set(right.to_string());
        match &found {
            Found::User(id, _) => {
                let row = user_right::ActiveModel {
                    user_id: Set(*id),
                    right_name,
                };
                user_right::Entity::insert(row)
                    .exec_without_returning(change.db())
                    .await?;
            }
            Found::Group(id, _) => {
                let row = group_right::ActiveModel {
                    group_id: Set(*id),
                    right_name,
                };
                group_right::Entity::insert(row)
                    .exec_without_returning(change.db())
                    .await?;
            }
        }
        change.record(found.event(Action::RightAdded, actor, now, right));
        change.commit().await?;
        Ok(())
    }

    /// Takes a right from a person or a group.
    ///
    /// # Errors
    /// There is no such person or group, or it has no such right of its own.
    pub async fn remove_right(
        &self,
        actor: &Actor,
        now: Timestamp,
        holder: &RightHolder,
        right: Right,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let found = Found::of(change.db(), holder).await?;
        let key = |id: i64| (id, right.to_string());
        let deleted = match &found {
            Found::User(id, _) => {
                user_right::Entity::delete_by_id(key(*id))
                    .exec(change.db())
                    .await?
            }
            Found::Group(id, _) => {
                group_right::Entity::delete_by_id(key(*id))
                    .exec(change.db())
                    .await?
            }
        };
        if deleted.rows_affected == 0 {
            let known = found
                .rights(change.db())
                .await?
                .iter()
                .map(ToString::to_string)
                .collect();
            return Err(not_found(Kind::Right, right.as_str(), known));
        }
        change.record(found.event(Action::RightRemoved, actor, now, right));
        change.commit().await?;
        Ok(())
    }

    /// The rights set on a person or a group itself, in the order of the list of rights.
    ///
    /// # Errors
    /// There is no such person or group.
    pub async fn rights(&self, holder: &RightHolder) -> Result<Vec<Right>, StoreError> {
        let db = self.snapshot().await?;
        let mut rights = Found::of(&db, holder).await?.rights(&db).await?;
        rights.sort();
        Ok(rights)
    }
}

enum Found {
    User(i64, String),
    Group(i64, String),
}

impl Found {
    async fn of(db: &impl ConnectionTrait, holder: &RightHolder) -> Result<Self, StoreError> {
        Ok(match holder {
            RightHolder::User(user) => find_user(db, user)
                .await
                .map(|row| Self::User(row.id, row.name))?,
            RightHolder::Group(group) => find_group(db, GroupKind::User, group)
                .await
                .map(|row| Self::Group(row.id, row.name))?,
        })
    }

    fn name(&self) -> &str {
        match self {
            Self::User(_, name) | Self::Group(_, name) => name,
        }
    }

    async fn rights(&self, db: &impl ConnectionTrait) -> Result<Vec<Right>, StoreError> {
        let words: Vec<String> = match self {
            Self::User(id, _) => {
                let rows = user_right::Entity::find().filter(user_right::Column::UserId.eq(*id));
                rows.select_only()
                    .column(user_right::Column::RightName)
                    .into_tuple()
                    .all(db)
                    .await?
            }
            Self::Group(id, _) => {
                let rows = group_right::Entity::find().filter(group_right::Column::GroupId.eq(*id));
                rows.select_only()
                    .column(group_right::Column::RightName)
                    .into_tuple()
                    .all(db)
                    .await?
            }
        };
        words.iter().map(|word| stored("a right", word)).collect()
    }

    fn event(&self, action: Action, actor: &Actor, now: Timestamp, right: Right) -> Draft {
        let event = Draft::new(action, actor, now).detail("right", right.as_str());
        match self {
            Self::User(_, name) => event.user(name),
            Self::Group(_, name) => event.detail("group", name.as_str()),
        }
    }
}
