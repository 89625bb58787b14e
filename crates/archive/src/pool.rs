//! A few threads that write for all sessions, and wake sessions when something is due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Instant;

use gatehouse_telemetry::{
    Counter, Histogram, RECORDER_LOST_BYTES, RECORDER_SYNC_SECONDS, RECORDER_WAIT_SECONDS,
    RECORDER_WRITTEN_BYTES,
};
use parking_lot::{Condvar, Mutex};

/// Something that has work now and then. At most one thread works for it at a time, if it asks so.
pub(crate) trait Worker: Send + Sync {
    /// Does what there is to do.
    fn work(self: Arc<Self>);
    /// A time that was asked for has come.
    fn wake(self: Arc<Self>);
}

/// A job apart from the writing, such as `fdatasync`.
pub(crate) type Chore = Box<dyn FnOnce() + Send>;

struct Alarm {
    at: Instant,
    of: Weak<dyn Worker>,
}

impl PartialEq for Alarm {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Alarm {}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

#[derive(Default)]
struct Work {
    ready: VecDeque<Arc<dyn Worker>>,
    alarms: BinaryHeap<Reverse<Alarm>>,
    chores: VecDeque<Chore>,
    closing: bool,
}

#[derive(Default)]
struct Shared {
    work: Mutex<Work>,
    /// For the threads that write and watch the clock.
    work_waits: Condvar,
    /// For the threads that do chores.
    chore_waits: Condvar,
}

/// What is measured of all recorders, taken once.
pub(crate) struct Meters {
    pub(crate) wait: Histogram,
    pub(crate) sync: Histogram,
    pub(crate) written: Counter,
    pub(crate) lost: Counter,
}

/// The threads. They end when the last handle is dropped and nothing is ready any more.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    pub(crate) meters: Meters,
}

impl Pool {
    /// Starts so many writing threads, at least one, and half as many for chores.
    pub(crate) fn start(writers: usize) -> std::io::Result<Self> {
        let pool = Self {
            shared: Arc::default(),
            meters: Meters {
                wait: RECORDER_WAIT_SECONDS.histogram(&[]),
                sync: RECORDER_SYNC_SECONDS.histogram(&[]),
                written: RECORDER_WRITTEN_BYTES.counter(&[]),
                lost: RECORDER_LOST_BYTES.counter(&[]),
            },
        };
        for number in 0..writers.max(1) {
            let shared = pool.shared.clone();
            std::thread::Builder::new()
                .name(format!("recording-{number}"))
                .spawn(move || shared.write())?;
        }
        for number in 0..writers.div_ceil(2).max(1) {
            let shared = pool.shared.clone();
            std::thread::Builder::new()
                .name(format!("recording-sync-{number}"))
                .spawn(move || shared.do_chores())?;
        }
        Ok(pool)
    }

    /// Has a thread work for this, after those that are ready already.
    pub(crate) fn ready(&self, worker: Arc<dyn Worker>) {
        self.shared.work.lock().ready.push_back(worker);
        self.shared.work_waits.notify_one();
    }

    /// Wakes it at this time, unless it is gone by then.
    pub(crate) fn alarm(&self, at: Instant, of: Weak<dyn Worker>) {
        let mut work = self.shared.work.lock();
        let first = work.alarms.peek().is_none_or(|Reverse(alarm)| at < alarm.at);
        work.alarms.push(Reverse(Alarm { at, of }));
        drop(work);
        if first {
            self.shared.work_waits.notify_one();
        }
    }

    /// Does this apart from the writing.
    pub(crate) fn chore(&self, chore: Chore) {
        self.shared.work.lock().chores.push_back(chore);
        self.shared.chore_waits.notify_one();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.work.lock().closing = true;
        self.shared.work_waits.notify_all();
        self.shared.chore_waits.notify_all();
    }
}

impl Shared {
    fn write(&self) {
        let mut work = self.work.lock();
        loop {
            let now = Instant::now();
            let due = work.alarms.peek().is_some_and(|Reverse(alarm)| alarm.at <= now);
            if let Some(Reverse(alarm)) = due.then(|| work.alarms.pop()).flatten() {
                drop(work);
                if let Some(worker) = alarm.of.upgrade() {
                    worker.wake();
                }
                work = self.work.lock();
            } else if let Some(worker) = work.ready.pop_front() {
                drop(work);
                worker.work();
                work = self.work.lock();
            } else if work.closing {
                return;
            } else if let Some(at) = work.alarms.peek().map(|Reverse(alarm)| alarm.at) {
                self.work_waits.wait_until(&mut work, at);
            } else {
                self.work_waits.wait(&mut work);
            }
        }
    }

    fn do_chores(&self) {
        let mut work = self.work.lock();
        loop {
            if let Some(chore) = work.chores.pop_front() {
                drop(work);
                chore();
                work = self.work.lock();
            } else if work.closing {
                return;
            } else {
                self.chore_waits.wait(&mut work);
            }
        }
    }
}
