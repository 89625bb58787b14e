//! Much data, slow readers, and many things at once: nothing hangs, nothing grows, nobody waits for another.

use std::fs;
use std::time::{Duration, Instant};

use gatehouse_e2e::{LIMIT, Run, Scene, Setup, wait_for};

/// Enough to fill every window and buffer on the way many times over.
const LARGE: u64 = 1024 * 1024 * 1024;
/// Time in which a busy machine moves it both ways.
const LARGE_LIMIT: Duration = Duration::from_secs(400);
/// What a node may grow by while a reader has stopped: the windows and queues of a connection, doubled.
const GROWTH_KIB: u64 = 48 * 1024;

#[test]
fn two_way_load_never_hangs() {
    let scene = Scene::new();
    let ssh = quoted(&scene.alice.ssh_words(&scene.web01(), &["-o", "LogLevel=ERROR"]));
    // The sender's digest of what went in, the receiver's of what came back.
    let script = format!(
        "set -e; cd {folder}; head -c 16777216 /dev/urandom >block\n\
         for i in $(seq 64); do cat block; done >whole\n\
         ssh {ssh} cat <whole | cmp - whole && wc -c <whole",
        folder = scene.alice.folder().display()
    );
    let done = Run::new("sh").args(["-c", &script]).within(LARGE_LIMIT).done();
    assert_eq!(done.ok().trim(), LARGE.to_string());
    let session = scene.site.closed_session();
    assert!(session["bytes_out"].as_u64().unwrap() >= LARGE, "{session}");
    assert!(session["bytes_in"].as_u64().unwrap() >= LARGE, "{session}");
}

#[test]
fn a_client_that_stops_reading_does_not_grow_the_gate() {
    // Kept as digests: the recorder is not to wait for the disk.
    let scene = Scene::with(Setup {
        grant: Some(&["--record-binary", "digest"]),
        ..Setup::default()
    });
    scene.ssh("true").done().ok();
    let before = scene.site.node().memory_kib();
    let counter = scene.sshd.files().join("sent");
    let command = format!(
        "dd if=/dev/zero bs=65536 count=8000 2>{} & sleep 3; kill -USR1 $!; wait",
        counter.display()
    );
    // A pipe that nobody reads: the client fills it and then stops reading from the gate.
    let fifo = scene.alice.folder().join("unread");
    Run::new("mkfifo").arg(&fifo).done().ok();
    let ssh = quoted(&scene.alice.ssh_words(&scene.web01(), &["-o", "LogLevel=ERROR"]));
    let script = format!("exec 3<>{f}; ssh {ssh} '{command}' >{f}", f = fifo.display());
    let running = Run::new("sh").args(["-c", &script]).start();
    wait_for("the sender to be stopped by back pressure", LIMIT, || {
        fs::read_to_string(&counter)
            .unwrap_or_default()
            .contains("bytes")
            .then_some(())
    });
    let sent = fs::read_to_string(&counter).unwrap();
    let bytes: u64 = sent
        .lines()
        .find_map(|line| line.split_once(" bytes"))
        .and_then(|(number, _)| number.trim().parse().ok())
        .expect("dd says how much it sent");
    assert!(
        bytes < 64 * 1024 * 1024,
        "{bytes} bytes were taken from the server though nobody reads: {sent}"
    );
    let after = scene.site.node().memory_kib();
    assert!(
        after < before + GROWTH_KIB,
        "the node grew from {before} to {after} KiB"
    );
    assert_eq!(scene.ssh("echo others go on").done().ok(), "others go on\n");
    drop(running);
}

#[test]
fn one_stalled_channel_does_not_stop_another() {
    let mut scene = Scene::new();
    scene.ssh("true").done().ok();
    let socket = scene.alice.folder().join("mux");
    scene.alice.option(&format!("ControlPath {}", socket.display()));
    let _master = scene.alice.ssh_with(&scene.web01(), &["-M", "-N"]).start();
    wait_for("the master connection", LIMIT, || socket.exists().then_some(()));
    let fifo = scene.alice.folder().join("unread");
    Run::new("mkfifo").arg(&fifo).done().ok();
    let ssh = quoted(&scene.alice.ssh_words(&scene.web01(), &[]));
    let script = format!("exec 3<>{f}; ssh {ssh} 'cat /dev/zero' >{f}", f = fifo.display());
    let _stalled = Run::new("sh").args(["-c", &script]).start();
    let id = scene.active_session();
    let mut last = (0, Instant::now());
    wait_for("the stalled channel to be full", LIMIT * 2, || {
        let bytes = scene.site.json(&["session", "show", &id])["bytes_out"]
            .as_u64()
            .unwrap_or_default();
        if bytes != last.0 {
            last = (bytes, Instant::now());
        }
        (bytes > 1024 * 1024 && last.1.elapsed() > Duration::from_secs(2)).then_some(())
    });
    for round in 0..5 {
        assert_eq!(
            scene.ssh(&format!("echo {round}")).done().ok(),
            format!("{round}\n")
        );
    }
    let whole = scene.ssh("head -c 8000000 /dev/zero").done().exits(0);
    assert_eq!(whole.stdout.len(), 8_000_000);
}

#[test]
fn many_sessions_at_once_are_kept_apart() {
    let scene = Scene::new();
    scene.ssh("true").done().ok();
    let running: Vec<_> = (0..12)
        .map(|n| {
            (
                n,
                scene
                    .ssh(&format!("for i in 1 2 3; do echo {n}; done; cat"))
                    .stdin(format!("{n}!"))
                    .start(),
            )
        })
        .collect();
    for (n, session) in running {
        assert_eq!(session.done().ok(), format!("{n}\n{n}\n{n}\n{n}!"));
    }
    wait_for("all rows to be closed", LIMIT, || {
        let sessions = scene.site.list(&["session", "list"]);
        (sessions.len() == 13 && sessions.iter().all(|s| s["state"] == "closed")).then_some(())
    });
}

fn quoted(words: &[String]) -> String {
    words
        .iter()
        .map(|word| format!("'{word}'"))
        .collect::<Vec<_>>()
        .join(" ")
}
