//! The archive of a node: where recordings begin.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gatehouse_faults::{failing, point};
use gatehouse_model::NodeId;
use gatehouse_recording::frames::FileKey;
use gatehouse_recording::manifest::{Manifest, ManifestHead};
use gatehouse_recording::signature::SigningKey;
use gatehouse_recording::{SessionStamp, Transfer};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::Clock;
use crate::disk::{Disk, OsDisk};
use crate::error::ArchiveError;
use crate::keys::Sealing;
use crate::layout::{MANIFEST, MANIFEST_NEW, Place, open_directory};
use crate::library::Library;
use crate::pool::Pool;
use crate::recorder::Beginning;
use crate::seal::Marker;
use crate::session::SessionRecorder;
use crate::writer::{Beginnings, Writer, room_for_manifest};

/// Transfers that wait for whoever writes their rows.
const TRANSFERS_WAITING: usize = 1024;

/// What an archive must know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchiveConfig {
    /// The directory that holds all recordings. It is made if it is missing; its parent must exist.
    pub root: PathBuf,
    /// The node whose recordings begin here. Several nodes may share a root.
    pub node: NodeId,
    /// Threads that write; 0 for as many as there are processors, at most 4.
    pub writers: usize,
    /// How long anybody waits for a disk that does not answer.
    pub patience: Duration,
}

/// Makes recordings. A handle: clones are the same archive.
#[derive(Clone)]
pub struct Archive {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: ArchiveConfig,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) sealing: Sealing,
    pool: Arc<Pool>,
    /// Directories whose names are durable.
    durable: Mutex<BTreeSet<PathBuf>>,
}

/// A recording that has begun.
pub struct Opened {
    /// Takes its events.
    pub recorder: SessionRecorder,
    /// Tells each transfer and change of files that ended. Holds 1024; what does not fit is counted in
    /// [`Sealed::transfers_missed`](crate::Sealed), and can be read from the recording.
    pub transfers: mpsc::Receiver<Transfer>,
}

impl Archive {
    /// Opens an archive and starts its threads. Blocks on the disk.
    ///
    /// # Errors
    /// The root cannot be made or written to.
    pub fn open(config: ArchiveConfig, sealing: Sealing) -> Result<Self, ArchiveError> {
        Self::on(config, sealing, Arc::new(OsDisk))
    }

    pub(crate) fn on(
        config: ArchiveConfig,
        sealing: Sealing,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, ArchiveError> {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from).min(4);
        let writers = if config.writers == 0 {
            processors()
        } else {
            config.writers
        };
        let pool = Pool::start(writers)
            .map_err(|error| ArchiveError::io("start threads for", &config.root, &error))?;
        let (pool, durable) = (Arc::new(pool), Mutex::default());
        let archive = Self {
            inner: Arc::new(Inner {
                config,
                disk,
                sealing,
                pool,
                durable,
            }),
        };
        let Inner { config, .. } = &*archive.inner;
        let open = open_directory(&config.root, config.node);
        for directory in [Some(config.root.as_path()), open.parent(), Some(&open)]
            .into_iter()
            .flatten()
        {
            if let Some(parent) = archive.make_directory(directory)? {
                let synced = archive.inner.disk.sync_dir(&parent);
                synced.map_err(|error| ArchiveError::io("sync", &parent, &error))?;
            }
        }
        Ok(archive)
    }

    /// Begins a recording: steps 1 to 5 of the crate's order. When this returns, the manifest is durable, and room for
    /// the sealed one is reserved. `clock` tells the time since the session's start, from any thread.
    ///
    /// # Errors
    /// The disk refused, or did not answer in time. Nothing was begun that a later start of the node would not clear away
    /// or seal.
    pub async fn create(&self, head: ManifestHead, clock: Clock) -> Result<Opened, ArchiveError> {
        let archive = self.clone();
        let config = &self.inner.config;
        let begun = tokio::task::spawn_blocking(move || archive.begin(head, clock));
        let begun = match tokio::time::timeout(config.patience, begun).await {
            Ok(begun) => begun.unwrap_or(Err(ArchiveError::Closing)),
            Err(_) => Err(ArchiveError::stalled(
                "begin a recording in",
                &config.root,
                config.patience,
            )),
        };
        begun.inspect_err(ArchiveError::count)
    }

    /// Reads this archive's recordings, encrypted ones with the key that the keeper opens.
    pub fn library(&self) -> Library {
        Library::at(&self.inner.config.root).with_keys(self.inner.sealing.keyring())
    }

    /// Signs with another key from now on.
    pub fn sign_with(&self, key: SigningKey) {
        self.inner.sealing.sign_with(key);
    }

    fn begin(&self, head: ManifestHead, clock: Clock) -> Result<Opened, ArchiveError> {
        let Inner {
            config,
            disk,
            pool,
            sealing,
            ..
        } = &*self.inner;
        let place = Place::new(head.started_at, head.session);
        let directory = place.directory(&config.root);
        let stamp = SessionStamp {
            session: head.session,
            started: head.started_at,
        };
        let (key, encryption) = sealing.new_key(stamp.session)?.unzip();
        let key: Option<Arc<FileKey>> = key.map(Arc::new);
        let manifest = Manifest::open(head, encryption);
        let bytes = manifest.to_bytes();
        // 1. The marker, with room for the sealed manifest.
        let path = place.marker(&config.root, config.node);
        // Opened again: a file to append to cannot be written over (pwrite(2), BUGS).
        let file = failing!("archive.create", stamp.session)
            .and_then(|()| disk.create(&path))
            .and_then(|_| disk.open(&path))
            .map_err(|error| match exists(&error) {
                true => ArchiveError::Exists(stamp.session),
                false => ArchiveError::io("create", &path, &error),
            })?;
        point!("archive.marker-made", stamp.session);
        let marker = Marker { path, file };
        let begun = self.lay_out(place, &directory, &marker, &bytes);
        if let Err(error) = begun {
            self.clear_away(&directory, &marker.path, &error);
            return Err(error);
        }
        let (sender, transfers) = mpsc::channel(TRANSFERS_WAITING);
        let writer = Writer::new(Beginnings {
            disk: disk.clone(),
            directory: directory.clone(),
            stamp,
            key: key.clone(),
            reserve: marker.file.clone(),
            head: bytes.len(),
            transfers: sender,
        });
        let (pool, disk, path) = (pool.clone(), disk.clone(), place.relative());
        let sealing = sealing.clone();
        let recorder = SessionRecorder::begin(Beginning {
            pool,
            disk,
            path,
            directory,
            manifest,
            clock,
            writer,
            marker,
            key,
            sealing,
            patience: config.patience,
        });
        Ok(Opened { recorder, transfers })
    }

    fn lay_out(
        &self,
        place: Place,
        directory: &Path,
        marker: &Marker,
        manifest: &[u8],
    ) -> Result<(), ArchiveError> {
        let Inner { config, disk, .. } = &*self.inner;
        let at = |action, path: &Path| {
            let path = path.to_owned();
            move |error: io::Error| ArchiveError::io(action, &path, &error)
        };
        let room = room_for_manifest(manifest.len(), 0);
        marker
            .file
            .allocate(room)
            .map_err(at("reserve room in", &marker.path))?;
        point!("archive.room-reserved", place.session());
        // 2. The directories.
        let mut unsynced = BTreeSet::from([open_directory(&config.root, config.node)]);
        let parents = place.parents(&config.root);
        for parent in &parents {
            unsynced.extend(self.make_directory(parent)?);
        }
        disk.create_dir(directory).map_err(|error| match exists(&error) {
            true => ArchiveError::Exists(place.session()),
            false => ArchiveError::io("create", directory, &error),
        })?;
        unsynced.extend(directory.parent().map(Path::to_owned));
        point!("archive.directories-made", place.session());
        // 3. The manifest, under another name until it is whole.
        let (new, name) = (directory.join(MANIFEST_NEW), directory.join(MANIFEST));
        let file = disk.create(&new).map_err(at("create", &new))?;
        let mut rest = manifest;
        while !rest.is_empty() {
            let count = file.append(rest).map_err(at("write to", &new))?;
            if count == 0 {
                return Err(ArchiveError::io(
                    "write to",
                    &new,
                    &io::ErrorKind::WriteZero.into(),
                ));
            }
            rest = rest.get(count..).unwrap_or_default();
        }
        point!("archive.manifest-written", place.session());
        // 4. All of it durable, in one go: journals write what came before with the first of these.
        file.sync().map_err(at("sync", &new))?;
        point!("archive.manifest-synced", place.session());
        for directory in unsynced {
            disk.sync_dir(&directory).map_err(at("sync", &directory))?;
        }
        self.inner.durable.lock().extend(parents);
        point!("archive.names-synced", place.session());
        // 5. The manifest's name.
        disk.rename(&new, &name).map_err(at("name", &name))?;
        point!("archive.manifest-named", place.session());
        disk.sync_dir(directory).map_err(at("sync", directory))?;
        point!("archive.begun", place.session());
        Ok(())
    }

    /// After a recording that could not begin. What stays is cleared away at the node's next start.
    fn clear_away(&self, directory: &Path, marker: &Path, cause: &ArchiveError) {
        let disk = &self.inner.disk;
        if !matches!(cause, ArchiveError::Exists(_)) {
            for name in [MANIFEST_NEW, MANIFEST] {
                drop(disk.remove(&directory.join(name)));
            }
            drop(disk.remove_dir(directory));
        }
        drop(disk.remove(marker));
    }

    /// Makes a directory unless it is there. Gives the directory that has to be synced for its name to be durable.
    fn make_directory(&self, path: &Path) -> Result<Option<PathBuf>, ArchiveError> {
        let Inner {
            disk,
            durable,
            config,
            ..
        } = &*self.inner;
        if durable.lock().contains(path) && path.is_dir() {
            return Ok(None);
        }
        match disk.create_dir(path) {
            Ok(()) => {}
            // Whoever made the root sees to its name.
            Err(error) if exists(&error) && path == config.root => return Ok(None),
            Err(error) if exists(&error) && path.is_dir() => {}
            Err(error) => return Err(ArchiveError::io("create", path, &error)),
        }
        Ok(path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .map(Path::to_owned))
    }
}

fn exists(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AlreadyExists
}
