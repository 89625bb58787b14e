//! A change is in force within a second, on every node and on both databases.

use std::time::{Duration, Instant};

use gatehouse_e2e::{Client, Database, LIMIT, Scene, Setup, Target, wait_for};

/// The promise.
const IN_FORCE: Duration = Duration::from_secs(1 + 2);

#[test]
fn a_change_by_the_command_line_is_in_force_within_a_second_on_sqlite() {
    in_force_within_a_second(Database::Sqlite);
}

#[test]
fn a_change_by_the_command_line_is_in_force_within_a_second_on_postgresql() {
    in_force_within_a_second(Database::Postgres);
}

fn in_force_within_a_second(database: Database) {
    let scene = Scene::with(Setup {
        database,
        grant: None,
        ..Setup::default()
    });
    scene.ssh("true").done().exits(255);
    for (words, code) in [
        (
            ["policy", "grant", "--user", "alice", "--server", "web01"].as_slice(),
            0,
        ),
        (&["user", "disable", "alice"], 255),
        (&["user", "enable", "alice"], 0),
        (&["lock", "server", "web01"], 255),
    ] {
        scene.site.ok(words);
        let changed = Instant::now();
        // An attempt that began later than the promise allows must already see the change.
        wait_for(&format!("{words:?} in force"), LIMIT, || {
            let began = changed.elapsed();
            let done = scene.ssh("true").done();
            assert!(
                done.code == Some(code) || began < IN_FORCE,
                "{words:?} not in force after {began:?}: {done}"
            );
            (done.code == Some(code)).then_some(())
        });
    }
}

#[test]
fn the_same_life_of_a_session_on_both_databases() {
    for database in [Database::Sqlite, Database::Postgres] {
        let scene = Scene::with(Setup {
            database,
            grant: Some(&["--for", "2h", "--login", &gatehouse_e2e::this_login()]),
            ..Setup::default()
        });
        assert_eq!(scene.ssh("echo both").done().ok(), "both\n");
        let session = scene.site.closed_session();
        assert_eq!(session["end_reason"], "normal", "{database:?}");
        assert!(session["allowed_until"].is_string(), "{database:?}: {session}");
        scene.ssh("exit 3").done().exits(3);
        scene
            .alice
            .ssh(&scene.web01().login("somebody"))
            .arg("id")
            .done()
            .exits(255);
        scene
            .site
            .audited("session.denied", |e| e["reason"] == "login_not_allowed");
        scene.site.ok(&["session", "verify", "--all"]);
        scene.site.ok(&["audit", "verify"]);
        scene.site.ok(&["user", "remove", "alice", "--yes"]);
        let session = scene
            .site
            .json(&["session", "show", session["id"].as_str().unwrap()]);
        assert_eq!(session["user"], "alice", "history stays readable on {database:?}");
    }
}

#[test]
fn two_nodes_share_the_work_and_a_kill_reaches_the_one_that_holds_the_session() {
    let scene = Scene::with(Setup {
        database: Database::Postgres,
        ..Setup::default()
    });
    let second = scene.site.second_node();
    let there = Target {
        login: scene.sshd.login(),
        addr: second.ssh_at(scene.site.net.proxy(1)),
    };
    // The gate's host keys are the same on all nodes, ports aside.
    assert_eq!(
        scene.alice.ssh(&there).arg("echo by the other").done().ok(),
        "by the other\n"
    );
    let mut command = scene.alice.ssh(&there).arg("echo begun; sleep 600").start();
    command.prints("begun");
    let id = scene.active_session();
    scene.site.ok(&["session", "kill", &id]);
    command.done().exits(255);
    assert_eq!(scene.closed(&id)["end_reason"], "killed");
    let mut session = scene.alice.ssh(&there).arg("echo begun; sleep 600").start();
    session.prints("begun");
    scene.site.ok(&["user", "disable", "alice"]);
    session.done().exits(255);
    let denied = Client::with_key(scene.site.net.person(1));
    wait_for("both nodes to deny", LIMIT, || {
        [&there, &scene.web01()]
            .iter()
            .all(|target| denied.ssh(target).arg("id").done().code == Some(255))
            .then_some(())
    });
}

#[test]
fn many_programs_may_start_at_once_on_an_empty_database() {
    let site = gatehouse_e2e::Site::new(Database::Postgres, "");
    let starting: Vec<_> = (0..6).map(|_| site.cli(&["user", "list"]).start()).collect();
    for running in starting {
        running.done().ok();
    }
}
