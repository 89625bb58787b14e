//! Disks that are full, broken, read-only, slow or silent: for one session, and for all.

use std::fs;
use std::time::Duration;

use gatehouse_e2e::{Client, LIMIT, Run, Scene, Setup, require_fault_points, require_root, wait_for};

use super::{Bystander, all_is_well, cast, ids, new_session};

/// The points that are rehearsed here.
pub(super) const POINTS: &[&str] = &["archive.create", "archive.append", "archive.sync", "archive.seal"];

/// A short patience, so that a silent disk is given up while a test waits.
const IMPATIENT: &str = "recording.patience = \"2s\"\nshutdown.grace = \"2s\"";

#[test]
fn a_disk_that_refuses_one_session_ends_it_in_words_and_no_other() {
    require_fault_points();
    let scene = Scene::new();
    let mut bystander = Bystander::begin(&scene);
    for (fault, word) in [
        ("archive.append @ID = error ENOSPC", "full"),
        ("archive.append @ID = error EROFS", "read-only"),
        ("archive.append @ID = error EIO", "cannot write"),
        ("archive.sync @ID = error EIO", "cannot sync"),
    ] {
        let known = ids(&scene);
        let mut victim = scene.shell();
        let id = new_session(&scene, &known);
        scene.site.arm(&[&fault.replace("ID", &id)]);
        victim.types("echo this is not recorded\n");
        assert_ne!(victim.ends(), 0, "{fault}: {}", victim.all());
        assert!(victim.all().contains(word), "{fault}: {}", victim.all());
        let row = scene.closed(&id);
        assert_eq!(row["end_reason"], "error", "{fault}: {row}");
        scene
            .site
            .audited("recording.failed", |event| event["session"] == id.as_str());
        bystander.works();
        scene.site.disarm();
    }
    bystander.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn a_recording_that_cannot_be_begun_is_told_and_none_that_runs_is_touched() {
    require_fault_points();
    let scene = Scene::new();
    let mut bystander = Bystander::begin(&scene);
    for error in ["ENOSPC", "EROFS", "EIO", "ESTALE"] {
        scene.site.arm(&[&format!("archive.create = error {error}")]);
        let done = scene.ssh("echo never").done().exits(255);
        assert!(
            done.stdout.is_empty() && done.err().contains("record"),
            "{error}: {done}"
        );
        bystander.works();
    }
    scene.site.disarm();
    bystander.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn a_recording_that_cannot_be_closed_is_sealed_at_the_next_start() {
    require_fault_points();
    let mut scene = Scene::new();
    let bystander = Bystander::begin(&scene);
    let id = bystander.id.clone();
    scene.site.arm(&["archive.seal = error EIO"]);
    let Bystander {
        mut terminal, words, ..
    } = bystander;
    terminal.types("exit\n");
    assert_eq!(terminal.ends(), 0);
    let row = scene.closed(&id);
    assert_eq!(row["end_reason"], "normal", "{row}");
    assert!(scene.site.node().log().contains("could not be sealed"));
    scene.site.disarm();
    assert!(scene.site.take_node().terminate().success());
    scene.site.serve();
    scene
        .site
        .audited("recording.sealed", |event| event["session"] == id.as_str());
    let text = scene.site.ok(&["session", "text", &id]);
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    all_is_well(&scene);
}

#[test]
fn a_slow_disk_slows_sessions_down_and_loses_nothing() {
    require_fault_points();
    let scene = Scene::new();
    let mut bystander = Bystander::begin(&scene);
    let before = scene.site.node().memory_kib();
    scene
        .site
        .arm(&["archive.append = delay 250", "archive.sync = delay 1500"]);
    let counted = scene.ssh("seq 1 200000").within(LIMIT * 4).start();
    bystander.works();
    let done = counted.done().exits(0);
    bystander.works();
    let grown = scene.site.node().memory_kib().saturating_sub(before);
    scene.site.disarm();
    assert!(done.out().ends_with("199999\n200000\n"));
    assert!(grown < 64 * 1024, "the node grew by {grown} KiB");
    let session = scene.site.session("the one that counted", |session| {
        session["what"] == "seq 1 200000" && session["state"] == "closed"
    });
    let text = scene
        .site
        .ok(&["session", "text", session["id"].as_str().unwrap()]);
    for number in [1, 99_999, 123_456, 200_000] {
        assert!(
            text.contains(&format!("\n{number}\n")) || text.starts_with(&format!("{number}\n")),
            "{number} is missing"
        );
    }
    bystander.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn a_session_whose_disk_is_silent_ends_in_words_and_the_node_can_stop() {
    require_fault_points();
    let mut scene = Scene::with(Setup {
        config: IMPATIENT,
        ..Setup::default()
    });
    let mut bystander = Bystander::begin(&scene);
    let known = ids(&scene);
    let mut victim = scene.shell();
    let id = new_session(&scene, &known);
    victim.types("echo before''hand\n");
    victim.shows("beforehand");
    let cast = cast(&scene, &id);
    wait_for("the words in the file", LIMIT, || {
        let text = fs::read_to_string(&cast).unwrap_or_default();
        text.contains("beforehand").then_some(())
    });
    scene.site.arm(&[&format!("archive.append @{id} = hang")]);
    victim.types("echo this hangs\n");
    victim.types("echo and this waits\n");
    bystander.works();
    assert_ne!(victim.ends(), 0);
    assert!(victim.all().contains("has not answered"), "{}", victim.all());
    let row = scene.closed(&id);
    assert_eq!(row["end_reason"], "error", "{row}");
    scene
        .site
        .audited("recording.failed", |event| event["session"] == id.as_str());
    bystander.works();
    bystander.leaves(&scene);
    // The disk is as silent as before.
    let status = scene.site.take_node().terminate_within(LIMIT * 2);
    assert!(status.success(), "{status}");
    scene.site.disarm();
    scene.site.serve();
    scene
        .site
        .audited("recording.sealed", |event| event["session"] == id.as_str());
    assert!(scene.site.ok(&["session", "text", &id]).contains("beforehand"));
    all_is_well(&scene);
}

#[test]
fn while_the_disk_is_silent_for_all_new_sessions_are_refused_and_with_it_back_all_is_well() {
    require_fault_points();
    let scene = Scene::with(Setup {
        config: IMPATIENT,
        ..Setup::default()
    });
    let mut victim = scene.shell();
    let id = scene.active_session();
    scene.site.arm(&[
        "archive.create = hang",
        "archive.append = hang",
        "archive.sync = hang",
    ]);
    let told = scene.ssh("echo never").done().exits(255);
    assert!(told.stdout.is_empty() && told.err().contains("record"), "{told}");
    // Denials need no disk.
    let stranger = Client::with_key(scene.site.net.stranger());
    let denied = stranger.ssh(&scene.web01()).arg("id").done().exits(255);
    assert!(
        denied.err().contains("Permission denied (publickey)."),
        "{denied}"
    );
    victim.types("echo this hangs\n");
    victim.types("echo and this waits\n");
    assert_ne!(victim.ends(), 0);
    assert_eq!(scene.closed(&id)["end_reason"], "error");
    scene.site.disarm();
    // It was open when its session closed, and is sealed without a restart.
    scene
        .site
        .audited("recording.sealed", |event| event["session"] == id.as_str());
    all_is_well(&scene);
}

#[test]
fn with_best_effort_a_silent_disk_leaves_a_gap_and_the_session_goes_on() {
    require_fault_points();
    let config = format!("{IMPATIENT}\nrecording.mode = \"best_effort\"");
    let scene = Scene::with(Setup {
        config: &config,
        ..Setup::default()
    });
    let mut terminal = scene.shell();
    let id = scene.active_session();
    scene.site.arm(&[&format!("archive.append @{id} = hang")]);
    terminal.types("echo be''gun\n");
    terminal.shows("begun");
    wait_for("the disk to be given up", LIMIT, || {
        scene
            .site
            .node()
            .log()
            .contains("a gap in a recording")
            .then_some(())
    });
    for number in 0..4 {
        terminal.types(&format!("echo un''seen{number}\n"));
        terminal.shows(&format!("unseen{number}"));
    }
    scene.site.disarm();
    wait_for("the recorder to go on", LIMIT, || {
        terminal.types("echo se''en\n");
        terminal.shows("seen");
        let cast = fs::read_to_string(cast(&scene, &id)).unwrap_or_default();
        (cast.contains("\"g\"") && cast.contains("seen")).then_some(())
    });
    terminal.types("exit\n");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(scene.closed(&id)["end_reason"], "normal");
    scene
        .site
        .audited("recording.failed", |event| event["session"] == id.as_str());
    all_is_well(&scene);
}

#[test]
fn a_session_whose_writes_never_become_durable_ends() {
    require_fault_points();
    let scene = Scene::with(Setup {
        config: IMPATIENT,
        ..Setup::default()
    });
    let mut bystander = Bystander::begin(&scene);
    let known = ids(&scene);
    let busy = scene.ssh("while echo tick; do sleep 0.1; done").start();
    let id = new_session(&scene, &known);
    scene.site.arm(&[&format!("archive.sync @{id} = hang")]);
    let done = busy.done();
    assert_ne!(done.code, Some(0));
    assert!(done.err().contains("has not answered"), "{done}");
    bystander.works();
    scene.site.disarm();
    assert_eq!(scene.closed(&id)["end_reason"], "error");
    bystander.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn recordings_on_a_read_only_mount_are_told_to_the_person() {
    require_root("a mount of its own");
    let scene = Scene::new();
    scene.ssh("true").done().ok();
    scene.site.closed_session();
    let mount = ReadOnly::mount(&scene.site.data_dir().join("recordings"));
    let told = scene.ssh("echo never").done().exits(255);
    assert!(told.stdout.is_empty() && told.err().contains("record"), "{told}");
    scene.site.audited("recording.failed", |event| {
        event["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("read-only"))
    });
    drop(mount);
    all_is_well(&scene);
}

#[test]
fn on_a_read_only_data_directory_nothing_starts_and_the_reason_is_one_sentence() {
    require_root("a mount of its own");
    let mut scene = Scene::new();
    scene.ssh("true").done().ok();
    assert!(scene.site.take_node().terminate().success());
    let mount = ReadOnly::mount(&scene.site.data_dir());
    for done in [
        scene.site.serve_in_vain(),
        scene.site.cli(&["user", "add", "bob"]).done(),
    ] {
        let done = done.exits(1);
        let sentences: Vec<_> = done
            .err()
            .lines()
            .filter(|line| line.starts_with("gatehouse:"))
            .map(str::to_owned)
            .collect();
        assert!(
            sentences.len() == 1 && sentences[0].to_lowercase().contains("read"),
            "{done}"
        );
        assert!(!done.err().contains("panicked"), "{done}");
    }
    drop(mount);
    scene.site.serve();
    all_is_well(&scene);
}

/// A folder mounted on itself, so that nothing can be written there, not even by root.
struct ReadOnly(std::path::PathBuf);

impl ReadOnly {
    fn mount(folder: &std::path::Path) -> Self {
        Run::new("mount")
            .arg("--bind")
            .arg(folder)
            .arg(folder)
            .done()
            .ok();
        let mount = Self(folder.to_owned());
        Run::new("mount")
            .args(["-o", "remount,bind,ro"])
            .arg(folder)
            .done()
            .ok();
        mount
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        Run::new("umount")
            .arg("-l")
            .arg(&self.0)
            .within(Duration::from_secs(10))
            .done();
    }
}
