//! Recipients and identities.

use std::fmt;
use std::str::FromStr;

use curve25519_dalek::montgomery::MontgomeryPoint;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::bech32;

const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";

/// A text is not the key that it should be. The text is not repeated where it may be a secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Not `age1…`, or mistyped.
    #[error(
        "{0:?} is not an age recipient of the kind X25519; it begins with age1 and is what age-keygen prints as the public key"
    )]
    Recipient(String),
    /// A secret key where a public one belongs.
    #[error(
        "a recipient is the secret key of an identity (AGE-SECRET-KEY-1…); give the public key, which begins with age1"
    )]
    IdentityGiven,
    /// A line of an identity file.
    #[error(
        "line {line} is not an age identity of the kind X25519 (AGE-SECRET-KEY-1…); give a file as age-keygen writes it"
    )]
    Identity {
        /// From 1.
        line: usize,
    },
    /// The file is encrypted itself.
    #[error("the identities are encrypted with a passphrase; decrypt the file first with age -d")]
    Encrypted,
    /// No identity at all.
    #[error("there is no age identity (AGE-SECRET-KEY-1…) in it")]
    NoIdentity,
}

/// Who can open what is wrapped: an X25519 public key, written `age1…`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recipient(pub(super) [u8; 32]);

impl FromStr for Recipient {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.to_lowercase().starts_with(IDENTITY) {
            return Err(KeyError::IdentityGiven);
        }
        let shown: String = text.chars().take(80).collect();
        bech32::decode(text)
            .filter(|(prefix, _)| prefix == RECIPIENT && text.starts_with(RECIPIENT))
            .and_then(|(_, bytes)| bytes.as_slice().try_into().ok())
            .map(Self)
            .ok_or(KeyError::Recipient(shown))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode(RECIPIENT, &self.0))
    }
}

impl TryFrom<String> for Recipient {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        recipient.to_string()
    }
}

/// What opens what is wrapped for its recipient: an X25519 secret key, written `AGE-SECRET-KEY-1…`. It does not print.
#[derive(Clone)]
pub struct Identity(pub(super) Zeroizing<[u8; 32]>);

impl Identity {
    /// Takes the bytes, which must be random.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The public key to it.
    pub fn recipient(&self) -> Recipient {
        Recipient(MontgomeryPoint::mul_base_clamped(*self.0).0)
    }

    /// The text, for the file that keeps it.
    pub fn expose(&self) -> Zeroizing<String> {
        let text = bech32::encode(IDENTITY, &*self.0);
        Zeroizing::new(text.to_uppercase())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Reads a file of identities as `age-keygen` writes it: one a line; empty lines and lines that begin with `#` are
/// passed over.
///
/// # Errors
/// A line is none, or there is none.
pub fn read_identities(text: &str) -> Result<Vec<Identity>, KeyError> {
    if text.starts_with("age-encryption.org/") || text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") {
        return Err(KeyError::Encrypted);
    }
    let lines = text.lines().map(str::trim).zip(1..);
    let identities: Vec<Identity> = lines
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, number)| identity(line).ok_or(KeyError::Identity { line: number }))
        .collect::<Result<_, _>>()?;
    if identities.is_empty() {
        return Err(KeyError::NoIdentity);
    }
    Ok(identities)
}

fn identity(line: &str) -> Option<Identity> {
    let (prefix, bytes) = bech32::decode(line)?;
    let upper = !line.bytes().any(|b| b.is_ascii_lowercase());
    (prefix == IDENTITY && upper)
        .then(|| bytes.as_slice().try_into().ok())
        .flatten()
        .map(Identity::new)
}
