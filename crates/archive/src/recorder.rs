//! A session's recorder between those who push and the threads that write.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use gatehouse_faults::{failing, point};
use gatehouse_model::{RecordMode, SessionId};
use gatehouse_recording::frames::FileKey;
use gatehouse_recording::manifest::{Manifest, RecordingEnd};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::Clock;
use crate::disk::{Disk, DiskFile};
use crate::error::{ArchiveError, PushError, RecordingFailed};
use crate::keys::Sealing;
use crate::pool::{Pool, Worker};
use crate::queue::{Item, Part, Queue};
use crate::seal::{Marker, Sealed, closing, seal};
use crate::session::Progress;
use crate::writer::{Dirty, Writer, Written};

/// Most bytes that are made before they are written.
const BATCH_BYTES: usize = 1024 * 1024;
/// How often what was written is made durable.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How often the log is told of gaps.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// The shortest time for which a recorder goes to sleep.
const NAP: Duration = Duration::from_millis(1);

/// What only the thread that works for the session touches.
struct Side {
    writer: Writer,
    sync_at: Option<Instant>,
    /// When a thread was last told to make durable what was written.
    sync_began: Option<Instant>,
    /// Bytes lost on channels and connections that still have to be told so (best effort).
    gaps: BTreeMap<Part, u64>,
    /// Those of them that the next write tells.
    telling: BTreeMap<Part, u64>,
    /// Bytes lost in all.
    lost: u64,
    /// When the log was told of that last.
    told_at: Option<Instant>,
    marker: Marker,
    sealed: Option<Sealed>,
}

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
        let (gaps, telling) = (BTreeMap::new(), BTreeMap::new());
        let side = Side {
            writer,
            sync_at: None,
            sync_began: None,
            gaps,
            telling,
            lost: 0,
            told_at: None,
            marker,
            sealed: None,
        };
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
            side: Mutex::new(side),
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
        queue.weight += item.weight();
        let now = Instant::now();
        queue.since.get_or_insert(now);
        queue.items.push_back((now, item));
        self.schedule(queue);
    }

    fn schedule(&self, queue: &mut Queue) {
        if let Some(this) = self.this.upgrade().filter(|_| !queue.scheduled) {
            queue.scheduled = true;
            self.pool.ready(this);
        }
    }

    /// Writes a batch.
    fn write(&self, side: &mut Side, batch: Vec<Item>) {
        // What would be lost if the next write failed, and whose it is.
        let mut at_stake = BTreeMap::<Part, u64>::new();
        // Closing is answered when it is written, not before.
        let mut answers = Vec::new();
        let told = std::mem::take(&mut side.gaps);
        for (part, bytes) in &told {
            side.writer.lost(*part, (self.clock)(), *bytes);
        }
        side.telling = told;
        for item in batch {
            match item {
                Item::Open(at, what) => side.writer.open(at, what),
                Item::Event {
                    part,
                    at,
                    event,
                    answer,
                } => {
                    let verdict = side.writer.event(part, at, &event);
                    *at_stake.entry(part).or_default() += event.weight() as u64;
                    if let Some(answer) = answer {
                        drop(answer.send(verdict));
                    }
                }
                Item::Close { part, at, answer } => {
                    side.writer.close(part, at);
                    answers.extend(answer);
                }
                Item::Finish { at, answer } => {
                    side.writer.close_all(at);
                    answers.push(answer);
                }
            }
            if side.writer.waiting() >= BATCH_BYTES {
                self.flush(side, std::mem::take(&mut at_stake));
            }
        }
        side.writer.tick((self.clock)());
        self.flush(side, at_stake);
        for answer in answers {
            let _ = answer.send(());
        }
    }

    fn flush(&self, side: &mut Side, at_stake: BTreeMap<Part, u64>) {
        let telling = std::mem::take(&mut side.telling);
        match side.writer.flush() {
            Ok(0) => {}
            Ok(count) => {
                self.pool.meters.written.increment(count);
                self.progress.send_modify(|progress| progress.written += count);
            }
            Err(cause) => {
                cause.count();
                let lost = at_stake.values().sum::<u64>();
                self.pool.meters.lost.increment(lost);
                side.lost += lost;
                for (part, bytes) in at_stake
                    .into_iter()
                    .chain(telling)
                    .filter(|(_, bytes)| *bytes > 0)
                {
                    *side.gaps.entry(part).or_default() += bytes;
                }
                let lost = side.lost;
                self.progress.send_modify(|progress| progress.lost = lost);
                if self.manifest.head.recording.mode == RecordMode::BestEffort {
                    // A full disk fails each batch; one line in a while says enough.
                    let now = Instant::now();
                    if side
                        .told_at
                        .is_some_and(|told| now.duration_since(told) < TELL_EVERY)
                    {
                        return;
                    }
                    side.told_at = Some(now);
                    tracing::warn!(session = %self.manifest.head.session, %cause, lost, "a gap in a recording");
                } else {
                    self.fail(cause, lost);
                }
            }
        }
    }

    /// Writing failed: in strict mode nothing more is taken, and what waits is dropped and counted.
    fn fail(&self, cause: ArchiveError, lost: u64) {
        let mut queue = self.queue.lock();
        if queue.failure.is_some() {
            return;
        }
        let waiting: u64 = queue.items.iter().map(|(_, item)| item.bytes()).sum();
        self.pool.meters.lost.increment(waiting);
        let failure = RecordingFailed {
            cause,
            relayed_not_written: lost + waiting,
        };
        tracing::error!(session = %self.manifest.head.session, %failure, "recording failed");
        queue.failure = Some(failure.clone());
        // An order to finish must still be heard.
        let items = std::mem::take(&mut queue.items);
        let (kept, dropped): (Vec<_>, Vec<_>) = items
            .into_iter()
            .partition(|(_, item)| matches!(item, Item::Finish { .. }));
        queue.weight -= dropped.iter().map(|(_, item)| item.weight()).sum::<usize>();
        queue.items = kept.into();
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

    /// Has what was written made durable, if it is time and the last time is over.
    fn sync(&self, side: &mut Side) {
        let now = Instant::now();
        if !side.writer.is_dirty() {
            side.sync_at = None;
        } else if *side.sync_at.get_or_insert(now + SYNC_EVERY) <= now {
            side.sync_at = Some(now + SYNC_EVERY);
            if self.syncing.swap(true, Ordering::AcqRel) {
                let waited = side.sync_began.map(|began| now.duration_since(began));
                if waited.is_some_and(|waited| waited > self.patience) {
                    let cause = ArchiveError::stalled("make durable", &self.directory, self.patience);
                    self.sync_failed(cause);
                }
            } else if let Some(this) = self.this.upgrade() {
                side.sync_began = Some(now);
                let dirty = side.writer.take_dirty();
                self.pool.chore(Box::new(move || this.make_durable(&dirty)));
            }
        }
    }

    fn make_durable(&self, dirty: &Dirty) {
        let began = Instant::now();
        let sync = |(path, file): &(PathBuf, Arc<dyn DiskFile>)| {
            file.sync()
                .map_err(|error| ArchiveError::io("sync", path, &error))
        };
        let asked = failing!("archive.sync", self.directory.display());
        let mut synced = asked.map_err(|error| ArchiveError::io("sync", &self.directory, &error));
        synced = synced.and_then(|()| dirty.files.iter().try_for_each(sync));
        if synced.is_ok() && dirty.names {
            let named = self.disk.sync_dir(&self.directory);
            synced = named.map_err(|error| ArchiveError::io("sync", &self.directory, &error));
        }
        point!("archive.synced", self.directory.display());
        self.pool.meters.sync.record(began.elapsed());
        self.syncing.store(false, Ordering::Release);
        if let Err(cause) = synced {
            self.sync_failed(cause);
        }
    }

    fn sync_failed(&self, cause: ArchiveError) {
        cause.count();
        if self.manifest.head.recording.mode == RecordMode::BestEffort {
            tracing::warn!(session = %self.manifest.head.session, %cause, "a recording is not durable");
        } else {
            self.fail(cause, 0);
        }
    }

    fn set_alarm(&self, side: &Side) {
        let now = Instant::now();
        let due = side
            .writer
            .next_deadline()
            .map(|due| now + due.since((self.clock)()).max(NAP));
        if let Some(at) = [due, side.sync_at].into_iter().flatten().min() {
            let mut queue = self.queue.lock();
            if queue.alarm.is_none_or(|alarm| at < alarm) {
                queue.alarm = Some(at);
                drop(queue);
                self.pool.alarm(at, self.this.clone());
            }
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

impl Worker for Core {
    fn work(self: Arc<Self>) {
        let mut side = self.side.lock();
        let (batch, failed) = {
            let mut queue = self.queue.lock();
            if let Some(since) = queue.since {
                self.pool.meters.wait.record(since.elapsed());
            }
            let batch = std::mem::take(&mut queue.items);
            queue.writing = batch.iter().map(|(_, item)| item.bytes()).sum();
            (batch, queue.failure.is_some())
        };
        let weight: usize = batch.iter().map(|(_, item)| item.weight()).sum();
        let batch: Vec<Item> = batch.into_iter().map(|(_, item)| item).collect();
        let worked = catch_unwind(AssertUnwindSafe(|| {
            if failed {
                // Nothing is written any more; only an order to finish is answered.
                for item in batch {
                    if let Item::Finish { answer, .. } = item {
                        let _ = answer.send(());
                    }
                }
            } else {
                self.write(&mut side, batch);
                self.sync(&mut side);
                self.set_alarm(&side);
            }
        }));
        if worked.is_err() {
            // One session's fault stays its own.
            let (action, path) = ("record in", self.directory.clone());
            let reason = "the recorder failed internally; see the log".to_owned();
            self.fail(ArchiveError::Io { action, path, reason }, side.lost);
        }
        let mut queue = self.queue.lock();
        // What was let past came after all that was written now: the next write tells of it.
        for (part, bytes) in std::mem::take(&mut queue.skipped) {
            *side.gaps.entry(part).or_default() += bytes;
            side.lost += bytes;
        }
        let lost = side.lost;
        drop(side);
        self.progress.send_if_modified(|progress| {
            let more = lost > progress.lost;
            progress.lost = progress.lost.max(lost);
            more
        });
        (queue.stalled, queue.writing) = (false, 0);
        queue.weight -= weight;
        queue.since = queue.items.front().map(|(since, _)| *since);
        queue.scheduled = false;
        if !queue.items.is_empty() {
            self.schedule(&mut queue);
        }
        drop(queue);
        self.changed.notify_waiters();
    }

    fn wake(self: Arc<Self>) {
        let mut queue = self.queue.lock();
        queue.alarm = None;
        self.schedule(&mut queue);
    }
}
