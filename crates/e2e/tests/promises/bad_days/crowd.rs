//! Ten thousand connections of garbage while a hundred sessions work: nobody who works notices.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gatehouse_e2e::{LIMIT, Scene, Setup, connect_from, noise, wait_for};

use super::all_is_well;

const SESSIONS: usize = 100;
const GARBAGE: usize = 10_000;
/// How many send garbage at a time.
const SENDERS: usize = 8;
/// For all of it, on a busy machine.
const LONGEST: Duration = Duration::from_secs(240);
/// What the node may grow by for the garbage: the places for those who have not logged in, each with its buffers.
const GROWTH_KIB: u64 = 96 * 1024;

#[test]
fn ten_thousand_connections_of_garbage_disturb_none_of_a_hundred_sessions() {
    let scene = Scene::with(Setup {
        config: "ssh.login_grace = \"5s\"",
        ..Setup::default()
    });
    let net = scene.site.net;
    // Garbage comes from strangers and from a person who is known.
    scene.site.add_person("bob", net.person(2));
    let mut sessions: Vec<_> = (0..SESSIONS)
        .map(|number| {
            let command = "echo begun; while read line; do echo \"<$line>\"; done";
            let run = scene.ssh(command).waiting_stdin().within(LONGEST).start();
            (number, run)
        })
        .collect();
    for (_, session) in &mut sessions {
        session.prints("begun");
    }
    let before = scene.site.node().memory_kib();
    let addr = scene.web01().addr;
    let (sent, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut rounds = 0;
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| scope.spawn(|| send_garbage(addr, net.person(2), net.stranger(), &sent)))
            .collect();
        while !over.load(Ordering::Acquire) {
            over.store(
                senders.iter().all(|sender| sender.is_finished()),
                Ordering::Release,
            );
            rounds += 1;
            for (number, session) in &mut sessions {
                session.types(&format!("line {rounds} of {number}\n"));
            }
            for (number, session) in &mut sessions {
                session.prints(&format!("<line {rounds} of {number}>\n"));
            }
        }
    });
    assert_eq!(sent.load(Ordering::Relaxed), GARBAGE);
    assert!(rounds >= 2, "the garbage was over in {rounds} rounds");
    let begin = Instant::now();
    wait_for("what the garbage took up to be given back", LIMIT * 2, || {
        let grown = scene.site.node().memory_kib().saturating_sub(before);
        (grown < GROWTH_KIB || begin.elapsed() > LIMIT).then_some(())
    });
    let grown = scene.site.node().memory_kib().saturating_sub(before);
    assert!(grown < GROWTH_KIB, "the node grew by {grown} KiB");
    for (number, session) in &mut sessions {
        let lines = session.stdout_so_far();
        for round in 1..=rounds {
            assert!(
                lines.contains(&format!("<line {round} of {number}>\n")),
                "round {round} of {number} is lost"
            );
        }
    }
    assert!(!scene.site.node().log().contains("panicked"));
    drop(sessions);
    all_is_well(&scene);
}

/// Sends garbage of all kinds until there has been enough; some of it waits a moment to be answered.
fn send_garbage(to: SocketAddr, known: Ipv4Addr, stranger: Ipv4Addr, sent: &AtomicUsize) {
    let noise = noise(20_000);
    loop {
        let number = sent.fetch_add(1, Ordering::Relaxed);
        if number >= GARBAGE {
            sent.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let [_, _, third, fourth] = u32::try_from(number).unwrap_or_default().to_be_bytes();
        let source = match number % 4 {
            0 => known,
            1 => stranger,
            // Of all of 127.0.0.0/8, so that the limits of one source are not what helps.
            _ => Ipv4Addr::new(127, 251 + third % 4, third, fourth.max(1)),
        };
        let Ok(mut stream) = connect_from(source, to) else {
            continue;
        };
        let some = noise.get(..number % noise.len()).unwrap_or_default();
        let ident: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";
        let garbage = match number % 6 {
            0 => some.to_vec(),
            1 => [ident, some].concat(),
            2 => [ident, &[0xff, 0xff, 0xff, 0xff, 4, 20], some].concat(),
            3 => b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n".to_vec(),
            4 => Vec::new(),
            _ => ident.to_vec(),
        };
        // The gate may have closed the connection by now.
        let _ = stream.write_all(&garbage);
        let _ = stream.set_read_timeout(Some(Duration::from_millis(5)));
        let _ = stream.read(&mut [0; 64]);
    }
}
