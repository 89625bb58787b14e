//! A few threads that write for all sessions, and wake sessions when something is due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use gatehouse_telemetry::{
    Counter, Histogram, RECORDER_LOST_BYTES, RECORDER_SYNC_SECONDS, RECORDER_WAIT_SECONDS,
    RECORDER_WRITTEN_BYTES,
};
use parking_lot::{Condvar, Mutex};

/// How long work that is in no hurry waits for more of its kind, so that one waking of a thread does for much of it.
pub(crate) const LINGER: Duration = Duration::from_millis(4);

/// When what a worker has to do is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Haste {
    /// As soon as a thread is free.
    Now,
    /// Within [`LINGER`].
    Soon,
}

/// Something that has work now and then. It sees to it itself that only one thread works for it at a time.
pub(crate) trait Worker: Send + Sync {
    /// Does what there is to do, and says whether and when there is more.
    fn work(self: Arc<Self>) -> Option<Haste>;
    /// A time that was asked for has come. Says whether there is work now.
    fn wake(&self) -> Option<Haste>;
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

#[derive(Clone, Copy)]
struct Watch {
    thread: usize,
    until: Instant,
}

#[derive(Default)]
struct Work {
    ready: VecDeque<Arc<dyn Worker>>,
    /// Those in no hurry, which are ready at [`Self::soon_at`].
    soon: Vec<Arc<dyn Worker>>,
    soon_at: Option<Instant>,
    alarms: BinaryHeap<Reverse<Alarm>>,
    /// The one thread that watches the clock, if one does, and until when it waits.
    watch: Option<Watch>,
    /// Writing threads that wait for work without watching the clock.
    idle: usize,
    chores: VecDeque<Chore>,
    closing: bool,
}

#[derive(Default)]
struct Shared {
    work: Mutex<Work>,
    /// For the thread that watches the clock.
    clock: Condvar,
    /// For the other threads that write.
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
                .spawn(move || shared.write(number))?;
        }
        for number in 0..writers.div_ceil(2).max(1) {
            let shared = pool.shared.clone();
            std::thread::Builder::new()
                .name(format!("recording-sync-{number}"))
                .spawn(move || shared.do_chores())?;
        }
        Ok(pool)
    }

    /// Has a thread work for this.
    pub(crate) fn schedule(&self, haste: Haste, worker: Arc<dyn Worker>) {
        let mut work = self.shared.work.lock();
        match haste {
            Haste::Now => {
                work.ready.push_back(worker);
                self.shared.call(&mut work);
            }
            Haste::Soon => {
                work.soon.push(worker);
                self.shared.be_watched(&mut work, Instant::now() + LINGER);
            }
        }
    }

    /// Wakes it at this time, unless it is gone by then. Asked for by those who work, so there is a thread that will
    /// look at the clock in a moment.
    pub(crate) fn alarm(&self, at: Instant, of: Weak<dyn Worker>) {
        let mut work = self.shared.work.lock();
        work.alarms.push(Reverse(Alarm { at, of }));
        self.shared.set_the_clock(&mut work, at);
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
        self.shared.clock.notify_all();
        self.shared.work_waits.notify_all();
        self.shared.chore_waits.notify_all();
    }
}

impl Work {
    /// When the next of them is due that are not ready.
    fn next_due(&self) -> Option<Instant> {
        let alarm = self.alarms.peek().map(|Reverse(alarm)| alarm.at);
        self.soon_at.into_iter().chain(alarm).min()
    }

    /// Until when a thread with nothing to do is to watch the clock, if nobody else does.
    fn to_watch(&self, rest: Option<Instant>) -> Option<Instant> {
        let until = self.next_due().into_iter().chain(rest).min();
        until.filter(|_| self.watch.is_none())
    }

    /// Takes a worker whose alarm is due.
    fn due(&mut self, now: Instant) -> Option<Weak<dyn Worker>> {
        let due = self.alarms.peek().is_some_and(|Reverse(alarm)| alarm.at <= now);
        due.then(|| self.alarms.pop())
            .flatten()
            .map(|Reverse(alarm)| alarm.of)
    }

    /// Those in no hurry have waited long enough, or the threads are to end.
    fn make_ready(&mut self, now: Instant) {
        if self.closing || self.soon_at.is_some_and(|at| at <= now) {
            self.soon_at = None;
            self.ready.extend(self.soon.drain(..));
        }
    }
}

/// Of the threads that write, at most one watches the clock; the others wait until they are called. Whoever works may
/// be kept by a disk, so whoever leaves the clock for work that is not the last has another take over.
impl Shared {
    /// Calls a thread that waits: one that does not watch the clock, if there is one.
    fn call(&self, work: &mut Work) {
        if work.idle > 0 {
            work.idle -= 1;
            self.work_waits.notify_one();
        } else if work.watch.take().is_some() {
            self.clock.notify_one();
        }
    }

    /// Those in no hurry are ready at this time, or when the clock is looked at anyway before it.
    fn be_watched(&self, work: &mut Work, at: Instant) {
        if work.soon_at.is_none() {
            work.soon_at = Some(work.watch.map_or(at, |watch| watch.until.min(at)));
            match work.watch {
                Some(_) => self.set_the_clock(work, at),
                None => self.call(work),
            }
        }
    }

    /// Whoever watches the clock does so for no longer than until then.
    fn set_the_clock(&self, work: &mut Work, at: Instant) {
        if work.watch.is_some_and(|watch| watch.until > at) {
            self.disturb(work);
        }
    }

    /// Has the thread that watches the clock look at what there is now.
    fn disturb(&self, work: &mut Work) {
        if work.watch.take().is_some() {
            self.clock.notify_one();
        }
    }

    /// Keeps what a worker still has to do, for a thread that is about to look for more itself.
    fn put_back(&self, work: &mut Work, haste: Haste, worker: Arc<dyn Worker>) {
        match haste {
            Haste::Now => work.ready.push_back(worker),
            Haste::Soon => {
                let at = *work.soon_at.get_or_insert(Instant::now() + LINGER);
                work.soon.push(worker);
                self.set_the_clock(work, at);
            }
        }
    }

    fn write(&self, thread: usize) {
        let mut work = self.work.lock();
        // After work there is often more: then nobody needs to be called for it.
        let mut warm = false;
        loop {
            let now = Instant::now();
            work.make_ready(now);
            if let Some(of) = work.due(now) {
                self.stand_in(&mut work);
                drop(work);
                let worker = of.upgrade();
                let haste = worker.as_ref().and_then(|worker| worker.wake());
                work = self.work.lock();
                if let (Some(haste), Some(worker)) = (haste, worker) {
                    self.put_back(&mut work, haste, worker);
                }
            } else if let Some(worker) = work.ready.pop_front() {
                self.stand_in(&mut work);
                drop(work);
                let haste = Arc::clone(&worker).work();
                warm = true;
                work = self.work.lock();
                if let Some(haste) = haste {
                    self.put_back(&mut work, haste, worker);
                }
            } else if work.closing {
                return;
            } else if let Some(until) = work.to_watch(warm.then(|| now + LINGER)) {
                warm = false;
                work.watch = Some(Watch { thread, until });
                self.clock.wait_until(&mut work, until);
                if work.watch.is_some_and(|watch| watch.thread == thread) {
                    work.watch = None;
                }
            } else {
                work.idle += 1;
                self.work_waits.wait(&mut work);
            }
        }
    }

    /// Has another thread see to what this one leaves while it works.
    fn stand_in(&self, work: &mut Work) {
        let left = !work.ready.is_empty() || work.next_due().is_some();
        if left && work.watch.is_none() && work.idle > 0 {
            work.idle -= 1;
            self.work_waits.notify_one();
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
