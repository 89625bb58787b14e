//! Whose a session is.

use gatehouse_model::{SessionId, UserId};
use sea_orm::{EntityTrait, QuerySelect};

use crate::entity::session;
use crate::{Store, StoreError};

impl Store {
    /// The person whose session this is: by id, which outlives a change of the name and is never given again. `None`: there
    /// is no such session.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn session_owner(&self, id: SessionId) -> Result<Option<UserId>, StoreError> {
        let owner = session::Entity::find_by_id(id.0)
            .select_only()
            .column(session::Column::UserId)
            .into_tuple::<i64>()
            .one(self.connection())
            .await?;
        Ok(owner.map(UserId))
    }
}
