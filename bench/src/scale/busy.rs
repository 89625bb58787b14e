//! Busy shells: what they cost the gate, and what a person beside them feels.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::effort::{Effort, Length};
use crate::process;
use crate::quantile::quantile_of;
use crate::synthetic::people::{Held, key};
use crate::synthetic::place::Place;

use crate::verdict::{Side, Verdicts};

use super::shells::{Shells, Span, Total};

/// Beside whom keys are typed, and of whom the CPU is measured; each prints 20 kB a second.
const BESIDE: usize = 200;
const SHELLS: Effort<usize> = Effort {
    full: 500,
    quick: 250,
};
const KEYS: Effort<usize> = Effort {
    full: 2000,
    quick: 200,
};
const LASTING: Effort<Duration> = Effort {
    full: Duration::from_secs(30),
    quick: Duration::from_secs(5),
};
const PAUSE: Duration = Duration::from_millis(2);
/// How the names of the threads begin that write recordings and make them durable; `gatehouse-archive` starts them.
const RECORDERS: &str = "recording-";
/// The share of a core that these may take for one shell: a quarter of a core for 500.
const RECORDING_EACH: f64 = 25.0 / 500.0;

/// Times of keys, direct and through the gate.
type Times = [Vec<Duration>; 2];

/// CPU time of the gate while shells printed.
struct Cost {
    span: Span,
    whole: Duration,
    recorders: Duration,
}

pub(super) fn measure(length: Length, verdicts: &mut Verdicts) -> io::Result<()> {
    let mut place = Place::open()?;
    let (person, direct) = (place.person()?, place.direct()?);
    let runtime = super::runtime()?;
    let gate = runtime.block_on(person.hold(true, "echo"))?;
    let mut ends = [runtime.block_on(direct.hold(true, "echo"))?, gate];
    let alone = typed(length, &runtime, &mut ends)?;

    let mut shells = Shells::default();
    shells.open(&runtime, (&person, &mut place.backend), BESIDE)?;
    let before = shells.counted(&mut place.backend)?;
    let beside = typed(length, &runtime, &mut ends)?;
    let meanwhile = shells.counted(&mut place.backend)?.since(&before);

    let count = SHELLS.at(length);
    shells.open(&runtime, (&person, &mut place.backend), count - BESIDE)?;
    let cost = cost(&mut place, &shells, LASTING.at(length))?;
    let total = shells.hushed(&mut place.backend)?;

    keys("nobody else", &alone, [Some(0.2), Some(0.6)], &[], verdicts);
    let faults = [meanwhile.faults(), total.faults()].concat();
    keys(
        "200 busy shells beside",
        &beside,
        [None, Some(5.0)],
        &faults,
        verdicts,
    );
    verdicts.note("these 200 shells", &meanwhile.words());
    cpu(count, &cost, &total, verdicts);
    Ok(())
}

/// Keys by turns, direct and through the gate.
fn typed(length: Length, runtime: &Runtime, ends: &mut [Held; 2]) -> io::Result<Times> {
    let mut times = Times::default();
    for _ in 0..KEYS.at(length) {
        for (held, times) in ends.iter_mut().zip(&mut times) {
            sleep(PAUSE);
            times.push(runtime.block_on(key(&mut held.channel))?);
        }
    }
    Ok(times)
}

/// What the gate adds to a key is judged where there is a target; both times stand beside it.
fn keys(what: &str, times: &Times, targets: [Option<f64>; 2], faults: &[String], verdicts: &mut Verdicts) {
    for ((name, share), target) in [("p50", 0.5), ("p99", 0.99)].into_iter().zip(targets) {
        let at = |times: &Vec<Duration>| quantile_of(times, share).as_secs_f64() * 1e3;
        let [direct, gate] = times.each_ref().map(at);
        let what = format!("a key and its echo, {what}, {name} beyond direct");
        let both = format!("{gate:.2} ms through the gate, {direct:.2} ms direct");
        match target {
            Some(target) => verdicts
                .judge(&what, Side::AtMost, target, "ms", gate - direct)
                .made_of(&both)
                .void_if(faults),
            None => verdicts.note(&what, &format!("{:.2} ms ({both})", gate - direct)),
        }
    }
}

fn cost(place: &mut Place, shells: &Shells, lasting: Duration) -> io::Result<Cost> {
    let used = |place: &Place| {
        let gate = place.gate();
        let recorders = process::cpu_time_of_threads(gate, RECORDERS)?;
        Ok::<_, io::Error>((process::cpu_time(gate)?, recorders))
    };
    let (before, used_before) = (shells.counted(&mut place.backend)?, used(place)?);
    sleep(lasting);
    let (after, used_after) = (shells.counted(&mut place.backend)?, used(place)?);
    Ok(Cost {
        span: after.since(&before),
        whole: used_after.0.saturating_sub(used_before.0),
        recorders: used_after.1.saturating_sub(used_before.1),
    })
}

fn cpu(count: usize, cost: &Cost, total: &Total, verdicts: &mut Verdicts) {
    let [whole, recorders] =
        [cost.whole, cost.recorders].map(|used| used.as_secs_f64() / cost.span.lasted.as_secs_f64() * 100.0);
    let faults = [cost.span.faults(), total.faults()].concat();
    verdicts
        .judge(
            &format!("CPU of the threads that record {count} shells of 20 kB/s (for 500: 25 %)"),
            Side::AtMost,
            RECORDING_EACH * count as f64,
            "% of a core",
            recorders,
        )
        .made_of(&format!(
            "{whole:.0} % the whole gate: ciphers, sockets and handing over, too"
        ))
        .void_if(&faults);
    verdicts.note(
        &format!("these {count} shells"),
        &format!("{}; {}", cost.span.words(), total.words()),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_gate_adds_to_a_key_is_judged_and_both_times_shown() {
        let times = [1, 4].map(|time| vec![Duration::from_millis(time); 3]);
        let mut verdicts = Verdicts::default();
        keys("alone", &times, [None, Some(5.0)], &[], &mut verdicts);
        let spoilt = ["1 of 2 shells ended".to_owned()];
        keys("beside", &times, [None, Some(5.0)], &spoilt, &mut verdicts);
        let text = verdicts.to_string();
        let rows: Vec<_> = text.lines().skip(2).collect();
        let both = "3.00 ms (4.00 ms through the gate, 1.00 ms direct)";
        assert_eq!(
            rows,
            [
                format!("| a key and its echo, alone, p50 beyond direct |  | {both} |  |"),
                format!("| a key and its echo, alone, p99 beyond direct | ≤ 5 ms | {both} | met |"),
                format!("| a key and its echo, beside, p50 beyond direct |  | {both} |  |"),
                format!(
                    "| a key and its echo, beside, p99 beyond direct | ≤ 5 ms | {both} | void: 1 of 2 shells ended |"
                ),
            ]
        );
    }
}
