//! The manifest: what a recording is of, what belongs to it, whether it is closed, by whom it was signed, and for whom it
//! is encrypted.

mod encryption;
mod signed;
#[cfg(test)]
mod tests;

use gatehouse_model::{
    BinaryMode, ForwardCapture, InputMode, NodeId, PolicyId, Protocol, ProxyAddr, RecordMode, SessionId,
    SourceAddr, Timestamp,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use encryption::{ENCRYPTION_FORMAT, Encryption};
pub use signed::{ManifestText, SignatureBlock};

/// The format this crate writes. Readers refuse a later one. Version 1 knew neither encryption nor signatures.
pub const MANIFEST_VERSION: u32 = 2;

/// How the session is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordingTerms {
    /// What happens when recording fails.
    pub mode: RecordMode,
    /// What is kept of binary.
    pub binary: BinaryMode,
    /// What is kept of typed input.
    pub input: InputMode,
    /// Whether the bytes of forwards are kept; they were not before this was said.
    #[serde(default = "no_forwards")]
    pub forwards: ForwardCapture,
}

fn no_forwards() -> ForwardCapture {
    ForwardCapture::Off
}

/// What is known of a session when it begins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ManifestHead {
    /// The session.
    pub session: SessionId,
    /// The node that runs it.
    pub node: NodeId,
    /// The person's name.
    pub user: String,
    /// The server's name.
    pub server: String,
    /// The protocol.
    pub protocol: Protocol,
    /// The account at the server, once known.
    pub login: Option<String>,
    /// Where the person comes from.
    pub source: SourceAddr,
    /// The source port.
    pub source_port: u16,
    /// The pool address that was used.
    pub proxy: Option<ProxyAddr>,
    /// The server's address and port, `127.0.3.1:22`.
    pub backend: String,
    /// The policies that allow it.
    pub policies: Vec<PolicyId>,
    /// How it is recorded.
    pub recording: RecordingTerms,
    /// Its start; every offset in the files counts from here.
    pub started_at: Timestamp,
}

/// Whether a recording may still grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ManifestState {
    /// The session runs, or its node died.
    Open,
    /// Closed; the files are as listed.
    Sealed,
}

/// A file that belongs to the recording.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name in the recording's directory.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes on disk, 64 hexadecimal digits.
    pub sha256: String,
    /// Whether an encrypted file ends with its end mark; `false` where there was no room to write it. Absent for a file
    /// that is not encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_mark: Option<bool>,
}

/// How a recording ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordingEnd {
    /// When. After a crash: when it was found.
    pub ended_at: Timestamp,
    /// The session's end reason, such as `normal`.
    #[serde(rename = "end_reason")]
    pub reason: String,
}

/// `manifest.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`] of the writer.
    pub version: u32,
    /// What was known at the start.
    #[serde(flatten)]
    pub head: ManifestHead,
    /// Whether it is closed.
    pub state: ManifestState,
    /// The files in order of name; empty while open.
    pub files: Vec<ManifestFile>,
    /// [`Manifest::digest_of`] the files.
    pub digest: Option<String>,
    /// How it ended: `ended_at` and `end_reason`, absent while open.
    #[serde(flatten)]
    pub end: Option<RecordingEnd>,
    /// Whether it was closed at a later start of its node, after a crash.
    pub recovered: bool,
    /// Bytes that were relayed and are not in the files, because writing failed.
    pub bytes_lost: u64,
    /// How the files are encrypted; absent if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
}

/// The bytes are not a manifest that can be read here.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or not of this shape.
    #[error("the manifest cannot be read ({0}); the recording is damaged")]
    Malformed(#[source] serde_json::Error),
    /// Written by a later release.
    #[error(
        "the manifest has version {0}, and this release reads up to {MANIFEST_VERSION}; use a newer release"
    )]
    TooNew(u32),
    /// What should be the signature is none.
    #[error("the signature in the manifest cannot be read; the recording is damaged")]
    Signature,
    /// The files are encrypted in a form of a later release.
    #[error(
        "the files are encrypted in the form {0}, and this release reads the form {ENCRYPTION_FORMAT}; use a newer release"
    )]
    UnknownEncryption(u32),
}

impl Manifest {
    /// The manifest of a session that begins.
    pub fn open(head: ManifestHead, encryption: Option<Encryption>) -> Self {
        Self {
            version: MANIFEST_VERSION,
            head,
            state: ManifestState::Open,
            files: Vec::new(),
            digest: None,
            end: None,
            recovered: false,
            bytes_lost: 0,
            encryption,
        }
    }

    /// Closes it over these files.
    #[must_use]
    pub fn sealed(mut self, mut files: Vec<ManifestFile>, end: RecordingEnd) -> Self {
        files.sort();
        self.state = ManifestState::Sealed;
        self.digest = Some(Self::digest_of(&files));
        self.files = files;
        self.end = Some(end);
        self
    }

    /// `sha256:` and the SHA-256 of the list `{sha256}  {size}  {name}\n`, one line a file, in order of name.
    pub fn digest_of(files: &[ManifestFile]) -> String {
        let mut ordered: Vec<&ManifestFile> = files.iter().collect();
        ordered.sort();
        let mut digest = Sha256::new();
        for file in ordered {
            digest.update(format!("{}  {}  {}\n", file.sha256, file.size, file.name));
        }
        format!("sha256:{}", hex::encode(digest.finalize()))
    }

    /// Bytes of all files.
    pub fn total_size(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.size))
    }

    /// The file's contents, unsigned: JSON, indented, with a line feed at its end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a file's contents, signed or not. The signature is not checked; see [`ManifestText`] for that.
    ///
    /// # Errors
    /// The bytes are not a manifest, or one of a later format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        ManifestText::from_bytes(bytes).map(|text| text.manifest)
    }

    fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(bytes).map_err(ManifestError::Malformed)?;
        if version > MANIFEST_VERSION {
            return Err(ManifestError::TooNew(version));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(ManifestError::Malformed)?;
        match &manifest.encryption {
            Some(encryption) if encryption.format != ENCRYPTION_FORMAT => {
                Err(ManifestError::UnknownEncryption(encryption.format))
            }
            _ => Ok(manifest),
        }
    }
}
