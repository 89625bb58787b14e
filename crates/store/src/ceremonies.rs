//! What is begun on a page and finished within minutes, such as signing in with a passkey: its state waits here, so that
//! any node can finish what another began.
//!
//! INVARIANT **finished-once**: a state is taken out when it is used, whatever comes of it, so that an answer to it
//! cannot be given twice. Anybody can begin one, so their number is bounded: beyond it the oldest make room.

use gatehouse_model::{SpanSeconds, Timestamp};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use sha2::{Digest, Sha256};

use crate::change::Scope;
use crate::entity::ceremony;
use crate::instant::to_db;
use crate::seal::fill_random;
use crate::{Store, StoreError};

/// Most ceremonies under way at a time.
pub const CEREMONIES_MAX: u64 = 4_000;
/// Bytes of an id: it is a secret of whoever began.
const ID_BYTES: usize = 16;
/// How many of the oldest make room at a time.
const MAKE_ROOM: u64 = 100;

impl Store {
    /// Keeps the state of something that was begun, and answers the id by which it is finished. `purpose` says what it
    /// is, so that one cannot be finished as another.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin_ceremony(
        &self,
        now: Timestamp,
        purpose: &str,
        state: String,
        patience: SpanSeconds,
    ) -> Result<String, StoreError> {
        let mut id = [0; ID_BYTES];
        fill_random(&mut id)?;
        let change = self.change(Scope::Record).await?;
        let over = ceremony::Column::ExpiresAt.lte(to_db(now));
        ceremony::Entity::delete_many()
            .filter(over)
            .exec(change.db())
            .await?;
        if ceremony::Entity::find().count(change.db()).await? >= CEREMONIES_MAX {
            let oldest: Vec<Vec<u8>> = ceremony::Entity::find()
                .select_only()
                .column(ceremony::Column::Id)
                .order_by_asc(ceremony::Column::ExpiresAt)
                .limit(MAKE_ROOM)
                .into_tuple()
                .all(change.db())
                .await?;
            let oldest = ceremony::Column::Id.is_in(oldest);
            ceremony::Entity::delete_many()
                .filter(oldest)
                .exec(change.db())
                .await?;
        }
        let row = ceremony::ActiveModel {
            id: Set(Sha256::digest(id).to_vec()),
            purpose: Set(purpose.to_owned()),
            state: Set(state),
            expires_at: Set(to_db(
                now.saturating_add(patience.std()).unwrap_or(Timestamp::MAX),
            )),
        };
        row.insert(change.db()).await?;
        change.commit().await?;
        Ok(hex::encode(id))
    }

    /// Takes out the state of something that was begun for this purpose; `None`: there is none, or it took too long.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn finish_ceremony(
        &self,
        now: Timestamp,
        purpose: &str,
        id: &str,
    ) -> Result<Option<String>, StoreError> {
        let mut bytes = [0; ID_BYTES];
        if hex::decode_to_slice(id, &mut bytes).is_err() {
            return Ok(None);
        }
        let change = self.change(Scope::Record).await?;
        let hash = Sha256::digest(bytes).to_vec();
        let row = ceremony::Entity::find_by_id(hash.clone())
            .one(change.db())
            .await?;
        let taken = ceremony::Entity::delete_by_id(hash).exec(change.db()).await?;
        change.commit().await?;
        // Of two at once, one has deleted it.
        Ok(row
            .filter(|row| taken.rows_affected == 1 && row.purpose == purpose && row.expires_at > to_db(now))
            .map(|row| row.state))
    }
}
