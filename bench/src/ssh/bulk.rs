//! How fast one stream goes: up, down, and both ways at once through `cat`; and the CPU time of gate and proxies for it.

use std::io::{self, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::effort::{Effort, Length};
use crate::quantile::quantile_of;

use super::absent::Absent;
use super::place::{Place, Terms};
use super::remote::{Ends, Remote};
use super::report::{Report, rate_words};
use super::route::{ByRoute, Route};
use crate::process;

/// Bytes of one transfer.
const BYTES: Effort<u64> = Effort {
    full: 500_000_000,
    quick: 50_000_000,
};
/// Transfers of each kind, of which the median counts.
const ROUNDS: Effort<usize> = Effort { full: 3, quick: 1 };
/// What a program writes and reads at once.
const CHUNK: usize = 64 * 1024;

/// Where the bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    Up,
    Down,
    Both,
}

impl Direction {
    pub(super) const ALL: [Self; 3] = [Self::Up, Self::Down, Self::Both];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Both => "each way, `cat` echo",
        }
    }
}

/// Measures these directions on each of these terms.
pub(super) fn measure(
    place: &Place,
    length: Length,
    directions: &[Direction],
    terms: &[Terms],
    report: &mut Report,
) -> io::Result<()> {
    let mut routes: Vec<_> = place.routes().collect();
    for direction in directions {
        for terms in terms {
            let absent = &mut report.absent;
            let (rates, cpu) = one(place, length, *direction, *terms, &mut routes, absent)?;
            report.bulk(*direction, *terms, rates, cpu);
        }
    }
    Ok(())
}

/// Megabytes a second, and CPU seconds of the proxy's process for a gigabyte. A peer that stands still once has
/// no figure, and is struck off the routes, so that it is not waited for again.
fn one(
    place: &Place,
    length: Length,
    direction: Direction,
    terms: Terms,
    routes: &mut Vec<Route>,
    absent: &mut Absent,
) -> io::Result<(ByRoute<f64>, ByRoute<f64>)> {
    let bytes = BYTES.at(length);
    let what = format!("{} and what follows in its column", rate_words(direction, terms));
    let mut times = ByRoute::<Vec<Duration>>::default();
    let mut used = ByRoute::<Duration>::default();
    for _ in 0..ROUNDS.at(length) {
        for route in routes.clone() {
            let pid = place.proxy_pid(route);
            let before = pid.map(process::cpu_time).transpose()?;
            let time = transfer(place, terms, route, direction, bytes_by(route, bytes));
            let Some(time) = absent.allow(route, &what, time)? else {
                routes.retain(|other| *other != route);
                continue;
            };
            times.of(route).push(time);
            if let (Some(pid), Some(before)) = (pid, before) {
                *used.of(route) += process::cpu_time(pid)?.saturating_sub(before);
            }
        }
    }
    let (mut rates, mut cpu) = (ByRoute::default(), ByRoute::default());
    for route in routes.iter().copied() {
        let megabytes = megabytes(bytes_by(route, bytes));
        *rates.of(route) = megabytes / quantile_of(times.get(route), 0.5).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
        let gigabytes = megabytes * ROUNDS.at(length) as f64 / 1e3;
        *cpu.of(route) = used.get(route).as_secs_f64() / gigabytes;
    }
    Ok((rates, cpu))
}

/// Paramiko takes its time.
fn bytes_by(route: Route, bytes: u64) -> u64 {
    match route {
        Route::Paramiko => bytes / 8,
        _ => bytes,
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// From the first byte's start to the last byte's arrival; setting up is measured elsewhere.
fn transfer(
    place: &Place,
    terms: Terms,
    route: Route,
    direction: Direction,
    bytes: u64,
) -> io::Result<Duration> {
    let command = match direction {
        Direction::Up => "cat >/dev/null; echo done".to_owned(),
        Direction::Down => format!("read go; head -c {bytes} /dev/zero"),
        Direction::Both => "cat".to_owned(),
    };
    let mut remote = Remote::start(place, terms, route, Ends::Pipes, &command)?;
    let start = Instant::now();
    let (came, expected) = match direction {
        Direction::Up => {
            write_zeros(&mut remote, bytes)?;
            (read_all(&mut remote)?, 5)
        }
        Direction::Down => {
            remote.send(b"go\n")?;
            (read_all(&mut remote)?, bytes)
        }
        Direction::Both => (exchange(&mut remote, bytes)?, bytes),
    };
    let time = start.elapsed();
    if came == expected {
        Ok(time)
    } else {
        Err(io::Error::other(format!(
            "{came} of {expected} bytes came back by {route:?}"
        )))
    }
}

/// Writes and then closes.
fn write_zeros(remote: &mut Remote, bytes: u64) -> io::Result<()> {
    let Some(mut stdin) = remote.stdin.take() else {
        return Err(io::Error::other("the input is closed already"));
    };
    copy(&mut io::repeat(0).take(bytes), &mut stdin).map(drop)
}

fn read_all(remote: &mut Remote) -> io::Result<u64> {
    copy(&mut remote.stdout, &mut io::sink())
}

fn exchange(remote: &mut Remote, bytes: u64) -> io::Result<u64> {
    let Some(mut stdin) = remote.stdin.take() else {
        return Err(io::Error::other("the input is closed already"));
    };
    let stdout = &mut remote.stdout;
    thread::scope(|scope| {
        let writer = scope.spawn(move || copy(&mut io::repeat(0).take(bytes), &mut stdin));
        let came = copy(stdout, &mut io::sink());
        let sent = writer
            .join()
            .map_err(|_| io::Error::other("the writer panicked"))?;
        sent.and(came)
    })
}

/// Plain reads and writes, as `cat` does them.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let mut all = 0;
    loop {
        let read = from.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(all);
        };
        to.write_all(bytes)?;
        all += read as u64;
    }
}
