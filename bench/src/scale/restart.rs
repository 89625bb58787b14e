//! A start after a kill: what running sessions left behind is sealed and closed.

use std::io;
use std::time::Instant;

use crate::effort::{Effort, Length};
use crate::synthetic::place::Place;

use crate::verdict::{Side, Verdicts};

const SESSIONS: Effort<usize> = Effort {
    full: 2000,
    quick: 300,
};
const AT_A_TIME: usize = 32;
const FIRST: usize = 20;

pub(super) fn measure(length: Length, verdicts: &mut Verdicts) -> io::Result<()> {
    let wanted = SESSIONS.at(length);
    let mut place = Place::open()?;
    let person = place.person()?;
    let runtime = super::runtime()?;
    runtime.block_on(person.log_in_and_out())?;
    let idle = place.files()?;
    let mut held = runtime.block_on(person.hold_many(FIRST, FIRST, "chatter"))?;
    let (sessions, _) = place.room(wanted, FIRST, idle)?;
    held.extend(runtime.block_on(person.hold_many(sessions - FIRST, AT_A_TIME, "chatter"))?);
    place.site.take_node().kill();
    drop(held);
    let start = Instant::now();
    place.site.serve();
    let ready = start.elapsed();
    let open = loop {
        let open = place
            .site
            .list(&["session", "list", "--active", "--limit", "10000"])
            .len();
        if open == 0 || start.elapsed().as_secs() > 60 {
            break open;
        }
    };
    let closed = start.elapsed();
    let all = place.site.list(&["session", "list", "--limit", "10000"]);
    let unsealed = all
        .iter()
        .filter(|session| {
            let digest = session.pointer("/recording/digest");
            digest.and_then(|digest| digest.as_str()).is_none()
        })
        .count();
    verdicts.judge(
        &format!("{sessions} sessions' leftovers closed after `kill -9`"),
        Side::AtMost,
        5.0,
        "s",
        closed.as_secs_f64(),
    );
    verdicts.note(
        "of that, until the gate lets people in",
        &format!(
            "{:.2} s; {open} still open, {unsealed} of {} recordings not sealed",
            ready.as_secs_f64(),
            all.len()
        ),
    );
    Ok(())
}
