//! Whole recorded logins, one after the other at each of several clients.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::effort::{Effort, Length};
use crate::process;
use crate::synthetic::place::Place;

use crate::verdict::{Side, Verdicts};

const LASTING: Effort<Duration> = Effort {
    full: Duration::from_secs(20),
    quick: Duration::from_secs(4),
};
const CLIENTS: usize = 16;

pub(super) fn measure(length: Length, verdicts: &mut Verdicts) -> io::Result<()> {
    let place = Place::open()?;
    let person = place.person()?;
    let runtime = super::runtime()?;
    // Learns the host key.
    runtime.block_on(person.log_in_and_out())?;
    let (cpu, start) = (process::cpu_time(place.gate())?, Instant::now());
    let until = start + LASTING.at(length);
    let logins = runtime.block_on(async {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let person = Arc::clone(&person);
            clients.spawn(async move {
                let mut logins = 0_u32;
                while Instant::now() < until {
                    person.log_in_and_out().await?;
                    logins += 1;
                }
                Ok::<_, io::Error>(logins)
            });
        }
        let mut logins = 0;
        while let Some(counted) = clients.join_next().await {
            logins += counted??;
        }
        Ok::<_, io::Error>(logins)
    })?;
    let wall = start.elapsed().as_secs_f64();
    let cpu = process::cpu_time(place.gate())?.saturating_sub(cpu).as_secs_f64();
    let logins = f64::from(logins);
    verdicts.judge(
        "full recorded logins per CPU second of the gate",
        Side::AtLeast,
        100.0,
        "",
        logins / cpu,
    );
    verdicts.note(
        "the same by the clock, clients and server on the same cores",
        &format!(
            "{:.0} a second, {:.1} ms of the gate's CPU each, {:.0} % of a core, {CLIENTS} at a time",
            logins / wall,
            cpu / logins * 1e3,
            cpu / wall * 100.0
        ),
    );
    Ok(())
}
