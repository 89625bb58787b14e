//! Sessions in utmp and wtmp: what `who`, `last`, `w` and `utmpdump` show, read from files of the test's own.

use std::fs;
use std::path::{Path, PathBuf};

use gatehouse_e2e::{Database, LIMIT, Run, Scene, Setup, require_root, wait_for};

/// A scene whose node writes these files, and the files.
struct Records {
    scene: Scene,
    utmp: PathBuf,
    wtmp: PathBuf,
    _folder: tempfile::TempDir,
}

fn records(database: Database) -> Records {
    let folder = tempfile::tempdir().unwrap();
    let (utmp, wtmp) = (folder.path().join("utmp"), folder.path().join("wtmp"));
    fs::write(&utmp, []).unwrap();
    fs::write(&wtmp, []).unwrap();
    let config = format!("utmp.utmp = {utmp:?}\nutmp.wtmp = {wtmp:?}");
    let scene = Scene::with(Setup {
        database,
        config: &config,
        ..Setup::default()
    });
    Records {
        scene,
        utmp,
        wtmp,
        _folder: folder,
    }
}

fn who(file: &Path) -> String {
    Run::new("who")
        .arg(file)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .done()
        .ok()
}

fn last(file: &Path) -> String {
    Run::new("last")
        .args(["-w", "-i", "-f"])
        .arg(file)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .done()
        .ok()
}

fn dump(file: &Path) -> String {
    Run::new("utmpdump").arg(file).env("LC_ALL", "C").done().ok()
}

#[test]
fn who_and_last_show_a_session_from_its_beginning_to_its_end() {
    let records = records(Database::Sqlite);
    let scene = &records.scene;
    let mut terminal = scene.shell();
    let id = scene.active_session();
    let host = format!("({}@web01)", scene.sshd.login());
    wait_for("who to show alice", LIMIT, || {
        let shown = who(&records.utmp);
        let mut words = shown.split_whitespace();
        (words.next() == Some("alice") && words.next() == Some("ssh0") && shown.contains(&host)).then_some(())
    });
    let source = scene.site.net.person(1).to_string();
    let dumped = dump(&records.utmp);
    let node = scene.site.node().pid();
    assert!(
        dumped.starts_with(&format!("[7] [{node:05}] [gs00] [alice   ] [ssh0        ]"))
            && dumped.contains(&source),
        "{dumped}"
    );
    // "gone - no logout" until the end: `last` takes people without an account on the machine for phantoms.
    assert!(last(&records.wtmp).contains("ssh0"), "{}", last(&records.wtmp));
    wait_for("the row to name its line", LIMIT, || {
        (scene.site.json(&["session", "show", &id])["line"] == "ssh0").then_some(())
    });
    terminal.types("exit\n");
    terminal.ends();
    scene.closed(&id);
    wait_for("the line to be free", LIMIT, || {
        who(&records.utmp).is_empty().then_some(())
    });
    wait_for("last to show how long it was", LIMIT, || {
        let gone = last(&records.wtmp);
        let line = gone.lines().next()?;
        (line.starts_with("alice")
            && line.contains("ssh0")
            && line.contains(&source)
            && line.contains("(00:0"))
        .then_some(())
    });
    let dumped = dump(&records.wtmp);
    assert_eq!(
        dumped.lines().map(|line| &line[..3]).collect::<Vec<_>>(),
        ["[7]", "[8]"],
        "{dumped}"
    );
}

#[test]
fn lines_are_never_shared_and_used_again() {
    let records = records(Database::Sqlite);
    let scene = &records.scene;
    let begin = || {
        let mut command = scene.ssh("echo begun; cat").waiting_stdin().start();
        command.prints("begun");
        command
    };
    let running: Vec<_> = (0..3).map(|_| begin()).collect();
    let lines = || {
        let mut lines: Vec<_> = who(&records.utmp)
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned))
            .collect();
        lines.sort();
        lines
    };
    wait_for("three lines", LIMIT, || {
        (lines() == ["ssh0", "ssh1", "ssh2"]).then_some(())
    });
    drop(running.into_iter().nth(1));
    wait_for("all lines to be free", LIMIT, || lines().is_empty().then_some(()));
    let _again = begin();
    wait_for("the first line again", LIMIT, || {
        (lines() == ["ssh0"]).then_some(())
    });
    assert_eq!(
        fs::metadata(&records.utmp).unwrap().len() % 3,
        0,
        "no record was added"
    );
}

#[test]
fn two_nodes_of_one_machine_share_the_lines() {
    let records = records(Database::Postgres);
    let scene = &records.scene;
    let second = scene.site.second_node();
    let there = gatehouse_e2e::Target {
        login: scene.sshd.login(),
        addr: second.ssh_at(scene.site.net.proxy(1)),
    };
    let mut here = scene.ssh("echo begun; sleep 600").start();
    here.prints("begun");
    let mut other = scene.alice.ssh(&there).arg("echo begun; sleep 600").start();
    other.prints("begun");
    wait_for("two lines of two nodes", LIMIT, || {
        let shown = dump(&records.utmp);
        let pids = [scene.site.node().pid(), second.pid()];
        (shown.contains("[ssh0 ")
            && shown.contains("[ssh1 ")
            && pids.iter().all(|pid| shown.contains(&format!("[{pid:05}]"))))
        .then_some(())
    });
    // The other node's crash leaves its line; this node's end frees its own alone.
    second.kill();
    drop(here);
    wait_for("one line", LIMIT, || {
        (who(&records.utmp).lines().count() == 1).then_some(())
    });
}

#[test]
fn after_a_crash_the_next_start_frees_the_lines() {
    let mut records = records(Database::Sqlite);
    let mut command = records.scene.ssh("echo begun; sleep 600").start();
    command.prints("begun");
    wait_for("who to show alice", LIMIT, || {
        who(&records.utmp).contains("alice").then_some(())
    });
    records.scene.site.take_node().kill();
    assert!(who(&records.utmp).contains("ssh0"), "the crash leaves the line");
    records.scene.site.serve();
    wait_for("the line to be free", LIMIT, || {
        who(&records.utmp).is_empty().then_some(())
    });
    let dumped = dump(&records.wtmp);
    assert_eq!(dumped.lines().count(), 2, "{dumped}");
    assert!(dumped.lines().nth(1).unwrap().starts_with("[8]"), "{dumped}");
}

#[test]
fn a_node_that_is_stopped_leaves_no_line_taken() {
    let mut records = records(Database::Sqlite);
    records.scene.site.write_config(&format!(
        "utmp.utmp = {:?}\nutmp.wtmp = {:?}\nshutdown.grace = \"1s\"",
        records.utmp, records.wtmp
    ));
    assert!(records.scene.site.take_node().terminate().success());
    records.scene.site.serve();
    let mut command = records.scene.ssh("echo begun; sleep 600").start();
    command.prints("begun");
    wait_for("who to show alice", LIMIT, || {
        who(&records.utmp).contains("alice").then_some(())
    });
    assert!(records.scene.site.take_node().terminate().success());
    assert_eq!(who(&records.utmp), "");
    assert!(!last(&records.wtmp).contains("gone"), "{}", last(&records.wtmp));
}

#[test]
fn without_the_files_sessions_run_on() {
    let records = records(Database::Sqlite);
    fs::remove_file(&records.utmp).unwrap();
    fs::remove_file(&records.wtmp).unwrap();
    assert_eq!(records.scene.ssh("echo as ever").done().ok(), "as ever\n");
    assert_eq!(records.scene.site.closed_session()["end_reason"], "normal");
    assert!(!records.utmp.exists() && !records.wtmp.exists());
}

#[test]
fn w_shows_who_is_on_and_from_where() {
    require_root("a mount of its own");
    let records = records(Database::Sqlite);
    let mut command = records.scene.ssh("echo begun; sleep 600").start();
    command.prints("begun");
    wait_for("who to show alice", LIMIT, || {
        who(&records.utmp).contains("alice").then_some(())
    });
    let folder = records.utmp.parent().unwrap().display();
    // `w` reads /run/utmp alone; in a mount namespace of its own that is the test's. Without -u it leaves out people
    // who have no account on the machine.
    let script = format!("mount --bind {folder} /run && exec w -h -u");
    let shown = Run::new("unshare")
        .args(["-m", "sh", "-c", &script])
        .env("LC_ALL", "C")
        .done()
        .ok();
    let line = shown
        .lines()
        .find(|line| line.starts_with("alice"))
        .unwrap_or_default();
    assert!(line.contains("ssh0"), "{shown}");
}
