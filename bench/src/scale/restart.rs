//! A start after a kill: what running sessions left behind is sealed and closed.

use std::fs;
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use gatehouse_recording::manifest::{ManifestState, ManifestText};

use crate::effort::{Effort, Length};
use crate::synthetic::place::Place;

use crate::verdict::{Side, Verdicts};

const SESSIONS: Effort<usize> = Effort {
    full: 2000,
    quick: 300,
};
const AT_A_TIME: usize = 32;
const FIRST: usize = 20;
/// Between two looks, so that the program that looks leaves the processor to the gate.
const BETWEEN: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(60);
/// More than there are.
const ALL: &str = "10000";

/// When no session was open any more.
struct Closed {
    /// Since the start of `serve`, until a look that saw none was over.
    after: Duration,
    /// The time before that in which it happened.
    known: Known,
}

/// How well it is known when the last one closed.
enum Known {
    /// Already the first look saw none open; that look took so long.
    BeforeTheFirstLook(Duration),
    /// Since the start of the last look that saw one open.
    Within(Duration),
}

/// What the start made of the sessions.
#[derive(Default)]
struct Outcome {
    held: usize,
    /// Sessions in the database; one more logged in before the others.
    rows: usize,
    open: usize,
    /// Recordings whose row has no digest, or whose manifest on the disk is not sealed.
    unsealed: usize,
}

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
    let closed = closed(&place, start);
    let outcome = outcome(&place, sessions);
    verdicts
        .judge(
            &format!("{sessions} sessions' leftovers closed after `kill -9`"),
            Side::AtMost,
            5.0,
            "s",
            closed.after.as_secs_f64(),
        )
        .made_of(&closed.known.words())
        .void_if(&outcome.faults());
    verdicts.note(
        "of that, until the gate lets people in",
        &format!("{:.2} s; {}", ready.as_secs_f64(), outcome.words()),
    );
    Ok(())
}

/// Looks until nothing is open, or too long. One open session is enough to see.
fn closed(place: &Place, start: Instant) -> Closed {
    let mut open_at = None;
    loop {
        let looked = start.elapsed();
        let open = place.site.list(&["session", "list", "--active", "--limit", "1"]);
        let after = start.elapsed();
        if open.is_empty() || after > PATIENCE {
            let known = match open_at {
                None => Known::BeforeTheFirstLook(after.saturating_sub(looked)),
                Some(at) => Known::Within(after.saturating_sub(at)),
            };
            return Closed { after, known };
        }
        open_at = Some(looked);
        sleep(BETWEEN);
    }
}

impl Known {
    fn words(&self) -> String {
        match self {
            Self::BeforeTheFirstLook(took) => format!(
                "at most: the first look, once the gate let people in, took {:.2} s of it and saw none open",
                took.as_secs_f64()
            ),
            Self::Within(time) => format!(
                "known to within {:.2} s, looks {} ms apart",
                time.as_secs_f64(),
                BETWEEN.as_millis()
            ),
        }
    }
}

fn outcome(place: &Place, held: usize) -> Outcome {
    let open = place.site.list(&["session", "list", "--active", "--limit", ALL]);
    let rows = place.site.list(&["session", "list", "--limit", ALL]);
    let data = place.site.data_dir();
    let sealed = rows.iter().filter(|row| {
        let text = |field: &str| row.pointer(field).and_then(|text| text.as_str());
        text("/recording/digest").is_some()
            && text("/recording/path").is_some_and(|path| has_sealed_manifest(&data.join(path)))
    });
    Outcome {
        held,
        rows: rows.len(),
        open: open.len(),
        unsealed: rows.len() - sealed.count(),
    }
}

fn has_sealed_manifest(recording: &Path) -> bool {
    let Ok(bytes) = fs::read(recording.join("manifest.json")) else {
        return false;
    };
    ManifestText::from_bytes(&bytes).is_ok_and(|text| text.manifest.state == ManifestState::Sealed)
}

impl Outcome {
    /// What the start has to do and did not.
    fn faults(&self) -> Vec<String> {
        let Self {
            held,
            rows,
            open,
            unsealed,
        } = self;
        let mut faults = Vec::new();
        if *open > 0 {
            faults.push(format!("{open} sessions are still open"));
        }
        if *unsealed > 0 {
            faults.push(format!("{unsealed} recordings are not sealed"));
        }
        if rows <= held {
            faults.push(format!("only {rows} of {} sessions have a row", held + 1));
        }
        faults
    }

    fn words(&self) -> String {
        let sealed = self.rows - self.unsealed;
        format!(
            "{} still open, {sealed} of {} recordings sealed",
            self.open, self.rows
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_leaves_something_behind_is_no_start() {
        let good = Outcome {
            held: 10,
            rows: 11,
            ..Outcome::default()
        };
        assert_eq!(good.faults(), [""; 0]);
        assert_eq!(good.words(), "0 still open, 11 of 11 recordings sealed");
        let bad = Outcome {
            rows: 9,
            open: 1,
            unsealed: 2,
            ..good
        };
        assert_eq!(
            bad.faults(),
            [
                "1 sessions are still open",
                "2 recordings are not sealed",
                "only 9 of 11 sessions have a row",
            ]
        );
    }

    #[test]
    fn the_figure_says_how_well_it_is_known() {
        let time = Duration::from_millis(120);
        assert_eq!(
            Known::Within(time).words(),
            "known to within 0.12 s, looks 50 ms apart"
        );
        assert!(Known::BeforeTheFirstLook(time).words().contains("took 0.12 s"));
    }

    #[test]
    fn what_is_no_manifest_is_not_sealed() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_sealed_manifest(folder.path()));
        fs::write(folder.path().join("manifest.json"), "{}").unwrap();
        assert!(!has_sealed_manifest(folder.path()));
    }
}
