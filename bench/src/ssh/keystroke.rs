//! How long a key takes to come back through a terminal at the other end.

use std::io::{self, Read};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::effort::{Effort, Length};
use crate::quantile::quantile_of;

use super::place::{Place, Terms};
use super::remote::{Ends, Remote};
use super::report::{KEY, Report};
use super::route::ByRoute;

/// Keys on each route.
const KEYS: Effort<usize> = Effort {
    full: 2000,
    quick: 200,
};
/// Between two keys, so that everybody has gone back to waiting, as between a person's keys.
const PAUSE: Duration = Duration::from_millis(2);

pub(super) fn measure(place: &Place, length: Length, report: &mut Report) -> io::Result<()> {
    let mut remotes = Vec::new();
    for route in place.routes() {
        let remote = Remote::start(place, Terms::Defaults, route, Ends::Terminal, "exec cat");
        let remote = report.absent.allow(route, KEY, remote)?;
        remotes.extend(remote.map(|remote| (route, remote)));
    }
    let mut times = ByRoute::<Vec<Duration>>::default();
    for _ in 0..KEYS.at(length) {
        let mut failed = Vec::new();
        for (route, remote) in &mut remotes {
            sleep(PAUSE);
            let time = echo(remote).map_err(|error| io::Error::other(format!("by {route:?}: {error}")));
            match report.absent.allow(*route, KEY, time)? {
                Some(time) => times.of(*route).push(time),
                None => failed.push(*route),
            }
        }
        // Quantiles of the keys before it failed would be none of all.
        remotes.retain(|(route, _)| !failed.contains(route));
        for route in failed {
            times.of(route).clear();
        }
    }
    for (name, share, added) in [("p50", 0.5, 0.2), ("p99", 0.99, 0.6)] {
        let figures = times.map(|times| quantile_of(times, share).as_secs_f64() * 1e3);
        report.keys(name, added, figures);
    }
    Ok(())
}

fn echo(remote: &mut Remote) -> io::Result<Duration> {
    let mut byte = [0];
    let start = Instant::now();
    remote.send(b"x")?;
    remote.stdout.read_exact(&mut byte)?;
    let time = start.elapsed();
    match &byte {
        b"x" => Ok(time),
        other => Err(io::Error::other(format!("the key came back as {other:?}"))),
    }
}
