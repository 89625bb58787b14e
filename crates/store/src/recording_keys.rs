//! Keys of recordings: the one that signs them, the same on every node; and the sealing of those that they are encrypted
//! with.
//!
//! A signing key is never deleted: what it signed is to be verified as long as there is a book. At most one is in force,
//! the others are retired.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Secret, SessionId, Timestamp};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder,
};
use serde::Serialize;

use crate::change::{Change, Scope};
use crate::entity::recording_key;
use crate::instant::{from_db, to_db};
use crate::keys::PublicKey;
use crate::{Store, StoreError};

/// The public half of a key that signs or signed recordings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct RecordingKey {
    /// `SHA256:…`, as OpenSSH prints it.
    pub id: String,
    /// The key in OpenSSH's one-line form.
    pub public: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when another one signs.
    pub retired_at: Option<Timestamp>,
}

/// A key that signs recordings.
#[derive(Clone, Debug)]
pub struct RecordingSigningKey {
    /// The public key in OpenSSH's one-line form.
    pub public: String,
    /// The private key, in the caller's form.
    pub private: Secret,
}

impl Store {
    /// The keys that sign or signed recordings, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn recording_keys(&self) -> Result<Vec<RecordingKey>, StoreError> {
        let keys = recording_key::Entity::find().order_by_asc(recording_key::Column::Id);
        Ok(keys.all(self.connection()).await?.into_iter().map(view).collect())
    }

    /// The key that signs; `None` before the first start of a node.
    ///
    /// # Errors
    /// The database cannot be read, or the key not be opened.
    pub async fn recording_signing_key(&self) -> Result<Option<RecordingSigningKey>, StoreError> {
        match in_force(self.connection()).await? {
            Some(row) => Ok(Some(self.open_signing_key(row)?)),
            None => Ok(None),
        }
    }

    /// Keeps this key unless there is one that signs, and answers the one that does. Nodes that call it at once get the
    /// same answer.
    ///
    /// # Errors
    /// The database cannot be written, or the key not be opened.
    pub async fn keep_recording_key(
        &self,
        actor: &Actor,
        now: Timestamp,
        key: RecordingSigningKey,
    ) -> Result<RecordingSigningKey, StoreError> {
        // The directory's lock keeps other nodes out until the commit.
        let mut change = self.change(Scope::Directory).await?;
        if let Some(row) = in_force(change.db()).await? {
            return self.open_signing_key(row);
        }
        self.insert_recording_key(&mut change, actor, now, &key, None)
            .await?;
        change.commit().await?;
        Ok(key)
    }

    /// Puts another key in force and retires the one before. Running nodes sign with it within a second.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn replace_recording_key(
        &self,
        actor: &Actor,
        now: Timestamp,
        key: RecordingSigningKey,
    ) -> Result<RecordingKey, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let before = in_force(change.db()).await?;
        let replaced = before.as_ref().map(|row| row.fingerprint.clone());
        if let Some(row) = before {
            let mut row = row.into_active_model();
            row.retired_at = Set(Some(to_db(now)));
            row.update(change.db()).await?;
        }
        let row = self
            .insert_recording_key(&mut change, actor, now, &key, replaced)
            .await?;
        change.commit().await?;
        Ok(view(row))
    }

    /// Seals the key that a session's recording is encrypted with, for that session alone. Asks no database.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn seal_recording_secret(&self, session: SessionId, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.sealer().seal(&secret_place(session), secret)
    }

    /// Opens what was sealed for this session. Asks no database.
    ///
    /// # Errors
    /// It was sealed for another session or with another store's key, or is damaged.
    pub fn open_recording_secret(&self, session: SessionId, sealed: &[u8]) -> Result<Secret, StoreError> {
        let what = "key of the recording";
        Ok(self.sealer().open(what, &secret_place(session), sealed)?)
    }

    async fn insert_recording_key(
        &self,
        change: &mut Change<'_>,
        actor: &Actor,
        now: Timestamp,
        key: &RecordingSigningKey,
        replaced: Option<String>,
    ) -> Result<recording_key::Model, StoreError> {
        let public = PublicKey::parse(&key.public)?;
        let place = signing_place(&public.fingerprint);
        let row = recording_key::ActiveModel {
            sealed: Set(self.sealer().seal(&place, key.private.expose())?),
            fingerprint: Set(public.fingerprint.clone()),
            public: Set(public.openssh()),
            created_at: Set(to_db(now)),
            retired_at: Set(None),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        change.record(
            Draft::new(Action::RecordingKeyGenerated, actor, now)
                .detail("key", public.fingerprint.as_str())
                .detail("public", public.openssh())
                .detail("replaces", replaced),
        );
        Ok(row)
    }

    fn open_signing_key(&self, row: recording_key::Model) -> Result<RecordingSigningKey, StoreError> {
        let what = "key that signs recordings";
        Ok(RecordingSigningKey {
            private: self
                .sealer()
                .open(what, &signing_place(&row.fingerprint), &row.sealed)?,
            public: row.public,
        })
    }
}

async fn in_force(db: &impl ConnectionTrait) -> Result<Option<recording_key::Model>, StoreError> {
    Ok(recording_key::Entity::find()
        .filter(recording_key::Column::RetiredAt.is_null())
        .order_by_desc(recording_key::Column::Id)
        .one(db)
        .await?)
}

fn view(row: recording_key::Model) -> RecordingKey {
    RecordingKey {
        id: row.fingerprint,
        public: row.public,
        created_at: from_db(row.created_at),
        retired_at: row.retired_at.map(from_db),
    }
}

fn signing_place(fingerprint: &str) -> String {
    format!("recording_key:{fingerprint}")
}

fn secret_place(session: SessionId) -> String {
    format!("recording:{session}")
}
