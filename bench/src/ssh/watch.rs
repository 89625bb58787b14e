//! What watchers cost a session: none, one and fifty of them at the node's socket, in turns.
//!
//! The watchers here read and throw away; what a watcher's own program does with what it sees is its own affair.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use gatehouse_e2e::LIMIT;

use crate::effort::{Effort, Length};
use crate::quantile::quantile_of;
use crate::{machine, process};

use super::place::{Place, Terms};
use super::remote::{Ends, Remote};
use super::route::Route;

/// How many watch.
const CROWDS: [usize; 3] = [0, 1, 50];
/// Rounds, each with every crowd.
const ROUNDS: Effort<usize> = Effort { full: 5, quick: 2 };
/// Keys in a round.
const KEYS: Effort<usize> = Effort {
    full: 500,
    quick: 100,
};
/// Bytes of text in a round.
const BYTES: Effort<u64> = Effort {
    full: 300_000_000,
    quick: 60_000_000,
};
/// How long a busy shell is looked at in a round.
const BUSY: Effort<Duration> = Effort {
    full: Duration::from_secs(5),
    quick: Duration::from_secs(4),
};
const PAUSE: Duration = Duration::from_millis(2);
/// About 20 kB a second.
const CHATTER: &str = "while head -c 1500 /dev/zero | tr '\\0' x | fold -w 75; do sleep 0.07; done";

/// Figures for each of [`CROWDS`].
struct Rows(Vec<(String, Vec<f64>)>);

/// Measures and prints markdown.
pub(crate) fn run(length: Length, out: &mut dyn Write) -> io::Result<()> {
    machine::require_program()?;
    let before = machine::load()?;
    let place = Place::open();
    place.recording_is_on()?;
    let mut rows = Rows(Vec::new());
    keys(&place, length, &mut rows)?;
    bulk(&place, length, &mut rows)?;
    busy(&place, length, &mut rows)?;
    rows.print(out)?;
    machine::describe(&place.site.data_dir(), &before, out)
}

impl Rows {
    fn add(&mut self, what: &str, figures: Vec<f64>) {
        self.0.push((what.to_owned(), figures));
    }

    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let crowds: Vec<_> = CROWDS.iter().map(|count| format!("{count} watchers")).collect();
        writeln!(out, "| what | {} |", crowds.join(" | "))?;
        writeln!(out, "| --- |{}", " --- |".repeat(CROWDS.len()))?;
        for (what, figures) in &self.0 {
            let figures: Vec<_> = figures.iter().map(|figure| format!("{figure:.2}")).collect();
            writeln!(out, "| {what} | {} |", figures.join(" | "))?;
        }
        writeln!(out)
    }
}

/// A key echoed through a terminal that is watched.
fn keys(place: &Place, length: Length, rows: &mut Rows) -> io::Result<()> {
    let mut times = CROWDS.map(|_| Vec::new());
    for _ in 0..ROUNDS.at(length) {
        for (count, times) in CROWDS.iter().zip(&mut times) {
            let mut remote = Remote::start(place, Terms::Defaults, Route::Gate, Ends::Terminal, "exec cat")?;
            let crowd = Crowd::gather(place, *count)?;
            for _ in 0..KEYS.at(length) {
                sleep(PAUSE);
                let mut byte = [0];
                let start = Instant::now();
                remote.send(b"x")?;
                remote.stdout.read_exact(&mut byte)?;
                times.push(start.elapsed());
            }
            crowd.disperse()?;
        }
    }
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let figures = times
            .iter()
            .map(|times| quantile_of(times, share).as_secs_f64() * 1e3);
        rows.add(&format!("key echoed through a pty, {name} ms"), figures.collect());
    }
    Ok(())
}

/// Text as fast as it goes, all of it recorded.
fn bulk(place: &Place, length: Length, rows: &mut Rows) -> io::Result<()> {
    let bytes = BYTES.at(length);
    let mut times = CROWDS.map(|_| Vec::new());
    let mut cpu = CROWDS.map(|_| Duration::ZERO);
    let mut seen = CROWDS.map(|_| 0);
    for _ in 0..ROUNDS.at(length) {
        for ((count, times), (cpu, seen)) in CROWDS.iter().zip(&mut times).zip(cpu.iter_mut().zip(&mut seen))
        {
            let command =
                format!("read go; yes 'all work and no play makes a dull recording' | head -c {bytes}");
            let mut remote = Remote::start(place, Terms::Defaults, Route::Gate, Ends::Pipes, &command)?;
            let crowd = Crowd::gather(place, *count)?;
            let before = process::cpu_time(place.site.node().pid())?;
            let start = Instant::now();
            remote.send(b"go\n")?;
            let came = io::copy(&mut remote.stdout, &mut io::sink())?;
            times.push(start.elapsed());
            *cpu += process::cpu_time(place.site.node().pid())?.saturating_sub(before);
            if came != bytes {
                return Err(io::Error::other(format!("{came} of {bytes} bytes came")));
            }
            *seen += crowd.disperse()?;
        }
    }
    let megabytes = bytes as f64 / 1e6;
    let rates = times
        .iter()
        .map(|times| megabytes / quantile_of(times, 0.5).as_secs_f64());
    rows.add("MB/s of text down, median", rates.collect());
    let gigabytes = megabytes * ROUNDS.at(length) as f64 / 1e3;
    let used = cpu.iter().map(|cpu| cpu.as_secs_f64() / gigabytes);
    rows.add("CPU seconds of the gate per GB", used.collect());
    let shown = seen.iter().zip(CROWDS).map(|(seen, count)| {
        let all = megabytes * 1e6 * (ROUNDS.at(length) * count.max(1)) as f64;
        *seen as f64 / all * 100.0
    });
    rows.add("% of it that a watcher was shown", shown.collect());
    Ok(())
}

/// A shell that prints 20 kB a second.
fn busy(place: &Place, length: Length, rows: &mut Rows) -> io::Result<()> {
    let mut cpu = CROWDS.map(|_| Duration::ZERO);
    let span = BUSY.at(length);
    for _ in 0..ROUNDS.at(length) {
        for (count, cpu) in CROWDS.iter().zip(&mut cpu) {
            let mut remote = Remote::start(place, Terms::Defaults, Route::Gate, Ends::Pipes, CHATTER)?;
            let crowd = Crowd::gather(place, *count)?;
            let before = process::cpu_time(place.site.node().pid())?;
            let until = Instant::now() + span;
            let mut buffer = vec![0; 64 * 1024];
            while Instant::now() < until {
                if remote.stdout.read(&mut buffer)? == 0 {
                    return Err(io::Error::other("the busy shell ended"));
                }
            }
            *cpu += process::cpu_time(place.site.node().pid())?.saturating_sub(before);
            crowd.disperse()?;
        }
    }
    let all = span.as_secs_f64() * ROUNDS.at(length) as f64;
    let shares = cpu.iter().map(|cpu| cpu.as_secs_f64() / all * 100.0);
    rows.add("% of a core for a shell of 20 kB/s", shares.collect());
    Ok(())
}

/// Some who watch the newest session.
struct Crowd {
    sockets: Vec<UnixStream>,
    readers: Vec<thread::JoinHandle<()>>,
    bytes: Arc<AtomicU64>,
}

impl Crowd {
    /// Lets them come, and waits until each has seen something.
    fn gather(place: &Place, count: usize) -> io::Result<Self> {
        let session = place
            .site
            .session("the one that runs", |session| session["state"] == "active");
        let id = session
            .get("id")
            .and_then(|id| id.as_str())
            .unwrap_or_default()
            .to_owned();
        let bytes = Arc::new(AtomicU64::new(0));
        let mut crowd = Self {
            sockets: Vec::new(),
            readers: Vec::new(),
            bytes,
        };
        for _ in 0..count {
            let mut socket = UnixStream::connect(place.site.data_dir().join("control.sock"))?;
            let request = format!("{{\"watch\":\"{id}\",\"login\":\"bench\",\"host\":\"here\"}}\n");
            socket.write_all(request.as_bytes())?;
            socket.set_read_timeout(Some(LIMIT))?;
            let mut first = [0];
            socket.read_exact(&mut first)?;
            if first != *b"{" {
                return Err(io::Error::other("the node answers something else"));
            }
            let (mut reading, bytes) = (socket.try_clone()?, Arc::clone(&crowd.bytes));
            crowd.readers.push(thread::spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(count @ 1..) = reading.read(&mut buffer) {
                    bytes.fetch_add(count as u64, Ordering::Relaxed);
                }
            }));
            crowd.sockets.push(socket);
        }
        Ok(crowd)
    }

    /// Sends them away; how many bytes they saw.
    fn disperse(self) -> io::Result<u64> {
        for socket in &self.sockets {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        for reader in self.readers {
            reader
                .join()
                .map_err(|_| io::Error::other("a watcher panicked"))?;
        }
        Ok(self.bytes.load(Ordering::Relaxed))
    }
}
