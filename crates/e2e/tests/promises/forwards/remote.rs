//! `-R`: the gate listens on the session's proxy address, and the server on the same port; both or neither.

use std::net::{Ipv4Addr, SocketAddr};

use gatehouse_e2e::{
    Client, Echo, LIMIT, Run, Scene, Setup, Sshd, SshdSetup, Target, add_server, answers, free_port, talk,
    wait_for,
};

use super::{forward, interrupted, scene, without_session};

/// A port that is free at both of these addresses.
fn port_free_at(one: Ipv4Addr, other: Ipv4Addr) -> u16 {
    (0..50)
        .map(|_| free_port(one))
        .find(|port| std::net::TcpListener::bind((other, *port)).is_ok())
        .unwrap()
}

/// The server as the backend sees itself: the address that `-R` names, so that tests do not meet on 127.0.0.1.
const CLIENT_SPECIFIED: &[&str] = &["GatewayPorts clientspecified"];

pub(super) struct Remote {
    pub(super) scene: Scene,
    port: u16,
    pub(super) at_gate: SocketAddr,
    pub(super) at_server: SocketAddr,
}

impl Remote {
    pub(super) fn new(grant: &[&str]) -> Self {
        let scene = Scene::with(Setup {
            grant: Some(grant),
            sshd: CLIENT_SPECIFIED,
            ..Setup::default()
        });
        let (proxy, server) = (scene.site.net.proxy(1), scene.site.net.server(1));
        let port = port_free_at(proxy, server);
        Self {
            at_gate: (proxy, port).into(),
            at_server: (server, port).into(),
            scene,
            port,
        }
    }

    /// The option for `ssh -R`.
    pub(super) fn to(&self, service: &Echo) -> String {
        format!("{}:{}", self.at_server, service.addr)
    }
}

#[test]
fn a_remote_forward_listens_at_the_gate_and_at_the_server() {
    let remote = Remote::new(&["--forwarding=remote"]);
    let net = remote.scene.site.net;
    let service = Echo::start(net.person(1), "laptop");
    let client = without_session(
        &remote.scene.alice,
        &remote.scene.web01(),
        &["-R", &remote.to(&service)],
    );
    assert_eq!(answers(remote.at_gate, net.person(1), "a"), "laptop\na");
    assert_eq!(talk(remote.at_server, net.server(7), "b"), "laptop\nb");
    // The backend itself may use the gate's side; a person with a policy, too; nobody else.
    assert_eq!(talk(remote.at_gate, net.server(1), "c"), "laptop\nc");
    assert_eq!(talk(remote.at_gate, net.stranger(), "d"), "");
    remote.scene.site.audited("forward.denied", |event| {
        event["detail"]["sentence"]
            .to_string()
            .contains(&net.stranger().to_string())
    });
    remote.scene.site.add_person("bob", net.person(2));
    assert_eq!(talk(remote.at_gate, net.person(2), "e"), "");
    remote
        .scene
        .site
        .ok(&["policy", "grant", "--user", "bob", "--server", "web01"]);
    wait_for("bob's grant to be in force", LIMIT, || {
        (talk(remote.at_gate, net.person(2), "f") == "laptop\nf").then_some(())
    });
    let row = forward(&remote.scene, "that listens", |row| row["kind"] == "remote");
    assert_eq!(row["listen"], remote.at_gate.to_string(), "{row}");
    assert!(row["ended_at"].is_null(), "{row}");
    interrupted(client);
    wait_for("both sides to be closed", LIMIT, || {
        let closed = |addr| std::net::TcpStream::connect(addr).is_err();
        (closed(remote.at_gate) && closed(remote.at_server)).then_some(())
    });
    let session = remote.scene.site.closed_session();
    let ended = &session["forwards"][0];
    assert!(
        ended["ended_at"].is_string() && ended["bytes_out"].as_u64().unwrap() >= 4,
        "{session}"
    );
}

#[test]
fn a_public_remote_forward_accepts_everybody() {
    let remote = Remote::new(&["--forwarding=remote", "--right", "remote_public"]);
    let net = remote.scene.site.net;
    let service = Echo::start(net.person(1), "laptop");
    let client = without_session(
        &remote.scene.alice,
        &remote.scene.web01(),
        &["-R", &remote.to(&service)],
    );
    assert_eq!(answers(remote.at_gate, net.stranger(), "x"), "laptop\nx");
    interrupted(client);
}

#[test]
fn port_0_is_the_same_free_port_on_both_sides() {
    let remote = Remote::new(&["--forwarding=remote"]);
    let net = remote.scene.site.net;
    let service = Echo::start(net.person(1), "laptop");
    let option = format!("{}:0:{}", net.server(1), service.addr);
    let client = without_session(&remote.scene.alice, &remote.scene.web01(), &["-R", &option]);
    let port = wait_for("the client to tell the port", LIMIT, || {
        let said = client.stderr_so_far();
        let (_, rest) = said.split_once("Allocated port ")?;
        rest.split_once(' ')?.0.parse::<u16>().ok()
    });
    assert_eq!(
        answers((net.proxy(1), port).into(), net.person(1), "a"),
        "laptop\na"
    );
    assert_eq!(
        answers((net.server(1), port).into(), net.person(1), "b"),
        "laptop\nb"
    );
    interrupted(client);
}

#[test]
fn a_remote_forward_is_both_or_neither() {
    let remote = Remote::new(&["--forwarding=remote"]);
    let net = remote.scene.site.net;
    let service = Echo::start(net.person(1), "laptop");
    for taken in [remote.at_server, remote.at_gate] {
        let held = std::net::TcpListener::bind(taken).unwrap();
        let client = without_session(
            &remote.scene.alice,
            &remote.scene.web01(),
            &["-R", &remote.to(&service)],
        );
        assert_eq!(client.done().code, Some(255));
        drop(held);
        assert!(
            std::net::TcpListener::bind(remote.at_server).is_ok(),
            "left behind at the server"
        );
        assert!(
            std::net::TcpListener::bind(remote.at_gate).is_ok(),
            "left behind at the gate"
        );
    }
    remote.scene.site.audited("forward.denied", |event| {
        event["detail"]["sentence"]
            .to_string()
            .contains("web01 refused to listen")
    });
}

#[test]
fn ports_that_are_not_given_out_are_refused_in_a_shell_with_the_reason() {
    let remote = Remote::new(&["--forwarding=remote"]);
    let gate = remote.scene.web01().addr.port();
    for (port, words) in [(999, "ports below 1024"), (gate, "the gate itself listens")] {
        let option = format!("{}:{port}:127.0.0.1:9", remote.scene.site.net.server(1));
        let done = remote
            .scene
            .alice
            .ssh_with(&remote.scene.web01(), &["-R", &option])
            .arg("echo on")
            .done();
        assert_eq!(done.out(), "on\n", "{done}");
        let said = done.err().replace("\r\n", " ");
        assert!(said.contains(words), "{done}");
    }
}

#[test]
fn a_port_that_another_session_has_is_refused_and_two_proxy_addresses_may_have_the_same() {
    let remote = Remote::new(&["--forwarding=remote"]);
    let (scene, net) = (&remote.scene, remote.scene.site.net);
    let other = Sshd::start(
        net.server(2),
        SshdSetup {
            authorized: vec![scene.alice.public_key()],
            lines: CLIENT_SPECIFIED.iter().map(|&line| line.to_owned()).collect(),
        },
    );
    add_server(&scene.site, "db01", &other, 2);
    scene.site.ok(&[
        "policy",
        "grant",
        "--user",
        "alice",
        "--server",
        "db01",
        "--forwarding=remote",
    ]);
    let service = Echo::start(net.person(1), "laptop");
    let first = without_session(&scene.alice, &scene.web01(), &["-R", &remote.to(&service)]);
    answers(remote.at_gate, net.person(1), "a");
    let second = scene
        .alice
        .ssh_with(&scene.web01(), &["-R", &remote.to(&service)])
        .arg("true")
        .done();
    let said = second.err().replace("\r\n", " ");
    assert!(said.contains("another session has taken it"), "{second}");
    let db01 = Target {
        login: other.login(),
        addr: scene.site.node().ssh_at(net.proxy(2)),
    };
    let option = format!("{}:{}:{}", net.server(2), remote.port, service.addr);
    let third = without_session(&scene.alice, &db01, &["-R", &option]);
    assert_eq!(
        answers((net.proxy(2), remote.port).into(), net.person(1), "b"),
        "laptop\nb"
    );
    interrupted(first);
    interrupted(third);
}

#[test]
fn a_forward_is_cancelled_and_made_again_on_a_running_connection() {
    let remote = Remote::new(&["--forwarding=remote"]);
    let (scene, net) = (&remote.scene, remote.scene.site.net);
    let service = Echo::start(net.person(1), "laptop");
    let socket = scene.alice.folder().join("mux").display().to_string();
    let master = without_session(&scene.alice, &scene.web01(), &["-M", "-S", &socket]);
    let order = |order: &str| {
        wait_for("the master to take the order", LIMIT, || {
            let option = remote.to(&service);
            let done = Run::new("ssh")
                .arg("-F")
                .arg(scene.alice.config())
                .args(["-S", &socket, "-O", order, "-R", &option, "host"])
                .done();
            (done.code == Some(0)).then_some(())
        });
    };
    for _ in 0..2 {
        order("forward");
        assert_eq!(answers(remote.at_gate, net.person(1), "a"), "laptop\na");
        order("cancel");
        wait_for("both sides to be closed", LIMIT, || {
            let closed = |addr| std::net::TcpStream::connect(addr).is_err();
            (closed(remote.at_gate) && closed(remote.at_server)).then_some(())
        });
    }
    interrupted(master);
}

#[test]
fn without_the_right_no_port_is_opened() {
    let scene = scene(&[]);
    let done = scene
        .alice
        .ssh_with(&scene.web01(), &["-R", "9000:127.0.0.1:9"])
        .arg("true")
        .done();
    let said = done.err().replace("\r\n", " ");
    assert!(said.contains("carries the right forward_remote"), "{done}");
    scene
        .site
        .audited("forward.denied", |event| event["detail"]["kind"] == "remote");
}

#[test]
fn at_the_gates_own_address_only_the_server_listens() {
    let remote = Remote::new(&["--forwarding=remote"]);
    let (scene, net) = (&remote.scene, remote.scene.site.net);
    let service = Echo::start(net.person(1), "laptop");
    let target = Target {
        login: format!("{}@web01", scene.sshd.login()),
        addr: scene.site.node().ssh_at(net.gate()),
    };
    let client: &Client = &scene.alice;
    let client = without_session(client, &target, &["-R", &remote.to(&service)]);
    assert_eq!(answers(remote.at_server, net.person(1), "a"), "laptop\na");
    assert!(std::net::TcpStream::connect(remote.at_gate).is_err());
    interrupted(client);
}
