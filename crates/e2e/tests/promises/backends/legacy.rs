//! Servers that know only what is no longer trusted: refused in words, unless their entry allows it.

use gatehouse_e2e::{HostKey, LIMIT, Overheard, Run, Scene, Server, Sshd, SshdSetup, wait_for};
use serde_json::{Value, json};

use super::{other, with_other};

/// A server that offers this and nothing newer.
fn old(host_key: HostKey, lines: &[&str]) -> (Scene, (Sshd, Overheard)) {
    with_other(|site, alice| {
        let setup = SshdSetup {
            authorized: vec![alice.public_key()],
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
        };
        let sshd = Sshd::with_host_key(site.net.server(2), setup, host_key);
        let relay = Overheard::before(site.net.server(3), sshd.addr);
        let addr = relay.addr;
        ((sshd, relay), addr)
    })
}

fn allow(scene: &Scene, word: &str) {
    scene
        .site
        .ok(&["server", "edit", "other", "--legacy-algorithms", word]);
}

/// The server is refused, at the latest when what was changed is in force; gives what was printed on standard error.
fn refused(scene: &Scene) -> String {
    wait_for("the server to be refused", LIMIT, || {
        let done = scene.alice.ssh(&other(scene)).arg("echo never").done();
        let words = done.err().split_whitespace().collect::<Vec<_>>().join(" ");
        (done.code == Some(255) && done.stdout.is_empty()).then_some(words)
    })
}

/// The server is reached, at the latest when what was changed is in force.
fn works(scene: &Scene) {
    wait_for("the server to be reached", LIMIT, || {
        let done = scene.alice.ssh(&other(scene)).arg("echo in; exit 7").done();
        (done.code == Some(7) && done.out() == "in\n").then_some(())
    });
}

const OLD: &[&str] = &[
    "HostKeyAlgorithms ssh-rsa",
    "KexAlgorithms diffie-hellman-group14-sha1",
    "Ciphers aes128-cbc",
    "MACs hmac-sha1",
];

#[test]
fn an_old_server_is_refused_unless_its_entry_allows_it() {
    let (scene, (sshd, relay)) = old(HostKey::Rsa, OLD);
    let sentence = refused(&scene);
    assert!(
        sentence.contains("offers outdated key exchange methods only (diffie-hellman-group14-sha1"),
        "{sentence}"
    );
    assert!(
        sentence.contains("gatehouse server edit other --legacy-algorithms on"),
        "{sentence}"
    );
    scene.site.audited("session.failed", |e| {
        e["server"] == "other" && e["reason"] == "backend_outdated"
    });
    assert!(!sshd.log().contains("Accepted"), "nobody was let in");
    allow(&scene, "on");
    let shown = scene.site.json(&["server", "show", "other"]);
    assert_eq!(shown["legacy_algorithms"], "on");
    let edited = scene.site.audited("server.edited", |e| e["server"] == "other");
    let change = &edited["detail"]["legacy_algorithms"];
    assert_eq!(
        (&change["before"], &change["after"]),
        (&Value::from("off"), &Value::from("on")),
        "{edited}"
    );
    works(&scene);
    let agreed = relay.newest();
    assert_eq!(
        (agreed.kex.as_str(), agreed.host_key.as_str()),
        ("diffie-hellman-group14-sha1", "ssh-rsa")
    );
    assert_eq!(
        (agreed.ciphers[0].as_str(), agreed.macs[0].as_str()),
        ("aes128-cbc", "hmac-sha1")
    );
    // The other server's entry allows nothing by that.
    assert_eq!(
        scene.site.json(&["server", "show", "web01"])["legacy_algorithms"],
        "off"
    );
    scene.ssh("true").done().ok();
    allow(&scene, "off");
    refused(&scene);
}

#[test]
fn each_kind_of_algorithm_is_refused_by_its_name() {
    for (lines, name) in [
        (
            &["HostKeyAlgorithms ssh-rsa"],
            "host key algorithms only (ssh-rsa)",
        ),
        (&["Ciphers aes256-cbc"], "ciphers only (aes256-cbc)"),
        (
            &["Ciphers aes256-ctr\nMACs hmac-sha1"],
            "message authentication codes only (hmac-sha1)",
        ),
    ] {
        let (scene, _sshd) = old(HostKey::Rsa, lines);
        let sentence = refused(&scene);
        assert!(sentence.contains(&format!("outdated {name}")), "{sentence}");
        allow(&scene, "on");
        works(&scene);
    }
}

#[test]
fn what_can_be_broken_outright_is_never_used() {
    let (scene, _sshd) = old(HostKey::Ed25519, &["KexAlgorithms diffie-hellman-group1-sha1"]);
    allow(&scene, "on");
    let sentence = refused(&scene);
    assert!(
        sentence.contains("key exchange methods that the gate does not use (diffie-hellman-group1-sha1"),
        "{sentence}"
    );
    scene
        .site
        .audited("session.failed", |e| e["reason"] == "backend_handshake");
}

#[test]
fn an_rsa_key_of_the_person_signs_with_sha_1_at_old_servers_alone() {
    let (scene, _server) = with_other(|site, alice| {
        let key = alice.folder().join("rsa");
        Run::new("ssh-keygen")
            .args(["-q", "-t", "rsa", "-N", "", "-f"])
            .arg(&key)
            .done()
            .ok();
        for words in [
            vec!["-q".into(), "-D".into()],
            vec!["-q".into(), key.clone().into_os_string()],
        ] {
            Run::new("ssh-add")
                .args(&words)
                .env("SSH_AUTH_SOCK", alice.agent_socket().unwrap())
                .done()
                .ok();
        }
        let setup = json!({"authorized": key.with_extension("pub"), "signature_algs": ["ssh-rsa"]});
        let server = Server::asyncssh(site.net.server(2), &setup);
        let addr = server.addr;
        (server, addr)
    });
    let sentence = refused(&scene);
    assert!(
        sentence.contains("none of the keys in your agent was accepted"),
        "{sentence}"
    );
    allow(&scene, "on");
    works(&scene);
}
