//! Limits and blocks: who goes too far is shut out for a while, and nobody else notices.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use gatehouse_e2e::{Client, Database, Done, LIMIT, Run, Scene, Setup, connect_from, wait_for};
use serde_json::Value;

const IDENT: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";
/// Few denials and failed logins are enough, and blocks last long unless a test says otherwise.
const STRICT: &str = "limits.denials = \"3/10m\"\nlimits.stranger_denials = \"3/10m\"\nlimits.failed_logins = \
                      \"3/10m\"\nlimits.block = [\"1h\", \"1d\"]";

fn strict() -> Scene {
    Scene::with(Setup {
        config: STRICT,
        ..Setup::default()
    })
}

/// The block of an address, once it is there.
fn block_of(scene: &Scene, source: Ipv4Addr) -> Value {
    wait_for(&format!("a block of {source}"), LIMIT, || {
        let blocks = scene.site.list(&["block", "list"]);
        blocks
            .into_iter()
            .find(|block| block["range"] == source.to_string())
    })
}

fn denied(client: &Client, scene: &Scene) -> Done {
    client.ssh(&scene.web01()).arg("id").done().exits(255)
}

#[test]
fn a_stranger_with_too_many_denials_is_blocked_by_the_node_and_stays_so_after_a_restart() {
    let mut scene = strict();
    let source = scene.site.net.stranger();
    let stranger = Client::with_key(source);
    for _ in 0..4 {
        let done = denied(&stranger, &scene);
        assert!(done.err().contains("is not registered here"), "{done}");
    }
    let block = block_of(&scene, source);
    assert!(
        block["created_by"].as_str().unwrap().starts_with("node:"),
        "{block}"
    );
    assert!(block["reason"].as_str().unwrap().contains("3/10m"), "{block}");
    assert_eq!(
        (&block["repetition"], &block["reach"]),
        (&1.into(), &"new_connections".into())
    );
    assert!(!block["until"].is_null());
    let event = scene.site.audited("block.added", |event| {
        event["detail"]["range"] == source.to_string()
    });
    assert!(event["actor"].as_str().unwrap().starts_with("node:"));
    assert_eq!(scene.ssh("echo unharmed").done().ok(), "unharmed\n");

    scene.site.take_node().terminate();
    scene.site.serve();
    let done = denied(&stranger, &scene);
    assert!(done.err().contains("are blocked until"), "{done}");
    assert_eq!(scene.ssh("echo unharmed").done().ok(), "unharmed\n");
    scene.site.ok(&["block", "remove", &source.to_string(), "--yes"]);
    wait_for("the block to be lifted", LIMIT, || {
        let done = denied(&stranger, &scene);
        done.err().contains("is not registered here").then_some(())
    });
}

#[test]
fn a_blocked_source_is_told_a_few_times_and_then_closed_before_the_handshake() {
    let scene = strict();
    let source = scene.site.net.person(1);
    scene
        .site
        .ok(&["block", "add", &source.to_string(), "--for", "1h"]);
    wait_for("the block to be in force", LIMIT, || {
        let done = scene.ssh("id").done();
        done.err().contains("are blocked until").then_some(())
    });
    let mut greeted = 0;
    for _ in 0..20 {
        greeted += u32::from(greeting(source, scene.web01().addr));
    }
    assert!(greeted <= 5, "{greeted} of 20 connections cost a handshake");
    assert!(!greeting(source, scene.web01().addr));
    let log = wait_for("a line about it", LIMIT, || {
        let log = scene.site.node().log();
        log.contains("the source is blocked").then_some(log)
    });
    let lines = log.matches("the source is blocked").count();
    assert!((1..=10).contains(&lines), "a flood is no flood of lines: {log}");
}

#[test]
fn a_block_of_a_node_lasts_longer_each_time() {
    let scene = Scene::with(Setup {
        config: "limits.stranger_denials = \"2/10m\"\nlimits.block = [\"1s\", \"1d\"]",
        ..Setup::default()
    });
    let source = scene.site.net.stranger();
    let stranger = Client::with_key(source);
    for repetition in 1..=2 {
        wait_for(&format!("block {repetition}"), LIMIT, || {
            stranger.ssh(&scene.web01()).arg("id").done().exits(255);
            let blocks = scene.site.list(&["audit", "list", "--action", "block.added"]);
            (blocks.len() >= repetition).then_some(())
        });
    }
    let block = block_of(&scene, source);
    assert_eq!(block["repetition"], 2);
    let events = scene.site.list(&["audit", "list", "--action", "block.added"]);
    let repetitions: Vec<_> = events
        .iter()
        .map(|event| event["detail"]["repetition"].clone())
        .collect();
    assert_eq!(repetitions, [2, 1]);
}

#[test]
fn wrong_passwords_block_their_source_and_leave_its_running_session_alone() {
    let scene = Scene::with(Setup {
        config: STRICT,
        sshd: &["PasswordAuthentication yes"],
        ..Setup::default()
    });
    let mut terminal = scene.shell();
    let words = scene
        .alice
        .ssh_words(&scene.web01(), &["-o", "PubkeyAuthentication=no"]);
    let guess = || {
        let sshpass = Run::new("sshpass").args(["-p", "wrong", "ssh"]);
        sshpass.args(&words).arg("id").done()
    };
    for _ in 0..4 {
        assert_ne!(guess().code, Some(0));
    }
    let block = block_of(&scene, scene.site.net.person(1));
    assert!(
        block["reason"].as_str().unwrap().contains("logins failed"),
        "{block}"
    );
    wait_for("the reason to be told", LIMIT, || {
        let done = scene.ssh("id").done().exits(255);
        done.err().contains("are blocked until").then_some(())
    });
    terminal.types("echo still ''here\n");
    terminal.shows("still here");
    terminal.types("exit\n");
    assert_eq!(terminal.ends(), 0);
    let session = scene.site.closed_session();
    assert_eq!(session["end_reason"], "normal");
}

#[test]
fn a_block_of_one_node_holds_on_every_node() {
    let scene = Scene::with(Setup {
        database: Database::Postgres,
        config: STRICT,
        ..Setup::default()
    });
    let other = scene.site.second_node();
    let source = scene.site.net.stranger();
    let stranger = Client::with_key(source);
    for _ in 0..4 {
        denied(&stranger, &scene);
    }
    block_of(&scene, source);
    let mut there = scene.web01();
    there.addr = other.ssh_at(scene.site.net.proxy(1));
    wait_for("the other node to know", LIMIT, || {
        let done = stranger.ssh(&there).arg("id").done().exits(255);
        done.err().contains("are blocked until").then_some(())
    });
}

#[test]
fn an_exempt_source_is_never_blocked_by_a_node() {
    let scene = Scene::prepared(Setup::default(), |site, _, _| {
        let exempt = site.net.stranger();
        site.write_config(&format!("{STRICT}\nlimits.exempt = [\"{exempt}/32\"]"));
    });
    let stranger = Client::with_key(scene.site.net.stranger());
    for _ in 0..6 {
        let done = denied(&stranger, &scene);
        assert!(done.err().contains("is not registered here"), "{done}");
    }
    assert!(scene.site.list(&["block", "list"]).is_empty());
}

#[test]
fn a_hundred_connections_at_once_from_a_known_source_are_served() {
    let scene = Scene::new();
    let source = scene.site.net.person(1);
    let streams: Vec<_> = (0..120).map(|_| half_open(source, scene.web01().addr)).collect();
    for mut stream in streams.iter() {
        let mut some = [0; 4];
        stream.read_exact(&mut some).unwrap();
        assert_eq!(
            &some,
            b"SSH-",
            "a connection was refused:\n{}",
            scene.site.node().log()
        );
    }
    assert_eq!(scene.ssh("echo and one more").done().ok(), "and one more\n");
    assert!(scene.site.list(&["block", "list"]).is_empty());
}

#[test]
fn strangers_that_take_all_their_places_keep_no_known_person_out() {
    let scene = Scene::with(Setup {
        config: "limits.unauthenticated = 30\nlimits.strangers = 20\nlimits.strangers_per_source = 5",
        ..Setup::default()
    });
    let net = scene.site.net;
    let flood: Vec<_> = (0..60)
        .filter_map(|n| connect_from(net.host(210 + n % 20), scene.web01().addr).ok())
        .collect();
    wait_for("strangers to be refused", LIMIT, || {
        let log = scene.site.node().log();
        log.contains("too many connections that have not logged in from unknown sources")
            .then_some(())
    });
    assert_eq!(scene.ssh("echo let in").done().ok(), "let in\n");
    drop(flood);
}

#[test]
fn a_source_that_connects_too_often_is_closed_until_it_has_paid_back() {
    let scene = Scene::with(Setup {
        config: "limits.connection_rate = \"10/20s\"",
        ..Setup::default()
    });
    let source = scene.site.net.person(1);
    let start = Instant::now();
    let greeted = (0..30).filter(|_| greeting(source, scene.web01().addr)).count();
    let paid_back = usize::try_from(start.elapsed().as_secs() / 2).unwrap();
    assert!(
        greeted >= 10 && greeted <= 11 + paid_back,
        "{greeted} of 30 were let in"
    );
    // Another address is not touched, and in time this one is let in again.
    assert!(greeting(scene.site.net.person(2), scene.web01().addr));
    wait_for("the source to be let in again", LIMIT, || {
        (scene.ssh("true").done().code == Some(0)).then_some(())
    });
}

#[test]
fn a_limit_for_all_sources_is_an_event_and_shuts_out_strangers_only() {
    let scene = Scene::with(Setup {
        config: "limits.denials_in_all = \"5/10m\"",
        ..Setup::default()
    });
    let net = scene.site.net;
    let strangers: Vec<_> = (0..6).map(|n| Client::with_key(net.host(200 + n))).collect();
    for stranger in &strangers {
        denied(stranger, &scene);
    }
    let event = scene.site.audited("limit.reached", |event| {
        event["detail"]["limit"] == "denials_in_all"
    });
    assert_eq!(event["outcome"], "denied");
    assert!(!greeting(net.host(220), scene.web01().addr));
    assert_eq!(scene.ssh("echo let in").done().ok(), "let in\n");
}

/// Whether a connection from this address is greeted.
fn greeting(source: Ipv4Addr, to: SocketAddr) -> bool {
    let Ok(mut stream) = connect_from(source, to) else {
        return false;
    };
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let _ = stream.write_all(IDENT);
    let mut some = [0; 4];
    stream.read_exact(&mut some).is_ok() && &some == b"SSH-"
}

fn half_open(source: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let mut stream = connect_from(source, to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(IDENT).unwrap();
    stream
}
