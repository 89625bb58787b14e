//! The keys of recordings: the one that signs, made at the first start of a site and the same on every node; and the
//! sealing of those that recordings are encrypted with.

use std::sync::Arc;

use gatehouse_archive::{KeeperError, KeyKeeper, Keyring, SealedKey, Sealing};
use gatehouse_audit::Actor;
use gatehouse_model::{Secret, SessionId, Timestamp};
use gatehouse_recording::age::{Identity, Recipient};
use gatehouse_recording::frames::FileKey;
use gatehouse_recording::signature::SigningKey;
use gatehouse_store::{RecordingSigningKey, Store, StoreError};

use crate::Gate;

/// How recordings are encrypted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecordingEncryption {
    /// For whom; for nobody: recordings are not encrypted.
    pub recipients: Vec<Recipient>,
    /// What becomes of the key that the store can open when a recording is closed.
    pub sealed_key: SealedKey,
}

/// A key that signs recordings cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RecordingKeyError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store holds is none.
    #[error("the stored key that signs recordings cannot be read")]
    Unreadable,
    /// There is no randomness.
    #[error("a key that signs recordings cannot be made: {0}")]
    NotMade(String),
}

/// Makes a new key that signs recordings.
///
/// # Errors
/// There is no randomness.
pub fn make_recording_key() -> Result<RecordingSigningKey, RecordingKeyError> {
    let mut seed = vec![0; SigningKey::SEED];
    getrandom::fill(&mut seed).map_err(|error| RecordingKeyError::NotMade(error.to_string()))?;
    let private = Secret::new(seed);
    let key = SigningKey::from_seed(&private).ok_or(RecordingKeyError::Unreadable)?;
    Ok(RecordingSigningKey {
        public: key.public().to_string(),
        private,
    })
}

/// What opens encrypted recordings where there is a store: these identities, then the keys that the store has sealed.
pub fn recording_keyring(store: &Store, identities: Vec<Identity>) -> Keyring {
    Keyring::new(identities, Some(Arc::new(StoreKeeper(store.clone()))))
}

/// Seals keys of recordings with the store's key.
struct StoreKeeper(Store);

impl KeyKeeper for StoreKeeper {
    fn seal(&self, session: SessionId, key: &FileKey) -> Result<Vec<u8>, KeeperError> {
        Ok(self.0.seal_recording_secret(session, key.expose())?)
    }

    fn open(&self, session: SessionId, sealed: &[u8]) -> Result<FileKey, KeeperError> {
        let secret = self.0.open_recording_secret(session, sealed)?;
        FileKey::from_slice(secret.expose()).ok_or_else(|| "it is not a key of a recording".into())
    }
}

/// How a node seals recordings. The key that signs is made if the site has none.
pub(crate) async fn sealing(
    store: &Store,
    actor: &Actor,
    now: Timestamp,
    encryption: &RecordingEncryption,
) -> Result<Sealing, RecordingKeyError> {
    let kept = match store.recording_signing_key().await? {
        Some(kept) => kept,
        None => {
            store
                .keep_recording_key(actor, now, make_recording_key()?)
                .await?
        }
    };
    let keeper = Arc::new(StoreKeeper(store.clone()));
    Ok(Sealing::signed(read(&kept)?, keeper).encrypted(encryption.recipients.clone(), encryption.sealed_key))
}

/// Signs with the key in force until the gate stops.
pub(crate) async fn follow(gate: Gate) {
    let mut changes = gate.directory_changes();
    loop {
        tokio::select! {
            () = gate.stopped() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
        let kept = gate.store().recording_signing_key().await;
        let key = kept
            .map_err(RecordingKeyError::from)
            .and_then(|kept| read(&kept.ok_or(RecordingKeyError::Unreadable)?));
        match key {
            Ok(key) => gate.archive().sign_with(key),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the key that signs recordings could not be read; it stays as it was"
                );
            }
        }
    }
}

fn read(kept: &RecordingSigningKey) -> Result<SigningKey, RecordingKeyError> {
    SigningKey::from_seed(&kept.private).ok_or(RecordingKeyError::Unreadable)
}
