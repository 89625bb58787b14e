//! The gate's own host keys, the same on every node.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Secret, ServerId, Timestamp};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};

use crate::change::Scope;
use crate::entity::gate_key;
use crate::instant::to_db;
use crate::resolve::find_server;
use crate::{Store, StoreError};

/// In the database, the server of a key that is for all servers.
const ALL_SERVERS: i64 = 0;

/// A host key of the gate.
#[derive(Clone, Debug)]
pub struct GateHostKey {
    /// The server whose proxy addresses show it; `None`: all that have none of their own.
    pub server: Option<ServerId>,
    /// Its algorithm, such as `ssh-ed25519`.
    pub algorithm: String,
    /// The public key in OpenSSH's one-line form.
    pub public: String,
    /// The private key, in the caller's form (OpenSSH PEM).
    pub private: Secret,
}

impl Store {
    /// The host keys of the gate; none before the first start.
    ///
    /// # Errors
    /// The database cannot be read, or a key not be opened.
    pub async fn gate_host_keys(&self) -> Result<Vec<GateHostKey>, StoreError> {
        self.read_gate_keys(self.connection()).await
    }

    /// Keeps those of `keys` for whose server and algorithm there is none yet, and answers all that are in force.
    /// Nodes that call it at once get the same answer.
    ///
    /// # Errors
    /// The database cannot be written, or a key not be opened.
    pub async fn keep_gate_host_keys(
        &self,
        actor: &Actor,
        now: Timestamp,
        keys: Vec<GateHostKey>,
    ) -> Result<Vec<GateHostKey>, StoreError> {
        // The directory's lock keeps other nodes out until the commit.
        let mut change = self.change(Scope::Directory).await?;
        let known = self.read_gate_keys(change.db()).await?;
        let is_known = |key: &GateHostKey| {
            known
                .iter()
                .any(|k| k.server == key.server && k.algorithm == key.algorithm)
        };
        for key in keys.into_iter().filter(|key| !is_known(key)) {
            let server = key.server.map_or(ALL_SERVERS, |server| server.0);
            let row = gate_key::ActiveModel {
                server_id: Set(server),
                sealed: Set(self
                    .sealer()
                    .seal(&place(server, &key.algorithm), key.private.expose())?),
                algorithm: Set(key.algorithm.clone()),
                public: Set(key.public.clone()),
                created_at: Set(to_db(now)),
                ..Default::default()
            };
            row.insert(change.db()).await?;
            change.record(
                Draft::new(Action::HostKeyGenerated, actor, now)
                    .detail("algorithm", key.algorithm)
                    .detail("public", key.public)
                    .detail("server_id", key.server.map(|server| server.0)),
            );
        }
        let kept = self.read_gate_keys(change.db()).await?;
        if kept.len() > known.len() {
            change.commit().await?;
        }
        Ok(kept)
    }

    /// Deletes the host keys that the gate shows at one server's proxy addresses; the shared ones are shown there
    /// from then on. Answers how many there were.
    ///
    /// # Errors
    /// There is no such server, it has no keys of its own, or the database cannot be written.
    pub async fn remove_gate_host_keys(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: &str,
    ) -> Result<u64, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let row = find_server(change.db(), server).await?;
        let removed = gate_key::Entity::delete_many()
            .filter(gate_key::Column::ServerId.eq(row.id))
            .exec(change.db())
            .await?
            .rows_affected;
        if removed == 0 {
            return Err(StoreError::Conflict(format!(
                "the gate has no host keys of its own for {}; it shows the ones that all servers share",
                row.name
            )));
        }
        change.record(
            Draft::new(Action::HostKeyForgotten, actor, now)
                .server(&row.name)
                .detail("of", "gate")
                .detail("count", removed),
        );
        change.commit().await?;
        Ok(removed)
    }

    async fn read_gate_keys(&self, db: &impl ConnectionTrait) -> Result<Vec<GateHostKey>, StoreError> {
        let rows = gate_key::Entity::find()
            .order_by_asc(gate_key::Column::Id)
            .all(db)
            .await?;
        rows.into_iter()
            .map(|row| {
                let place = place(row.server_id, &row.algorithm);
                Ok(GateHostKey {
                    server: (row.server_id != ALL_SERVERS).then_some(ServerId(row.server_id)),
                    private: self.sealer().open("host key of the gate", &place, &row.sealed)?,
                    algorithm: row.algorithm,
                    public: row.public,
                })
            })
            .collect()
    }
}

fn place(server: i64, algorithm: &str) -> String {
    format!("gate_key:{server}:{algorithm}")
}
