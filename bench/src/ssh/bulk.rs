//! How fast one stream goes: up, down, and both ways at once through `cat`; and the gate's CPU time for it.

use std::fmt;
use std::io::{self, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::effort::{Effort, Length};
use crate::quantile::quantile_of;

use super::place::{Place, Terms};
use super::remote::{Ends, Remote};
use super::route::{ByRoute, Route};
use super::table::Table;
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
enum Direction {
    Up,
    Down,
    Both,
}

impl Direction {
    fn words(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Both => "each way, `cat` echo",
        }
    }
}

/// What the gate's process used for a gigabyte.
#[derive(Default)]
pub(super) struct Cpu {
    rows: Vec<(String, f64)>,
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| CPU time of the gate | seconds per GB (for echo, per GB each way) |\n| --- | --- |"
        )?;
        for (what, seconds) in &self.rows {
            writeln!(f, "| {what} | {seconds:.2} |")?;
        }
        Ok(())
    }
}

pub(super) fn measure(place: &Place, length: Length, table: &mut Table) -> io::Result<Cpu> {
    let bytes = BYTES.at(length);
    let mut cpu = Cpu::default();
    // A peer that stands still once is not waited for again.
    let mut lost = Vec::new();
    for direction in [Direction::Up, Direction::Down, Direction::Both] {
        for terms in [Terms::Defaults, Terms::Aes128Gcm] {
            let mut times = ByRoute::<Vec<Duration>>::default();
            let mut used = Duration::ZERO;
            for _ in 0..ROUNDS.at(length) {
                for route in place.routes() {
                    if lost.contains(&route) {
                        continue;
                    }
                    let bytes = bytes_by(route, bytes);
                    let before = process::cpu_time(place.site.node().pid())?;
                    let time = transfer(place, terms, route, direction, bytes);
                    match route.allow(time)? {
                        Some(time) => times.of(route).push(time),
                        None => lost.push(route),
                    }
                    if route == Route::Gate {
                        used += process::cpu_time(place.site.node().pid())?.saturating_sub(before);
                    }
                }
            }
            let what = format!("{}, {}", direction.words(), terms.words());
            let mut rates = ByRoute::default();
            for route in place.routes() {
                let time = quantile_of(times.of(route), 0.5);
                *rates.of(route) = megabytes(bytes_by(route, bytes)) / time.as_secs_f64();
            }
            table.add(format!("MB/s {what}"), rates);
            #[expect(clippy::cast_precision_loss, reason = "a handful of rounds")]
            let gigabytes = megabytes(bytes) * ROUNDS.at(length) as f64 / 1e3;
            cpu.rows.push((what, used.as_secs_f64() / gigabytes));
        }
    }
    Ok(cpu)
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
