//! Creations that may be asked for again: the same key with the same request gets the answer of the first time.
//!
//! INVARIANT **made-once**: of requests with one key, one begins; the others wait or get its answer. Answers are kept
//! sealed, because some hold a secret that is shown once.

use gatehouse_model::Timestamp;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sha2::{Digest, Sha256};

use crate::change::Scope;
use crate::entity::idempotent;
use crate::instant::to_db;
use crate::{Store, StoreError};

/// Answers are kept for so long, in seconds.
pub const IDEMPOTENCY_SECONDS: u64 = 24 * 60 * 60;
/// A request that does not end within this is taken for lost, in seconds.
const PATIENCE: i64 = 120;

/// What becomes of a request with a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Repetition {
    /// It is the first with this key.
    First,
    /// The first is still under way.
    Running,
    /// It is the same as the first, whose status and answer these are.
    Same(u16, Vec<u8>),
    /// The key was used for another request.
    Different,
}

impl Store {
    /// Begins a request of `caller` with this key. `request` is a digest of all that makes it what it is.
    ///
    /// # Errors
    /// The database cannot be written, or a kept answer not be opened.
    pub async fn begin_idempotent(
        &self,
        now: Timestamp,
        (caller, key): (&str, &str),
        request: [u8; 32],
    ) -> Result<Repetition, StoreError> {
        let id = id_of(caller, key);
        let change = self.change(Scope::Record).await?;
        change.lock(IDEMPOTENCY_LOCK).await?;
        forget_old(change.db(), now).await?;
        let row = idempotent::Entity::find_by_id(id.clone())
            .one(change.db())
            .await?;
        let lost = |row: &idempotent::Model| {
            row.status.is_none() && now.as_second() - row.created_at.timestamp() > PATIENCE
        };
        match row {
            Some(row) if !lost(&row) => {
                if row.request != request {
                    return Ok(Repetition::Different);
                }
                let (Some(status), Some(sealed)) = (row.status, row.sealed) else {
                    return Ok(Repetition::Running);
                };
                let answer = self.sealer().open("kept answer", &place(&row.id), &sealed)?;
                let status = u16::try_from(status).map_err(|error| StoreError::corrupt("a status", error))?;
                return Ok(Repetition::Same(status, answer.expose().to_vec()));
            }
            Some(row) => {
                idempotent::Entity::delete_by_id(row.id).exec(change.db()).await?;
            }
            None => {}
        }
        let row = idempotent::ActiveModel {
            id: Set(id),
            request: Set(request.to_vec()),
            status: Set(None),
            sealed: Set(None),
            created_at: Set(to_db(now)),
        };
        row.insert(change.db()).await?;
        change.commit().await?;
        Ok(Repetition::First)
    }

    /// Keeps the answer of a request that began; `None`: it came to nothing, and may be made again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn finish_idempotent(
        &self,
        (caller, key): (&str, &str),
        answer: Option<(u16, &[u8])>,
    ) -> Result<(), StoreError> {
        let id = id_of(caller, key);
        let change = self.change(Scope::Record).await?;
        match answer {
            None => {
                idempotent::Entity::delete_by_id(id).exec(change.db()).await?;
            }
            Some((status, body)) => {
                let row = idempotent::ActiveModel {
                    status: Set(Some(i32::from(status))),
                    sealed: Set(Some(self.sealer().seal(&place(&id), body)?)),
                    ..Default::default()
                };
                idempotent::Entity::update_many()
                    .set(row)
                    .filter(idempotent::Column::Id.eq(id))
                    .exec(change.db())
                    .await?;
            }
        }
        change.commit().await?;
        Ok(())
    }

    /// Deletes answers that are kept no longer.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn prune_idempotent(&self, now: Timestamp) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        forget_old(change.db(), now).await?;
        change.commit().await.map(drop)
    }
}

async fn forget_old(db: &impl ConnectionTrait, now: Timestamp) -> Result<(), StoreError> {
    let span = std::time::Duration::from_secs(IDEMPOTENCY_SECONDS);
    let before = to_db(now.saturating_sub(span).unwrap_or(Timestamp::MIN));
    let old = idempotent::Column::CreatedAt.lt(before);
    idempotent::Entity::delete_many().filter(old).exec(db).await?;
    Ok(())
}

/// Held while a request with a key begins, until the commit.
const IDEMPOTENCY_LOCK: i64 = 0x6761_7465_0006;

fn id_of(caller: &str, key: &str) -> Vec<u8> {
    let mut digest = Sha256::new();
    digest.update(caller.len().to_be_bytes());
    digest.update(caller);
    digest.update(key);
    digest.finalize().to_vec()
}

fn place(id: &[u8]) -> String {
    format!("idempotency:{}", hex::encode(id))
}
