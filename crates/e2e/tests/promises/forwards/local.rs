//! `-L`, `-W` and `ProxyJump`.

use gatehouse_e2e::{
    Database, Echo, LIMIT, Scene, Setup, SshdSetup, add_server, answers, connect, talk, wait_for,
};
use std::io::{Read, Write};

use super::{forward, interrupted, own_port, scene, without_session};

fn carries_and_is_written_down(database: Database) {
    let scene = Scene::with(Setup {
        database,
        grant: Some(&["--forwarding=local"]),
        ..Setup::default()
    });
    let service = Echo::start(scene.site.net.server(9), "database");
    let own = own_port(&scene);
    let client = without_session(
        &scene.alice,
        &scene.web01(),
        &["-L", &format!("{own}:{}", service.addr)],
    );
    assert_eq!(
        answers(own, scene.site.net.person(1), "select 1"),
        "database\nselect 1"
    );

    // Held open, it is listed as running.
    let mut held = connect(own, scene.site.net.person(1)).unwrap();
    let mut greeting = [0; 9];
    held.read_exact(&mut greeting).unwrap();
    let running = forward(&scene, "in use again", |row| row["ended_at"].is_null());
    assert_eq!(running["kind"], "local", "{running}");
    assert_eq!(running["destination"], service.addr.to_string(), "{running}");
    assert_eq!(scene.site.list(&["forwards"]).len(), 1);
    // With what went through it so far, the connection before included.
    for listed in [&["forwards"][..], &["session", "show", "last"]] {
        wait_for("the bytes of a running forward", LIMIT, || {
            let all = scene.site.json(listed);
            let row = all.get(0).unwrap_or(&all["forwards"][0]);
            let bytes = (row["bytes_in"].as_u64()?, row["bytes_out"].as_u64()?);
            (bytes.0 >= 8 && bytes.1 >= 26 && row["ended_at"].is_null()).then_some(())
        });
    }
    held.write_all(b"more").unwrap();
    drop(held);

    let ended = forward(&scene, "ended", |row| row["ended_at"].is_string());
    assert!(ended["bytes_in"].as_u64().unwrap() >= 12, "{ended}");
    assert!(ended["bytes_out"].as_u64().unwrap() >= 26, "{ended}");
    assert!(scene.site.list(&["forwards"]).is_empty());
    assert_eq!(scene.site.list(&["forwards", "--all"]).len(), 1);
    let destination = service.addr.to_string();
    let of_this = |event: &serde_json::Value| {
        event["detail"]["destination"] == destination.as_str() && event["user"] == "alice"
    };
    scene.site.audited("forward.opened", of_this);
    scene.site.audited("forward.connected", of_this);
    interrupted(client);
    let session = scene.site.closed_session();
    assert!(session["bytes_out"].as_u64().unwrap() >= 26, "{session}");
}

#[test]
fn a_local_forward_without_a_session_carries_bytes_and_is_written_down() {
    carries_and_is_written_down(Database::Sqlite);
}

#[test]
fn a_local_forward_is_written_down_on_postgresql_too() {
    carries_and_is_written_down(Database::Postgres);
}

#[test]
fn much_data_goes_through_a_forward_unchanged() {
    let scene = scene(&["--forwarding=local"]);
    let service = Echo::start(scene.site.net.server(9), "big");
    let own = own_port(&scene);
    let client = without_session(
        &scene.alice,
        &scene.web01(),
        &["-L", &format!("{own}:{}", service.addr)],
    );
    answers(own, scene.site.net.person(1), "");
    let text: String = (0..2_000_000)
        .map(|n: u32| char::from(b'a' + (n % 26) as u8))
        .collect();
    let all = format!("big\n{text}");
    assert!(
        talk(own, scene.site.net.person(1), &text) == all,
        "the bytes are not the same"
    );
    interrupted(client);
}

#[test]
fn standard_input_and_output_are_forwarded() {
    let scene = scene(&["--forwarding=local"]);
    let service = Echo::start(scene.site.net.server(9), "one");
    let to = service.addr.to_string();
    let done = scene
        .alice
        .ssh_with(&scene.web01(), &["-W", &to])
        .stdin("hello")
        .done();
    assert_eq!(done.ok(), "one\nhello");
}

#[test]
fn a_jump_through_the_gate_reaches_what_is_no_server_of_it() {
    let scene = scene(&["--forwarding=local"]);
    let setup = SshdSetup {
        authorized: vec![scene.alice.public_key()],
        lines: Vec::new(),
    };
    let inner = gatehouse_e2e::Sshd::start(scene.site.net.server(2), setup);
    let jump = scene.alice.shell_words(&scene.web01());
    let proxy = format!("ProxyCommand={jump} -W %h:%p {}", scene.web01().addr.ip());
    let target = gatehouse_e2e::Target {
        login: inner.login(),
        addr: inner.addr,
    };
    let done = scene
        .alice
        .ssh_with(&target, &["-o", &proxy])
        .arg("echo inside")
        .done();
    assert_eq!(done.ok(), "inside\n");
}

#[test]
fn a_port_of_a_server_is_refused_to_who_may_not_reach_it() {
    let scene = Scene::with(Setup {
        grant: Some(&["--forwarding=local"]),
        ..Setup::default()
    });
    let other = gatehouse_e2e::Sshd::start(scene.site.net.server(2), SshdSetup::default());
    add_server(&scene.site, "db01", &other, 2);
    let to = other.addr.to_string();
    // Within the second in which the node learns of the server.
    wait_for("the port to be refused", LIMIT, || {
        let done = scene.alice.ssh_with(&scene.web01(), &["-W", &to]).done();
        let refused = done.code == Some(255) && done.err().contains("db01");
        (refused && done.err().contains("may not reach")).then_some(())
    });
    // The server's own port by its loopback address is the server.
    let own = format!("127.0.0.1:{}", scene.sshd.addr.port());
    let done = scene.alice.ssh_with(&scene.web01(), &["-W", &own]).done();
    assert!(!done.err().contains("may not reach"), "{done}");
    scene
        .site
        .ok(&["policy", "grant", "--user", "alice", "--server", "db01"]);
    wait_for("the grant to be in force", LIMIT, || {
        let done = scene.alice.ssh_with(&scene.web01(), &["-W", &to]).done();
        done.out().starts_with("SSH-2.0-").then_some(())
    });
}

#[test]
fn a_refusal_names_the_rule_in_the_clients_own_message() {
    let scene = scene(&[
        "--forwarding=local",
        "--allow-destination",
        "127.0.0.0/8:1-30000",
        "--block-port",
        "25",
    ]);
    for (to, words) in [
        ("127.0.0.9:25", "blocks port 25"),
        ("127.0.0.9:40000", "allows forwards to 127.0.0.0/8:1-30000 only"),
        ("db.example:22", "give the address instead of a name"),
    ] {
        let done = scene.alice.ssh_with(&scene.web01(), &["-W", to]).done();
        assert_eq!(done.code, Some(255), "{done}");
        let said = done.err().replace("\r\n", " ");
        assert!(said.contains(words) && said.contains("grant #1"), "{to}: {done}");
        scene.site.audited("forward.denied", |event| {
            event["outcome"] == "denied" && event["detail"]["destination"] == to
        });
    }
}

#[test]
fn without_the_right_nothing_is_forwarded() {
    let scene = Scene::new();
    let done = scene
        .alice
        .ssh_with(&scene.web01(), &["-W", "127.0.0.1:9"])
        .done();
    assert_eq!(done.code, Some(255), "{done}");
    assert!(done.err().contains("carries the right forward_local"), "{done}");
}

#[test]
fn a_destination_that_is_down_is_told_in_the_servers_own_words() {
    let scene = scene(&["--forwarding=local"]);
    let nobody = own_port(&scene).to_string();
    let done = scene.alice.ssh_with(&scene.web01(), &["-W", &nobody]).done();
    assert_eq!(done.code, Some(255), "{done}");
    assert!(done.err().contains("Connection refused"), "{done}");
}

#[test]
fn a_person_without_agent_is_told_how_a_forward_works() {
    let scene = scene(&["--forwarding=local"]);
    let key_only = gatehouse_e2e::Client::with_key(scene.site.net.person(1));
    let done = key_only.ssh_with(&scene.web01(), &["-W", "127.0.0.1:9"]).done();
    assert_eq!(done.code, Some(255), "{done}");
    assert!(done.err().contains("ssh -A"), "{done}");
}

#[test]
fn rights_of_a_group_carry_a_forward() {
    let scene = Scene::new();
    scene.site.ok(&["group", "add", "tunnellers"]);
    scene.site.ok(&["group", "member", "add", "tunnellers", "alice"]);
    scene
        .site
        .ok(&["right", "add", "group", "tunnellers", "forward_local"]);
    let service = Echo::start(scene.site.net.server(9), "one");
    let to = service.addr.to_string();
    wait_for("the right to be in force", LIMIT, || {
        let done = scene
            .alice
            .ssh_with(&scene.web01(), &["-W", &to])
            .stdin("x")
            .done();
        (done.out() == "one\nx").then_some(())
    });
}

#[test]
fn shells_and_forwards_share_a_connection() {
    let scene = scene(&["--forwarding=local"]);
    let service = Echo::start(scene.site.net.server(9), "both");
    let own = own_port(&scene);
    let forward = format!("{own}:{}", service.addr);
    let mut client = scene
        .alice
        .ssh_with(&scene.web01(), &["-L", &forward])
        .arg("echo started; cat")
        .waiting_stdin()
        .start();
    client.prints("started");
    assert_eq!(answers(own, scene.site.net.person(1), "x"), "both\nx");
    interrupted(client);
    let shown = scene.site.closed_session();
    assert_eq!(shown["forwards"].as_array().unwrap().len(), 1, "{shown}");
}
