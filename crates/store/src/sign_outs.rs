//! The sign-ins that people have, and how they end: by their person, by an administrator, by the clock, or with all else
//! by which the person acts on the pages.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{SourceAddr, SpanSeconds, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use crate::change::Scope;
use crate::entity::{setup_link, sign_in, token};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_user, stored};
use crate::sign_ins::lasts;
use crate::{Kind, SignInLimits, SignInState, Store, StoreError};

/// A sign-in, as its person sees it.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct SignIn {
    /// The id.
    pub id: i64,
    /// From where.
    pub source: SourceAddr,
    /// What the browser said that it is.
    pub agent: Option<String>,
    /// By what.
    pub method: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was used last, within a minute.
    pub seen_at: Timestamp,
}

impl Store {
    /// The open sign-ins of a person, the one used last in front.
    ///
    /// # Errors
    /// There is no such person.
    pub async fn sign_ins(
        &self,
        now: Timestamp,
        who: &str,
        limits: SignInLimits,
    ) -> Result<Vec<SignIn>, StoreError> {
        let person = find_user(self.connection(), who).await?;
        let rows = sign_in::Entity::find()
            .filter(sign_in::Column::UserId.eq(person.id))
            .filter(sign_in::Column::State.eq(SignInState::Open.as_str()))
            .order_by_desc(sign_in::Column::SeenAt)
            .all(self.connection())
            .await?;
        rows.into_iter()
            .filter(|row| lasts(row, now, limits))
            .map(view)
            .collect()
    }

    /// Ends one sign-in of a person.
    ///
    /// # Errors
    /// There is no such person, or none of theirs with this id.
    pub async fn end_sign_in(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        id: i64,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let row = sign_in::Entity::find_by_id(id).one(change.db()).await?;
        let row = row.filter(|row| row.user_id == person.id);
        let row = row.ok_or_else(|| StoreError::absent(Kind::SignIn, id))?;
        sign_in::Entity::delete_by_id(row.id).exec(change.db()).await?;
        change.record(
            Draft::new(Action::SignInClosed, actor, now)
                .user(&person.name)
                .detail("from", row.source),
        );
        change.commit().await?;
        Ok(())
    }

    /// Ends all sign-ins of a person, but perhaps one. Answers how many.
    ///
    /// # Errors
    /// There is no such person.
    pub async fn end_sign_ins(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        but: Option<i64>,
    ) -> Result<u64, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let ended = delete_sign_ins(change.db(), person.id, but).await?;
        if ended > 0 {
            change.record(
                Draft::new(Action::SignInClosed, actor, now)
                    .user(&person.name)
                    .detail("count", ended),
            );
        }
        change.commit().await?;
        Ok(ended)
    }

    /// Deletes sign-ins that have ended. Answers how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn prune_sign_ins(&self, now: Timestamp, limits: SignInLimits) -> Result<u64, StoreError> {
        let before = |span: SpanSeconds| to_db(now.saturating_sub(span.std()).unwrap_or(Timestamp::MIN));
        let change = self.change(Scope::Record).await?;
        let over = sea_orm::Condition::any()
            .add(sign_in::Column::SeenAt.lt(before(limits.idle)))
            .add(sign_in::Column::CreatedAt.lt(before(limits.length)));
        let ended = sign_in::Entity::delete_many()
            .filter(over)
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(ended.rows_affected)
    }
}

/// Deletes sign-ins of a person, but perhaps one.
pub(crate) async fn delete_sign_ins(
    db: &impl ConnectionTrait,
    user: i64,
    but: Option<i64>,
) -> Result<u64, StoreError> {
    let mut rows = sign_in::Entity::delete_many().filter(sign_in::Column::UserId.eq(user));
    if let Some(but) = but {
        rows = rows.filter(sign_in::Column::Id.ne(but));
    }
    Ok(rows.exec(db).await?.rows_affected)
}

/// Ends everything by which a person acts on the pages: sign-ins, tokens, a one-time link. They were switched off or
/// locked, or somebody else set their password.
pub(crate) async fn sign_out_for_good(db: &impl ConnectionTrait, user: i64) -> Result<(), StoreError> {
    delete_sign_ins(db, user, None).await?;
    let tokens = token::Entity::delete_many().filter(token::Column::UserId.eq(user));
    tokens.exec(db).await?;
    setup_link::Entity::delete_by_id(user).exec(db).await?;
    Ok(())
}

fn view(row: sign_in::Model) -> Result<SignIn, StoreError> {
    Ok(SignIn {
        id: row.id,
        source: stored("a source address", &row.source)?,
        agent: row.agent,
        method: row.method,
        created_at: from_db(row.created_at),
        seen_at: from_db(row.seen_at),
    })
}
