//! The gate dies as after `kill -9` at each step of the durable order.
//!
//! Each round: a bystander works, and what was shown is in the recording's file. Then the point is armed, another
//! session comes to it, and the node ends on the spot. Started again, it closes every row and seals every recording, and
//! what was in the file is in the recording.

use std::collections::BTreeSet;

use gatehouse_e2e::{LIMIT, Scene, require_fault_points, wait_for};

use super::{Bystander, all_is_well, ids, new_session};

/// What comes to a step: a session that opens, one in which something is typed, one that ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Act {
    Opens,
    Types,
    Leaves,
    /// One that the server refuses.
    Fails,
}

/// What is left of the session that came to the step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Left {
    /// No row, and no event: nothing had passed.
    Nothing,
    /// No row, and an event that it failed.
    Failed,
    /// A row with this reason.
    Row(&'static str),
}

const OPENING: &[(&str, Left)] = &[
    ("archive.create", Left::Nothing),
    ("archive.marker-made", Left::Nothing),
    ("archive.room-reserved", Left::Nothing),
    ("archive.directories-made", Left::Nothing),
    ("archive.manifest-written", Left::Nothing),
    ("archive.manifest-synced", Left::Nothing),
    ("archive.names-synced", Left::Nothing),
    ("archive.manifest-named", Left::Nothing),
    ("archive.begun", Left::Nothing),
    ("store.row-opening-uncommitted", Left::Nothing),
    ("gate.row-opening", Left::Failed),
    ("ssh.connected", Left::Failed),
    ("ssh.logged-in", Left::Failed),
    ("store.row-active-uncommitted", Left::Failed),
    ("gate.row-active", Left::Row("service_restart")),
    ("ssh.asked-to-start", Left::Nothing),
];

const RECORDING: &[(&str, Left)] = &[
    ("ssh.input-recorded", Left::Row("service_restart")),
    ("ssh.output-recorded", Left::Row("service_restart")),
    ("archive.append", Left::Row("service_restart")),
    ("archive.appended", Left::Row("service_restart")),
    ("archive.sync", Left::Row("service_restart")),
    ("archive.synced", Left::Row("service_restart")),
];

/// With those that the next start comes to as well, so that it can be killed there, too.
const CLOSING: &[(&str, Left, bool)] = &[
    ("gate.relays-stopped", Left::Row("service_restart"), false),
    ("archive.end-marks-written", Left::Row("service_restart"), false),
    ("archive.seal", Left::Row("service_restart"), true),
    (
        "archive.closing-manifest-written",
        Left::Row("service_restart"),
        true,
    ),
    ("archive.files-synced", Left::Row("service_restart"), true),
    (
        "archive.closing-manifest-synced",
        Left::Row("service_restart"),
        true,
    ),
    ("archive.file-names-synced", Left::Row("service_restart"), true),
    (
        "archive.closing-manifest-named",
        Left::Row("service_restart"),
        true,
    ),
    ("archive.sealed", Left::Row("service_restart"), true),
    (
        "store.row-closing-uncommitted",
        Left::Row("service_restart"),
        true,
    ),
    ("gate.row-closed", Left::Row("normal"), false),
];

const FAILING: &[(&str, Left)] = &[
    ("gate.failing", Left::Failed),
    ("store.row-failing-uncommitted", Left::Failed),
];

/// The points that are rehearsed here.
pub(super) fn points() -> Vec<&'static str> {
    let plain = [OPENING, RECORDING, FAILING].concat();
    let closing = CLOSING.iter().map(|(point, ..)| *point);
    plain.into_iter().map(|(point, _)| point).chain(closing).collect()
}

#[test]
fn killed_at_each_step_of_opening_a_session_the_gate_loses_nothing() {
    let mut scene = Scene::new();
    for (point, left) in OPENING {
        crash(&mut scene, Act::Opens, point, *left, false);
    }
    all_is_well(&scene);
}

#[test]
fn killed_at_each_step_of_recording_the_gate_loses_nothing() {
    let mut scene = Scene::new();
    for (point, left) in RECORDING {
        crash(&mut scene, Act::Types, point, *left, false);
    }
    all_is_well(&scene);
}

#[test]
fn killed_at_each_step_of_closing_a_session_the_gate_loses_nothing() {
    let mut scene = Scene::new();
    for (point, left, again) in CLOSING {
        crash(&mut scene, Act::Leaves, point, *left, *again);
    }
    all_is_well(&scene);
}

#[test]
fn killed_while_it_gives_up_a_session_the_gate_loses_nothing() {
    let mut scene = Scene::new();
    scene.sshd.stop();
    // Whoever is on must have come before the server went.
    scene.sshd.restart();
    for (point, left) in FAILING {
        crash(&mut scene, Act::Fails, point, *left, false);
    }
    all_is_well(&scene);
}

/// One round; `again`: the node is killed at the same point once more while it mends.
fn crash(scene: &mut Scene, act: Act, point: &str, left: Left, again: bool) {
    require_fault_points();
    let bystander = Bystander::begin(scene);
    let known = ids(scene);
    let failed_before = failures(scene);
    let victim = kill_at(scene, act, point, &known);
    scene.site.take_node().crashes();
    if again {
        // Whoever mends comes by here as well: the bystander's recording is open.
        scene.site.arm(&[&format!("{point} = abort")]);
        scene.site.serve_and_crash();
    }
    scene.site.disarm();
    scene.site.serve();
    let closed = scene.closed(&bystander.id);
    assert_eq!(closed["end_reason"], "service_restart", "{point}: {closed}");
    bystander.is_recorded(scene);
    is_left(
        scene,
        (act, point),
        left,
        &known,
        victim.as_deref(),
        failed_before,
    );
    if act == Act::Fails {
        scene.sshd.restart();
    }
    scene.site.ok(&["session", "verify", "--all"]);
    scene.site.ok(&["audit", "verify"]);
}

/// Brings another session to the point; gives its id, if it had a row before.
fn kill_at(scene: &mut Scene, act: Act, point: &str, known: &BTreeSet<String>) -> Option<String> {
    let arm = |scene: &Scene, of: &str| scene.site.arm(&[&format!("{point} {of} = abort")]);
    match act {
        Act::Opens => {
            arm(scene, "");
            let done = scene.ssh("echo never").done();
            assert_ne!(done.code, Some(0), "{point}: {done}");
            None
        }
        Act::Fails => {
            // The listener alone: who is on stays on.
            scene.sshd.stop();
            arm(scene, "");
            let done = scene.ssh("echo never").done();
            assert_ne!(done.code, Some(0), "{point}: {done}");
            None
        }
        Act::Types | Act::Leaves => {
            let mut victim = scene.shell();
            let id = new_session(scene, known);
            let of = if point.starts_with("store.") {
                String::new()
            } else {
                format!("@{id}")
            };
            arm(scene, &of);
            victim.types(if act == Act::Types {
                "echo last words\n"
            } else {
                "exit\n"
            });
            wait_for("the node to end", LIMIT, || {
                (!scene.site.is_serving()).then_some(())
            });
            Some(id)
        }
    }
}

fn is_left(
    scene: &Scene,
    (act, point): (Act, &str),
    left: Left,
    known: &BTreeSet<String>,
    victim: Option<&str>,
    failed_before: usize,
) {
    let new: Vec<_> = ids(scene).difference(known).cloned().collect();
    let failed = failures(scene) - failed_before;
    match left {
        Left::Nothing => assert!(
            new.is_empty() && failed == 0,
            "{act:?} {point}: {new:?}, {failed} failed"
        ),
        Left::Failed => assert!(
            new.is_empty() && failed == 1,
            "{act:?} {point}: {new:?}, {failed} failed"
        ),
        Left::Row(reason) => {
            let id = victim.or(new.first().map(String::as_str)).unwrap();
            let row = scene.closed(id);
            assert_eq!(row["end_reason"], reason, "{act:?} {point}: {row}");
            let recording = &row["recording"];
            assert!(recording["digest"].is_string(), "{act:?} {point}: {row}");
            assert!(row["duration_seconds"].as_f64().unwrap() >= 0.0, "{row}");
        }
    }
}

/// Events that a session failed.
fn failures(scene: &Scene) -> usize {
    scene
        .site
        .list(&["audit", "list", "--action", "session.failed", "--limit", "1000"])
        .len()
}
