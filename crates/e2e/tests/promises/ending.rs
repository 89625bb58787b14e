//! The end of access: the person reads why, everything closes, and the row says the reason.

use std::time::{Duration, Instant};

use gatehouse_e2e::{LIMIT, Scene, Setup, Terminal};
use serde_json::Value;

#[test]
fn a_kill_from_another_process_ends_the_session_in_words() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    let id = scene.active_session();
    scene
        .site
        .ok(&["session", "kill", &id, "--reason", "maintenance tonight"]);
    terminal.shows("maintenance tonight");
    assert_eq!(terminal.ends(), 255);
    let session = scene.closed(&id);
    assert_eq!(session["end_reason"], "killed");
    assert!(
        session["ended_by"]
            .as_str()
            .is_some_and(|by| by.starts_with("cli:")),
        "{session}"
    );
    scene
        .site
        .audited("session.killed", |e| e["session"] == id.as_str());
}

#[test]
fn a_kill_ends_commands_and_transfers_as_well() {
    let scene = Scene::new();
    let mut command = scene.ssh("echo begun; sleep 600").start();
    command.prints("begun");
    scene.site.ok(&["session", "kill", "--user", "alice"]);
    let done = command.done().exits(255);
    assert!(done.err().contains("gatehouse"), "{done}");
    assert_eq!(scene.site.closed_session()["end_reason"], "killed");
}

#[test]
fn a_grant_that_is_revoked_ends_the_session_within_a_second() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    let id = scene.active_session();
    let policy = policy_id(&scene);
    let start = Instant::now();
    scene.site.ok(&["policy", "revoke", &policy]);
    terminal.ends();
    // The second of the promise, and what the command itself and the client need.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(
        terminal.all().contains("Your access has ended"),
        "{}",
        terminal.all()
    );
    assert_eq!(scene.closed(&id)["end_reason"], "revoked");
}

#[test]
fn a_session_outlives_one_grant_while_another_covers_it() {
    let scene = Scene::new();
    let policy = policy_id(&scene);
    scene
        .site
        .ok(&["policy", "grant", "--user", "alice", "--server", "web01"]);
    let mut terminal = scene.shell();
    scene.site.ok(&["policy", "revoke", &policy]);
    scene.site.audited("policy.revoked", |_| true);
    terminal.types("echo still; echo here\n");
    terminal.shows("here");
    assert!(!terminal.has_ended());
}

#[test]
fn access_that_ends_while_running_is_warned_of_and_then_cut() {
    let scene = Scene::with(Setup {
        config: "expiry.warnings = [\"6s\", \"3s\"]",
        grant: Some(&["--for", "1h"]),
        ..Setup::default()
    });
    let mut terminal = Terminal::start("ssh", &scene.alice.ssh_words(&scene.web01(), &["-tt"]));
    terminal.shows("Your access ends at");
    scene.access_ends_in("12s");
    for left in ["ends in 6s", "ends in 3s"] {
        terminal.shows_within(left, LIMIT * 2);
    }
    terminal.shows("Your access has ended");
    terminal.ends();
    let session = scene.site.closed_session();
    assert_eq!(session["end_reason"], "expired", "{}", terminal.all());
    let row = session["allowed_until"].as_str().unwrap();
    assert!(row.ends_with('Z'), "{row}");
}

#[test]
fn a_command_without_a_terminal_is_not_interrupted_by_warnings() {
    let scene = Scene::with(Setup {
        config: "expiry.warnings = [\"58s\", \"56s\"]",
        grant: Some(&["--for", "1h"]),
        ..Setup::default()
    });
    let mut command = scene
        .alice
        .ssh_with(&scene.web01(), &["-o", "LogLevel=ERROR"])
        .arg("echo begun; read word; sleep 5; echo $word")
        .waiting_stdin()
        .start();
    command.prints("begun");
    scene.access_ends_in("60s");
    command.types("done\n");
    let done = command.done();
    assert_eq!(done.clone().ok(), "begun\ndone\n");
    assert!(done.stderr.is_empty(), "{done}");
}

#[test]
fn the_welcome_line_says_until_when() {
    let scene = Scene::with(Setup {
        grant: Some(&["--for", "3h"]),
        ..Setup::default()
    });
    let mut terminal = Terminal::start("ssh", &scene.alice.ssh_words(&scene.web01(), &["-tt"]));
    terminal.shows("Your access ends at");
    let year = &scene.site.json(&["policy", "list", "--user", "alice"])[0]["end"]
        .as_str()
        .unwrap()[..4]
        .to_owned();
    terminal.shows(year);
    terminal.types("exit\n");
    terminal.ends();
}

#[test]
fn an_idle_session_ends_by_its_grant() {
    let scene = Scene::with(Setup {
        grant: Some(&["--idle", "8s"]),
        ..Setup::default()
    });
    let mut terminal = scene.shell();
    terminal.ends();
    assert_eq!(scene.site.closed_session()["end_reason"], "timeout");
}

#[test]
fn a_session_is_not_longer_than_its_grant_says() {
    let scene = Scene::with(Setup {
        grant: Some(&["--max-length", "4s"]),
        ..Setup::default()
    });
    let command = scene.ssh("while :; do echo busy; sleep 0.2; done").done();
    assert_eq!(command.code, Some(255), "{command}");
    assert_eq!(scene.site.closed_session()["end_reason"], "timeout");
}

#[test]
fn a_locked_or_disabled_person_is_cut_off() {
    for words in [
        ["lock", "user", "alice"],
        ["user", "disable", "alice"],
        ["server", "disable", "web01"],
    ] {
        let scene = Scene::new();
        let mut terminal = scene.shell();
        let id = scene.active_session();
        scene.site.ok(&words);
        terminal.ends();
        assert_eq!(scene.closed(&id)["end_reason"], "revoked", "{words:?}");
    }
}

#[test]
fn a_node_that_is_stopped_says_so_and_closes_every_session() {
    let mut scene = Scene::with(Setup {
        config: "shutdown.grace = \"2s\"",
        ..Setup::default()
    });
    let mut terminal = scene.shell();
    let id = scene.active_session();
    let node = scene.site.take_node();
    let status = node.terminate();
    assert!(status.success(), "{status}");
    terminal.ends();
    let session = scene.closed(&id);
    assert_eq!(session["end_reason"], "service_restart");
    assert!(
        terminal.all().contains("The gate was stopped"),
        "{}",
        terminal.all()
    );
    scene.site.ok(&["session", "verify", "--all"]);
}

/// The id of alice's grant.
fn policy_id(scene: &Scene) -> String {
    match &scene.site.list(&["policy", "list", "--user", "alice"])[0]["id"] {
        Value::Number(number) => number.to_string(),
        other => panic!("a policy's id is a number, not {other}"),
    }
}
