//! Keys: the one that signs, those that recordings are encrypted with, and who can open these.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use gatehouse_model::SessionId;
use gatehouse_recording::age::{Identity, Recipient, WrapError};
use gatehouse_recording::frames::FileKey;
use gatehouse_recording::manifest::Encryption;
use gatehouse_recording::signature::SigningKey;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::error::ArchiveError;

/// Why a keeper could not seal or open a key.
pub type KeeperError = Box<dyn Error + Send + Sync>;

/// Seals the keys of recordings for this site's own use, bound to their sessions, and opens them again.
pub trait KeyKeeper: Send + Sync {
    /// Seals the key of a session's recording.
    ///
    /// # Errors
    /// It cannot be sealed.
    fn seal(&self, session: SessionId, key: &FileKey) -> Result<Vec<u8>, KeeperError>;

    /// Opens what was sealed for this session.
    ///
    /// # Errors
    /// It was sealed for another session or by another keeper, or is damaged.
    fn open(&self, session: SessionId, sealed: &[u8]) -> Result<FileKey, KeeperError>;
}

/// What becomes of a recording's sealed key when the recording is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SealedKey {
    /// It stays in the manifest: who has the store can read the recording.
    #[default]
    Kept,
    /// It goes: only recipients can read the recording.
    Dropped,
}

/// How recordings are sealed: signed always, encrypted if there are recipients.
#[derive(Clone)]
pub struct Sealing {
    /// Signs manifests. It can be exchanged while the archive is in use.
    signing: Arc<Mutex<Arc<SigningKey>>>,
    keeper: Arc<dyn KeyKeeper>,
    recipients: Vec<Recipient>,
    pub(crate) sealed_key: SealedKey,
}

impl Sealing {
    /// Signed with this key, and not encrypted. The keeper opens recordings that were encrypted before.
    pub fn signed(signing: SigningKey, keeper: Arc<dyn KeyKeeper>) -> Self {
        Self {
            signing: Arc::new(Mutex::new(Arc::new(signing))),
            keeper,
            recipients: Vec::new(),
            sealed_key: SealedKey::default(),
        }
    }

    /// Encrypted for these recipients; not at all if there are none.
    #[must_use]
    pub fn encrypted(self, recipients: Vec<Recipient>, sealed_key: SealedKey) -> Self {
        Self {
            recipients,
            sealed_key,
            ..self
        }
    }

    pub(crate) fn signing(&self) -> Arc<SigningKey> {
        self.signing.lock().clone()
    }

    pub(crate) fn sign_with(&self, key: SigningKey) {
        *self.signing.lock() = Arc::new(key);
    }

    pub(crate) fn keyring(&self) -> Keyring {
        Keyring {
            identities: Vec::new(),
            keeper: Some(self.keeper.clone()),
        }
    }

    /// A new key for a session's recording, and the header that says for whom it is.
    pub(crate) fn new_key(&self, session: SessionId) -> Result<Option<(FileKey, Encryption)>, ArchiveError> {
        if self.recipients.is_empty() {
            return Ok(None);
        }
        let refused = |error: &dyn fmt::Display| ArchiveError::Encryption(error.to_string());
        let key = FileKey::new(*random().map_err(|error| refused(&error))?);
        let entropy = random().map_err(|error| refused(&error))?;
        let sealed = self.keeper.seal(session, &key).map_err(|error| refused(&error))?;
        let header =
            Encryption::new(&key, &self.recipients, &sealed, &entropy).map_err(|error| refused(&error))?;
        Ok(Some((key, header)))
    }
}

fn random() -> Result<Zeroizing<[u8; 32]>, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes)?;
    Ok(bytes)
}

/// What opens encrypted recordings: identities of recipients, and the keeper of this site's sealed keys.
#[derive(Clone, Default)]
pub struct Keyring {
    identities: Vec<Identity>,
    keeper: Option<Arc<dyn KeyKeeper>>,
}

impl Keyring {
    /// Opens with these identities, then with the keeper.
    pub fn new(identities: Vec<Identity>, keeper: Option<Arc<dyn KeyKeeper>>) -> Self {
        Self { identities, keeper }
    }

    /// The key of a recording.
    pub(crate) fn open(
        &self,
        session: SessionId,
        directory: &Path,
        header: &Encryption,
    ) -> Result<FileKey, ArchiveError> {
        let why = match self.by_identity(header) {
            Ok(key) => return Ok(key),
            Err(why) => match self.by_keeper(session, header) {
                Ok(key) => return Ok(key),
                Err(Some(other)) if self.identities.is_empty() => other,
                Err(_) => why,
            },
        };
        Err(ArchiveError::NoKey {
            path: directory.to_owned(),
            recipients: header.recipients.join(", "),
            why,
        })
    }

    fn by_identity(&self, header: &Encryption) -> Result<FileKey, String> {
        if self.identities.is_empty() {
            return Err("there is no key to it here".to_owned());
        }
        header.open(&self.identities).map_err(|error| match error {
            WrapError::NoIdentityFits => "none of the identities opens it".to_owned(),
            other => other.to_string(),
        })
    }

    fn by_keeper(&self, session: SessionId, header: &Encryption) -> Result<FileKey, Option<String>> {
        let (Some(keeper), Some(sealed)) = (&self.keeper, header.sealed()) else {
            return Err(None);
        };
        match keeper.open(session, &sealed) {
            Ok(key) if header.names(&key) => Ok(key),
            Ok(_) => Err(Some("the sealed key in the manifest is another one".to_owned())),
            Err(error) => Err(Some(format!(
                "the sealed key in the manifest cannot be opened ({error})"
            ))),
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("identities", &self.identities.len())
            .finish_non_exhaustive()
    }
}
