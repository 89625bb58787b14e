//! Closing a recording's manifest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatehouse_faults::{failing, point};
use gatehouse_recording::manifest::{Manifest, ManifestFile, ManifestText};
use gatehouse_recording::signature::SigningKey;

use crate::disk::{Disk, DiskFile};
use crate::error::ArchiveError;
use crate::keys::SealedKey;
use crate::layout::MANIFEST;
use crate::writer::Written;

/// A recording that was closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// Its directory, relative to the archive's root.
    pub path: String,
    /// Bytes of all its files, the manifest not counted.
    pub size: u64,
    /// `sha256:…` over the manifest's list of files; see [`Manifest::digest_of`].
    pub digest: String,
    /// `sha256:…` over the manifest as it lies on the disk, signature included: what the audit book is to hold.
    pub manifest_digest: String,
    /// The id of the key that signed the manifest, `SHA256:…`; `None` if it is not signed.
    pub signed_by: Option<String>,
    /// The names of its files, in order.
    pub files: Vec<String>,
    /// Bytes that passed and are not in the files.
    pub bytes_lost: u64,
    /// Transfers that were not told because their receiver was full or gone. They are in `transfers.jsonl`.
    pub transfers_missed: u64,
}

/// The file that stands for an open recording, holds the room for its sealed manifest, and becomes that manifest.
#[derive(Clone)]
pub(crate) struct Marker {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
}

impl Sealed {
    pub(crate) fn of(path: &str, text: &ManifestText, transfers_missed: u64) -> Self {
        let manifest = &text.manifest;
        Self {
            manifest_digest: text.digest.clone(),
            signed_by: text.signature.as_ref().map(|signature| signature.key.clone()),
            path: path.to_owned(),
            size: manifest.total_size(),
            digest: manifest
                .digest
                .clone()
                .unwrap_or_else(|| Manifest::digest_of(&manifest.files)),
            files: manifest.files.iter().map(|file| file.name.clone()).collect(),
            bytes_lost: manifest.bytes_lost,
            transfers_missed,
        }
    }
}

impl Written {
    pub(crate) fn into_entry(self) -> ManifestFile {
        ManifestFile {
            name: self.name.to_string(),
            size: self.length,
            sha256: self.sha256,
            end_mark: self.end_mark,
        }
    }
}

/// The manifest as it is signed: without the sealed key, where it is to be dropped.
pub(crate) fn closing(mut manifest: Manifest, sealed_key: SealedKey) -> Manifest {
    if let (Some(encryption), SealedKey::Dropped) = (&mut manifest.encryption, sealed_key) {
        encryption.sealed_key = None;
    }
    manifest
}

/// Replaces the manifest by a sealed one: steps 8 to 10 of the crate's order. `files` are those that it lists.
pub(crate) fn seal(
    disk: &dyn Disk,
    (directory, path): (&Path, &str),
    files: &[(PathBuf, Arc<dyn DiskFile>)],
    marker: &Marker,
    (manifest, key): (&Manifest, &SigningKey),
    transfers_missed: u64,
) -> Result<Sealed, ArchiveError> {
    let bytes = manifest.to_signed_bytes(key);
    // Written over room that was reserved when the recording was opened: a full disk is no obstacle.
    let written = failing!("archive.seal", path)
        .and_then(|()| marker.file.write_at(&bytes, 0))
        .and_then(|()| marker.file.set_len(bytes.len() as u64));
    written.map_err(|error| ArchiveError::io("write the manifest in", &marker.path, &error))?;
    point!("archive.closing-manifest-written", path);
    for (path, file) in files {
        file.sync()
            .map_err(|error| ArchiveError::io("sync", path, &error))?;
    }
    point!("archive.files-synced", path);
    marker
        .file
        .sync()
        .map_err(|error| ArchiveError::io("sync", &marker.path, &error))?;
    point!("archive.closing-manifest-synced", path);
    let sync = |directory: &Path| {
        disk.sync_dir(directory)
            .map_err(|error| ArchiveError::io("sync", directory, &error))
    };
    // The names of the files, before the manifest that lists them has its own.
    sync(directory)?;
    point!("archive.file-names-synced", path);
    let name = directory.join(MANIFEST);
    disk.rename(&marker.path, &name)
        .map_err(|error| ArchiveError::io("replace", &name, &error))?;
    point!("archive.closing-manifest-named", path);
    sync(directory)?;
    marker.path.parent().map_or(Ok(()), sync)?;
    point!("archive.sealed", path);
    let text = ManifestText::from_bytes(&bytes).map_err(|error| ArchiveError::damaged(directory, &error))?;
    Ok(Sealed::of(path, &text, transfers_missed))
}
