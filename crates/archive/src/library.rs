//! Reading recordings, whole or growing, and checking them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use gatehouse_recording::cast::{CastEvent, CastHeader, CastItem, CastReader};
use gatehouse_recording::channel::{ChunkLine, read_chunks};
use gatehouse_recording::manifest::{Manifest, ManifestState};
use gatehouse_recording::transfer::read_transfers;
use gatehouse_recording::{FileName, Transfer};
use sha2::{Digest, Sha256};

use crate::error::ArchiveError;
use crate::layout::{MANIFEST, Place};
use crate::seal::Sealed;

/// Bytes that are read at a time.
const READ: usize = 64 * 1024;
/// Largest manifest that is read.
const MANIFEST_MAX: u64 = 64 * 1024 * 1024;

/// Reads the recordings below a root. It needs no node and starts no thread.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
}

/// Something about a recording that is not as its manifest says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// There is no directory, or no manifest in it.
    #[error("the recording is not there")]
    NotThere,
    /// The manifest cannot be read.
    #[error("{0}")]
    Manifest(String),
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
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verification {
    /// The state, if the manifest could be read. An open recording has no digests to be held against.
    pub state: Option<ManifestState>,
    /// What is wrong; nothing, if the recording is as it was sealed.
    pub problems: Vec<Problem>,
    /// The manifest, if it could be read.
    pub manifest: Option<Manifest>,
}

/// One recording.
#[derive(Clone, Debug)]
pub struct Recording {
    directory: PathBuf,
    path: String,
    manifest: Manifest,
    channels: Vec<u32>,
}

impl Library {
    /// The recordings below this directory.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Opens a recording by its path relative to the root.
    ///
    /// # Errors
    /// It is not there, or its manifest cannot be read.
    pub fn read(&self, path: &str) -> Result<Recording, ArchiveError> {
        let directory = Place::parse(path)?.directory(&self.root);
        let manifest = read_manifest(&directory)?;
        let mut channels: Vec<u32> = names(&directory)?
            .iter()
            .filter_map(|name| match name.parse() {
                Ok(FileName::Cast(channel)) => Some(channel),
                _ => None,
            })
            .collect();
        channels.sort_unstable();
        Ok(Recording {
            directory,
            path: path.to_owned(),
            manifest,
            channels,
        })
    }

    /// What sealing this recording gave, for a row that a crash kept from being closed. `None` while it is open.
    ///
    /// # Errors
    /// It is not there, or its manifest cannot be read.
    pub fn sealed(&self, path: &str) -> Result<Option<Sealed>, ArchiveError> {
        let manifest = read_manifest(&Place::parse(path)?.directory(&self.root))?;
        Ok((manifest.state == ManifestState::Sealed).then(|| Sealed::of(path, &manifest, 0)))
    }

    /// Holds a recording's files against its manifest, and that against the digest that was kept elsewhere, if given.
    ///
    /// # Errors
    /// The path is none of a recording. Whatever is wrong with the recording itself is an answer.
    pub fn verify(&self, path: &str, expected: Option<&str>) -> Result<Verification, ArchiveError> {
        let directory = Place::parse(path)?.directory(&self.root);
        let manifest = match read_manifest(&directory) {
            Ok(manifest) => manifest,
            Err(error) => {
                let problem = match error {
                    ArchiveError::NotFound { .. } => Problem::NotThere,
                    other => Problem::Manifest(other.to_string()),
                };
                return Ok(Verification {
                    state: None,
                    problems: vec![problem],
                    manifest: None,
                });
            }
        };
        let mut problems = Vec::new();
        if manifest.state == ManifestState::Sealed {
            let digest = Manifest::digest_of(&manifest.files);
            if manifest.digest.as_ref() != Some(&digest) {
                problems.push(Problem::ListChanged);
            } else if expected.is_some_and(|expected| expected != digest) {
                problems.push(Problem::Replaced);
            }
            for file in &manifest.files {
                // A name that leads elsewhere is nobody's file.
                let known = file.name.parse::<FileName>().is_ok();
                match known.then(|| digest_of_file(&directory.join(&file.name))) {
                    Some(Ok((size, digest))) if size == file.size && digest == file.sha256 => {}
                    Some(Ok(_)) => problems.push(Problem::Changed(file.name.clone())),
                    Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                        problems.push(Problem::Unreadable(format!(
                            "{} cannot be read: {error}",
                            file.name
                        )));
                    }
                    _ => problems.push(Problem::Missing(file.name.clone())),
                }
            }
            let listed =
                |name: &String| name == MANIFEST || manifest.files.iter().any(|file| file.name == *name);
            problems.extend(
                names(&directory)?
                    .into_iter()
                    .filter(|name| !listed(name))
                    .map(Problem::Extra),
            );
        } else if expected.is_some() {
            problems.push(Problem::Replaced);
        }
        Ok(Verification {
            state: Some(manifest.state),
            problems,
            manifest: Some(manifest),
        })
    }
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Recording {
    /// Its path relative to the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The channels that have a cast, in order.
    pub fn channels(&self) -> &[u32] {
        &self.channels
    }

    /// Where a file of it lies.
    pub fn file(&self, name: FileName) -> PathBuf {
        self.directory.join(name.to_string())
    }

    /// The header of a channel's cast; `None` while it is not written.
    ///
    /// # Errors
    /// The cast cannot be read.
    pub fn header(&self, channel: u32) -> Result<Option<CastHeader>, ArchiveError> {
        let mut cast = OpenCast::open(self.file(FileName::Cast(channel)))?;
        cast.fill()?;
        Ok(cast.header.map(|header| *header))
    }

    /// The events of these channels, by time; of one time, by channel. Read as they are asked for.
    ///
    /// # Errors
    /// A cast cannot be opened.
    pub fn events(&self, channels: &[u32]) -> Result<Events, ArchiveError> {
        let open = |channel: &u32| Ok((*channel, OpenCast::open(self.file(FileName::Cast(*channel)))?));
        Ok(Events {
            casts: channels.iter().map(open).collect::<Result<_, _>>()?,
        })
    }

    /// The transfers and changes of files, in the order in which they began.
    ///
    /// # Errors
    /// The log is there and cannot be read.
    pub fn transfers(&self) -> Result<Vec<Transfer>, ArchiveError> {
        Ok(read_transfers(&self.read_all(FileName::Transfers)?))
    }

    /// The binary of a channel.
    ///
    /// # Errors
    /// The list is there and cannot be read.
    pub fn chunks(&self, channel: u32) -> Result<Vec<ChunkLine>, ArchiveError> {
        Ok(read_chunks(&self.read_all(FileName::Chunks(channel))?))
    }

    fn read_all(&self, name: FileName) -> Result<Vec<u8>, ArchiveError> {
        let path = self.file(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(ArchiveError::io("read", &path, &error)),
        }
    }
}

/// The events of several casts, merged by time.
pub struct Events {
    casts: BTreeMap<u32, OpenCast>,
}

impl Iterator for Events {
    type Item = Result<(u32, CastEvent), ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        for cast in self.casts.values_mut() {
            if let Err(error) = cast.fill() {
                // Once: the rest of a damaged cast is left out.
                cast.over = true;
                return Some(Err(error));
            }
        }
        let (channel, cast) = self
            .casts
            .iter_mut()
            .filter(|(_, cast)| cast.next.is_some())
            .min_by_key(|(channel, cast)| (cast.next.as_ref().map(|event| event.at), **channel))?;
        cast.next.take().map(|event| Ok((*channel, event)))
    }
}

struct OpenCast {
    path: PathBuf,
    file: File,
    reader: CastReader,
    header: Option<Box<CastHeader>>,
    next: Option<CastEvent>,
    over: bool,
}

impl OpenCast {
    fn open(path: PathBuf) -> Result<Self, ArchiveError> {
        let file = File::open(&path).map_err(|error| ArchiveError::io("open", &path, &error))?;
        Ok(Self {
            path,
            file,
            reader: CastReader::new(),
            header: None,
            next: None,
            over: false,
        })
    }

    /// Reads until there is an event, or no more.
    fn fill(&mut self) -> Result<(), ArchiveError> {
        let mut buffer = [0; READ];
        while self.next.is_none() && !self.over {
            match self.reader.next_item() {
                Some(Ok(CastItem::Header(header))) => self.header = Some(header),
                Some(Ok(CastItem::Event(event))) => self.next = Some(event),
                Some(Err(error)) => {
                    return Err(ArchiveError::Damaged {
                        path: self.path.clone(),
                        what: error.to_string(),
                    });
                }
                None => {
                    let count = self.file.read(&mut buffer);
                    let count = count.map_err(|error| ArchiveError::io("read", &self.path, &error))?;
                    self.over = count == 0;
                    self.reader.feed(buffer.get(..count).unwrap_or_default());
                }
            }
        }
        Ok(())
    }
}

/// The manifest in a recording's directory.
pub(crate) fn read_manifest(directory: &Path) -> Result<Manifest, ArchiveError> {
    let path = directory.join(MANIFEST);
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MANIFEST_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => Manifest::from_bytes(&bytes).map_err(|error| ArchiveError::damaged(directory, &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ArchiveError::NotFound {
            path: directory.to_owned(),
        }),
        Err(error) => Err(ArchiveError::io("read", &path, &error)),
    }
}

/// The names in a directory, in order.
pub(crate) fn names(directory: &Path) -> Result<Vec<String>, ArchiveError> {
    let failed = |error: io::Error| ArchiveError::io("list", directory, &error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Size and SHA-256 of a file.
pub(crate) fn digest_of_file(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut digest, mut size, mut buffer) = (Sha256::new(), 0, vec![0; READ]);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((size, hex::encode(digest.finalize())));
        }
        digest.update(buffer.get(..count).unwrap_or_default());
        size += count as u64;
    }
}
