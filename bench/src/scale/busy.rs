//! Busy shells: what they cost the gate, and what a person beside them feels.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::effort::{Effort, Length};
use crate::process;
use crate::quantile::quantile_of;
use crate::synthetic::people::{Held, key};
use crate::synthetic::place::Place;

use crate::verdict::{Side, Verdicts};

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
const AT_A_TIME: usize = 16;
const PAUSE: Duration = Duration::from_millis(2);

pub(super) fn measure(length: Length, verdicts: &mut Verdicts) -> io::Result<()> {
    let place = Place::open()?;
    let (person, direct) = (place.person()?, place.direct()?);
    let runtime = super::runtime()?;
    let mut through = runtime.block_on(person.hold(true, "echo"))?;
    let mut beside = runtime.block_on(direct.hold(true, "echo"))?;
    let mut typed = |what: &str, targets: [f64; 2], verdicts: &mut Verdicts| {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..KEYS.at(length) {
            for (held, times) in [&mut beside, &mut through].into_iter().zip(&mut times) {
                sleep(PAUSE);
                times.push(runtime.block_on(key(&mut held.channel))?);
            }
        }
        for ((name, share), target) in [("p50", 0.5), ("p99", 0.99)].into_iter().zip(targets) {
            let [direct, gate] = times
                .each_ref()
                .map(|times| quantile_of(times, share).as_secs_f64() * 1e3);
            let what = format!("a key and its echo, {what}, {name} beyond direct's {direct:.2} ms");
            verdicts.judge(&what, Side::AtMost, target, "ms", gate - direct);
        }
        Ok::<_, io::Error>(())
    };
    typed("nobody else", [0.2, 0.6], verdicts)?;
    let mut shells = runtime.block_on(person.hold_many(BESIDE, AT_A_TIME, "chatter"))?;
    let mut readers: Vec<_> = shells.drain(..).map(|held| runtime.spawn(read(held))).collect();
    typed("200 busy shells beside", [5.0, 5.0], verdicts)?;

    let count = SHELLS.at(length);
    let more = runtime.block_on(person.hold_many(count - BESIDE, AT_A_TIME, "chatter"))?;
    readers.extend(more.into_iter().map(|held| runtime.spawn(read(held))));
    let cpu = process::cpu_time(place.gate())?;
    sleep(LASTING.at(length));
    let cpu = process::cpu_time(place.gate())?.saturating_sub(cpu);
    let share = cpu.as_secs_f64() / LASTING.at(length).as_secs_f64() * 100.0;
    let ended = readers.iter().filter(|reader| reader.is_finished()).count();
    for reader in readers {
        reader.abort();
    }
    verdicts.note(
        &format!("CPU of the whole gate for {count} shells of 20 kB/s, recorded"),
        &format!("{share:.0} % of a core (ciphers, sockets and recording together); {ended} ended"),
    );
    Ok(())
}

/// Reads and throws away.
async fn read(mut held: Held) {
    while held.channel.wait().await.is_some() {}
}
