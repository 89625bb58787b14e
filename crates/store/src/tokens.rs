//! Tokens for programs: a person's, at most with their role, never more than their scope.
//!
//! INVARIANT **shown-once**: the text of a token is answered when it is made and kept as its SHA-256 alone.
//! INVARIANT **dies-with-its-person**: who is switched off, locked or deleted has no token any more, also later.

use std::collections::HashMap;

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{AddressRange, Name, Role, SourceAddr, Timestamp, TokenScope, UserId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::Serialize;

use crate::change::Scope;
use crate::chunks::in_chunks;
use crate::entity::{token, user};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_user, free_text, hold_user, stored, stored_opt};
use crate::sign_ins::{fresh_secret, hash_of, may_sign_in};
use crate::{Kind, Page, PageRequest, Store, StoreError};

/// What every token begins with, so that scanners of leaked secrets know it.
pub const TOKEN_PREFIX: &str = "gh_";
/// Most tokens of a person.
const TOKENS_MAX: u64 = 100;
/// The use of a token is noted at most this often, in seconds.
const NOTE_EVERY: i64 = 60;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it is for, for people.
    pub label: Option<String>,
    /// How far it reaches.
    pub scope: TokenScope,
    /// From where alone it may be used.
    pub source: Option<AddressRange>,
    /// When it ends; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// A token, without its text.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Token {
    /// The id.
    pub id: i64,
    /// Whose.
    pub user: String,
    /// What it is for.
    pub label: Option<String>,
    /// How far it reaches.
    pub scope: TokenScope,
    /// From where alone it may be used.
    pub from: Option<AddressRange>,
    /// When it ends; `null`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was used last, within a minute.
    pub used_at: Option<Timestamp>,
}

/// Whose a token is.
#[derive(Clone, PartialEq, Debug)]
pub struct TokenHolder {
    /// The token.
    pub token: i64,
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Name,
    /// Their role of now.
    pub role: Role,
    /// How far the token reaches.
    pub scope: TokenScope,
}

impl Store {
    /// Makes a token for a person, and answers its text.
    ///
    /// # Errors
    /// There is no such person, they are switched off or locked or have too many, or the end has passed.
    pub async fn create_token(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        new: NewToken,
    ) -> Result<(Token, String), StoreError> {
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(StoreError::invalid(
                "for",
                "the token would have ended already; give a later end",
            ));
        }
        let label = free_text("label", new.label)?;
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let person = hold_user(change.db(), person.id).await?;
        if !may_sign_in(&person, now) {
            return Err(StoreError::Conflict(format!(
                "{} is switched off or locked, and so has no tokens; undo that first",
                person.name
            )));
        }
        let own = token::Entity::find().filter(token::Column::UserId.eq(person.id));
        if own.count(change.db()).await? >= TOKENS_MAX {
            return Err(StoreError::Conflict(format!(
                "{} has {TOKENS_MAX} tokens already; revoke some first",
                person.name
            )));
        }
        let (secret, hash) = fresh_secret()?;
        let row = token::ActiveModel {
            secret_hash: Set(hash),
            user_id: Set(person.id),
            label: Set(label),
            scope: Set(new.scope.to_string()),
            source: Set(new.source.map(|range| range.to_string())),
            expires_at: Set(new.expires_at.map(to_db)),
            created_at: Set(to_db(now)),
            created_by: Set(actor.name().to_owned()),
            used_at: Set(None),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        change.record(
            Draft::new(Action::TokenCreated, actor, now)
                .user(&person.name)
                .detail("token", row.id)
                .detail("label", row.label.clone())
                .detail("scope", row.scope.clone())
                .detail("from", row.source.clone())
                .detail("expires_at", new.expires_at.map(gatehouse_model::format_time)),
        );
        let made = view(row, person.name)?;
        change.commit().await?;
        Ok((made, format!("{TOKEN_PREFIX}{secret}")))
    }

    /// Lists tokens, of one person or of all, the newest first. Those that have ended are not listed.
    ///
    /// # Errors
    /// There is no such person, or the cursor is none.
    pub async fn tokens(
        &self,
        now: Timestamp,
        who: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Token>, StoreError> {
        let db = self.snapshot().await?;
        let valid = sea_orm::Condition::any()
            .add(token::Column::ExpiresAt.is_null())
            .add(token::Column::ExpiresAt.gt(to_db(now)));
        let mut query = token::Entity::find()
            .filter(valid)
            .order_by_desc(token::Column::Id);
        if let Some(who) = who {
            query = query.filter(token::Column::UserId.eq(find_user(&db, who).await?.id));
        }
        if let Some(after) = page.after_number()? {
            query = query.filter(token::Column::Id.lt(after));
        }
        let rows = query.limit(page.limit_and_one()).all(&db).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.user_id).collect();
        let people = in_chunks::<user::Entity>(&db, user::Column::Id, &ids).await?;
        let names: HashMap<i64, String> = people.into_iter().map(|row| (row.id, row.name)).collect();
        let tokens = rows
            .into_iter()
            .map(|row| {
                let name = names.get(&row.user_id).cloned().unwrap_or_default();
                view(row, name)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(tokens, page.limit, |token| token.id.to_string()))
    }

    /// Takes a token back; with `whose`, only if it is that person's.
    ///
    /// # Errors
    /// There is no such token.
    pub async fn revoke_token(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: i64,
        whose: Option<UserId>,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let row = token::Entity::find_by_id(id).one(change.db()).await?;
        let row = row.filter(|row| whose.is_none_or(|whose| whose.0 == row.user_id));
        let row = row.ok_or_else(|| StoreError::absent(Kind::Token, id))?;
        let person = find_user(change.db(), &row.user_id.to_string()).await?;
        token::Entity::delete_by_id(row.id).exec(change.db()).await?;
        change.record(
            Draft::new(Action::TokenRevoked, actor, now)
                .user(&person.name)
                .detail("token", row.id)
                .detail("label", row.label),
        );
        change.commit().await?;
        Ok(())
    }

    /// Whose this token is; `None`: nobody's, or it has ended, or may not be used from there.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn token_holder(
        &self,
        now: Timestamp,
        text: &str,
        source: SourceAddr,
    ) -> Result<Option<TokenHolder>, StoreError> {
        let Some(hash) = text.strip_prefix(TOKEN_PREFIX).and_then(hash_of) else {
            return Ok(None);
        };
        let db = self.connection();
        let found = token::Entity::find().filter(token::Column::SecretHash.eq(hash));
        let Some(row) = found.one(db).await? else {
            return Ok(None);
        };
        let range: Option<AddressRange> = stored_opt("a source range", row.source.as_deref())?;
        let usable = row.expires_at.is_none_or(|end| from_db(end) > now)
            && range.is_none_or(|range| range.contains(source.ip()));
        let person = user::Entity::find_by_id(row.user_id).one(db).await?;
        let Some(person) = person.filter(|person| usable && may_sign_in(person, now)) else {
            return Ok(None);
        };
        let noted = row.used_at.map_or(0, |at| at.timestamp());
        if now.as_second().saturating_sub(noted) >= NOTE_EVERY {
            self.note_token_use(now, row.id).await?;
        }
        Ok(Some(TokenHolder {
            token: row.id,
            user: UserId(person.id),
            name: stored("a name", &person.name)?,
            role: stored("a role", &person.role)?,
            scope: stored("a scope", &row.scope)?,
        }))
    }

    async fn note_token_use(&self, now: Timestamp, id: i64) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let row = token::ActiveModel {
            used_at: Set(Some(to_db(now))),
            ..Default::default()
        };
        token::Entity::update_many()
            .set(row)
            .filter(token::Column::Id.eq(id))
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(())
    }

    /// Deletes tokens that have ended.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn prune_tokens(&self, now: Timestamp) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let over = token::Column::ExpiresAt.lte(to_db(now));
        token::Entity::delete_many()
            .filter(over)
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(())
    }
}

fn view(row: token::Model, user: String) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.id,
        user,
        label: row.label,
        scope: stored("a scope", &row.scope)?,
        from: stored_opt("a source range", row.source.as_deref())?,
        expires_at: row.expires_at.map(from_db),
        created_at: from_db(row.created_at),
        created_by: row.created_by,
        used_at: row.used_at.map(from_db),
    })
}
