//! The threads that write.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use crate::pool::{Haste, Pool, Worker};

/// Says when it worked, and what its alarm does.
struct Told {
    worked: Sender<&'static str>,
    name: &'static str,
    more: AtomicUsize,
}

impl Told {
    fn new(name: &'static str, worked: &Sender<&'static str>) -> Arc<Self> {
        let (worked, more) = (worked.clone(), AtomicUsize::new(0));
        Arc::new(Self { worked, name, more })
    }
}

impl Worker for Told {
    fn work(self: Arc<Self>) -> Option<Haste> {
        let _ = self.worked.send(self.name);
        let less = |more: usize| more.checked_sub(1);
        let more = self.more.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        more.ok().map(|_| Haste::Soon)
    }

    fn wake(&self) -> Option<Haste> {
        Some(Haste::Now)
    }
}

/// A disk that does not answer until it is told to.
struct Stuck(Barrier);

impl Worker for Stuck {
    fn work(self: Arc<Self>) -> Option<Haste> {
        self.0.wait();
        None
    }

    fn wake(&self) -> Option<Haste> {
        None
    }
}

fn expect(told: &Receiver<&'static str>, name: &str) {
    assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(name));
}

#[test]
fn work_in_a_hurry_does_not_wait_for_work_that_is_not() {
    let pool = Pool::start(1).unwrap();
    let (worked, told) = channel();
    pool.schedule(Haste::Soon, Told::new("soon", &worked));
    pool.schedule(Haste::Now, Told::new("now", &worked));
    expect(&told, "now");
    expect(&told, "soon");
}

#[test]
fn work_in_no_hurry_is_done_again_and_again_as_long_as_there_is_more() {
    for threads in [1, 4] {
        let pool = Pool::start(threads).unwrap();
        let (worked, told) = channel();
        let (first, second) = (Told::new("first", &worked), Told::new("second", &worked));
        first.more.store(200, Ordering::Relaxed);
        second.more.store(200, Ordering::Relaxed);
        pool.schedule(Haste::Soon, first);
        pool.schedule(Haste::Soon, second);
        let mut counts = (0, 0);
        while counts != (201, 201) {
            match told.recv_timeout(Duration::from_secs(20)) {
                Ok("first") => counts.0 += 1,
                _ => counts.1 += 1,
            }
            assert!(counts.0 <= 201 && counts.1 <= 201, "{counts:?}");
        }
    }
}

#[test]
fn a_disk_that_keeps_one_thread_keeps_neither_alarms_nor_others_work() {
    for stuck_ones in 1..4 {
        let pool = Pool::start(4).unwrap();
        let (worked, told) = channel();
        let sleeper = Told::new("alarm", &worked);
        let asleep: Arc<dyn Worker> = sleeper.clone();
        // Set while a thread watches the clock and while none does.
        pool.alarm(
            Instant::now() + Duration::from_millis(40),
            Arc::downgrade(&asleep),
        );
        let stuck: Vec<_> = (0..stuck_ones)
            .map(|_| Arc::new(Stuck(Barrier::new(2))))
            .collect();
        for one in &stuck {
            pool.schedule(Haste::Soon, one.clone());
        }
        pool.schedule(Haste::Soon, Told::new("work", &worked));
        expect(&told, "work");
        expect(&told, "alarm");
        pool.schedule(Haste::Now, Told::new("later", &worked));
        expect(&told, "later");
        for one in stuck {
            one.0.wait();
        }
    }
}

#[test]
fn what_is_scheduled_is_done_before_the_threads_end() {
    for _ in 0..50 {
        let (worked, told) = channel();
        let pool = Pool::start(2).unwrap();
        for haste in [Haste::Soon, Haste::Now, Haste::Soon] {
            pool.schedule(haste, Told::new("done", &worked));
        }
        drop((pool, worked));
        assert_eq!(told.iter().count(), 3);
    }
}
