//! Bad days of the gate itself: killed, out of space, without its database.

use std::fs;
use std::path::{Path, PathBuf};

use gatehouse_e2e::{Database, Echo, LIMIT, Run, Scene, Setup, asciinema_cat, require_root, sql, wait_for};
use serde_json::Value;

#[test]
fn after_a_crash_at_any_moment_rows_are_closed_and_recordings_verify() {
    let mut scene = Scene::new();
    scene.ssh("true").done().ok();
    for round in 0..4 {
        let mut terminal = scene.shell();
        let mut busy = scene
            .ssh("while :; do echo 0123456789012345678901234567890123456789; done")
            .start();
        busy.prints("0123456789");
        for line in 0..round * 5 {
            terminal.types(&format!("echo round {round} line {line}\n"));
        }
        scene.site.take_node().kill();
        terminal.ends();
        drop(busy);
        scene.site.serve();
        wait_for("every row to be closed", LIMIT, || {
            let sessions = scene.site.list(&["session", "list"]);
            sessions
                .iter()
                .all(|session| session["state"] == "closed")
                .then_some(())
        });
        scene.site.ok(&["session", "verify", "--all"]);
    }
    let reasons = |reason: &str| {
        scene
            .site
            .list(&["session", "list"])
            .iter()
            .filter(|session| session["end_reason"] == reason)
            .count()
    };
    assert_eq!(reasons("service_restart"), 8);
    scene.site.ok(&["audit", "verify"]);
    assert_eq!(scene.ssh("echo serves again").done().ok(), "serves again\n");
}

#[test]
fn what_was_shown_before_a_crash_is_in_the_recording() {
    let mut scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("echo before''crash\n");
    terminal.shows("beforecrash");
    let id = scene.active_session();
    let session = scene.site.json(&["session", "show", &id]);
    let cast = scene.site.recording(&session).join("ssh-0.cast");
    wait_for("the words in the file", LIMIT, || {
        fs::read_to_string(&cast)
            .unwrap_or_default()
            .contains("beforecrash")
            .then_some(())
    });
    scene.site.take_node().kill();
    scene.site.serve();
    let session = scene.closed(&id);
    assert_eq!(session["end_reason"], "service_restart");
    assert!(scene.site.ok(&["session", "text", &id]).contains("beforecrash"));
    assert!(asciinema_cat(&cast).contains("beforecrash"));
}

#[test]
fn a_full_disk_ends_the_session_in_words_and_the_gate_serves_on() {
    let (scene, disk) = on_a_small_disk("");
    let flood = scene
        .ssh("yes all work and no play | head -c 60000000; echo unrecorded")
        .done();
    assert_eq!(flood.code, Some(255), "{flood}");
    assert!(!flood.err().is_empty(), "nothing was said");
    assert!(!flood.out().contains("unrecorded"));
    let session = scene.site.closed_session();
    assert_eq!(session["end_reason"], "error", "{session}");
    scene
        .site
        .audited("recording.failed", |e| e["session"] == session["id"]);
    disk.fill();
    let told = scene.ssh("echo never").done().exits(255);
    assert!(told.stdout.is_empty() && told.err().contains("record"), "{told}");
    disk.enlarge();
    assert_eq!(scene.ssh("echo recorded again").done().ok(), "recorded again\n");
    scene.site.ok(&["session", "verify", "--all"]);
}

#[test]
fn a_full_disk_ends_a_session_whose_forwards_are_kept() {
    let (scene, _disk) = on_a_small_disk("recording.forwards = \"on\"");
    scene.site.ok(&["right", "add", "user", "alice", "forward_local"]);
    let service = Echo::start(scene.site.net.server(9), "service");
    let to = service.addr.to_string();
    let through = |bytes: Vec<u8>| {
        let client = scene.alice.ssh_with(&scene.web01(), &["-W", &to]);
        client.stdin(bytes).done()
    };
    wait_for("the right to be in force", LIMIT, || {
        (through(Vec::new()).out() == "service\n").then_some(())
    });
    let flood = through(vec![7; 60_000_000]);
    assert!(flood.stdout.len() < 60_000_000, "all of it went through");
    let session = scene.site.session("one that failed", |session| {
        session["state"] == "closed" && session["end_reason"] == "error"
    });
    scene
        .site
        .audited("recording.failed", |e| e["session"] == session["id"]);
    scene.site.ok(&["session", "verify", "--all"]);
}

#[test]
fn with_best_effort_a_full_disk_is_audited_and_the_session_goes_on() {
    let (scene, _disk) = on_a_small_disk("recording.mode = \"best_effort\"");
    let flood = scene
        .ssh("yes all work and no play | head -c 30000000 | tail -c 5; echo the end")
        .done();
    assert!(flood.ok().ends_with("the end\n"));
    let flood = scene
        .ssh("yes all work and no play | head -c 30000000; echo the end")
        .done();
    assert!(flood.ok().ends_with("the end\n"));
    scene.site.audited("recording.failed", |_| true);
}

#[test]
fn with_the_database_gone_denials_go_on_and_access_comes_back_with_it() {
    let scene = Scene::with(Setup {
        database: Database::Postgres,
        ..Setup::default()
    });
    scene.ssh("true").done().ok();
    let (server, name) = scene.site.database_url.rsplit_once('/').unwrap();
    let admin = format!("{server}/postgres");
    sql(&admin, &format!("alter database {name} allow_connections false"));
    sql(
        &admin,
        &format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"),
    );
    let stranger = gatehouse_e2e::Client::with_key(scene.site.net.stranger());
    let denied = stranger.ssh(&scene.web01()).arg("id").done().exits(255);
    assert!(
        denied.err().contains("Permission denied (publickey)."),
        "{denied}"
    );
    let told = scene.ssh("echo never").done();
    assert_ne!(told.code, Some(0), "a session without a row: {told}");
    assert!(
        !told.err().contains("panicked") && !told.err().contains("sqlx"),
        "{told}"
    );
    sql(&admin, &format!("alter database {name} allow_connections true"));
    wait_for("access to come back", LIMIT, || {
        (scene.ssh("true").done().code == Some(0)).then_some(())
    });
    scene
        .site
        .audited("session.denied", |e| e["reason"] == "unknown_source");
    scene.site.ok(&["audit", "verify"]);
}

/// A small file system of its own, unmounted when dropped.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn mount(folder: &Path) -> Self {
        require_root("a small file system");
        fs::create_dir_all(folder).unwrap();
        Run::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
            .arg(folder)
            .done()
            .ok();
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Takes what space is left.
    fn fill(&self) {
        let file = self.folder.join("filler");
        Run::new("dd")
            .args(["if=/dev/zero", "bs=4096"])
            .arg(format!("of={}", file.display()))
            .done();
    }

    fn enlarge(&self) {
        Run::new("mount")
            .args(["-o", "remount,size=64m"])
            .arg(&self.folder)
            .done()
            .ok();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Run::new("umount").arg("-l").arg(&self.folder).done();
    }
}

fn on_a_small_disk(config: &str) -> (Scene, Disk) {
    let mut disk = None;
    let scene = Scene::prepared(Setup::default(), |site, _, _| {
        let folder = site.folder().join("disk");
        disk = Some(Disk::mount(&folder));
        site.write_config(&format!("recording.dir = {folder:?}\n{config}"));
    });
    (scene, disk.unwrap())
}

#[test]
fn recordings_that_cannot_be_written_are_told_to_the_person() {
    let scene = Scene::new();
    scene.ssh("true").done().ok();
    scene.site.closed_session();
    // A file where the folder was stops even root.
    let recordings = scene.site.data_dir().join("recordings");
    fs::rename(&recordings, scene.site.folder().join("away")).unwrap();
    fs::write(&recordings, "").unwrap();
    let told = scene.ssh("echo never").done().exits(255);
    assert!(told.stdout.is_empty() && told.err().contains("record"), "{told}");
    scene.site.audited("recording.failed", |e| e["user"] == "alice");
    let open: Vec<Value> = scene.site.list(&["session", "list", "--active"]);
    assert!(open.is_empty(), "{open:?}");
    fs::remove_file(&recordings).unwrap();
    fs::rename(scene.site.folder().join("away"), &recordings).unwrap();
    assert_eq!(scene.ssh("echo recorded again").done().ok(), "recorded again\n");
}
