//! Passkeys of people: what WebAuthn needs to recognise them, as text that only the web understands.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder,
};
use serde::Serialize;
use uuid::Uuid;

use crate::change::Scope;
use crate::entity::{passkey, user};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_user, free_text, hold_user};
use crate::totp::factor;
use crate::{Kind, Store, StoreError};

/// Most passkeys of a person.
const PASSKEYS_MAX: u64 = 20;

/// A passkey, as its person sees it.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct PasskeyEntry {
    /// The id.
    pub id: i64,
    /// What its person calls it.
    pub label: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was used last.
    pub used_at: Option<Timestamp>,
}

/// A passkey with what recognises it.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredPasskey {
    /// The id.
    pub id: i64,
    /// Whose.
    pub user: UserId,
    /// What recognises it.
    pub stored: String,
}

/// A passkey to be registered.
#[derive(Clone, Debug)]
pub struct NewPasskey {
    /// The credential's id.
    pub credential: Vec<u8>,
    /// What recognises it.
    pub stored: String,
    /// What its person calls it.
    pub label: Option<String>,
}

impl Store {
    /// The random id under which authenticators know a person. Made at its first use.
    ///
    /// # Errors
    /// There is no such person, or the database cannot be written.
    pub async fn passkey_handle(&self, who: &str) -> Result<Uuid, StoreError> {
        let change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let person = hold_user(change.db(), person.id).await?;
        if let Some(handle) = person.handle {
            return Ok(handle);
        }
        let handle = Uuid::new_v4();
        let row = user::ActiveModel {
            handle: Set(Some(handle)),
            ..Default::default()
        };
        user::Entity::update_many()
            .set(row)
            .filter(user::Column::Id.eq(person.id))
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(handle)
    }

    /// Registers a passkey.
    ///
    /// # Errors
    /// There is no such person, they have too many, or somebody has this one.
    pub async fn add_passkey(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        new: NewPasskey,
    ) -> Result<PasskeyEntry, StoreError> {
        let label = free_text("label", new.label)?.unwrap_or_else(|| "passkey".to_owned());
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let person = hold_user(change.db(), person.id).await?;
        let own = passkey::Entity::find().filter(passkey::Column::UserId.eq(person.id));
        if own.count(change.db()).await? >= PASSKEYS_MAX {
            return Err(StoreError::Conflict(format!(
                "{} has {PASSKEYS_MAX} passkeys already; remove one first",
                person.name
            )));
        }
        let known = passkey::Entity::find().filter(passkey::Column::Credential.eq(new.credential.clone()));
        if known.one(change.db()).await?.is_some() {
            return Err(StoreError::Conflict(
                "this passkey is registered already".to_owned(),
            ));
        }
        let row = passkey::ActiveModel {
            user_id: Set(person.id),
            credential: Set(new.credential),
            stored: Set(new.stored),
            label: Set(label),
            created_at: Set(to_db(now)),
            used_at: Set(None),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        change.record(
            factor(Action::FactorAdded, actor, now, &person, "passkey").detail("label", row.label.clone()),
        );
        change.commit().await?;
        Ok(view(row))
    }

    /// The passkeys of a person with what recognises them.
    ///
    /// # Errors
    /// There is no such person.
    pub async fn passkeys(&self, who: &str) -> Result<Vec<(PasskeyEntry, String)>, StoreError> {
        let person = find_user(self.connection(), who).await?;
        let rows = passkey::Entity::find()
            .filter(passkey::Column::UserId.eq(person.id))
            .order_by_asc(passkey::Column::Id)
            .all(self.connection())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let stored = row.stored.clone();
                (view(row), stored)
            })
            .collect())
    }

    /// The passkey with this credential id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn passkey_of(&self, credential: &[u8]) -> Result<Option<StoredPasskey>, StoreError> {
        let row = passkey::Entity::find()
            .filter(passkey::Column::Credential.eq(credential.to_vec()))
            .one(self.connection())
            .await?;
        Ok(row.map(|row| StoredPasskey {
            id: row.id,
            user: UserId(row.user_id),
            stored: row.stored,
        }))
    }

    /// A passkey was used; `stored` is what recognises it from now on, if that changed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn passkey_used(
        &self,
        now: Timestamp,
        id: i64,
        stored: Option<String>,
    ) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let mut row = passkey::ActiveModel {
            used_at: Set(Some(to_db(now))),
            ..Default::default()
        };
        if let Some(stored) = stored {
            row.stored = Set(stored);
        }
        passkey::Entity::update_many()
            .set(row)
            .filter(passkey::Column::Id.eq(id))
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(())
    }

    /// Calls a passkey of a person something else.
    ///
    /// # Errors
    /// There is no such person, or none of theirs with this id.
    pub async fn rename_passkey(
        &self,
        who: &str,
        id: i64,
        label: String,
    ) -> Result<PasskeyEntry, StoreError> {
        let label = free_text("label", Some(label))?
            .ok_or_else(|| StoreError::invalid("label", "the label is empty; give the passkey a name"))?;
        let change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let row = passkey::Entity::find_by_id(id).one(change.db()).await?;
        let row = row.filter(|row| row.user_id == person.id);
        let mut row = row
            .ok_or_else(|| StoreError::absent(Kind::Passkey, id))?
            .into_active_model();
        row.label = Set(label);
        let row = row.update(change.db()).await?;
        change.commit().await?;
        Ok(view(row))
    }

    /// Removes a passkey of a person; `None`: all of them.
    ///
    /// # Errors
    /// There is no such person, or none of theirs with this id.
    pub async fn remove_passkey(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        id: Option<i64>,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let mut rows = passkey::Entity::delete_many().filter(passkey::Column::UserId.eq(person.id));
        if let Some(id) = id {
            rows = rows.filter(passkey::Column::Id.eq(id));
        }
        let removed = rows.exec(change.db()).await?.rows_affected;
        if removed == 0 {
            return Err(match id {
                Some(id) => StoreError::absent(Kind::Passkey, id),
                None => StoreError::Conflict(format!("{} has no passkeys", person.name)),
            });
        }
        let event: Draft = factor(Action::FactorRemoved, actor, now, &person, "passkey");
        change.record(event.detail("count", removed));
        change.commit().await?;
        Ok(())
    }
}

pub(crate) fn view(row: passkey::Model) -> PasskeyEntry {
    PasskeyEntry {
        id: row.id,
        label: row.label,
        created_at: from_db(row.created_at),
        used_at: row.used_at.map(from_db),
    }
}
