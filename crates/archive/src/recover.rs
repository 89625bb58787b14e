//! What a crash left open.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use gatehouse_model::{SessionId, Timestamp, to_micros};
use gatehouse_recording::capture::{BLOCK_MAX, complete_blocks};
use gatehouse_recording::channel::{FRAME_MAX, complete_frames};
use gatehouse_recording::frames::{FileKey, FrameScanner, FrameTail, FrameWriter};
use gatehouse_recording::manifest::{Manifest, ManifestFile, ManifestState, RecordingEnd};
use gatehouse_recording::transfer::read_transfers;
use gatehouse_recording::{FileName, Transfer};

use crate::archive::Archive;
use crate::contents::{Contents, Form, READ};
use crate::disk::{Disk, DiskFile};
use crate::error::ArchiveError;
use crate::layout::{MANIFEST_NEW, Place, open_directory};
use crate::library::{digest_of_file, names, read_manifest};
use crate::seal::{Marker, Sealed, closing, seal};

/// The end reason of a recording that a crash left open.
const REASON: &str = "service_restart";
/// Recordings that are sealed at the same time.
const AT_ONCE: usize = 8;
/// How much is searched for the last line feed at a time.
const STEP: u64 = 64 * 1024;
/// How much is searched for whole blocks at a time.
const BLOCKS_AT_A_TIME: usize = 8 * BLOCK_MAX;

/// A recording that a crash left open, and what became of it.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The session.
    pub session: SessionId,
    /// The manifest, sealed now. `None` if the crash came before the recording had begun (not a byte had passed then,
    /// and what there was is cleared away), or if there is a [`Self::problem`].
    pub manifest: Option<Manifest>,
    /// The sealed recording.
    pub sealed: Option<Sealed>,
    /// All transfers and changes of files of the session; what had not ended is `incomplete`.
    pub transfers: Vec<Transfer>,
    /// Why it could not be sealed. The next start tries again.
    pub problem: Option<ArchiveError>,
}

impl Archive {
    /// Seals what an earlier life of this node left open. To be called before the first recording begins; blocks on the
    /// disk. `now` is the latest end a session can have had; the end is taken to be the last write to its files.
    ///
    /// Torn tails are cut off: casts, chunk lists and transfer logs after their last whole line, kept binary after its
    /// last whole frame, captures of forwards after their last whole block. A file without any whole line is removed. Encrypted files are cut after the last frame that ends
    /// whole lines, and are given their end marks.
    ///
    /// A session whose recording was sealed just before the crash, but not its row closed, is not among these:
    /// [`Library::sealed`](crate::Library::sealed) gives what its row needs.
    ///
    /// # Errors
    /// The list of open recordings cannot be read. A fault of one recording is told in its entry.
    pub fn recover(&self, now: Timestamp) -> Result<Vec<Recovered>, ArchiveError> {
        let open = open_directory(&self.inner.config.root, self.inner.config.node);
        let places = names(&open)?
            .into_iter()
            .filter_map(|name| Place::of_marker(&name))
            .collect::<Vec<_>>();
        // Sealing one is mostly waiting for the disk, and disks take several such waits at once.
        let share = places.len().div_ceil(AT_ONCE).max(1);
        Ok(std::thread::scope(|scope| {
            let started: Vec<_> = places
                .chunks(share)
                .map(|places| scope.spawn(|| self.recover_some(places, now)))
                .collect();
            started
                .into_iter()
                .flat_map(|some| {
                    some.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        }))
    }

    fn recover_some(&self, places: &[Place], now: Timestamp) -> Vec<Recovered> {
        let places = places.iter().copied();
        places.filter_map(|place| self.recover_one(place, now)).collect()
    }

    fn recover_one(&self, place: Place, now: Timestamp) -> Option<Recovered> {
        let mut recovered = Recovered {
            session: place.session(),
            manifest: None,
            sealed: None,
            transfers: Vec::new(),
            problem: None,
        };
        match self.seal_left_over(place, now, &mut recovered) {
            Ok(LeftOver::SealedBefore) => return None,
            Ok(LeftOver::NotBegun | LeftOver::Sealed) => {}
            Err(problem) => {
                tracing::error!(session = %place.session(), %problem, "a recording that a crash left open cannot be sealed");
                recovered.problem = Some(problem);
            }
        }
        Some(recovered)
    }

    fn seal_left_over(
        &self,
        place: Place,
        now: Timestamp,
        recovered: &mut Recovered,
    ) -> Result<LeftOver, ArchiveError> {
        let (disk, root) = (&*self.inner.disk, &self.inner.config.root);
        let directory = place.directory(root);
        let path = place.marker(root, self.inner.config.node);
        let manifest = match read_manifest(&directory) {
            Ok(manifest) if manifest.state == ManifestState::Sealed => {
                remove(disk, &path)?;
                return Ok(LeftOver::SealedBefore);
            }
            Ok(manifest) => manifest,
            Err(ArchiveError::NotFound { .. }) => {
                if directory.is_dir() {
                    remove(disk, &directory.join(MANIFEST_NEW))?;
                    let gone = disk.remove_dir(&directory);
                    gone.map_err(|error| ArchiveError::io("remove", &directory, &error))?;
                }
                remove(disk, &path)?;
                return Ok(LeftOver::NotBegun);
            }
            Err(error) => return Err(error),
        };
        remove(disk, &directory.join(MANIFEST_NEW))?;
        let cover = self.cover(&manifest, &directory);
        let (files, last_write) = self.cut_and_list(&directory, &cover)?;
        let begun = manifest.head.started_at;
        let ended_at = to_micros(last_write.unwrap_or(begun).clamp(begun, now.max(begun)));
        let mut manifest = manifest.sealed(
            files,
            RecordingEnd {
                ended_at,
                reason: REASON.to_owned(),
            },
        );
        manifest.recovered = true;
        let manifest = closing(manifest, self.inner.sealing.sealed_key);
        recovered.transfers = read_transfers(&cover.read(&directory, FileName::Transfers));
        let file = disk
            .open(&path)
            .map_err(|error| ArchiveError::io("open", &path, &error))?;
        let marker = Marker { path, file };
        recovered.sealed = Some(seal(
            disk,
            (&directory, &place.relative()),
            &[],
            &marker,
            (&manifest, &self.inner.sealing.signing()),
            0,
        )?);
        recovered.manifest = Some(manifest);
        Ok(LeftOver::Sealed)
    }

    /// Cuts torn tails off, makes the rest durable, and lists it.
    fn cut_and_list(
        &self,
        directory: &Path,
        cover: &Cover,
    ) -> Result<(Vec<ManifestFile>, Option<Timestamp>), ArchiveError> {
        let (mut files, mut last_write) = (Vec::new(), None);
        for name in names(directory)?.into_iter().filter_map(|name| name.parse().ok()) {
            if let Some((file, written)) = cut(&*self.inner.disk, directory, name, cover)? {
                files.push(file);
                last_write = last_write.max(written);
            }
        }
        Ok((files, last_write))
    }

    /// Whether the files are encrypted, and the key, if the keeper opens it.
    fn cover(&self, manifest: &Manifest, directory: &Path) -> Cover {
        let session = manifest.head.session;
        let Some(header) = &manifest.encryption else {
            return Cover::None;
        };
        match self.inner.sealing.keyring().open(session, directory, header) {
            Ok(key) => Cover::Frames(session, Some(key)),
            Err(error) => {
                tracing::warn!(%session, %error, "a recording is closed without its key, so without end marks");
                Cover::Frames(session, None)
            }
        }
    }
}

/// What lies over the contents of a recording's files.
enum Cover {
    None,
    /// They are encrypted; the key, if it is at hand.
    Frames(SessionId, Option<FileKey>),
}

impl Cover {
    /// The contents of a file as far as they can be had.
    fn read(&self, directory: &Path, name: FileName) -> Vec<u8> {
        let form = match self {
            Self::None => Form::Plain,
            Self::Frames(session, Some(key)) => Form::Frames(key.of_file(*session, name)),
            Self::Frames(_, None) => return Vec::new(),
        };
        Contents::open(&directory.join(name.to_string()), form)
            .and_then(Contents::all)
            .unwrap_or_default()
    }
}

/// Cuts a file's torn tail off and makes the rest durable. `None` if nothing is left and it was removed.
fn cut(
    disk: &dyn Disk,
    directory: &Path,
    name: FileName,
    cover: &Cover,
) -> Result<Option<(ManifestFile, Option<Timestamp>)>, ArchiveError> {
    let name_text = name.to_string();
    let path = directory.join(&name_text);
    let at = |action| {
        let path = path.clone();
        move |error: io::Error| ArchiveError::io(action, &path, &error)
    };
    let file = File::open(&path).map_err(at("open"))?;
    let data = file.metadata().map_err(at("read"))?;
    let written = data
        .modified()
        .ok()
        .and_then(|time| Timestamp::try_from(time).ok());
    let (whole, tail) = whole_part(&file, data.len(), name, cover).map_err(at("read"))?;
    if whole == 0 {
        disk.remove(&path).map_err(at("remove"))?;
        return Ok(None);
    }
    let file = disk.open(&path).map_err(at("open"))?;
    if whole < data.len() {
        file.set_len(whole).map_err(at("cut a torn tail off"))?;
    }
    let end_mark = match &tail {
        None => None,
        Some(tail) => Some(end(&*file, &path, name, cover, tail)?),
    };
    file.sync().map_err(at("sync"))?;
    let (size, sha256) = digest_of_file(&path).map_err(at("read"))?;
    Ok(Some((
        ManifestFile {
            name: name_text,
            size,
            sha256,
            end_mark,
        },
        written,
    )))
}

/// How much of a file is whole; of an encrypted one, how it ends there as well.
fn whole_part(
    file: &File,
    length: u64,
    name: FileName,
    cover: &Cover,
) -> io::Result<(u64, Option<FrameTail>)> {
    match (cover, name) {
        (Cover::Frames(session, key), _) => {
            let key = key.as_ref().map(|key| key.of_file(*session, name));
            let tail = scan(file, FrameScanner::new(key))?;
            Ok((tail.length, Some(tail)))
        }
        (Cover::None, FileName::Binary(_)) => Ok((whole_pieces(file, FRAME_MAX, complete_frames)?, None)),
        (Cover::None, FileName::Forward(_)) => {
            Ok((whole_pieces(file, BLOCKS_AT_A_TIME, complete_blocks)?, None))
        }
        (Cover::None, FileName::Cast(_) | FileName::Chunks(_) | FileName::Transfers) => {
            Ok((whole_lines(file, length)?, None))
        }
    }
}

fn scan(mut file: &File, mut scanner: FrameScanner) -> io::Result<FrameTail> {
    let mut buffer = vec![0; READ];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(scanner.finish());
        }
        scanner.feed(buffer.get(..count).unwrap_or_default());
    }
}

/// Gives an encrypted file its end mark, unless it has it or there is neither key nor room. Tells whether it has it.
fn end(
    file: &dyn DiskFile,
    path: &Path,
    name: FileName,
    cover: &Cover,
    tail: &FrameTail,
) -> Result<bool, ArchiveError> {
    let Cover::Frames(session, Some(key)) = cover else {
        return Ok(tail.ended);
    };
    if tail.ended {
        return Ok(true);
    }
    let mark = FrameWriter::ending(key.of_file(*session, name), tail).end();
    let Err(error) = file.write_at(&mark, tail.length) else {
        return Ok(true);
    };
    tracing::warn!(path = %path.display(), %error, "the end mark of an encrypted file could not be written");
    file.set_len(tail.length)
        .map_err(|error| ArchiveError::io("cut a torn end off", path, &error))?;
    Ok(false)
}

enum LeftOver {
    /// Only its row may still be open.
    SealedBefore,
    /// Nothing of it was ever used.
    NotBegun,
    Sealed,
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<(), ArchiveError> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ArchiveError::io("remove", path, &error))
        }
        _ => Ok(()),
    }
}

/// The length of a file up to its last line feed.
fn whole_lines(file: &File, length: u64) -> io::Result<u64> {
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut piece = vec![0; usize::try_from(end - start).unwrap_or_default()];
        file.read_exact_at(&mut piece, start)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The length of a file up to the end of its last whole zstd frame or block; a window of this size holds one at least.
fn whole_pieces(file: &File, window: usize, complete: fn(&[u8]) -> usize) -> io::Result<u64> {
    let (mut end, mut window) = (0, vec![0; window]);
    loop {
        let count = file.read_at(&mut window, end)?;
        let whole = complete(window.get(..count).unwrap_or_default());
        if whole == 0 {
            return Ok(end);
        }
        end += whole as u64;
    }
}
