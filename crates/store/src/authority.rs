//! The authority that nodes of this store trust, the same for all of them.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Secret, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

use crate::change::Scope;
use crate::entity::node_authority;
use crate::instant::to_db;
use crate::{Store, StoreError};

/// The only row.
const ROW: i32 = 1;
/// What its key is sealed for.
const PLACE: &str = "node_authority:1";

/// Who signs the certificates with which nodes and command lines of one store recognise each other.
#[derive(Clone, Debug)]
pub struct NodeAuthority {
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Its private key, in the caller's form (PKCS #8, DER).
    pub private: Secret,
}

impl Store {
    /// The authority; `None`: no node has needed one yet.
    ///
    /// # Errors
    /// The database cannot be read, or the key not be opened.
    pub async fn node_authority(&self) -> Result<Option<NodeAuthority>, StoreError> {
        self.read_authority(self.connection()).await
    }

    /// Keeps `fresh` unless there is an authority already, and answers the one in force. Nodes that call it at once
    /// get the same answer.
    ///
    /// # Errors
    /// The database cannot be written, or the key not be opened.
    pub async fn keep_node_authority(
        &self,
        actor: &Actor,
        now: Timestamp,
        fresh: NodeAuthority,
    ) -> Result<NodeAuthority, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let row = node_authority::ActiveModel {
            id: Set(ROW),
            sealed: Set(self.sealer().seal(PLACE, fresh.private.expose())?),
            certificate: Set(fresh.certificate),
            created_at: Set(to_db(now)),
        };
        let first = OnConflict::column(node_authority::Column::Id)
            .do_nothing()
            .to_owned();
        let inserted = node_authority::Entity::insert(row)
            .on_conflict(first)
            .exec_without_returning(change.db())
            .await?;
        let kept = self.read_authority(change.db()).await?;
        if inserted > 0 {
            change.record(Draft::new(Action::NodeAuthorityMade, actor, now));
            change.commit().await?;
        }
        kept.ok_or_else(|| StoreError::corrupt("the authority of nodes", "its row is missing"))
    }

    async fn read_authority(&self, db: &impl ConnectionTrait) -> Result<Option<NodeAuthority>, StoreError> {
        let Some(row) = node_authority::Entity::find_by_id(ROW).one(db).await? else {
            return Ok(None);
        };
        Ok(Some(NodeAuthority {
            private: self
                .sealer()
                .open("key of the authority of nodes", PLACE, &row.sealed)?,
            certificate: row.certificate,
        }))
    }
}
