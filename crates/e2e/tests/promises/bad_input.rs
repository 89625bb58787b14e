//! Garbage, half handshakes and clients that stall: one connection's trouble is no other's.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use gatehouse_e2e::{LIMIT, Scene, Setup, wait_for};

const IDENT: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";

#[test]
fn garbage_harms_nobody_and_a_working_session_does_not_notice() {
    let mut scene = Scene::new();
    let mut terminal = scene.shell();
    let addr = scene.web01().addr;
    let mut state = 7_u64;
    let mut noise = |length: usize| -> Vec<u8> {
        std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        })
        .take(length)
        .collect()
    };
    for round in 0..200 {
        let mut stream = TcpStream::connect(addr).unwrap();
        let bytes = match round % 5 {
            0 => noise(round * 40),
            1 => [IDENT, &noise(5_000)].concat(),
            // A packet of 4 GiB, then one of nothing.
            2 => [IDENT, &[0xff, 0xff, 0xff, 0xff, 4, 20], &noise(100)].concat(),
            3 => [IDENT, &[0, 0, 0, 0, 0]].concat(),
            _ => b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n".to_vec(),
        };
        // The gate may have closed the connection by now.
        let _ = stream.write_all(&bytes);
    }
    let endless = std::iter::repeat_n(b'x', 100_000).collect::<Vec<_>>();
    let _ = TcpStream::connect(addr).unwrap().write_all(&endless);
    terminal.types("echo un''troubled\n");
    terminal.shows("untroubled");
    assert_eq!(scene.ssh("echo new").done().ok(), "new\n");
    assert!(
        !scene.site.node().log().contains("panicked"),
        "{}",
        scene.site.node().log()
    );
    assert!(scene.site.take_node().is_running());
}

#[test]
fn a_client_that_stalls_at_any_step_is_cut_off_after_the_login_grace() {
    let scene = Scene::with(Setup {
        config: "ssh.login_grace = \"10s\"",
        ..Setup::default()
    });
    let steps: [&[u8]; 4] = [b"", b"SSH-2.0-Op", IDENT, b"SSH-2.0-OpenSSH_9.2\r\n\0\0\x04\x0c"];
    let start = Instant::now();
    let stalled: Vec<_> = steps
        .iter()
        .map(|bytes| half_open(scene.web01().addr, bytes))
        .collect();
    assert_eq!(scene.ssh("echo others").done().ok(), "others\n");
    for (number, mut stream) in stalled.into_iter().enumerate() {
        stream.set_read_timeout(Some(Duration::from_secs(45))).unwrap();
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        let reset = end
            .as_ref()
            .is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
        assert!(end.is_ok() || reset, "step {number} was not cut off: {end:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn a_login_prompt_left_alone_ends_with_the_login_grace() {
    let scene = Scene::with(Setup {
        config: "ssh.login_grace = \"3s\"",
        ..Setup::default()
    });
    let words = scene
        .alice
        .ssh_words(&scene.web01(), &["-o", "PubkeyAuthentication=no"]);
    let mut terminal = gatehouse_e2e::Terminal::start("ssh", &words);
    terminal.shows("assword:");
    wait_for("the gate to give up", LIMIT, || {
        scene
            .site
            .node()
            .log()
            .contains("no login within the login grace")
            .then_some(())
    });
    // The client looks at its connection again only after the prompt.
    terminal.types("too late\n");
    assert_eq!(terminal.ends(), 255);
}

#[test]
fn a_source_that_floods_the_gate_keeps_no_other_out() {
    let scene = Scene::with(Setup {
        config: "limits.unauthenticated_per_source = 10",
        ..Setup::default()
    });
    let addr = scene.web01().addr;
    let flood: Vec<_> = (0..60).map(|_| half_open(addr, b"")).collect();
    let mut closed = 0;
    for stream in &flood {
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut stream = stream;
        let mut banner = [0; 100];
        // Closed without a word, or reset; a served one is greeted or kept waiting.
        match stream.read(&mut banner) {
            Ok(0) => closed += 1,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => closed += 1,
            _ => {}
        }
    }
    assert!(
        closed >= 40,
        "only {closed} of 60 half-open connections were refused"
    );
    assert_eq!(scene.ssh("echo let in").done().ok(), "let in\n");
    assert!(scene.site.node().log().contains("connection refused"));
}

#[test]
fn a_client_that_vanishes_leaves_no_open_row() {
    let scene = Scene::new();
    let mut running = scene.ssh("echo begun; sleep 600").start();
    running.prints("begun");
    let id = scene.active_session();
    running.signal(nix::sys::signal::Signal::SIGKILL);
    wait_for("the row to be closed", LIMIT, || {
        (scene.site.json(&["session", "show", &id])["state"] == "closed").then_some(())
    });
    wait_for("the server to see the end of the connection", LIMIT, || {
        let log = scene.sshd.log();
        let ends = log.lines().filter(|line| {
            ["Disconnected from", "Connection closed", "Connection reset"]
                .iter()
                .any(|end| line.contains(end))
        });
        // The first is that of the harness, which asked whether the server listens.
        (ends.count() >= 2).then_some(())
    });
}

/// A connection that has sent this and says no more.
fn half_open(addr: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}
