//! Checking recordings: files against the manifest, the manifest's signature, and the contents where there is a key.

use std::io;
use std::path::Path;

use gatehouse_model::SessionId;
use gatehouse_recording::FileName;
use gatehouse_recording::manifest::{Manifest, ManifestFile, ManifestState, ManifestText};
use gatehouse_recording::signature::{PublicKey, SignatureError};

use crate::error::ArchiveError;
use crate::keys::Keyring;
use crate::layout::MANIFEST;
use crate::library::{Recording, digest_of_file, names, read_manifest_text};

/// What a recording is held against beyond its own manifest.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// The digest of the list of files that was kept elsewhere, if one was.
    pub digest: Option<&'e str>,
    /// The public keys of those whose signature counts.
    pub keys: &'e [PublicKey],
}

/// Which part of a recording is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// Files, or the manifest's list of them.
    Files,
    /// The manifest's signature.
    Signature,
    /// What encrypted files hold.
    Contents,
}

/// Something about a recording that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// There is no directory, or no manifest in it.
    #[error("the recording is not there")]
    NotThere,
    /// The manifest cannot be read.
    #[error("{0}")]
    Manifest(String),
    /// The recording is that of another session.
    #[error("the recording is that of session {0}")]
    OtherSession(SessionId),
    /// It was never closed, though it should have been.
    #[error(
        "the recording was not closed; its node does so at its next start (or it still runs, or the manifest was put back)"
    )]
    NotSealed,
    /// The manifest's list of files does not have the digest it states.
    #[error("manifest.json was changed: its list of files does not fit its digest")]
    ListChanged,
    /// The digest is not the one that was kept elsewhere.
    #[error("manifest.json was replaced: its digest is not the one in the books")]
    Replaced,
    /// A file is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// A file has another size or other contents.
    #[error("{0} was changed")]
    Changed(String),
    /// A file lies there that does not belong to the recording.
    #[error("{0} does not belong to the recording")]
    Extra(String),
    /// A file cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The manifest is not signed.
    #[error("manifest.json is not signed")]
    NotSigned,
    /// The signature does not fit.
    #[error("manifest.json was changed, or its signature: {0}")]
    Signature(SignatureError),
    /// The signature is good, and by a key that nobody vouches for.
    #[error("manifest.json is signed with a key that is not known: {0}")]
    UnknownKey(String),
    /// An encrypted file cannot be decrypted as a whole.
    #[error("{name} cannot be decrypted: {what}")]
    Undecipherable {
        /// The file.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The wrapped or the sealed key is not the recording's.
    #[error("the contents cannot be decrypted: {0}")]
    Key(String),
}

/// Whether the contents of encrypted files were read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentsCheck {
    /// The files are not encrypted.
    NotEncrypted,
    /// They are, and there is no key to them here. Files and signature were checked all the same.
    NoKey,
    /// They were decrypted to their ends.
    Read,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verification {
    /// The manifest, if it could be read. Of an open one only that was checked.
    pub manifest: Option<Manifest>,
    /// `sha256:…` of the manifest as it lies on the disk: what the audit book should hold.
    pub manifest_digest: Option<String>,
    /// Whose signature the manifest bears, known or not; `None` if it bears no good one.
    pub signed_by: Option<PublicKey>,
    /// Whether the contents were read.
    pub contents: ContentsCheck,
    /// What is wrong; nothing, if the recording is as it was sealed.
    pub problems: Vec<Problem>,
}

impl Problem {
    /// Which part is wrong.
    pub fn part(&self) -> Part {
        match self {
            Self::NotSigned | Self::Signature(_) | Self::UnknownKey(_) => Part::Signature,
            Self::Undecipherable { .. } | Self::Key(_) => Part::Contents,
            _ => Part::Files,
        }
    }
}

impl Verification {
    /// Checks a recording in this directory, wherever that is. `session`: whose it should be.
    ///
    /// # Errors
    /// The directory cannot be listed. Whatever is wrong with the recording itself is an answer.
    pub fn of(
        directory: &Path,
        session: Option<SessionId>,
        expected: &Expected<'_>,
        keys: &Keyring,
    ) -> Result<Self, ArchiveError> {
        let mut found = Self {
            manifest: None,
            manifest_digest: None,
            signed_by: None,
            contents: ContentsCheck::NotEncrypted,
            problems: Vec::new(),
        };
        let text = match read_manifest_text(directory) {
            Ok(text) => text,
            Err(error) => {
                found.problems.push(match error {
                    ArchiveError::NotFound { .. } => Problem::NotThere,
                    other => Problem::Manifest(other.to_string()),
                });
                return Ok(found);
            }
        };
        found.manifest_digest = Some(text.digest.clone());
        let manifest = &text.manifest;
        if session.is_some_and(|session| session != manifest.head.session) {
            found.problems.push(Problem::OtherSession(manifest.head.session));
        }
        if manifest.state == ManifestState::Sealed {
            found.check_files(directory, manifest, expected)?;
            found.check_signature(&text, expected);
            found.check_contents(directory, manifest, keys);
        } else {
            found.problems.push(Problem::NotSealed);
        }
        found.manifest = Some(text.manifest);
        Ok(found)
    }

    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// What is wrong with this part.
    pub fn wrong_with(&self, part: Part) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(move |problem| problem.part() == part)
    }

    fn check_files(
        &mut self,
        directory: &Path,
        manifest: &Manifest,
        expected: &Expected<'_>,
    ) -> Result<(), ArchiveError> {
        let digest = Manifest::digest_of(&manifest.files);
        if manifest.digest.as_ref() != Some(&digest) {
            self.problems.push(Problem::ListChanged);
        } else if expected.digest.is_some_and(|expected| expected != digest) {
            self.problems.push(Problem::Replaced);
        }
        self.problems.extend(
            manifest
                .files
                .iter()
                .filter_map(|file| check_file(directory, file)),
        );
        let listed = |name: &String| name == MANIFEST || manifest.files.iter().any(|file| file.name == *name);
        let there = names(directory)?;
        self.problems
            .extend(there.into_iter().filter(|name| !listed(name)).map(Problem::Extra));
        Ok(())
    }

    fn check_signature(&mut self, text: &ManifestText, expected: &Expected<'_>) {
        match text.signer() {
            Ok(Some(key)) => {
                self.signed_by = Some(key);
                if !expected.keys.contains(&key) {
                    self.problems.push(Problem::UnknownKey(key.id()));
                }
            }
            Ok(None) => self.problems.push(Problem::NotSigned),
            Err(error) => self.problems.push(Problem::Signature(error)),
        }
    }

    /// Decrypts every file to its end: frames in their order, and the end mark.
    fn check_contents(&mut self, directory: &Path, manifest: &Manifest, keys: &Keyring) {
        if manifest.encryption.is_none() {
            return;
        }
        let recording = match Recording::at(directory, keys) {
            Ok(recording) => recording,
            Err(error) => return self.problems.push(Problem::Key(error.to_string())),
        };
        if recording.readable().is_err() {
            self.contents = ContentsCheck::NoKey;
            return;
        }
        self.contents = ContentsCheck::Read;
        for name in manifest.files.iter().filter_map(|file| file.name.parse().ok()) {
            if let Err(what) = read_through(&recording, name) {
                let name = name.to_string();
                self.problems.push(Problem::Undecipherable { name, what });
            }
        }
    }
}

fn check_file(directory: &Path, file: &ManifestFile) -> Option<Problem> {
    // A name that leads elsewhere is nobody's file.
    let known = file.name.parse::<FileName>().is_ok();
    match known.then(|| digest_of_file(&directory.join(&file.name))) {
        Some(Ok((size, digest))) if size == file.size && digest == file.sha256 => None,
        Some(Ok(_)) => Some(Problem::Changed(file.name.clone())),
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Some(Problem::Unreadable(format!(
            "{} cannot be read: {error}",
            file.name
        ))),
        _ => Some(Problem::Missing(file.name.clone())),
    }
}

fn read_through(recording: &Recording, name: FileName) -> Result<(), String> {
    // One that is missing is told with the files.
    if !recording.file(name).exists() {
        return Ok(());
    }
    let told = |error: ArchiveError| match error {
        ArchiveError::Damaged { what, .. } => what,
        other => other.to_string(),
    };
    let mut contents = recording.contents(name).map_err(told)?;
    while !contents.piece().map_err(told)?.is_empty() {}
    Ok(())
}
