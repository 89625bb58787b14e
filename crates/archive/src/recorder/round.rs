//! A round of a session's recorder: what a writing thread does when it is its turn.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use gatehouse_faults::{failing, point};
use gatehouse_model::RecordMode;
use parking_lot::MutexGuard;

use super::Core;
use crate::disk::DiskFile;
use crate::error::ArchiveError;
use crate::pool::{Haste, Worker};
use crate::queue::{Item, Part, Turn};
use crate::seal::{Marker, Sealed};
use crate::writer::{Dirty, Writer};

/// Most bytes that are made before they are written.
const BATCH_BYTES: usize = 1024 * 1024;
/// How often what was written is made durable.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How often the log is told of gaps.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// The shortest time for which a recorder goes to sleep.
const NAP: Duration = Duration::from_millis(1);
/// From so much on, what left nothing to be written is reported as done before the rest of its batch.
const RELEASE_BYTES: usize = 64 * 1024;

/// What only the thread that works for the session touches.
pub(super) struct Side {
    pub(super) writer: Writer,
    sync_at: Option<Instant>,
    /// When a thread was last told to make durable what was written.
    sync_began: Option<Instant>,
    /// Bytes lost on channels and connections that still have to be told so (best effort).
    gaps: BTreeMap<Part, u64>,
    /// Those of them that the next write tells.
    telling: BTreeMap<Part, u64>,
    /// Bytes lost in all.
    pub(super) lost: u64,
    /// When the log was told of that last.
    told_at: Option<Instant>,
    pub(super) marker: Marker,
    pub(super) sealed: Option<Sealed>,
}

impl Side {
    pub(super) fn new(writer: Writer, marker: Marker) -> Self {
        Self {
            writer,
            sync_at: None,
            sync_began: None,
            gaps: BTreeMap::new(),
            telling: BTreeMap::new(),
            lost: 0,
            told_at: None,
            marker,
            sealed: None,
        }
    }
}

impl Core {
    /// Writes a batch.
    fn write(&self, side: &mut Side, batch: Vec<Item>, unwritten: &mut usize) {
        // What would be lost if the next write failed, and whose it is.
        let mut at_stake = BTreeMap::<Part, u64>::new();
        // Closing is answered when it is written, not before.
        let mut answers = Vec::new();
        let told = std::mem::take(&mut side.gaps);
        for (part, bytes) in &told {
            side.writer.lost(*part, (self.clock)(), *bytes);
        }
        side.telling = told;
        let mut digested = 0;
        for item in batch {
            let weight = item.weight();
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
            // What leaves nothing to be written need not hold anybody up until the rest is.
            digested = if side.writer.waiting() == 0 {
                digested + weight
            } else {
                0
            };
            if digested >= RELEASE_BYTES {
                *unwritten -= digested;
                self.queue.lock().written(std::mem::take(&mut digested));
                self.changed.notify_waiters();
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

    /// Looks at what came meanwhile, and lets those go on who waited for room.
    fn through(&self, mut side: MutexGuard<'_, Side>, unwritten: usize) -> Option<Haste> {
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
        queue.written(unwritten);
        let more = queue.through();
        drop(queue);
        self.changed.notify_waiters();
        more
    }
}

impl Worker for Core {
    fn work(self: Arc<Self>) -> Option<Haste> {
        {
            // Another thread may be at it already.
            let mut queue = self.queue.lock();
            if !matches!(queue.turn, Turn::Scheduled(_)) {
                return None;
            }
            queue.turn = Turn::Working;
        }
        let mut side = self.side.lock();
        let (batch, failed) = {
            let mut queue = self.queue.lock();
            if let Some(since) = queue.since {
                self.pool.meters.wait.record(since.elapsed());
            }
            (queue.take(), queue.failure.is_some())
        };
        let mut unwritten: usize = batch.iter().map(Item::weight).sum();
        let worked = catch_unwind(AssertUnwindSafe(|| {
            if failed {
                // Nothing is written any more; only an order to finish is answered.
                for item in batch {
                    if let Item::Finish { answer, .. } = item {
                        let _ = answer.send(());
                    }
                }
            } else {
                self.write(&mut side, batch, &mut unwritten);
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
        self.through(side, unwritten)
    }

    fn wake(&self) -> Option<Haste> {
        let mut queue = self.queue.lock();
        queue.alarm = None;
        queue.hurry(Haste::Now)
    }
}
