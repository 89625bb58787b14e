//! `bench decision`: how long a decision takes at a large site, how much memory the directory needs, and how long
//! it takes to build.

mod site;

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use gatehouse_policy::{Decision, Directory, DirectoryRows, DirectorySettings, Request, decide};

use crate::effort::{Effort, Length};
use crate::quantile::quantile;

/// Decisions of one pass.
const DECISIONS: usize = 200_000;
/// Passes, of which the quietest counts.
const PASSES: Effort<usize> = Effort { full: 7, quick: 2 };
/// Builds measured.
const BUILDS: Effort<usize> = Effort { full: 15, quick: 5 };
/// Directories held at once for the memory of one.
const HELD: usize = 4;

/// Times of allowed and of denied requests.
#[derive(Default)]
struct Pass {
    allowed: Vec<Duration>,
    denied: Vec<Duration>,
}

/// Measures and prints a table.
pub(crate) fn run(length: Length, out: &mut dyn Write) -> io::Result<()> {
    let rows = site::rows();
    let (users, servers, policies) = (rows.users.len(), rows.servers.len(), rows.policies.len());
    let (user_groups, server_groups) = (rows.user_groups.len(), rows.server_groups.len());
    writeln!(
        out,
        "{users} users in {user_groups} groups, {servers} servers in {server_groups} groups,"
    )?;
    writeln!(out, "{policies} policies, {} schedules\n", site::SCHEDULES)?;
    let requests = site::requests(&rows, DECISIONS);
    let memory = memory(&rows)? / (1024.0 * 1024.0);
    let (least, median) = builds(&rows, BUILDS.at(length))?;
    let directory = build(rows)?;

    let pass = quietest_pass(&directory, &requests, PASSES.at(length));
    let all = pass.allowed.iter().chain(&pass.denied).copied().collect();
    writeln!(out, "{:<34}{:>12}{:>12}{:>12}", "decision", "p50", "p99", "p99.9")?;
    for (what, mut times) in [
        ("all", all),
        ("allowed", pass.allowed),
        ("denied, with its sentence", pass.denied),
    ] {
        times.sort_unstable();
        let what = format!("{what} ({})", times.len());
        let at = |share: f64| format!("{:.2} µs", quantile(&times, share).as_secs_f64() * 1e6);
        writeln!(out, "{what:<34}{:>12}{:>12}{:>12}", at(0.5), at(0.99), at(0.999))?;
    }
    let (least, median) = (least.as_secs_f64() * 1e3, median.as_secs_f64() * 1e3);
    writeln!(out, "\nmemory of one directory: {memory:.1} MiB")?;
    writeln!(
        out,
        "build from rows, of {}: median {median:.1} ms, least {least:.1} ms",
        BUILDS.at(length)
    )
}

fn build(rows: DirectoryRows) -> io::Result<Directory> {
    Directory::build(rows, DirectorySettings::default()).map_err(io::Error::other)
}

/// The pass that other work on the machine disturbed least.
fn quietest_pass(directory: &Directory, requests: &[Request], passes: usize) -> Pass {
    let mut quietest: Option<(Duration, Pass)> = None;
    for _ in 0..passes {
        let mut pass = Pass::default();
        for request in requests {
            let start = Instant::now();
            let decision = black_box(decide(directory, black_box(request)));
            let took = start.elapsed();
            match decision {
                Decision::Allow(_) => pass.allowed.push(took),
                Decision::Deny(_) => pass.denied.push(took),
            }
        }
        let total = pass.allowed.iter().chain(&pass.denied).sum();
        if quietest.as_ref().is_none_or(|(least, _)| total < *least) {
            quietest = Some((total, pass));
        }
    }
    quietest.map(|(_, pass)| pass).unwrap_or_default()
}

/// The least and the median time of some builds.
fn builds(rows: &DirectoryRows, count: usize) -> io::Result<(Duration, Duration)> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let copy = rows.clone();
        let start = Instant::now();
        let directory = black_box(build(copy)?);
        times.push(start.elapsed());
        drop(directory);
    }
    times.sort_unstable();
    Ok((quantile(&times, 0.0), quantile(&times, 0.5)))
}

/// What each further directory adds to the process, in bytes. The first one is left out, because it brings the
/// room in which rows are copied.
fn memory(rows: &DirectoryRows) -> io::Result<f64> {
    let first = build(rows.clone())?;
    let before = resident_bytes()?;
    let held = (0..HELD)
        .map(|_| build(rows.clone()))
        .collect::<io::Result<Vec<_>>>()?;
    let after = resident_bytes()?;
    black_box((first, held));
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let each = after.saturating_sub(before) as f64 / HELD as f64;
    Ok(each)
}

/// proc(5): the second number of `statm` is the resident set in pages.
fn resident_bytes() -> io::Result<u64> {
    const PAGE: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages
        .map(|pages| pages * PAGE)
        .ok_or_else(|| io::Error::other("/proc/self/statm has another form"))
}
