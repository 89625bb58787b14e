//! Orders and changes reach running sessions within a second: shells, commands, transfers and forwards, on whichever
//! node, and nobody else's.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatehouse_e2e::{
    Client, Database, LIMIT, Node, Run, Running, Scene, Setup, Sshd, SshdSetup, Target, Terminal, add_server,
    connect, free_port, wait_for,
};
use serde_json::Value;

/// The second of the promise, and what a machine adds that runs other tests beside this one. Counted from before the
/// order was committed.
const PROMISED: u128 = 1_000_000_000 + 2_000_000_000;
/// Prints the time again and again, until nobody takes it.
const TICKS: &str = "while date +%s%N; do sleep 0.02; done";

/// Nanoseconds since 1970.
fn nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

/// The last time that was printed.
fn last_tick(text: &str) -> u128 {
    let ticks = text.split_whitespace().filter(|word| word.len() == 19);
    ticks.filter_map(|word| word.parse().ok()).max().unwrap_or(0)
}

/// When the newest event of this kind was ordered.
fn ordered(scene: &Scene, action: &str) -> u128 {
    let events = scene.site.list(&["audit", "list", "--action", action]);
    let time = events[0]["time"].as_str().unwrap().to_owned();
    let printed = Run::new("date").args(["-d", &time, "+%s%N"]).done().ok();
    printed.trim().parse().unwrap()
}

/// One session of each kind, under way.
struct Busy {
    shell: Terminal,
    command: Running,
    copy: Running,
    copied: PathBuf,
    forward: Running,
    forwarded: JoinHandle<String>,
}

impl Busy {
    /// Starts them: shell and copy at one place, command and forward at the other.
    fn start(scene: &Scene, here: &Target, there: &Target, service: SocketAddr) -> Self {
        let mut words = scene.alice.ssh_words(here, &["-tt"]);
        words.push("PS1='ready> ' exec sh".to_owned());
        let mut shell = Terminal::start("ssh", &words);
        shell.shows("ready> ");
        shell.types(&format!("{TICKS}\n"));
        let mut command = scene.alice.ssh(there).arg(TICKS).start();
        command.prints("\n");
        let large = scene.alice.folder().join("large");
        let file = File::create(&large).unwrap();
        file.set_len(400_000_000).unwrap();
        let copied = scene.sshd.files().join("copied");
        let _ = std::fs::remove_file(&copied);
        // 40 MB/s at most: it lasts until it is ended.
        let copy = scene
            .alice
            .copier("scp", here)
            .args(["-q", "-l", "320000"])
            .arg(&large)
            .arg(scene.alice.remote(here, &copied))
            .start();
        let own = scene.site.net.person(1);
        let own = SocketAddr::from((own, free_port(own)));
        let option = format!("{own}:{service}");
        let forward = scene
            .alice
            .ssh_with(there, &["-N", "-o", "ExitOnForwardFailure=yes", "-L", &option])
            .waiting_stdin()
            .start();
        let stream = wait_for("the forward to carry something", LIMIT, || {
            let stream = connect(own, scene.site.net.person(1))?;
            stream.set_read_timeout(Some(LIMIT)).ok()?;
            let mut lines = BufReader::new(stream);
            lines
                .read_line(&mut String::new())
                .ok()
                .filter(|count| *count > 0)?;
            Some(lines)
        });
        wait_for("the copy to be under way", LIMIT, || {
            std::fs::metadata(&copied).ok().filter(|file| file.len() > 0)
        });
        let forwarded = thread::spawn(move || {
            let lines = stream.lines().map_while(Result::ok);
            lines.last().unwrap_or_default()
        });
        Self {
            shell,
            command,
            copy,
            copied,
            forward,
            forwarded,
        }
    }

    /// Waits until everything has ended; gives when each passed something last.
    fn ended(mut self) -> Vec<(&'static str, u128)> {
        self.shell.ends();
        let command = self.command.done().exits(255);
        let copy = self.copy.done();
        assert_ne!(copy.code, Some(0), "{copy}");
        self.forward.done().exits(255);
        let written = std::fs::metadata(&self.copied).unwrap().modified().unwrap();
        vec![
            ("shell", last_tick(&self.shell.all())),
            ("command", last_tick(&command.out())),
            ("copy", nanos(written)),
            ("forward", last_tick(&self.forwarded.join().unwrap())),
        ]
    }
}

/// Tells the time to whoever connects, again and again.
fn clock(scene: &Scene) -> SocketAddr {
    let listener = TcpListener::bind((scene.site.net.server(9), 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                while writeln!(stream, "{}", nanos(SystemTime::now())).is_ok() {
                    sleep(Duration::from_millis(20));
                }
            });
        }
    });
    addr
}

fn orders_end_everything_within_a_second(database: Database) {
    let scene = Scene::with(Setup {
        database,
        grant: Some(&["--forwarding=local"]),
        ..Setup::default()
    });
    let second: Option<Node> = (database == Database::Postgres).then(|| scene.site.second_node());
    let here = scene.web01();
    let there = Target {
        addr: second
            .as_ref()
            .map_or(here.addr, |node| node.ssh_at(scene.site.net.proxy(1))),
        ..here.clone()
    };
    let service = clock(&scene);
    for (order, action, reason, undo) in [
        (
            &["session", "kill", "--user", "alice"] as &[&str],
            "session.killed",
            "killed",
            None,
        ),
        (
            &["lock", "user", "alice"],
            "lock.added",
            "revoked",
            Some(["unlock", "user", "alice"]),
        ),
        (
            &["lock", "server", "web01"],
            "lock.added",
            "revoked",
            Some(["unlock", "server", "web01"]),
        ),
        (
            &["server", "disable", "web01"],
            "server.disabled",
            "revoked",
            Some(["server", "enable", "web01"]),
        ),
        (&["policy", "revoke", "1"], "policy.revoked", "revoked", None),
    ] {
        let busy = Busy::start(&scene, &here, &there, service);
        let done = scene.site.ok(order);
        let ended = busy.ended();
        let ordered = ordered(&scene, action);
        for (what, last) in ended {
            assert!(last > 0, "{order:?}: nothing passed on the {what}");
            let late = last.saturating_sub(ordered);
            assert!(late <= PROMISED, "{order:?}: the {what} went on for {late} ns");
        }
        if ["lock", "session"].contains(&order[0]) {
            assert!(done.contains("ended 4 of 4 sessions"), "{done}");
        }
        wait_for("every row to be closed", LIMIT, || {
            scene
                .site
                .list(&["session", "list", "--active"])
                .is_empty()
                .then_some(())
        });
        let newest = scene.site.list(&["session", "list", "--limit", "4"]);
        assert!(
            newest.iter().all(|session| session["end_reason"] == reason),
            "{newest:?}"
        );
        if let Some(undo) = undo {
            scene.site.ok(&undo);
            for place in [&here, &there] {
                let alice = &scene.alice;
                wait_for("alice to be let in again", LIMIT, || {
                    (alice.ssh(place).arg("true").done().code == Some(0)).then_some(())
                });
            }
        }
    }
}

#[test]
fn orders_end_shells_commands_transfers_and_forwards_within_a_second_on_sqlite() {
    orders_end_everything_within_a_second(Database::Sqlite);
}

#[test]
fn orders_end_shells_commands_transfers_and_forwards_within_a_second_on_two_nodes() {
    orders_end_everything_within_a_second(Database::Postgres);
}

#[test]
fn a_client_that_does_not_read_is_cut_as_fast() {
    let scene = Scene::new();
    // Its output fills every buffer, then nothing is read any more; what it types still goes through.
    let marks = scene.sshd.files().join("marks");
    let command = format!("yes & cat >{}", marks.display());
    let mut stalled = scene.ssh(&command).waiting_stdin().start();
    stalled.prints("y\n");
    let id = scene.active_session();
    stalled.signal(nix::sys::signal::Signal::SIGSTOP);
    scene.site.ok(&["session", "kill", &id]);
    let ordered = ordered(&scene, "session.killed");
    let session = scene.closed(&id);
    assert_eq!(session["end_reason"], "killed");
    let ended = session["ended_at"].as_str().unwrap();
    let ended = Run::new("date").args(["-d", ended, "+%s%N"]).done().ok();
    let late = ended.trim().parse::<u128>().unwrap().saturating_sub(ordered);
    assert!(late <= PROMISED, "closed after {late} ns");
    stalled.signal(nix::sys::signal::Signal::SIGCONT);
    stalled.done();
}

/// Two people and two servers, everybody at both.
struct Crowd {
    scene: Scene,
    bob: Client,
    _other: Sshd,
    places: [Target; 2],
}

impl Crowd {
    fn new() -> Self {
        let mut others = None;
        let scene = Scene::prepared(
            Setup {
                grant: None,
                ..Setup::default()
            },
            |site, alice, sshd| {
                let bob = Client::with_agent(site.net.person(2));
                sshd.authorize(&bob.public_key());
                let other = Sshd::start(
                    site.net.server(2),
                    SshdSetup {
                        authorized: vec![alice.public_key(), bob.public_key()],
                        ..SshdSetup::default()
                    },
                );
                add_server(site, "db01", &other, 2);
                site.add_person("bob", site.net.person(2));
                for words in [
                    ["group", "add", "staff", "", "", ""],
                    ["group", "add", "admins", "--parent", "staff", ""],
                    ["group", "member", "add", "admins", "alice", ""],
                    ["group", "member", "add", "staff", "bob", ""],
                    ["server-group", "add", "all", "", "", ""],
                    ["server-group", "member", "add", "all", "web01", ""],
                    ["server-group", "member", "add", "all", "db01", ""],
                    ["policy", "grant", "--group", "staff", "--server-group", "all"],
                ] {
                    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
                    site.ok(&words);
                }
                others = Some((bob, other));
            },
        );
        let (bob, other) = others.unwrap();
        let place = |number| Target {
            login: scene.sshd.login(),
            addr: scene.site.node().ssh_at(scene.site.net.proxy(number)),
        };
        let places = [place(1), place(2)];
        Self {
            scene,
            bob,
            _other: other,
            places,
        }
    }

    /// Everybody at both servers: alice at web01, alice at db01, bob at web01, bob at db01.
    fn everybody(&self) -> Vec<Running> {
        let people = [&self.scene.alice, &self.bob];
        let pairs = people
            .into_iter()
            .flat_map(|person| self.places.iter().map(move |place| (person, place)));
        pairs
            .map(|(person, place)| {
                let mut running = person.ssh(place).arg("echo begun; sleep 600").start();
                running.prints("begun");
                running
            })
            .collect()
    }

    /// Waits until nobody is on and everybody is let in again.
    fn settles(&self) {
        for person in [&self.scene.alice, &self.bob] {
            for place in &self.places {
                wait_for("everybody to be let in again", LIMIT, || {
                    (person.ssh(place).arg("true").done().code == Some(0)).then_some(())
                });
            }
        }
        wait_for("everybody to be off", LIMIT, || {
            self.on().is_empty().then_some(())
        });
    }

    /// Who is on, as `alice@web01`.
    fn on(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let sessions = self.scene.site.list(&["session", "list", "--active"]);
        let mut on: Vec<_> = sessions
            .iter()
            .map(|session| format!("{}@{}", text(&session["user"]), text(&session["server"])))
            .collect();
        on.sort();
        on
    }
}

#[test]
fn orders_for_a_person_a_server_or_all_end_those_and_no_others() {
    let crowd = Crowd::new();
    let all = ["alice@db01", "alice@web01", "bob@db01", "bob@web01"];
    for (words, left) in [
        (
            &["session", "kill", "--user", "alice"] as &[&str],
            &["bob@db01", "bob@web01"] as &[&str],
        ),
        (
            &["session", "kill", "--server", "web01"],
            &["alice@db01", "bob@db01"],
        ),
        (&["session", "kill", "--all", "--yes"], &[]),
        (&["lock", "user", "bob"], &["alice@db01", "alice@web01"]),
        (&["lock", "server", "db01"], &["alice@web01", "bob@web01"]),
    ] {
        let running = crowd.everybody();
        assert_eq!(crowd.on(), all);
        let answer = crowd.scene.site.json(words);
        assert_eq!(
            answer["still_running"].as_array().map(Vec::len),
            Some(0),
            "{words:?}: {answer}"
        );
        assert_eq!(crowd.on(), left, "{words:?}");
        drop(running);
        if words[0] == "lock" {
            crowd.scene.site.ok(&["unlock", words[1], words[2]]);
        }
        crowd.settles();
    }
    assert_eq!(
        crowd.scene.site.ok(&["session", "kill", "--all", "--yes"]).trim(),
        "no session is running there"
    );
}

#[test]
fn changes_of_groups_servers_and_addresses_end_what_they_no_longer_cover() {
    let crowd = Crowd::new();
    let alice = crowd.scene.site.net.person(1).to_string();
    let proxy = crowd.scene.site.net.proxy(1).to_string();
    for (change, back, left) in [
        (
            vec!["group", "member", "remove", "admins", "alice"],
            vec!["group", "member", "add", "admins", "alice"],
            &["bob@db01", "bob@web01"] as &[&str],
        ),
        (
            vec!["group", "edit", "admins", "--no-parent"],
            vec!["group", "edit", "admins", "--parent", "staff"],
            &["bob@db01", "bob@web01"],
        ),
        (
            vec!["server-group", "member", "remove", "all", "db01"],
            vec!["server-group", "member", "add", "all", "db01"],
            &["alice@web01", "bob@web01"],
        ),
        (
            vec!["user", "address", "disable", "alice", &alice],
            vec!["user", "address", "enable", "alice", &alice],
            &["bob@db01", "bob@web01"],
        ),
        (
            vec!["block", "add", &alice],
            vec!["block", "remove", &alice],
            &["bob@db01", "bob@web01"],
        ),
        (
            vec!["pool", "release", "web01"],
            vec!["pool", "assign", "web01", &proxy],
            &["alice@db01", "bob@db01"],
        ),
    ] {
        let running = crowd.everybody();
        crowd.scene.site.cli(&change).arg("--yes").done().ok();
        let changed = SystemTime::now();
        wait_for(&format!("{change:?} to be in force"), LIMIT, || {
            (crowd.on() == left).then_some(())
        });
        let closed = crowd.scene.site.list(&["session", "list", "--limit", "4"]);
        for session in closed.iter().filter(|session| session["state"] == "closed") {
            assert_eq!(session["end_reason"], "revoked", "{change:?}: {session}");
            let ended = session["ended_at"].as_str().unwrap();
            let ended = Run::new("date").args(["-d", ended, "+%s%N"]).done().ok();
            let late = ended
                .trim()
                .parse::<u128>()
                .unwrap()
                .saturating_sub(nanos(changed));
            assert!(late <= PROMISED, "{change:?}: closed after {late} ns");
        }
        drop(running);
        crowd.scene.site.cli(&back).arg("--yes").done().ok();
        crowd.settles();
    }
}

#[test]
fn a_lock_forbids_with_its_reason_and_ends_by_itself() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    let locked = scene
        .site
        .ok(&["lock", "user", "alice", "--for", "8s", "--reason", "lost laptop"]);
    assert!(
        locked.contains("locked alice (ends in") && locked.contains("ended 1 of 1 sessions"),
        "{locked}"
    );
    terminal.ends();
    assert!(terminal.all().contains("laptop"), "{}", terminal.all());
    let refused = scene.ssh("true").done().exits(255);
    assert!(refused.err().contains("laptop"), "{refused}");
    scene
        .site
        .audited("session.denied", |event| event["reason"] == "user_locked");
    let shown = scene.site.json(&["user", "show", "alice"]);
    assert_eq!(shown["lock"]["reason"], "lost laptop", "{shown}");
    wait_for("the lock to end by itself", LIMIT, || {
        (scene.ssh("echo again").done().code == Some(0)).then_some(())
    });
    // Lifted before its end, and lifted where there is none.
    scene.site.ok(&["lock", "server", "web01", "--for", "1h"]);
    scene.ssh("true").done().exits(255);
    scene.site.ok(&["unlock", "server", "web01"]);
    wait_for("the server to be open", LIMIT, || {
        (scene.ssh("true").done().code == Some(0)).then_some(())
    });
    let twice = scene.site.refused(&["unlock", "server", "web01"]);
    assert!(twice.contains("not locked"), "{twice}");
    let nobody = scene.site.refused(&["lock", "user", "nobody"]);
    assert!(nobody.contains("nobody"), "{nobody}");
}
