//! A session's recorder between those who push and the threads that write.

mod round;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use gatehouse_faults::point;
use gatehouse_model::{RecordMode, SessionId};
use gatehouse_recording::frames::FileKey;
use gatehouse_recording::manifest::{Manifest, RecordingEnd};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use self::round::Side;
use crate::Clock;
use crate::disk::Disk;
use crate::error::{ArchiveError, PushError, RecordingFailed};
use crate::keys::Sealing;
use crate::pool::Pool;
use crate::queue::{Item, Queue};
use crate::seal::{Marker, Sealed, closing, seal};
use crate::session::Progress;
use crate::writer::{Writer, Written};

/// A session's recorder, shared by its handles, its taps and the pool.
pub(crate) struct Core {
    pool: Arc<Pool>,
    disk: Arc<dyn Disk>,
    pub(crate) path: String,
    pub(crate) directory: PathBuf,
    manifest: Manifest,
    pub(crate) clock: Clock,
    pub(crate) queue: Mutex<Queue>,
    /// Someone may go on: there is room, or a failure.
    pub(crate) changed: Notify,
    /// Held by whoever waits for room, so that events pass in the order in which they came.
    turn: tokio::sync::Mutex<()>,
    pub(crate) failed: watch::Sender<Option<RecordingFailed>>,
    pub(crate) progress: watch::Sender<Progress>,
    side: Mutex<Side>,
    /// A thread is making durable what was written; a disk that takes long gets no second order meanwhile.
    syncing: AtomicBool,
    /// What the files are encrypted with, if they are.
    pub(crate) key: Option<Arc<FileKey>>,
    sealing: Sealing,
    /// How long anybody waits for the disk.
    pub(crate) patience: Duration,
    this: Weak<Self>,
}

/// What a recorder begins with.
pub(crate) struct Beginning {
    pub(crate) pool: Arc<Pool>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: String,
    pub(crate) directory: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) clock: Clock,
    pub(crate) writer: Writer,
    pub(crate) marker: Marker,
    pub(crate) key: Option<Arc<FileKey>>,
    pub(crate) sealing: Sealing,
    pub(crate) patience: Duration,
}

impl Core {
    pub(crate) fn begin(beginning: Beginning) -> Arc<Self> {
        let Beginning {
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
            patience,
        } = beginning;
        Arc::new_cyclic(|this| Core {
            pool,
            disk,
            path,
            directory,
            manifest,
            clock,
            queue: Mutex::default(),
            changed: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
            failed: watch::Sender::new(None),
            progress: watch::Sender::new(Progress::default()),
            side: Mutex::new(Side::new(writer, marker)),
            syncing: AtomicBool::new(false),
            key,
            sealing,
            patience,
            this: this.clone(),
        })
    }

    /// Enqueues when there is room, and stamps the item then.
    pub(crate) async fn push(&self, mut item: Item) -> Result<(), PushError> {
        let _turn = self.turn.lock().await;
        let patience = tokio::time::sleep(self.patience);
        tokio::pin!(patience);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut queue = self.queue.lock();
                queue.check()?;
                if queue.has_room(item.weight()) {
                    if let Item::Event { at, .. } | Item::Close { at, .. } = &mut item {
                        *at = (self.clock)();
                    }
                    self.enqueue(&mut queue, item);
                    return Ok(());
                }
                if queue.stalled {
                    queue.skip(&item);
                    return Ok(());
                }
            }
            tokio::select! {
                () = changed => {}
                () = &mut patience => self.stalled(),
            }
        }
    }

    pub(crate) fn enqueue(&self, queue: &mut Queue, item: Item) {
        if let Some(haste) = queue.append(item, Instant::now())
            && let Some(this) = self.this.upgrade()
        {
            self.pool.schedule(haste, this);
        }
    }

    /// Writing failed: in strict mode nothing more is taken, and what waits is dropped and counted.
    fn fail(&self, cause: ArchiveError, lost: u64) {
        let mut queue = self.queue.lock();
        if queue.failure.is_some() {
            return;
        }
        let waiting = queue.drop_waiting();
        self.pool.meters.lost.increment(waiting);
        let failure = RecordingFailed {
            cause,
            relayed_not_written: lost + waiting,
        };
        tracing::error!(session = %self.manifest.head.session, %failure, "recording failed");
        queue.failure = Some(failure.clone());
        drop(queue);
        self.failed.send_replace(Some(failure));
        self.changed.notify_waiters();
    }

    /// Finds out whether the disk has kept something waiting for longer than anybody waits.
    pub(crate) fn look_at_the_disk(&self) {
        let overdue = {
            let queue = self.queue.lock();
            let waited = queue.since.map(|since| since.elapsed());
            !queue.stalled && queue.failure.is_none() && waited.is_some_and(|waited| waited > self.patience)
        };
        if overdue {
            self.stalled();
        }
    }

    /// The disk keeps everything waiting. In best effort the session goes on, and what passes is counted.
    fn stalled(&self) {
        let cause = ArchiveError::stalled("write in", &self.directory, self.patience);
        let mut queue = self.queue.lock();
        let writing = queue.writing;
        if self.manifest.head.recording.mode == RecordMode::BestEffort {
            tracing::warn!(session = %self.manifest.head.session, %cause, "a gap in a recording");
            queue.stalled = true;
        } else {
            drop(queue);
            self.fail(cause, writing);
        }
    }

    /// The session.
    pub(crate) fn session(&self) -> SessionId {
        self.manifest.head.session
    }

    pub(crate) fn seal(&self, end: RecordingEnd) -> Result<Sealed, ArchiveError> {
        let mut side = self.side.lock();
        let side = &mut *side;
        if let Some(sealed) = &side.sealed {
            return Ok(sealed.clone());
        }
        side.writer.end_files();
        point!("archive.end-marks-written", self.path);
        let files = side.writer.written()?;
        // All files: what a thread took to sync may not have got there yet.
        let synced = side.writer.files();
        let mut manifest = self.manifest.clone();
        let failed = self
            .queue
            .lock()
            .failure
            .as_ref()
            .map_or(0, |failure| failure.relayed_not_written);
        manifest.bytes_lost = failed.max(side.lost);
        let files = files.into_iter().map(Written::into_entry).collect();
        let manifest = closing(manifest.sealed(files, end), self.sealing.sealed_key);
        let missed = side.writer.outbox.transfers_missed;
        let sealed = seal(
            &*self.disk,
            (&self.directory, &self.path),
            &synced,
            &side.marker,
            (&manifest, &self.sealing.signing()),
            missed,
        )?;
        side.sealed = Some(sealed.clone());
        self.progress.send_modify(|progress| progress.sealed = true);
        Ok(sealed)
    }
}
