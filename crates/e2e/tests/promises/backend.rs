//! Servers that are down, refuse, stall, or are not who they were.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use gatehouse_e2e::{Client, Scene, Setup, Target};

#[test]
fn a_server_that_is_down_is_told_in_words() {
    let mut scene = Scene::new();
    scene.sshd.stop();
    let done = scene.ssh("echo never").done().exits(255);
    assert!(done.err().contains("web01"), "{done}");
    assert!(done.stdout.is_empty());
    scene.site.audited("session.failed", |e| {
        e["server"] == "web01" && e["user"] == "alice"
    });
    scene.sshd.restart();
    scene.ssh("true").done().ok();
}

#[test]
fn a_server_that_refuses_the_key_is_told_in_words() {
    let scene = Scene::prepared(Setup::default(), |site, _, _| {
        site.add_person("bob", site.net.person(2));
        site.ok(&["policy", "grant", "--user", "bob", "--server", "web01"]);
    });
    let bob = Client::with_agent(scene.site.net.person(2));
    let done = bob.ssh(&scene.web01()).arg("echo never").done().exits(255);
    assert!(done.err().contains("web01") && done.stdout.is_empty(), "{done}");
    scene.site.audited("session.failed", |e| e["user"] == "bob");
    let sessions = scene.site.list(&["session", "list"]);
    assert!(sessions.iter().all(|s| s["state"] != "active"), "{sessions:?}");
}

#[test]
fn a_changed_host_key_denies_alerts_and_waits_for_an_administrator() {
    let mut scene = Scene::new();
    scene.ssh("true").done().ok();
    scene.site.audited("hostkey.pinned", |e| e["server"] == "web01");
    let first = scene.sshd.fingerprint();
    scene.sshd.change_host_key();
    let second = scene.sshd.fingerprint();
    let done = scene.ssh("echo never").done().exits(255);
    assert!(done.err().to_lowercase().contains("host key"), "{done}");
    assert!(!scene.sshd.log().contains("Accepted publickey") || done.stdout.is_empty());
    scene.site.audited("hostkey.changed", |e| e["server"] == "web01");
    let listed = scene.site.ok(&["server", "hostkey", "list", "web01", "--json"]);
    assert!(listed.contains(&first) && listed.contains(&second), "{listed}");
    scene.site.ok(&["server", "hostkey", "accept", "web01", &second]);
    assert_eq!(scene.ssh("echo back").done().ok(), "back\n");
    scene.site.audited("hostkey.accepted", |e| e["server"] == "web01");
    scene.site.ok(&["server", "hostkey", "forget", "web01", "--yes"]);
    scene
        .site
        .audited("hostkey.forgotten", |e| e["server"] == "web01");
    assert_eq!(scene.site.list(&["server", "hostkey", "list", "web01"]).len(), 0);
}

#[test]
fn a_server_that_never_speaks_is_given_up_within_the_time_limit() {
    let (scene, target, _silent) = with_other_server();
    let start = Instant::now();
    let done = scene
        .alice
        .ssh(&target)
        .arg("echo never")
        .within(Duration::from_secs(45))
        .done()
        .exits(255);
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
    assert!(done.err().contains("web02"), "{done}");
    scene.site.audited("session.failed", |e| e["server"] == "web02");
}

#[test]
fn a_server_that_speaks_something_else_is_told_in_words() {
    let (scene, target, other) = with_other_server();
    std::thread::spawn(move || {
        for stream in other.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let done = scene.alice.ssh(&target).arg("echo never").done().exits(255);
    assert!(done.err().contains("web02"), "{done}");
    scene.site.audited("session.failed", |e| e["server"] == "web02");
}

#[test]
fn a_server_lost_in_the_middle_ends_the_session_in_words() {
    let scene = Scene::new();
    // The parent of the command is the server's process for this connection.
    let done = scene.ssh("echo begun; sleep 1; kill -9 $PPID; sleep 60").done();
    assert_ne!(done.code, Some(0), "{done}");
    assert!(done.out().starts_with("begun"), "{done}");
    let session = scene.site.closed_session();
    assert_ne!(session["end_reason"], "killed", "{session}");
    assert_eq!(scene.ssh("echo next").done().ok(), "next\n");
}

/// A scene in which alice may also reach `web02`, which is this listener.
fn with_other_server() -> (Scene, Target, TcpListener) {
    let mut listener = None;
    let scene = Scene::prepared(Setup::default(), |site, _, _| {
        let bound = TcpListener::bind((site.net.server(2), 0)).unwrap();
        let addr = bound.local_addr().unwrap();
        let (port, proxy) = (format!("--ssh={}", addr.port()), site.net.proxy(2).to_string());
        site.ok(&[
            "server",
            "add",
            "web02",
            &addr.ip().to_string(),
            &port,
            "--proxy",
            &proxy,
        ]);
        site.ok(&["policy", "grant", "--user", "alice", "--server", "web02"]);
        listener = Some(bound);
    });
    let target = Target {
        login: scene.sshd.login(),
        addr: scene.site.node().ssh_at(scene.site.net.proxy(2)),
    };
    (scene, target, listener.unwrap())
}
