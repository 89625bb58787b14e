//! What forwards carry, kept where the policy says so: tshark reads exactly the bytes that passed.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

use gatehouse_e2e::{
    Database, Echo, LIMIT, Scene, Setup, Stream, answers, connect, talk, talk_on_socket, tshark,
    tshark_streams, wait_for,
};
use serde_json::Value;

use super::remote::Remote;
use super::{forward, interrupted, own_port, without_session};

const KEPT: [&str; 3] = ["--forwarding=local,remote,unix", "--record-forwards", "on"];

/// Made with age-keygen, for these tests alone.
const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

fn kept(database: Database, config: &str) -> Scene {
    Scene::with(Setup {
        database,
        config,
        grant: Some(&KEPT),
        ..Setup::default()
    })
}

/// The only session that has forwards.
fn session(scene: &Scene) -> Value {
    let sessions = scene.site.list(&["session", "list"]);
    let shown = sessions
        .iter()
        .map(|one| scene.site.json(&["session", "show", one["id"].as_str().unwrap()]));
    shown
        .into_iter()
        .find(|one| one["forwards"].as_array().is_some_and(|rows| !rows.is_empty()))
        .unwrap()
}

/// Exports what a session's forwards carried.
#[track_caller]
fn exported(scene: &Scene, session: &Value, options: &[&str]) -> PathBuf {
    let file = scene.site.folder().join("out.pcapng");
    let id = session["id"].as_str().unwrap();
    let to = file.display().to_string();
    let words = ["session", "export", id, "--format", "pcapng", "-o", &to];
    scene.site.ok(&[&words, options].concat());
    file
}

/// Waits until a session's capture has streams that fit.
#[track_caller]
fn streams(scene: &Scene, session: &Value, fit: impl Fn(&[Stream]) -> bool) -> Vec<Stream> {
    wait_for("the streams in the capture", LIMIT, || {
        let streams = tshark_streams(&exported(scene, session, &[]));
        fit(&streams).then_some(streams)
    })
}

fn whole(stream: &Stream) -> bool {
    (stream.fins, stream.resets) == (2, 0)
}

fn is_read_by_tshark(database: Database) {
    let scene = kept(database, "");
    let service = Echo::start(scene.site.net.server(9), "database");
    let own = own_port(&scene);
    let option = format!("{own}:{}", service.addr);
    let client = without_session(&scene.alice, &scene.web01(), &["-L", &option]);
    assert_eq!(
        answers(own, scene.site.net.person(1), "select 1"),
        "database\nselect 1"
    );
    // As much as takes many packets each way; not text.
    let much: String = (0..600_000u32)
        .map(|n| char::from((n % 127 * (n % 113) % 127) as u8))
        .collect();
    assert_eq!(
        talk(own, scene.site.net.person(1), &much),
        format!("database\n{much}")
    );

    // While it runs, what has passed can be read.
    let mut held = connect(own, scene.site.net.person(1)).unwrap();
    held.write_all(b"in the middle").unwrap();
    let mut greeting = [0; 22];
    held.read_exact(&mut greeting).unwrap();
    let running = session(&scene);
    let seen = streams(&scene, &running, |all| {
        all.last()
            .is_some_and(|last| last.sent == b"in the middle" && last.received.len() == 22)
    });
    assert!(
        seen.iter().all(|stream| stream.to == service.addr.to_string()),
        "{:?}",
        seen.last()
    );
    drop(held);
    let row = forward(&scene, "ended", |row| row["ended_at"].is_string());
    assert_eq!(row["capture"], "forward-0.pcapng", "{row}");
    interrupted(client);

    let session = scene.closed(running["id"].as_str().unwrap());
    let files = session["recording"]["files"].as_array().unwrap();
    assert!(files.contains(&"forward-0.pcapng".into()), "{session}");
    let capture = exported(&scene, &session, &["--forward", "0"]);
    let seen = tshark_streams(&capture);
    let talks: Vec<_> = seen
        .iter()
        .filter(|stream| whole(stream) && !stream.sent.is_empty())
        .collect();
    assert_eq!(talks[0].sent, b"select 1");
    assert_eq!(talks[0].received, b"database\nselect 1");
    assert!(talks[1].sent == much.as_bytes(), "sent bytes differ");
    assert!(
        talks[1].received == format!("database\n{much}").as_bytes(),
        "received bytes differ"
    );
    let (bytes_in, bytes_out): (usize, usize) = seen.iter().fold((0, 0), |sum, one| {
        (sum.0 + one.sent.len(), sum.1 + one.received.len())
    });
    assert_eq!(
        (row["bytes_in"].as_u64(), row["bytes_out"].as_u64()),
        (Some(bytes_in as u64), Some(bytes_out as u64))
    );
    let followed = tshark(&capture, &["-q", "-z", "follow,tcp,ascii,0"]);
    assert!(followed.contains("select 1"), "{followed}");
    let comments = tshark(&capture, &["-T", "fields", "-e", "frame.comment"]);
    assert!(comments.contains(&format!("to {}", service.addr)), "{comments}");
    scene.site.ok(&["session", "verify", "--all"]);
    scene.site.audited("recording.exported", |event| {
        event["detail"]["how"] == "pcapng" && event["session"] == session["id"]
    });
}

#[test]
fn a_captured_forward_is_read_by_tshark_byte_for_byte() {
    is_read_by_tshark(Database::Sqlite);
}

#[test]
fn a_captured_forward_is_read_by_tshark_with_postgresql_too() {
    is_read_by_tshark(Database::Postgres);
}

#[test]
fn remote_forwards_are_captured_on_both_of_their_sides() {
    let remote = Remote::new(&KEPT);
    let net = remote.scene.site.net;
    let service = Echo::start(net.person(1), "laptop");
    let client = without_session(
        &remote.scene.alice,
        &remote.scene.web01(),
        &["-R", &remote.to(&service)],
    );
    assert_eq!(
        answers(remote.at_gate, net.person(1), "at the gate"),
        "laptop\nat the gate"
    );
    assert_eq!(
        talk(remote.at_server, net.server(7), "at the server"),
        "laptop\nat the server"
    );
    let session = session(&remote.scene);
    let seen = streams(&remote.scene, &session, |all| {
        all.iter().filter(|one| whole(one)).count() == 2
    });
    let talked: Vec<_> = seen
        .iter()
        .map(|one| (one.sent.as_slice(), one.received.as_slice()))
        .collect();
    assert_eq!(
        talked,
        [
            (&b"at the gate"[..], &b"laptop\nat the gate"[..]),
            (&b"at the server"[..], &b"laptop\nat the server"[..]),
        ]
    );
    assert!(
        seen[0].from.starts_with(&format!("{}:", net.person(1))),
        "{:?}",
        seen[0].from
    );
    assert!(
        seen[1].from.starts_with(&format!("{}:", net.server(7))),
        "{:?}",
        seen[1].from
    );
    assert!(
        seen.iter().all(|one| one.to == remote.at_gate.to_string()),
        "{seen:?}"
    );
    interrupted(client);
}

#[test]
fn sockets_and_names_are_captured_and_told_in_comments() {
    let scene = kept(Database::Sqlite, "");
    let (there, here) = (
        scene.sshd.files().join("there"),
        scene.alice.folder().join("here"),
    );
    let (own, remote) = (
        scene.alice.folder().join("own"),
        scene.sshd.files().join("remote"),
    );
    Echo::on_socket(&there, "at the server");
    Echo::on_socket(&own, "at the client");
    let service = Echo::start(std::net::Ipv4Addr::LOCALHOST, "by name");
    let port = own_port(&scene);
    let options = [
        "-L".to_owned(),
        format!("{}:{}", here.display(), there.display()),
        "-R".to_owned(),
        format!("{}:{}", remote.display(), own.display()),
        "-L".to_owned(),
        format!("{port}:localhost:{}", service.addr.port()),
    ];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let client = without_session(&scene.alice, &scene.web01(), &options);
    for (socket, greeting) in [(&here, "at the server"), (&remote, "at the client")] {
        let answer = wait_for("an answer on the socket", LIMIT, || {
            Some(talk_on_socket(socket, "x")).filter(|answer| !answer.is_empty())
        });
        assert_eq!(answer, format!("{greeting}\nx"));
    }
    assert_eq!(answers(port, scene.site.net.person(1), "y"), "by name\ny");
    let session = session(&scene);
    let seen = streams(&scene, &session, |all| all.len() >= 3 && all.iter().all(whole));
    let with = |answer: &str| {
        let found = seen.iter().find(|one| one.received == answer.as_bytes());
        found.unwrap_or_else(|| panic!("{answer:?} is not in {seen:?}"))
    };
    for (answer, said) in [
        ("at the server\nx", "x"),
        ("at the client\nx", "x"),
        ("by name\ny", "y"),
    ] {
        assert_eq!(with(answer).sent, said.as_bytes());
        assert!(with(answer).to.starts_with("198.18."), "{:?}", with(answer));
    }
    let comments = tshark(
        &exported(&scene, &session, &[]),
        &["-T", "fields", "-e", "frame.comment"],
    );
    for place in [
        there.display().to_string(),
        remote.display().to_string(),
        format!("localhost:{}", service.addr.port()),
    ] {
        assert!(comments.contains(&place), "{place} is not in {comments}");
    }
    // Each has a file of its own, and each row names its own.
    let shown = scene
        .site
        .json(&["session", "show", session["id"].as_str().unwrap()]);
    let mut captures: Vec<_> = shown["forwards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["capture"].clone())
        .collect();
    captures.sort_by_key(Value::to_string);
    assert_eq!(
        captures,
        ["forward-0.pcapng", "forward-1.pcapng", "forward-2.pcapng"]
    );
    interrupted(client);
}

#[test]
fn after_kill_9_a_capture_is_sealed_and_read() {
    let mut scene = kept(Database::Sqlite, "");
    let service = Echo::start(scene.site.net.server(9), "database");
    let own = own_port(&scene);
    let option = format!("{own}:{}", service.addr);
    let client = without_session(&scene.alice, &scene.web01(), &["-L", &option]);
    assert_eq!(answers(own, scene.site.net.person(1), "first"), "database\nfirst");
    let running = session(&scene);
    let mut busy = connect(own, scene.site.net.person(1)).unwrap();
    let mut reader = busy.try_clone().unwrap();
    let flood = std::thread::spawn(move || {
        (0..300).all(|_| busy.write_all(&[7; 10_000]).is_ok());
        busy
    });
    let mut passed = vec![0; 2_000_000];
    reader.read_exact(&mut passed).unwrap();
    streams(&scene, &running, |all| {
        all.last().is_some_and(|last| last.received.len() > 100_000)
    });
    scene.site.take_node().kill();
    drop(reader);
    drop(flood.join().unwrap());
    drop(client);
    scene.site.serve();
    let session = scene.closed(running["id"].as_str().unwrap());
    assert_eq!(session["end_reason"], "service_restart");
    scene.site.ok(&["session", "verify", "--all"]);
    let seen = tshark_streams(&exported(&scene, &session, &[]));
    assert!(
        seen.iter().any(|one| one.received == b"database\nfirst"),
        "the first talk is gone"
    );
    let cut = seen.last().unwrap();
    assert!(cut.sent.len() > 100_000 && cut.sent.iter().all(|byte| *byte == 7));
    assert!(cut.received.starts_with(b"database\n\x07\x07"));
}

#[test]
fn an_encrypted_capture_needs_the_key() {
    let lines = format!("recording.recipients = [\"{RECIPIENT}\"]\nrecording.keep_sealed_key = false");
    let scene = kept(Database::Sqlite, &lines);
    let service = Echo::start(scene.site.net.server(9), "database");
    let own = own_port(&scene);
    let option = format!("{own}:{}", service.addr);
    let client = without_session(&scene.alice, &scene.web01(), &["-L", &option]);
    let said = "confidential words";
    assert_eq!(
        answers(own, scene.site.net.person(1), said),
        format!("database\n{said}")
    );
    let running = session(&scene);
    streams(&scene, &running, |all| all.iter().any(whole));
    interrupted(client);
    let session = scene.closed(running["id"].as_str().unwrap());
    let stored = scene.site.recorded(&session, "forward-0.pcapng");
    assert!(stored.starts_with(b"GHFRAME\x01"));
    assert!(!stored.windows(said.len()).any(|window| window == said.as_bytes()));
    let told = scene.site.refused(&[
        "session",
        "export",
        session["id"].as_str().unwrap(),
        "--format",
        "pcapng",
    ]);
    assert!(told.contains(RECIPIENT), "{told}");
    let key = scene.site.folder().join("identity.txt");
    fs::write(&key, format!("{IDENTITY}\n")).unwrap();
    let seen = tshark_streams(&exported(
        &scene,
        &session,
        &["--identity", &key.display().to_string()],
    ));
    assert!(seen.iter().any(|one| one.sent == said.as_bytes()), "{seen:?}");
    scene.site.ok(&["session", "verify", "--all"]);
}

#[test]
fn only_what_the_strictest_policy_wants_is_captured_and_from_now_on() {
    let scene = super::scene(&["--forwarding=local"]);
    let service = Echo::start(scene.site.net.server(9), "database");
    let own = own_port(&scene);
    let option = format!("{own}:{}", service.addr);
    let client = without_session(&scene.alice, &scene.web01(), &["-L", &option]);
    assert_eq!(
        answers(own, scene.site.net.person(1), "before"),
        "database\nbefore"
    );
    let row = forward(&scene, "that is not captured", |row| row["ended_at"].is_string());
    assert_eq!(row["capture"], Value::Null, "{row}");
    let running = session(&scene);
    let told = scene.site.refused(&[
        "session",
        "export",
        running["id"].as_str().unwrap(),
        "--format",
        "pcapng",
    ]);
    assert!(told.contains("record_forwards"), "{told}");

    // A further grant that wants it counts for all, for connections that begin from now on.
    scene.site.ok(&[
        "policy",
        "grant",
        "--user",
        "alice",
        "--server",
        "web01",
        "--record-forwards",
        "on",
    ]);
    let source = scene.site.net.person(1).to_string();
    let check = [
        "check",
        "--source",
        &source,
        "--server",
        "web01",
        "--protocol",
        "ssh",
    ];
    assert_eq!(scene.site.json(&check)["recording"]["forwards"], "on");
    wait_for("the forward to be captured", LIMIT, || {
        assert_eq!(talk(own, scene.site.net.person(1), "after"), "database\nafter");
        let row = forward(&scene, "of the session", |_| true);
        (row["capture"] == "forward-0.pcapng").then_some(())
    });
    let seen = streams(&scene, &running, |all| all.iter().all(whole));
    assert!(seen.iter().all(|one| one.sent == b"after"), "{seen:?}");
    interrupted(client);
}
