//! The signature of a manifest, which stands in the manifest itself.
//!
//! It is the last field of the file. What is signed is the file without it: every byte before `,\n  "signature": {`, then
//! `\n}\n`. Since no string of JSON holds a line feed, that text can stand nowhere else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Manifest, ManifestError};
use crate::signature::{PublicKey, SignatureError, SigningKey, check};

/// What separates what is signed from the signature.
const SEAM: &[u8] = b",\n  \"signature\": {";
/// What an object ends with.
const END: &[u8] = b"\n}\n";

/// The signature as it stands in the manifest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureBlock {
    /// The id of the key: `SHA256:…`.
    pub key: String,
    /// The body of an OpenSSH signature file, in base64.
    pub sshsig: String,
}

/// A manifest as it lies on the disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestText {
    /// What it says.
    pub manifest: Manifest,
    /// The signature, if there is one. It was not checked.
    pub signature: Option<SignatureBlock>,
    /// What is signed.
    pub signed: Vec<u8>,
    /// `sha256:` and the SHA-256 of the whole file, signature included. This is what the audit book holds.
    pub digest: String,
}

impl Manifest {
    /// The file's contents, signed.
    pub fn to_signed_bytes(&self, key: &SigningKey) -> Vec<u8> {
        let mut bytes = self.to_bytes();
        let block = SignatureBlock {
            key: key.public().id(),
            sshsig: BASE64.encode(key.sign(&bytes)),
        };
        bytes.truncate(bytes.len() - END.len());
        bytes.extend(block.to_bytes());
        bytes
    }
}

impl SignatureBlock {
    /// The end of a signed manifest.
    fn to_bytes(&self) -> Vec<u8> {
        let Self { key, sshsig } = self;
        // Ids and base64 have nothing that JSON escapes.
        let fields = format!("\n    \"key\": \"{key}\",\n    \"sshsig\": \"{sshsig}\"\n  }}");
        [SEAM, fields.as_bytes(), END].concat()
    }
}

impl ManifestText {
    /// Reads a file's contents.
    ///
    /// # Errors
    /// The bytes are not a manifest, or one of a later format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(bytes)));
        let Some(at) = bytes.windows(SEAM.len()).rposition(|window| window == SEAM) else {
            return Ok(Self {
                manifest: Manifest::parse(bytes)?,
                signature: None,
                signed: bytes.to_vec(),
                digest,
            });
        };
        let (head, tail) = bytes.split_at(at);
        let signed = [head, END].concat();
        // Only what is signed is believed, so it is read from what is signed.
        let manifest = Manifest::parse(&signed)?;
        let inner = tail
            .strip_suffix(END)
            .and_then(|tail| tail.get(SEAM.len() - 1..))
            .ok_or(ManifestError::Signature)?;
        let block: SignatureBlock = serde_json::from_slice(inner).map_err(|_| ManifestError::Signature)?;
        // One spelling: a change that JSON does not feel is a change all the same.
        if block.to_bytes() != tail {
            return Err(ManifestError::Signature);
        }
        Ok(Self {
            manifest,
            signature: Some(block),
            signed,
            digest,
        })
    }

    /// Checks the signature, and tells whose it is; `None` if there is none. Whether that key is to be trusted is the
    /// caller's to decide.
    ///
    /// # Errors
    /// It is none, or does not fit the manifest or the key that it names.
    pub fn signer(&self) -> Result<Option<PublicKey>, SignatureError> {
        let Some(block) = &self.signature else {
            return Ok(None);
        };
        let signature = BASE64
            .decode(&block.sshsig)
            .map_err(|_| SignatureError::Malformed)?;
        let key = check(&signature, &self.signed)?;
        if key.id() == block.key {
            Ok(Some(key))
        } else {
            Err(SignatureError::Malformed)
        }
    }
}
