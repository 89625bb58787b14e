//! Busy shells whose output is read, counted, and compared with what their server printed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use russh::ChannelMsg;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::synthetic::backend::{Backend, CHATTER, CHATTER_RATE};
use crate::synthetic::people::{Held, Person};

/// Logins under way at once.
const AT_A_TIME: usize = 16;
/// Shares of the nominal rate between which the shells have to print together, and what each of them has to print.
const TOGETHER: f64 = 0.95;
const MOST: f64 = 1.1;
const EACH: f64 = 0.8;
/// How long bytes that were printed may be on their way.
const ON_THE_WAY: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);

/// All shells of a server.
#[derive(Default)]
pub(super) struct Shells {
    running: Vec<Running>,
}

struct Running {
    arrived: Arc<AtomicU64>,
    /// Ends when the shell does.
    reader: JoinHandle<()>,
}

/// How far the shells were at some moment.
pub(super) struct Counted {
    at: Instant,
    printed: u64,
    arrived: Vec<u64>,
    ended: usize,
}

/// What the shells did between two moments; rates are bytes a second of one shell.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) lasted: Duration,
    shells: usize,
    ended: usize,
    printed: f64,
    arrived: f64,
    slowest: f64,
}

/// Bytes of all shells from their start until they fell silent.
#[derive(Debug)]
pub(super) struct Total {
    printed: u64,
    arrived: u64,
}

impl Shells {
    /// Opens so many more, and waits until what the first printed while the last were opened has arrived: it would count
    /// as part of what they print from now on.
    pub(super) fn open(
        &mut self,
        runtime: &Runtime,
        (person, backend): (&Arc<Person>, &mut Backend),
        count: usize,
    ) -> io::Result<()> {
        for held in runtime.block_on(person.hold_many(count, AT_A_TIME, "chatter"))? {
            let arrived = Arc::new(AtomicU64::new(held.shown));
            let reader = runtime.spawn(read(held, Arc::clone(&arrived)));
            self.running.push(Running { arrived, reader });
        }
        let on_the_way = CHATTER * self.running.len() as u64;
        self.arriving(backend, on_the_way).map(drop)
    }

    /// Counts.
    pub(super) fn counted(&self, backend: &mut Backend) -> io::Result<Counted> {
        let printed = backend.printed()?;
        let arrived = self.running.iter();
        Ok(Counted {
            at: Instant::now(),
            printed,
            arrived: arrived.map(|one| one.arrived.load(Ordering::Relaxed)).collect(),
            ended: self.running.iter().filter(|one| one.reader.is_finished()).count(),
        })
    }

    /// Has them fall silent, and waits until everything has arrived, or too long.
    pub(super) fn hushed(&self, backend: &mut Backend) -> io::Result<Total> {
        backend.hush()?;
        self.arriving(backend, 0)
    }

    /// Waits until no more bytes than these are on their way, or too long.
    fn arriving(&self, backend: &mut Backend, on_the_way: u64) -> io::Result<Total> {
        let start = Instant::now();
        loop {
            sleep(STEP);
            let counted = self.counted(backend)?;
            let total = Total {
                printed: counted.printed,
                arrived: counted.arrived.iter().sum(),
            };
            if total.printed.abs_diff(total.arrived) <= on_the_way || start.elapsed() > ON_THE_WAY {
                return Ok(total);
            }
        }
    }
}

async fn read(mut held: Held, arrived: Arc<AtomicU64>) {
    while let Some(message) = held.channel.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                arrived.fetch_add(data.len() as u64, Ordering::Relaxed);
            }
            ChannelMsg::Eof | ChannelMsg::Close => return,
            _ => {}
        }
    }
}

impl Counted {
    /// From an earlier moment with the same shells to this one.
    pub(super) fn since(&self, earlier: &Self) -> Span {
        let lasted = self.at.duration_since(earlier.at);
        let (seconds, shells) = (lasted.as_secs_f64(), self.arrived.len());
        let each = |bytes: u64| bytes as f64 / seconds / shells as f64;
        let came = self.arrived.iter().zip(&earlier.arrived);
        let came: Vec<u64> = came.map(|(now, then)| now - then).collect();
        Span {
            lasted,
            shells,
            ended: self.ended,
            printed: each(self.printed - earlier.printed),
            arrived: each(came.iter().sum()),
            slowest: came.iter().min().map_or(0.0, |bytes| *bytes as f64 / seconds),
        }
    }
}

impl Span {
    /// Why what was measured meanwhile was not measured beside such shells.
    pub(super) fn faults(&self) -> Vec<String> {
        let [printed, arrived, slowest] = [self.printed, self.arrived, self.slowest].map(|rate| rate / 1e3);
        let mut faults = Vec::new();
        if self.ended > 0 {
            faults.push(format!(
                "{} of {} shells ended by themselves",
                self.ended, self.shells
            ));
        }
        if self.arrived < TOGETHER * CHATTER_RATE {
            faults.push(format!(
                "each shell printed {printed:.1} kB/s, of which {arrived:.1} arrived"
            ));
        } else if self.arrived > MOST * CHATTER_RATE {
            faults.push(format!(
                "of each shell {arrived:.1} kB/s arrived: what had waited before came as well"
            ));
        } else if self.slowest < EACH * CHATTER_RATE {
            faults.push(format!("of one shell only {slowest:.1} kB/s arrived"));
        }
        faults
    }

    /// The rates.
    pub(super) fn words(&self) -> String {
        let [printed, arrived, slowest] = [self.printed, self.arrived, self.slowest].map(|rate| rate / 1e3);
        format!("{printed:.1} kB/s printed by each, {arrived:.1} arrived, {slowest:.1} of the slowest")
    }
}

impl Total {
    /// What is wrong if not everything that was printed arrived, and nothing else.
    pub(super) fn faults(&self) -> Vec<String> {
        let Self { printed, arrived } = self;
        let fault = match arrived.cmp(printed) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => Some(format!(
                "{} of {printed} bytes that were printed are lost",
                printed - arrived
            )),
            std::cmp::Ordering::Greater => Some(format!(
                "{} bytes arrived beside the {printed} that were printed",
                arrived - printed
            )),
        };
        fault.into_iter().collect()
    }

    /// The sums.
    pub(super) fn words(&self) -> String {
        format!("{} bytes printed in all, {} arrived", self.printed, self.arrived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(printed: [u64; 2], arrived: [[u64; 2]; 2], ended: usize) -> Span {
        let start = Instant::now();
        let [then, now] = [0, 1].map(|at| Counted {
            at: start + Duration::from_secs(10) * u32::try_from(at).unwrap(),
            printed: printed[at],
            arrived: arrived.map(|one| one[at]).into(),
            ended,
        });
        now.since(&then)
    }

    #[test]
    fn shells_that_print_as_they_should_have_no_fault() {
        let span = span([5_000, 405_000], [[2_000, 200_000], [3_000, 205_000]], 0);
        assert_eq!(span.faults(), [""; 0]);
        assert_eq!(
            span.words(),
            "20.0 kB/s printed by each, 20.0 arrived, 19.8 of the slowest"
        );
    }

    #[test]
    fn slow_and_ended_shells_are_told() {
        let slow = span([0, 300_000], [[0, 150_000], [0, 150_000]], 0);
        assert_eq!(
            slow.faults(),
            ["each shell printed 15.0 kB/s, of which 15.0 arrived"]
        );
        let one = span([0, 400_000], [[0, 240_000], [0, 150_000]], 1);
        assert_eq!(
            one.faults(),
            [
                "1 of 2 shells ended by themselves",
                "of one shell only 15.0 kB/s arrived"
            ]
        );
    }

    #[test]
    fn what_had_waited_before_is_not_what_they_print() {
        let span = span([0, 400_000], [[0, 390_000], [0, 364_000]], 0);
        assert_eq!(
            span.faults(),
            ["of each shell 37.7 kB/s arrived: what had waited before came as well"]
        );
    }

    #[test]
    fn bytes_are_neither_lost_nor_added() {
        let of = |printed, arrived| Total { printed, arrived }.faults();
        assert_eq!(of(7, 7), [""; 0]);
        assert_eq!(of(9, 7), ["2 of 9 bytes that were printed are lost"]);
        assert_eq!(of(7, 9), ["2 bytes arrived beside the 7 that were printed"]);
    }
}
