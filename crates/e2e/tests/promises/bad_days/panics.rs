//! A fault of the gate in one session: that session ends, is closed with the reason `error`, and nobody else notices.

use gatehouse_e2e::{LIMIT, Scene, require_fault_points, wait_for};

use super::{Bystander, all_is_well, ids, new_session};

/// Points of a running session, and what brings it there.
const RUNNING: &[(&str, &str)] = &[
    ("ssh.input-recorded", "echo typed\n"),
    ("ssh.output-recorded", "echo typed\n"),
    ("archive.append", "echo typed\n"),
    ("gate.supervise", ""),
];

/// Points on the way to a session.
const OPENING: &[&str] = &[
    "archive.create",
    "gate.row-opening",
    "ssh.connected",
    "ssh.logged-in",
    "gate.row-active",
    "ssh.asked-to-start",
];

/// The points that are rehearsed here.
pub(super) fn points() -> Vec<&'static str> {
    let running = RUNNING.iter().map(|(point, _)| *point);
    running.chain(OPENING.iter().copied()).collect()
}

#[test]
fn a_panic_in_a_running_session_ends_it_alone_with_the_reason_error() {
    require_fault_points();
    let scene = Scene::new();
    let mut bystander = Bystander::begin(&scene);
    for (point, typed) in RUNNING {
        let known = ids(&scene);
        let mut victim = scene.shell();
        let id = new_session(&scene, &known);
        scene.site.arm(&[&format!("{point} @{id} = panic")]);
        victim.types(typed);
        if typed.is_empty() {
            // Supervision looks again when anything changes.
            scene.site.ok(&["group", "add", "stir"]);
        }
        assert_ne!(victim.ends(), 0, "{point}: {}", victim.all());
        let row = scene.closed(&id);
        assert_eq!(row["end_reason"], "error", "{point}: {row}");
        bystander.works();
        scene.site.disarm();
    }
    let log = scene.site.node().log();
    assert!(log.matches("was told to panic").count() >= RUNNING.len(), "{log}");
    bystander.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn a_panic_on_the_way_to_a_session_ends_it_alone_and_leaves_no_open_row() {
    require_fault_points();
    let mut scene = Scene::new();
    let mut bystander = Bystander::begin(&scene);
    for point in OPENING {
        scene.site.arm(&[&format!("{point} = panic")]);
        let done = scene.ssh("echo never").done();
        assert_ne!(done.code, Some(0), "{point}: {done}");
        assert!(done.stdout.is_empty(), "{point}: {done}");
        scene.site.disarm();
        bystander.works();
        wait_for("no row but the bystander's to be open", LIMIT, || {
            let active = scene.site.list(&["session", "list", "--active"]);
            (active.len() == 1).then_some(())
        });
    }
    bystander.leaves(&scene);
    all_is_well(&scene);
    // Nothing is left that a stop would wait for.
    let log = scene.site.node().log();
    assert!(log.matches("was told to panic").count() >= OPENING.len(), "{log}");
    assert!(scene.site.take_node().terminate().success());
}
