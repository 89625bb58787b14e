//! A right that ends while the session goes on closes what it covered, and nothing else.

use std::io::Read;
use std::time::Duration;

use gatehouse_e2e::{Echo, LIMIT, Scene, Setup, SshdSetup, Terminal, add_server, answers, connect, wait_for};

use super::{interrupted, own_port, scene, without_session};

/// For a change to be in force on running sessions: a second, and what a busy machine adds.
const SOON: Duration = Duration::from_secs(10);

/// A shell with options before the destination.
fn shell(scene: &Scene, options: &[&str]) -> Terminal {
    let mut words = scene.alice.ssh_words(&scene.web01(), options);
    words.push("PS1='ready> ' exec sh".to_owned());
    let mut terminal = Terminal::start("ssh", &words);
    terminal.shows("ready> ");
    terminal
}

#[test]
fn a_right_that_is_taken_closes_its_forwards_and_leaves_the_shell() {
    let scene = scene(&["--forwarding=local"]);
    let service = Echo::start(scene.site.net.server(9), "database");
    let own = own_port(&scene);
    let option = format!("{own}:{}", service.addr);
    let mut terminal = shell(&scene, &["-tt", "-L", &option]);
    answers(own, scene.site.net.person(1), "a");
    let mut held = connect(own, scene.site.net.person(1)).unwrap();
    held.read_exact(&mut [0; 9]).unwrap();
    scene.site.ok(&["policy", "edit", "1", "--clear", "rights"]);
    held.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(held.read(&mut [0; 1]).unwrap(), 0, "the connection is closed");
    terminal.shows("A forward was closed");
    terminal.types("echo still $((40 + 2))\n");
    terminal.shows("still 42");
    scene
        .site
        .audited("forward.closed", |event| event["reason"] == "not_permitted");
    terminal.types("exit\n");
    terminal.ends();
}

#[test]
fn the_end_of_access_to_a_server_closes_the_forward_to_it() {
    let scene = Scene::with(Setup {
        grant: Some(&["--forwarding=local"]),
        ..Setup::default()
    });
    let net = scene.site.net;
    let other = gatehouse_e2e::Sshd::start(net.server(2), SshdSetup::default());
    add_server(&scene.site, "db01", &other, 2);
    scene
        .site
        .ok(&["policy", "grant", "--user", "alice", "--server", "db01"]);
    let own = own_port(&scene);
    let option = format!("{own}:{}", other.addr);
    let client = without_session(&scene.alice, &scene.web01(), &["-L", &option]);
    let mut held = wait_for("the server's greeting", LIMIT, || {
        let mut stream = connect(own, net.person(1))?;
        stream.read_exact(&mut [0; 8]).ok()?;
        Some(stream)
    });
    scene.site.ok(&["policy", "revoke", "2"]);
    held.set_read_timeout(Some(SOON)).unwrap();
    let mut rest = Vec::new();
    held.read_to_end(&mut rest).unwrap();
    interrupted(client);
}

#[test]
fn a_remote_forward_without_its_right_is_closed_on_both_sides() {
    let scene = Scene::with(Setup {
        grant: Some(&["--forwarding=remote"]),
        sshd: &["GatewayPorts clientspecified"],
        ..Setup::default()
    });
    let net = scene.site.net;
    let service = Echo::start(net.person(1), "laptop");
    let option = format!("{}:0:{}", net.server(1), service.addr);
    let client = without_session(&scene.alice, &scene.web01(), &["-R", &option]);
    let port: u16 = wait_for("the client to tell the port", LIMIT, || {
        let said = client.stderr_so_far();
        said.split_once("Allocated port ")?
            .1
            .split_once(' ')?
            .0
            .parse()
            .ok()
    });
    let (at_gate, at_server) = ((net.proxy(1), port), (net.server(1), port));
    answers(at_gate.into(), net.person(1), "a");
    scene.site.ok(&["policy", "edit", "1", "--clear", "rights"]);
    wait_for("both sides to be closed", SOON, || {
        let closed = |addr| std::net::TcpStream::connect(addr).is_err();
        (closed(at_gate) && closed(at_server)).then_some(())
    });
    interrupted(client);
}

#[test]
fn a_killed_session_ends_with_its_forwards() {
    let scene = scene(&["--forwarding=local"]);
    let service = Echo::start(scene.site.net.server(9), "database");
    let own = own_port(&scene);
    let client = without_session(
        &scene.alice,
        &scene.web01(),
        &["-L", &format!("{own}:{}", service.addr)],
    );
    answers(own, scene.site.net.person(1), "a");
    let mut held = connect(own, scene.site.net.person(1)).unwrap();
    held.read_exact(&mut [0; 9]).unwrap();
    let id = scene.active_session();
    scene.site.ok(&["session", "kill", &id, "--yes"]);
    assert_eq!(client.done().code, Some(255));
    let session = scene.closed(&id);
    assert_eq!(session["end_reason"], "killed", "{session}");
    assert!(session["forwards"][0]["ended_at"].is_string(), "{session}");
}
