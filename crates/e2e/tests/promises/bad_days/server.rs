//! Servers that die, half-close, fall silent or flood, at each stage of a connection to them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use gatehouse_e2e::{Client, LIMIT, Run, Scene, Setup, Towards, Trouble, Wire, add_server_at, wait_for};

use super::{Bystander, all_is_well, all_rows_closed, ids, new_session};

/// Short patience with servers.
const IMPATIENT: &str = "ssh.connect_timeout = \"3s\"\nssh.login_timeout = \"3s\"\nssh.keepalive = \"2s\"";
/// More pieces than a login and a short command have, each way.
const PIECES: usize = 16;

/// A scene in which alice reaches web01 also as `web02`, over a wire.
fn with_wire(config: &str) -> (Scene, Wire) {
    let mut wire = None;
    let scene = Scene::prepared(
        Setup {
            config,
            ..Setup::default()
        },
        |site, _, sshd| {
            let laid = Wire::lay(site.net.server(2), sshd.addr, site.net.gate());
            add_server_at(site, "web02", laid.addr, 2);
            site.ok(&["policy", "grant", "--user", "alice", "--server", "web02"]);
            wire = Some(laid);
        },
    );
    (scene, wire.unwrap())
}

fn over_the_wire(scene: &Scene, command: &str) -> Run {
    scene.alice.ssh(&scene.at_proxy(2)).arg(command)
}

/// Breaks the wire after each number of pieces; every client is told, or was served.
fn sweep(trouble: Trouble, limit: Duration) {
    let (scene, wire) = with_wire(IMPATIENT);
    let mut bystander = Bystander::begin(&scene);
    let (mut told, mut served) = (0, 0);
    for towards in [Towards::Client, Towards::Server] {
        for pieces in 0..PIECES {
            wire.after(towards, pieces, trouble);
            let done = over_the_wire(&scene, "echo served").within(limit).done();
            if done.code == Some(0) {
                assert_eq!(done.out(), "served\n", "{towards:?} {pieces}: {done}");
                served += 1;
            } else {
                let words = done.err();
                assert!(
                    words.contains("web02") || done.out().starts_with("served"),
                    "{trouble:?} {towards:?} after {pieces}: nothing was said: {done}"
                );
                assert!(!words.contains("panicked"), "{done}");
                told += 1;
            }
            wire.mend();
        }
    }
    assert!(told > 8, "{trouble:?}: {told} told, {served} served");
    bystander.works();
    bystander.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn a_server_that_dies_at_any_stage_is_told_in_words() {
    sweep(Trouble::Cut, LIMIT);
}

#[test]
fn a_server_that_half_closes_at_any_stage_is_told_in_words() {
    sweep(Trouble::HalfClose, LIMIT);
}

#[test]
fn a_server_that_falls_silent_at_any_stage_is_given_up_in_time() {
    sweep(Trouble::Freeze, LIMIT * 2);
}

#[test]
fn a_server_lost_while_a_file_is_sent_leaves_a_row_that_says_so() {
    let (scene, wire) = with_wire("");
    let file = scene.alice.folder().join("large");
    std::fs::File::create(&file)
        .unwrap()
        .set_len(400_000_000)
        .unwrap();
    let target = scene.at_proxy(2);
    for verb in ["put", "get"] {
        let known = ids(&scene);
        let (from, to) = match verb {
            "put" => (file.clone(), scene.sshd.files().join("sent")),
            _ => (file.clone(), scene.alice.folder().join("got")),
        };
        let batch = format!("{verb} {} {}\n", from.display(), to.display());
        let sftp = scene.alice.copier("sftp", &target).args(["-b", "-"]);
        let copy = sftp.arg(target.addr.ip().to_string()).stdin(batch).start();
        let id = new_session(&scene, &known);
        wait_for("some of the file to have passed", LIMIT, || {
            let grown = std::fs::metadata(&to).is_ok_and(|data| data.len() > 1_000_000);
            grown.then_some(())
        });
        wire.after(Towards::Client, 0, Trouble::Cut);
        assert_ne!(copy.done().code, Some(0));
        wire.mend();
        let row = scene.closed(&id);
        assert_eq!(row["end_reason"], "error", "{row}");
        let row = scene.site.json(&["session", "show", &id]);
        let transfer = &row["transfers"][0];
        assert_eq!(transfer["result"], "incomplete", "{row}");
        assert!(transfer["bytes"].as_u64().unwrap() > 0, "{row}");
    }
    all_is_well(&scene);
}

#[test]
fn a_server_that_floods_and_does_not_read_fills_no_memory_and_can_be_ended() {
    let scene = Scene::new();
    scene.ssh("true").done().ok();
    let before = scene.site.node().memory_kib();
    let known = ids(&scene);
    // Neither side reads what the other one sends, both send all they can.
    let fifo = scene.alice.folder().join("unread");
    Run::new("mkfifo").arg(&fifo).done().ok();
    let words = scene.alice.ssh_words(&scene.web01(), &["-o", "LogLevel=ERROR"]);
    let ssh: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "exec 3<>{f}; yes | ssh {} 'exec yes flood' >{f}",
        ssh.join(" "),
        f = fifo.display()
    );
    let flood = Run::new("sh").args(["-c", &script]).start();
    let id = new_session(&scene, &known);
    let mut last = (0, Instant::now());
    wait_for("both to be stopped by back pressure", LIMIT * 2, || {
        let row = scene.site.json(&["session", "show", &id]);
        let bytes = row["bytes_out"].as_u64().unwrap_or_default();
        if bytes != last.0 {
            last = (bytes, Instant::now());
        }
        (bytes > 100_000 && last.1.elapsed() > Duration::from_secs(6)).then_some(())
    });
    let grown = scene.site.node().memory_kib().saturating_sub(before);
    assert!(grown < 48 * 1024, "the node grew by {grown} KiB");
    assert_eq!(scene.ssh("echo others go on").done().ok(), "others go on\n");
    scene.site.ok(&["session", "kill", &id]);
    assert_eq!(scene.closed(&id)["end_reason"], "killed");
    drop(flood);
    all_is_well(&scene);
}

/// What a server that is none says before, and in place of, its identification.
type Flood = fn(&mut TcpStream) -> std::io::Result<()>;

#[test]
fn a_server_that_floods_before_the_login_is_given_up() {
    let floods: [Flood; 3] = [
        |stream| loop {
            stream.write_all(b"welcome to this very long banner line before the identification\r\n")?;
        },
        |stream| loop {
            stream.write_all(&[b'x'; 8192])?;
        },
        |stream| {
            stream.write_all(b"SSH-2.0-flood\r\n")?;
            // Packets of nothing but padding, without end, and the largest length there is.
            loop {
                stream.write_all(&[0, 0, 0, 12, 10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
            }
        },
    ];
    for (number, flood) in floods.into_iter().enumerate() {
        let mut at = None;
        let scene = Scene::prepared(
            Setup {
                config: IMPATIENT,
                ..Setup::default()
            },
            |site, _, _| {
                let addr = serve(SocketAddr::from((site.net.server(2), 0)), flood);
                add_server_at(site, "web02", addr, 2);
                site.ok(&["policy", "grant", "--user", "alice", "--server", "web02"]);
                at = Some(addr);
            },
        );
        let before = scene.site.node().memory_kib();
        let done = over_the_wire(&scene, "echo never")
            .within(LIMIT * 2)
            .done()
            .exits(255);
        assert!(done.err().contains("web02"), "{number}: {done}");
        let grown = scene.site.node().memory_kib().saturating_sub(before);
        assert!(grown < 48 * 1024, "{number}: the node grew by {grown} KiB");
        scene
            .site
            .audited("session.failed", |event| event["server"] == "web02");
        all_rows_closed(&scene);
    }
}

/// Serves every connection so, until its peer has gone.
fn serve(at: SocketAddr, flood: Flood) -> SocketAddr {
    let listener = TcpListener::bind(at).unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut some = [0; 64];
                let _ = stream.read(&mut some);
                let _ = flood(&mut stream);
            });
        }
    });
    addr
}

#[test]
fn a_stranger_is_denied_though_the_server_is_silent() {
    let (scene, wire) = with_wire(IMPATIENT);
    wire.after(Towards::Client, 0, Trouble::Freeze);
    let stranger = Client::with_key(scene.site.net.stranger());
    let denied = stranger.ssh(&scene.at_proxy(2)).arg("id").done().exits(255);
    assert!(
        denied.err().contains("Permission denied (publickey)."),
        "{denied}"
    );
    assert!(!wire.has_struck(), "the server was reached");
}
