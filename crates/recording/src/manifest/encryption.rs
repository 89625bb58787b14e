//! The encryption header: how the files of a recording are encrypted, and for whom.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::age::{self, Identity, Recipient, WrapError};
use crate::frames::FileKey;

/// The form of [frames](crate::frames) that this crate reads and writes.
pub const ENCRYPTION_FORMAT: u32 = 1;

/// How the files of a recording are encrypted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Encryption {
    /// [`ENCRYPTION_FORMAT`] of the writer.
    pub format: u32,
    /// Names the recording's key without telling it.
    pub key_id: String,
    /// For whom the key is wrapped.
    pub recipients: Vec<String>,
    /// The recording's key, wrapped: an age file, in base64.
    pub file_key: String,
    /// The recording's key, sealed with the store's key, in base64. Absent where it was dropped when the recording was
    /// closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_key: Option<String>,
}

impl Encryption {
    /// Wraps a key for these recipients. `sealed` is the same key, sealed with the store's. `entropy` must be random and
    /// of no other use.
    ///
    /// # Errors
    /// A recipient cannot be used.
    pub fn new(
        key: &FileKey,
        recipients: &[Recipient],
        sealed: &[u8],
        entropy: &[u8; 32],
    ) -> Result<Self, WrapError> {
        Ok(Self {
            format: ENCRYPTION_FORMAT,
            key_id: key.id(),
            recipients: recipients.iter().map(ToString::to_string).collect(),
            file_key: BASE64.encode(age::wrap(key, recipients, entropy)?),
            sealed_key: Some(BASE64.encode(sealed)),
        })
    }

    /// The key, opened by one of these identities.
    ///
    /// # Errors
    /// It is wrapped for others, or damaged, or is not the key that the files have.
    pub fn open(&self, identities: &[Identity]) -> Result<FileKey, WrapError> {
        let wrapped = BASE64.decode(&self.file_key).map_err(|_| WrapError::Damaged)?;
        let key = age::unwrap(&wrapped, identities)?;
        self.names(&key).then_some(key).ok_or(WrapError::Damaged)
    }

    /// The key as it was sealed with the store's; `None` if it was dropped or is no base64.
    pub fn sealed(&self) -> Option<Vec<u8>> {
        BASE64.decode(self.sealed_key.as_ref()?).ok()
    }

    /// Whether this is the key that the files have.
    pub fn names(&self, key: &FileKey) -> bool {
        key.id() == self.key_id
    }
}
