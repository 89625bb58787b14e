//! Several nodes on one store: watching from any of them, and what strangers at the door between them get.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gatehouse_e2e::{Database, Done, LIMIT, Node, Run, Running, Scene, Setup, Target, sql, wait_for};
use serde_json::Value;

const FIRST: &str = "node.listen = \"127.0.0.1:0\"";
const SECOND: &str = "node.listen = \"127.0.0.2:0\"";

/// Two nodes, and a person on the second.
struct Pair {
    scene: Scene,
    second: Option<Node>,
    there: Target,
}

impl Pair {
    fn new(first: &str, second: &str) -> Self {
        let scene = Scene::with(Setup {
            database: Database::Postgres,
            config: first,
            ..Setup::default()
        });
        let node = scene.site.second_node_with(first, second);
        let there = Target {
            login: scene.sshd.login(),
            addr: node.ssh_at(scene.site.net.proxy(1)),
        };
        Self {
            scene,
            second: Some(node),
            there,
        }
    }

    /// A command that prints again and again, on the second node.
    fn running(&self) -> (Running, String) {
        let run = self
            .scene
            .alice
            .ssh(&self.there)
            .arg("echo begun; while echo tick; do sleep 0.2; done");
        let mut running = run.start();
        running.prints("begun");
        let id = self.scene.active_session();
        (running, id)
    }

    fn node_rows(&self) -> Vec<Value> {
        self.scene.site.list(&["node", "list"])
    }

    /// Where the second node listens for others.
    fn address(&self) -> String {
        let rows = self.node_rows();
        let addresses = rows.iter().filter_map(|row| row["address"].as_str());
        addresses
            .map(str::to_owned)
            .find(|address| address.starts_with("127.0.0.2:"))
            .unwrap_or_else(|| panic!("no second node in {rows:?}"))
    }
}

#[test]
fn a_session_on_another_node_is_watched_from_any_machine_of_the_store() {
    let pair = Pair::new(FIRST, SECOND);
    let (running, id) = pair.running();
    let rows = pair.node_rows();
    assert_eq!(rows.len(), 2, "{rows:?}");
    for row in &rows {
        assert_eq!(row["state"], "serving", "{rows:?}");
    }
    // From the machine of the first node, from that of the second itself, and from one on which no node runs.
    let third = pair.scene.site.folder().join("third.toml");
    let text = std::fs::read_to_string(pair.scene.site.config()).unwrap();
    let data = format!("{:?}", pair.scene.site.data_dir());
    let key = format!(
        "store.key_file = {:?}\n",
        pair.scene.site.data_dir().join("store.key")
    );
    let elsewhere = format!("{:?}", pair.scene.site.folder().join("data-3"));
    std::fs::write(&third, key + &text.replace(&data, &elsewhere)).unwrap();
    let watchers = [
        pair.scene.site.cli(&["session", "watch", &id]),
        pair.scene.site.second_cli(&["session", "watch", &id]),
        Run::new(gatehouse_e2e::program())
            .args(["session", "watch", &id, "--config"])
            .arg(&third),
    ];
    let mut watchers: Vec<_> = watchers.into_iter().map(Run::start).collect();
    for watcher in &mut watchers {
        watcher.prints("begun");
        let seen = watcher.stdout_so_far().matches("tick").count();
        wait_for("the watcher to see it live", LIMIT, || {
            (watcher.stdout_so_far().matches("tick").count() > seen + 2).then_some(())
        });
    }
    let events = pair
        .scene
        .site
        .list(&["audit", "list", "--action", "session.watched"]);
    let from: Vec<_> = events
        .iter()
        .map(|event| event["detail"]["from"].as_str())
        .collect();
    assert_eq!(from.len(), 3, "{events:?}");
    assert_eq!(
        from.iter().flatten().count(),
        2,
        "two came over the network: {events:?}"
    );
    // One leaves; the others and the session go on; its end ends them.
    drop(watchers.pop());
    pair.scene.site.ok(&["session", "kill", &id]);
    for watcher in watchers {
        let done = watcher.done().exits(0);
        assert!(done.err().contains("has ended (killed)"), "{done}");
    }
    drop(running);
}

#[test]
fn a_node_that_cannot_be_asked_is_one_sentence() {
    let mut pair = Pair::new(FIRST, SECOND);
    let (_running, id) = pair.running();
    let address = pair.address();
    pair.second.take().unwrap().kill();
    let sentence = pair.scene.site.refused(&["session", "watch", &id]);
    assert!(
        sentence.contains("does not answer") && sentence.contains(&address) && sentence.contains("ago"),
        "{sentence}"
    );
    // Somebody else at that address is not taken for the node.
    let rows = pair.node_rows();
    let first = rows
        .iter()
        .filter_map(|row| row["address"].as_str())
        .find(|address| address.starts_with("127.0.0.1:"))
        .unwrap();
    let swap = format!("update nodes set address = '{first}' where address = '{address}'");
    sql(&pair.scene.site.database_url, &swap);
    let sentence = pair.scene.site.refused(&["session", "watch", &id]);
    assert!(sentence.contains("is not node"), "{sentence}");
    sql(&pair.scene.site.database_url, "update nodes set address = null");
    let sentence = pair.scene.site.refused(&["session", "watch", &id]);
    assert!(sentence.contains("node.listen"), "{sentence}");
    let silent = "update nodes set heartbeat_at = now() - interval '5 minutes' where address is null";
    sql(&pair.scene.site.database_url, silent);
    wait_for("the dead node to be called silent", LIMIT, || {
        let states: Vec<_> = pair.node_rows().iter().map(|row| row["state"].clone()).collect();
        (states.contains(&"silent".into()) && states.contains(&"serving".into())).then_some(())
    });
}

#[test]
fn a_node_that_has_stopped_is_told_as_such() {
    let mut pair = Pair::new(
        &format!("{FIRST}\nshutdown.grace = \"1s\""),
        &format!("{SECOND}\nshutdown.grace = \"1s\""),
    );
    assert!(pair.second.take().unwrap().terminate().success());
    let states: Vec<_> = pair.node_rows().iter().map(|row| row["state"].clone()).collect();
    assert!(states.contains(&"stopped".into()), "{states:?}");
}

#[test]
fn strangers_are_refused_between_nodes() {
    let pair = Pair::new(FIRST, SECOND);
    let (mut running, id) = pair.running();
    let address = pair.address();
    let request = format!("{{\"watch\":\"{id}\",\"login\":\"mallory\",\"host\":\"elsewhere\"}}\n");
    let folder = pair.scene.site.folder();
    let other = other_authority(folder);
    let ca = |extra: &[&str]| stranger(&address, &request, extra);
    let without = ca(&[]);
    let with_other = ca(&[
        "-cert",
        &other.0.display().to_string(),
        "-key",
        &other.1.display().to_string(),
    ]);
    let old = stranger_with(&address, &request, &["-tls1_2"]);
    for (what, done) in [
        ("no certificate", without),
        ("another authority's", with_other),
        ("TLS 1.2", old),
    ] {
        assert!(
            !done.out().contains("channel") && !done.out().contains("tick"),
            "{what}: {done}"
        );
        assert!(
            done.err().contains("alert") || done.code != Some(0),
            "{what}: {done}"
        );
    }
    // No TLS at all.
    let mut plain = TcpStream::connect(&address).unwrap();
    plain.set_read_timeout(Some(LIMIT)).unwrap();
    plain.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(
        !String::from_utf8_lossy(&answer).contains("channel"),
        "{answer:?}"
    );
    // Nobody who says nothing is waited for.
    let mut silent = TcpStream::connect(&address).unwrap();
    silent.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(silent.read(&mut [0; 1]).unwrap_or(0), 0);
    wait_for("the log to say so", LIMIT, || {
        let log = pair.second.as_ref().unwrap().log();
        log.contains("a stranger was refused").then_some(())
    });
    let watched = pair
        .scene
        .site
        .list(&["audit", "list", "--action", "session.watched"]);
    assert!(watched.is_empty(), "{watched:?}");
    assert!(running.is_running());
    // Those of the store are served all the same.
    let mut watcher = pair.scene.site.cli(&["session", "watch", &id]).start();
    watcher.prints("tick");
    running.signal(nix::sys::signal::Signal::SIGTERM);
}

/// A certificate of the same name that another authority has signed: itself.
fn other_authority(folder: &Path) -> (PathBuf, PathBuf) {
    let (cert, key) = (folder.join("other.pem"), folder.join("other.key"));
    Run::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=Gatehouse nodes", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .done()
        .ok();
    (cert, key)
}

fn stranger(address: &str, request: &str, options: &[&str]) -> Done {
    stranger_with(address, request, &[&["-tls1_3"], options].concat())
}

/// Speaks TLS to a node and sends a request; what came back until the node hung up.
fn stranger_with(address: &str, request: &str, options: &[&str]) -> Done {
    Run::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-ign_eof",
            "-alpn",
            "gatehouse-node/1",
            "-connect",
            address,
        ])
        .args(options)
        .stdin(request)
        .within(Duration::from_secs(60))
        .done()
}
