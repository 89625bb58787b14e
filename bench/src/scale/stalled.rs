//! Channels whose far end does not read.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::effort::{Effort, Length};
use crate::process;
use crate::quantile::quantile_of;
use crate::synthetic::people::{begin, key};
use crate::synthetic::place::Place;

use crate::verdict::{Side, Verdicts};

const CHANNELS: usize = 16;
const SETTLING: Effort<Duration> = Effort {
    full: Duration::from_secs(10),
    quick: Duration::from_secs(3),
};
const KEYS: usize = 200;
const CHUNK: usize = 32 * 1024;
const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn measure(length: Length, verdicts: &mut Verdicts) -> io::Result<()> {
    for (direction, command) in [
        ("the client does not read", "flood"),
        ("the server does not read", "stall"),
    ] {
        let place = Place::open()?;
        let person = place.person()?;
        let runtime = super::runtime()?;
        let mut typing = runtime.block_on(person.hold(true, "echo"))?;
        runtime.block_on(key(&mut typing.channel))?;
        let before = process::memory_of_tree(place.gate())?.proportional;
        let mut held = Vec::new();
        let done = Arc::new(AtomicBool::new(false));
        for _ in 0..CHANNELS {
            let (channel, _) = runtime.block_on(begin(&typing.handle, false, command))?;
            if command == "stall" {
                let done = Arc::clone(&done);
                runtime.spawn(async move {
                    let bytes = Bytes::from(vec![b'x'; CHUNK]);
                    while !done.load(Ordering::Relaxed) {
                        let sent = channel.data_bytes(bytes.clone());
                        // Blocked for good once everybody's windows are full.
                        if !matches!(timeout(Duration::from_secs(120), sent).await, Ok(Ok(()))) {
                            break;
                        }
                    }
                });
            } else {
                held.push(channel);
            }
        }
        sleep(SETTLING.at(length));
        let after = process::memory_of_tree(place.gate())?.proportional;
        let mut times = Vec::new();
        for _ in 0..KEYS {
            times.push(runtime.block_on(key(&mut typing.channel))?);
        }
        let each = after.saturating_sub(before) as f64 / MIB / CHANNELS as f64;
        let what = format!("{direction}: the gate's memory for each of {CHANNELS} channels");
        verdicts.judge(&what, Side::AtMost, 5.0, "MiB", each);
        verdicts.note(
            &format!("{direction}: keys on another channel of the connection"),
            &format!(
                "p50 {:.2} ms, p99 {:.2} ms",
                quantile_of(&times, 0.5).as_secs_f64() * 1e3,
                quantile_of(&times, 0.99).as_secs_f64() * 1e3
            ),
        );
        done.store(true, Ordering::Relaxed);
        drop(held);
        runtime.shutdown_background();
    }
    Ok(())
}
