//! Thousands of idle terminal sessions.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::effort::{Effort, Length};
use crate::process;
use crate::synthetic::place::Place;

use crate::verdict::{Side, Verdicts};

const SESSIONS: Effort<usize> = Effort {
    full: 10_000,
    quick: 500,
};
/// Opened before the rest, to see what each takes of the open-file limit.
const FIRST: usize = 50;
/// Logins under way at once.
const AT_A_TIME: usize = 32;
/// Before memory is read.
const REST: Duration = Duration::from_secs(5);
/// How long the sessions are left alone.
const WATCHED: Effort<Duration> = Effort {
    full: Duration::from_secs(60),
    quick: Duration::from_secs(10),
};
const HOUR: Duration = Duration::from_secs(3600);
/// What the node itself may take, in KiB, and each session beyond that.
const NODE: f64 = 50.0 * 1024.0;
const EACH: f64 = 150.0;
/// Sessions from which on the node's own allowance counts for little: with fewer of them it would hide what they take.
const MANY: usize = 2000;

pub(super) fn measure(length: Length, verdicts: &mut Verdicts) -> io::Result<()> {
    watch(SESSIONS.at(length), WATCHED.at(length), verdicts)
}

/// The long look at growth: `bench idle-hour`.
pub(super) fn hour(length: Length, verdicts: &mut Verdicts) -> io::Result<()> {
    watch(SESSIONS.at(length), HOUR, verdicts)
}

fn watch(wanted: usize, watched: Duration, verdicts: &mut Verdicts) -> io::Result<()> {
    let place = Place::open()?;
    let person = place.person()?;
    let runtime = super::runtime()?;
    runtime.block_on(person.log_in_and_out())?;
    let (idle, before) = (place.files()?, kib(&place)?);
    let mut held = runtime.block_on(person.hold_many(FIRST, FIRST, "hold"))?;
    let (sessions, files) = place.room(wanted, FIRST, idle)?;
    held.extend(runtime.block_on(person.hold_many(sessions - FIRST, AT_A_TIME, "hold"))?);
    sleep(REST);
    let (with, cpu) = (kib(&place)?, process::cpu_time(place.gate())?);
    sleep(watched);
    let cpu = process::cpu_time(place.gate())?.saturating_sub(cpu);
    let after = kib(&place)?;
    let ended = held.iter().filter(|one| one.handle.is_closed()).count();
    let count = sessions as f64;
    verdicts.note(
        "idle terminal sessions held",
        &format!(
            "{sessions} of {wanted} (the open-file limit allows no more where it is fewer; {files:.1} files each), \
             {ended} of them ended by themselves"
        ),
    );
    memory(sessions, before, with, verdicts);
    let share = cpu.as_secs_f64() / watched.as_secs_f64() * 100.0 / (count / 1e3);
    verdicts.judge("CPU for 1,000 of them", Side::AtMost, 1.0, "% of a core", share);
    verdicts.note(
        &format!("growth in {} s", watched.as_secs()),
        &format!("{:.0} KiB in all", after - with),
    );
    drop(held);
    Ok(())
}

/// Of the gate before the sessions and with all of them, in KiB. Both ways to count are shown; which one is judged is said.
fn memory(sessions: usize, before: f64, with: f64, verdicts: &mut Verdicts) {
    let count = sessions as f64;
    let growth = ("memory of each: what the gate grew by", (with - before) / count);
    let beyond = (
        "memory of each: all of the gate beyond the first 50 MiB",
        (with - NODE) / count,
    );
    let (judged, shown, why) = if sessions >= MANY {
        (
            beyond,
            growth,
            format!("judged as the target says, from {MANY} on"),
        )
    } else {
        let why = format!("judged, because 50 MiB hide what fewer than {MANY} take");
        (growth, beyond, why)
    };
    verdicts
        .judge(judged.0, Side::AtMost, EACH, "KiB", judged.1)
        .made_of(&why);
    verdicts.note(shown.0, &format!("{:.0} KiB, not judged", shown.1));
    verdicts.note(
        "memory of the gate before, and with all of them",
        &format!("{:.1} MiB, {:.1} MiB", before / 1024.0, with / 1024.0),
    );
}

fn kib(place: &Place) -> io::Result<f64> {
    Ok(process::memory_of_tree(place.gate())?.proportional as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(sessions: usize, before: f64, with: f64) -> Vec<String> {
        let mut verdicts = Verdicts::default();
        memory(sessions, before, with, &mut verdicts);
        let text = verdicts.to_string();
        text.lines().skip(2).take(2).map(str::to_owned).collect()
    }

    #[test]
    fn few_sessions_do_not_hide_in_what_the_node_may_take() {
        assert_eq!(
            rows(100, 30_000.0, 50_000.0),
            [
                "| memory of each: what the gate grew by | ≤ 150 KiB | 200 KiB (judged, because 50 MiB hide what fewer \
                 than 2000 take) | missed, 1.33 × the target |",
                "| memory of each: all of the gate beyond the first 50 MiB |  | -12 KiB, not judged |  |",
            ]
        );
    }

    #[test]
    fn many_sessions_are_judged_as_the_target_says() {
        assert_eq!(
            rows(2000, 31_200.0, 351_200.0),
            [
                "| memory of each: all of the gate beyond the first 50 MiB | ≤ 150 KiB | 150 KiB (judged as the target \
                 says, from 2000 on) | met |",
                "| memory of each: what the gate grew by |  | 160 KiB, not judged |  |",
            ]
        );
    }
}
