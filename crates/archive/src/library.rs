//! Reading recordings, whole or growing, and checking them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatehouse_recording::cast::{CastEvent, CastHeader, CastItem, CastReader};
use gatehouse_recording::channel::{ChunkLine, read_chunks};
use gatehouse_recording::frames::FileKey;
use gatehouse_recording::manifest::{Manifest, ManifestState, ManifestText};
use gatehouse_recording::transfer::read_transfers;
use gatehouse_recording::{FileName, Transfer};
use sha2::{Digest, Sha256};

use crate::contents::{Contents, Form, READ};
use crate::error::ArchiveError;
use crate::keys::Keyring;
use crate::layout::{MANIFEST, Place};
use crate::seal::Sealed;
use crate::verify::{Expected, Verification};

/// Largest manifest that is read.
const MANIFEST_MAX: u64 = 64 * 1024 * 1024;

/// Reads the recordings below a root. It needs no node and starts no thread.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
    keys: Keyring,
}

/// One recording.
#[derive(Clone, Debug)]
pub struct Recording {
    directory: PathBuf,
    path: String,
    manifest: Manifest,
    channels: Vec<u32>,
    captures: Vec<u32>,
    access: Access,
}

/// How the contents of a recording can be had.
#[derive(Clone, Debug)]
enum Access {
    Plain,
    Key(Arc<FileKey>),
    /// Not at all, and why.
    Closed(ArchiveError),
}

impl Library {
    /// The recordings below this directory, without a key to encrypted ones.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            keys: Keyring::default(),
        }
    }

    /// The same with these keys.
    #[must_use]
    pub fn with_keys(self, keys: Keyring) -> Self {
        Self { keys, ..self }
    }

    /// A recording's path relative to the root, where `path` is relative to `base` or whole, as rows of sessions have it.
    pub fn below_root(&self, base: &Path, path: &str) -> String {
        let whole = base.join(path);
        let below = whole.strip_prefix(&self.root).unwrap_or(&whole);
        below.display().to_string()
    }

    /// Opens a recording by its path relative to the root. An encrypted one to which there is no key can be opened, and
    /// not read.
    ///
    /// # Errors
    /// It is not there, or its manifest cannot be read.
    pub fn read(&self, path: &str) -> Result<Recording, ArchiveError> {
        let directory = Place::parse(path)?.directory(&self.root);
        Recording::open(directory, path.to_owned(), &self.keys)
    }

    /// Holds a recording against what it should be.
    ///
    /// # Errors
    /// The path is none of a recording. Whatever is wrong with the recording itself is an answer.
    pub fn verify(&self, path: &str, expected: &Expected<'_>) -> Result<Verification, ArchiveError> {
        let place = Place::parse(path)?;
        let directory = place.directory(&self.root);
        Verification::of(&directory, Some(place.session()), expected, &self.keys)
    }

    /// What sealing this recording gave, for a row that a crash kept from being closed. `None` while it is open.
    ///
    /// # Errors
    /// It is not there, or its manifest cannot be read.
    pub fn sealed(&self, path: &str) -> Result<Option<Sealed>, ArchiveError> {
        let text = read_manifest_text(&Place::parse(path)?.directory(&self.root))?;
        Ok((text.manifest.state == ManifestState::Sealed).then(|| Sealed::of(path, &text, 0)))
    }
}

impl Recording {
    /// Opens a recording that lies in this directory, wherever that is.
    ///
    /// # Errors
    /// It is not there, or its manifest cannot be read.
    pub fn at(directory: &Path, keys: &Keyring) -> Result<Self, ArchiveError> {
        Self::open(directory.to_owned(), directory.display().to_string(), keys)
    }

    fn open(directory: PathBuf, path: String, keys: &Keyring) -> Result<Self, ArchiveError> {
        let manifest = read_manifest(&directory)?;
        let (mut channels, mut captures) = (Vec::new(), Vec::new());
        for name in names(&directory)? {
            match name.parse() {
                Ok(FileName::Cast(channel)) => channels.push(channel),
                Ok(FileName::Forward(number)) => captures.push(number),
                _ => {}
            }
        }
        channels.sort_unstable();
        captures.sort_unstable();
        let access = match &manifest.encryption {
            None => Access::Plain,
            Some(header) => match keys.open(manifest.head.session, &directory, header) {
                Ok(key) => Access::Key(Arc::new(key)),
                Err(why) => Access::Closed(why),
            },
        };
        Ok(Self {
            directory,
            path,
            manifest,
            channels,
            captures,
            access,
        })
    }

    /// Its path relative to the root; whole, if it was opened by that.
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

    /// The numbers of its captures of forwards, in order.
    pub fn captures(&self) -> &[u32] {
        &self.captures
    }

    /// Whether its files are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.manifest.encryption.is_some()
    }

    /// Whether its contents can be had: it is not encrypted, or there is a key.
    ///
    /// # Errors
    /// There is none; the sentence says for whom it is encrypted.
    pub fn readable(&self) -> Result<(), ArchiveError> {
        match &self.access {
            Access::Closed(why) => Err(why.clone()),
            Access::Plain | Access::Key(_) => Ok(()),
        }
    }

    /// Where a file of it lies.
    pub fn file(&self, name: FileName) -> PathBuf {
        self.directory.join(name.to_string())
    }

    /// Where its manifest lies.
    pub fn manifest_file(&self) -> PathBuf {
        self.directory.join(MANIFEST)
    }

    /// The contents of a file of it, decrypted. What is not complete yet is left out.
    ///
    /// # Errors
    /// The file cannot be opened, or there is no key to it.
    pub fn contents(&self, name: FileName) -> Result<Contents, ArchiveError> {
        let form = match &self.access {
            Access::Closed(why) => return Err(why.clone()),
            Access::Plain => Form::Plain,
            Access::Key(key) => {
                let key = key.of_file(self.manifest.head.session, name);
                let name = name.to_string();
                let listed = self.manifest.files.iter().find(|file| file.name == name);
                match listed.and_then(|file| file.end_mark) {
                    Some(true) => Form::ClosedFrames(key),
                    _ => Form::Frames(key),
                }
            }
        };
        Contents::open(&self.file(name), form)
    }

    /// The header of a channel's cast; `None` while it is not written.
    ///
    /// # Errors
    /// The cast cannot be read.
    pub fn header(&self, channel: u32) -> Result<Option<CastHeader>, ArchiveError> {
        let mut cast = OpenCast::open(self, channel)?;
        cast.fill()?;
        Ok(cast.header.map(|header| *header))
    }

    /// The events of these channels, by time; of one time, by channel. Read as they are asked for.
    ///
    /// # Errors
    /// A cast cannot be opened.
    pub fn events(&self, channels: &[u32]) -> Result<Events, ArchiveError> {
        let open = |channel: &u32| Ok((*channel, OpenCast::open(self, *channel)?));
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
        if !self.file(name).exists() {
            return Ok(Vec::new());
        }
        self.contents(name)?.all()
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
    contents: Contents,
    reader: CastReader,
    header: Option<Box<CastHeader>>,
    next: Option<CastEvent>,
    over: bool,
}

impl OpenCast {
    fn open(recording: &Recording, channel: u32) -> Result<Self, ArchiveError> {
        let name = FileName::Cast(channel);
        Ok(Self {
            path: recording.file(name),
            contents: recording.contents(name)?,
            reader: CastReader::new(),
            header: None,
            next: None,
            over: false,
        })
    }

    /// Reads until there is an event, or no more.
    fn fill(&mut self) -> Result<(), ArchiveError> {
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
                    let piece = self.contents.piece()?;
                    self.over = piece.is_empty();
                    self.reader.feed(piece);
                }
            }
        }
        Ok(())
    }
}

/// The manifest in a recording's directory.
pub(crate) fn read_manifest(directory: &Path) -> Result<Manifest, ArchiveError> {
    read_manifest_text(directory).map(|text| text.manifest)
}

/// The manifest in a recording's directory, with its signature.
pub(crate) fn read_manifest_text(directory: &Path) -> Result<ManifestText, ArchiveError> {
    let path = directory.join(MANIFEST);
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MANIFEST_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => ManifestText::from_bytes(&bytes).map_err(|error| ArchiveError::damaged(directory, &error)),
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
