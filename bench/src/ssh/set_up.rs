//! How long `ssh … true` takes, from its start to its end.

use std::io::{self, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::effort::{Effort, Length};
use crate::quantile::quantile_of;

use super::place::{Place, Terms};
use super::report::{Report, set_up_words};
use super::route::{ByRoute, Route};

/// Set-ups of each route on each terms.
const RUNS: Effort<usize> = Effort { full: 40, quick: 5 };

pub(super) fn measure(place: &Place, length: Length, report: &mut Report) -> io::Result<()> {
    for terms in [Terms::Curve25519, Terms::Defaults] {
        let mut times = ByRoute::<Vec<Duration>>::default();
        let mut routes: Vec<_> = place.routes().collect();
        // The first round learns host keys and is not counted.
        for round in 0..=RUNS.at(length) {
            for route in routes.clone() {
                let time = once(place, terms, route);
                match report.absent.allow(route, &set_up_words(terms), time)? {
                    Some(time) if round > 0 => times.of(route).push(time),
                    Some(_) => {}
                    // A median of the runs that did not fail would be none.
                    None => {
                        routes.retain(|other| *other != route);
                        times.of(route).clear();
                    }
                }
            }
        }
        let medians = times.map(|times| quantile_of(times, 0.5).as_secs_f64() * 1e3);
        report.set_up(terms, medians);
    }
    Ok(())
}

fn once(place: &Place, terms: Terms, route: Route) -> io::Result<Duration> {
    let mut ssh = place.ssh(terms, route, &[], "true")?;
    let start = Instant::now();
    let mut child = ssh.stdin(Stdio::null()).spawn()?;
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut Vec::new())?;
    }
    let status = child.wait()?;
    let time = start.elapsed();
    if status.success() {
        Ok(time)
    } else {
        Err(io::Error::other(format!("ssh {route:?} ended with {status}")))
    }
}
