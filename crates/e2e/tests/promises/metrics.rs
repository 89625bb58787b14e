//! Metrics: what happens is counted, what is there is told, and nobody is named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use gatehouse_e2e::{Client, Echo, LIMIT, Scene, Scrape, Setup, ask, connect, connect_from, wait_for};
use nix::sys::signal::Signal;

use crate::forwards::{interrupted, own_port, without_session};

const ON: &str = "metrics.listen = \"127.0.0.1:0\"";

fn scene() -> Scene {
    Scene::with(Setup {
        config: ON,
        grant: Some(&["--forwarding=local"]),
        ..Setup::default()
    })
}

fn scrape(scene: &Scene) -> Scrape {
    Scrape::of(scene.site.node().metrics())
}

/// Waits until a series has grown by so much since `before`, and no more.
#[track_caller]
fn grows(scene: &Scene, before: &Scrape, name: &str, labels: &[(&str, &str)], by: f64) {
    let mut last = 0.0;
    wait_for(&format!("{name} {labels:?} to grow by {by}"), LIMIT, || {
        last = scrape(scene).value(name, labels) - before.value(name, labels);
        (last >= by).then_some(())
    });
    assert!(
        (last - by).abs() < f64::EPSILON,
        "{name} {labels:?} grew by {last}, not {by}"
    );
}

/// Waits until a gauge has this value.
#[track_caller]
fn is(scene: &Scene, name: &str, labels: &[(&str, &str)], value: f64) {
    wait_for(&format!("{name} {labels:?} to be {value}"), LIMIT, || {
        ((scrape(scene).value(name, labels) - value).abs() < f64::EPSILON).then_some(())
    });
}

#[test]
fn a_session_is_counted_from_its_decision_to_its_end() {
    let scene = scene();
    let before = scrape(&scene);
    let ssh = ("protocol", "ssh");
    let active = [ssh, ("state", "active")];
    is(&scene, "gatehouse_sessions", &active, 0.0);
    let mut command = scene.ssh("echo begun; cat").waiting_stdin().start();
    command.prints("begun");
    is(&scene, "gatehouse_sessions", &active, 1.0);
    command.types("typed");
    command.prints("typed");
    scene.site.ok(&["session", "kill", "--all"]);
    command.done();
    is(&scene, "gatehouse_sessions", &active, 0.0);

    let allowed = [ssh, ("result", "allow"), ("reason", "none")];
    grows(&scene, &before, "gatehouse_decisions_total", &allowed, 1.0);
    grows(
        &scene,
        &before,
        "gatehouse_connections_accepted_total",
        &[ssh],
        1.0,
    );
    grows(&scene, &before, "gatehouse_sessions_opened_total", &[ssh], 1.0);
    let killed = [ssh, ("reason", "killed")];
    grows(&scene, &before, "gatehouse_sessions_closed_total", &killed, 1.0);
    for timed in ["handshake", "session_setup", "backend_setup"] {
        let name = format!("gatehouse_{timed}_seconds_count");
        grows(&scene, &before, &name, &[ssh], 1.0);
    }
    let after = scrape(&scene);
    let bytes = |direction| after.value("gatehouse_session_bytes_total", &[ssh, ("direction", direction)]);
    assert!(bytes("in") >= 5.0 && bytes("out") >= 11.0, "{}", after.text);
    for (name, labels) in [
        ("gatehouse_recorder_written_bytes_total", vec![]),
        ("gatehouse_recorder_wait_seconds_count", vec![]),
        ("gatehouse_decision_seconds_sum", vec![ssh]),
        ("gatehouse_store_seconds_sum", vec![("operation", "read")]),
        ("gatehouse_store_seconds_sum", vec![("operation", "write")]),
        ("gatehouse_store_wait_seconds_count", vec![]),
        ("gatehouse_process_resident_memory_bytes", vec![]),
        ("gatehouse_process_open_fds", vec![]),
        ("gatehouse_process_start_time_seconds", vec![]),
        ("gatehouse_store_up", vec![]),
        ("gatehouse_audit_intact", vec![]),
    ] {
        assert!(
            after.value(name, &labels) > 0.0,
            "{name} is zero:\n{}",
            after.text
        );
    }
    let errors = after.values_of("gatehouse_store_errors_total", "kind");
    assert!(errors.contains("unreachable"), "{errors:?}");
}

#[test]
fn denials_and_failed_handshakes_are_counted_by_their_reasons() {
    let scene = scene();
    let before = scrape(&scene);
    let ssh = ("protocol", "ssh");
    let stranger = Client::with_agent(scene.site.net.stranger());
    stranger.ssh(&scene.web01()).arg("id").done().exits(255);
    let denied = [ssh, ("result", "deny"), ("reason", "unknown_source")];
    grows(&scene, &before, "gatehouse_decisions_total", &denied, 1.0);

    let gate = scene.web01().addr;
    let mut gone = connect_from(scene.site.net.person(1), gate).unwrap();
    gone.write_all(b"SSH-2.0-gone\r\n").unwrap();
    drop(gone);
    let disconnected = [ssh, ("reason", "disconnected")];
    grows(
        &scene,
        &before,
        "gatehouse_handshake_failures_total",
        &disconnected,
        1.0,
    );
    let options = ["-o", "KexAlgorithms=diffie-hellman-group1-sha1"];
    scene
        .alice
        .ssh_with(&scene.web01(), &options)
        .arg("id")
        .done()
        .exits(255);
    let none = [ssh, ("reason", "no_common_algorithm")];
    grows(&scene, &before, "gatehouse_handshake_failures_total", &none, 1.0);

    scene.site.ok(&["block", "add", "203.0.113.0/24"]);
    is(&scene, "gatehouse_blocks", &[], 1.0);
    scene.site.ok(&["block", "remove", "203.0.113.0/24"]);
    is(&scene, "gatehouse_blocks", &[], 0.0);
}

#[test]
fn transfers_and_forwards_are_counted() {
    let scene = scene();
    let before = scrape(&scene);
    let target = scene.web01();
    let local = scene.alice.folder().join("file");
    fs::write(&local, vec![b'x'; 70_000]).unwrap();
    let remote = scene.sshd.files().join("file");
    let batch = format!("put {} {}\n", local.display(), remote.display());
    let sftp = scene.alice.copier("sftp", &target).args(["-b", "-"]);
    sftp.arg(target.addr.ip().to_string()).stdin(batch).done().ok();
    let up = ("direction", "upload");
    grows(
        &scene,
        &before,
        "gatehouse_transfers_total",
        &[up, ("result", "ok")],
        1.0,
    );
    grows(&scene, &before, "gatehouse_transfer_bytes_total", &[up], 70_000.0);

    let service = Echo::start(scene.site.net.server(9), "hello");
    let own = own_port(&scene);
    let forward = ["-L", &format!("{own}:{}", service.addr)];
    let client = without_session(&scene.alice, &target, &forward);
    let mut held = wait_for("the client to listen", LIMIT, || {
        connect(own, scene.site.net.person(1))
    });
    held.read_exact(&mut [0; 5]).unwrap();
    let kind = ("kind", "local");
    is(&scene, "gatehouse_forwards", &[kind], 1.0);
    drop(held);
    is(&scene, "gatehouse_forwards", &[kind], 0.0);
    grows(
        &scene,
        &before,
        "gatehouse_forward_connections_total",
        &[kind],
        1.0,
    );
    let out = [kind, ("direction", "out")];
    assert!(scrape(&scene).value("gatehouse_forward_bytes_total", &out) >= 5.0);
    interrupted(client);
}

#[test]
fn a_recording_that_cannot_be_made_is_counted() {
    let scene = scene();
    let before = scrape(&scene);
    let recordings = scene.site.data_dir().join("recordings");
    fs::rename(&recordings, scene.site.data_dir().join("moved")).unwrap();
    fs::write(&recordings, "no directory").unwrap();
    scene.ssh("true").done().exits(255);
    grows(
        &scene,
        &before,
        "gatehouse_recorder_write_errors_total",
        &[("kind", "other")],
        1.0,
    );
    let failed = [("protocol", "ssh"), ("reason", "recording_failed")];
    grows(&scene, &before, "gatehouse_sessions_failed_total", &failed, 1.0);
    is(
        &scene,
        "gatehouse_sessions",
        &[("protocol", "ssh"), ("state", "opening")],
        0.0,
    );
}

/// The metrics in the reference: name, kind, labels.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/metrics.md");
    let text = fs::read_to_string(file).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `gatehouse_"));
    let metrics = rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let labels = cells[2]
            .split(", ")
            .map(|label| label.trim_matches('`').to_owned());
        let name = format!("gatehouse_{}", cells[0].trim_matches('`'));
        (
            name,
            (
                cells[1].to_owned(),
                labels.filter(|label| !label.is_empty()).collect(),
            ),
        )
    });
    metrics.collect()
}

#[test]
fn what_is_documented_is_served_from_the_start_and_nothing_else() {
    let mut site = gatehouse_e2e::Site::new(gatehouse_e2e::Database::Sqlite, ON);
    site.serve();
    let log = site.node().log();
    let listening = format!("listening gate=metrics addr={}", site.node().metrics());
    let (told, ready) = (log.find(&listening).unwrap(), log.find("\nready\n").unwrap());
    assert!(told < ready, "{log}");
    let fresh = Scrape::of(site.node().metrics());
    assert_eq!(fresh.metrics(), documented());
    let reasons = fresh.values_of("gatehouse_decisions_total", "reason");
    assert_eq!(reasons.len(), 14, "{reasons:?}");
}

#[test]
fn metrics_name_nobody() {
    let scene = scene();
    scene.ssh("true").done().ok();
    let stranger = Client::with_agent(scene.site.net.stranger());
    stranger.ssh(&scene.web01()).arg("id").done().exits(255);
    let text = scrape(&scene).text;
    let id = scene.site.closed_session()["id"].as_str().unwrap().to_owned();
    let addresses = [
        scene.site.net.person(1),
        scene.site.net.stranger(),
        scene.site.net.proxy(1),
    ];
    let names = ["alice".to_owned(), "web01".to_owned(), id];
    for name in names
        .into_iter()
        .chain(addresses.map(|address| address.to_string()))
    {
        assert!(!text.contains(&name), "{name} in\n{text}");
    }
}

#[test]
fn nothing_else_is_answered_and_who_is_slow_keeps_nobody_out() {
    let scene = scene();
    let addr: SocketAddr = scene.site.node().metrics();
    let healthy = ask(addr, "GET", "/healthz");
    assert_eq!((healthy.status, healthy.body.as_str()), (200, "ok\n"));
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/../etc/passwd", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/healthz", 405),
    ] {
        assert_eq!(ask(addr, method, path).status, status, "{method} {path}");
    }
    let long = format!("/{}", "x".repeat(20_000));
    let mut stream = TcpStream::connect(addr).unwrap();
    // It may be closed before all is sent.
    let _ = stream.write_all(format!("GET {long} HTTP/1.1\r\nHost: node\r\n\r\n").as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200") && !answer.starts_with(b"HTTP/1.1 404"));
    // More than there are places for.
    let silent: Vec<_> = (0..50).map(|_| TcpStream::connect(addr).unwrap()).collect();
    assert_eq!(ask(addr, "GET", "/healthz").status, 200);
    drop(silent);
}

#[test]
fn a_node_that_is_being_stopped_says_so_and_can_be_watched_to_the_end() {
    let mut scene = scene();
    let mut command = scene.ssh("echo begun; cat").waiting_stdin().start();
    command.prints("begun");
    let node = scene.site.take_node();
    let addr = node.metrics();
    node.signal(Signal::SIGTERM);
    wait_for("the node to say that it stops", LIMIT, || {
        (ask(addr, "GET", "/healthz").status == 503).then_some(())
    });
    let active = [("protocol", "ssh"), ("state", "active")];
    assert!((Scrape::of(addr).value("gatehouse_sessions", &active) - 1.0).abs() < f64::EPSILON);
    command.signal(Signal::SIGTERM);
    command.done();
    assert!(node.terminate().success());
}
