//! Logging in at the server: agent, stored credential, password, keyboard-interactive, and none of them.

use std::fs;

use gatehouse_e2e::{Account, Client, Run, Scene, Setup, Site, Target};

const WITH_PASSWORDS: &[&str] = &["PasswordAuthentication yes"];
const WITH_PAM: &[&str] = &[
    "UsePAM yes",
    "KbdInteractiveAuthentication yes",
    "PasswordAuthentication no",
];

#[test]
fn a_forwarded_agent_logs_in_at_the_server() {
    let scene = Scene::new();
    assert_eq!(scene.ssh("id -un").done().ok().trim(), scene.sshd.login());
    let session = scene.site.closed_session();
    assert_eq!(session["agent_used"], true);
    assert_eq!(session["user"], "alice");
    assert_eq!(session["server"], "web01");
    assert_eq!(session["login"], scene.sshd.login());
    assert_eq!(session["source"], scene.site.net.person(1).to_string());
    assert_eq!(session["proxy"], scene.site.net.proxy(1).to_string());
    assert_eq!(session["backend"], scene.sshd.addr.to_string());
    assert_eq!(session["end_reason"], "normal");
    assert_eq!(session["policies"].as_array().unwrap().len(), 1);
    scene.site.audited("session.opened", |e| {
        e["session"] == session["id"] && e["user"] == "alice"
    });
    scene.site.audited("session.closed", |e| {
        e["session"] == session["id"] && e["reason"] == "normal"
    });
}

#[test]
fn a_login_may_name_the_server_where_the_gate_has_an_address_of_its_own() {
    let scene = Scene::new();
    let gate = |login: String| Target {
        login,
        addr: scene.site.node().ssh_at(scene.site.net.gate()),
    };
    for sign in ["@", "%"] {
        let login = format!("{}{sign}web01", scene.sshd.login());
        assert_eq!(
            scene.alice.ssh(&gate(login)).arg("id -un").done().ok().trim(),
            scene.sshd.login()
        );
    }
    let session = scene.site.closed_session();
    assert!(session["proxy"].is_null(), "{session}");
    assert_eq!(session["server"], "web01");
    let nowhere = gate(format!("{}@web02", scene.sshd.login()));
    scene.alice.ssh(&nowhere).arg("true").done().exits(255);
    scene
        .site
        .audited("session.denied", |e| e["reason"] == "unknown_destination");
    let plain = gate(scene.sshd.login());
    let done = scene.alice.ssh(&plain).arg("true").done().exits(255);
    assert!(done.err().contains("Permission denied (publickey)."), "{done}");
}

#[test]
fn a_key_without_agent_credential_or_password_is_told_how_to_go_on() {
    let mut scene = Scene::new();
    scene.alice.option("ForwardAgent no");
    let done = scene.ssh("echo never").done().exits(255);
    assert!(done.err().contains("ssh -A"), "{done}");
    assert!(done.stdout.is_empty(), "{done}");
}

#[test]
fn a_typed_password_is_the_servers_to_accept_or_refuse() {
    let account = Account::new();
    let scene = Scene::with(Setup {
        sshd: WITH_PASSWORDS,
        ..Setup::default()
    });
    let target = scene.web01().login(&account.name);
    let with = |password: &str| {
        let ssh = scene.alice.ssh_words(&target, &["-o", "PubkeyAuthentication=no"]);
        Run::new("sshpass")
            .args(["-p", password, "ssh"])
            .args(ssh)
            .arg("id -un")
            .done()
    };
    assert_eq!(with(&account.password).ok().trim(), account.name);
    let wrong = with("wrong");
    assert_ne!(wrong.code, Some(0), "{wrong}");
    assert!(wrong.stdout.is_empty(), "{wrong}");
    scene.site.audited("session.failed", |e| e["user"] == "alice");
    assert_kept_nowhere(&scene, &account.password);
}

#[test]
fn keyboard_interactive_is_passed_through_prompt_by_prompt() {
    let account = Account::new();
    let scene = Scene::with(Setup {
        sshd: WITH_PAM,
        ..Setup::default()
    });
    let target = scene.web01().login(&account.name);
    let with = |password: &str| {
        let options = ["-o", "PreferredAuthentications=keyboard-interactive"];
        let ssh = scene.alice.ssh_words(&target, &options);
        Run::new("sshpass")
            .args(["-p", password, "ssh"])
            .args(ssh)
            .arg("id -un")
            .done()
    };
    assert_eq!(with(&account.password).ok().trim(), account.name);
    let wrong = with("wrong");
    assert_ne!(wrong.code, Some(0), "{wrong}");
    assert_kept_nowhere(&scene, &account.password);
}

#[test]
fn a_stored_password_is_used_for_a_person_who_proved_a_registered_key() {
    let account = Account::new();
    let bob_address = |site: &Site| site.net.person(2);
    let mut scene = Scene::prepared(
        Setup {
            sshd: WITH_PASSWORDS,
            ..Setup::default()
        },
        |site, alice, _| {
            let add = [
                "server",
                "credential",
                "add",
                "web01",
                "--login",
                &account.name,
                "--password-stdin",
            ];
            site.cli(&add)
                .stdin(format!("{}\n", account.password))
                .done()
                .ok();
            register_key(site, alice);
            site.add_person("bob", bob_address(site));
            site.ok(&["policy", "grant", "--user", "bob", "--server", "web01"]);
        },
    );
    let bob = Client::with_key(bob_address(&scene.site));
    let target = scene.web01().login(&account.name);
    let done = bob
        .ssh_with(&target, &["-o", "BatchMode=yes"])
        .arg("id -un")
        .done();
    assert_ne!(done.code, Some(0), "used for an address alone: {done}");
    scene.alice.option("ForwardAgent no");
    let done = scene
        .alice
        .ssh_with(&target, &["-o", "BatchMode=yes"])
        .arg("id -un")
        .done();
    assert_eq!(done.ok().trim(), account.name);
    scene.site.audited("credential.used", |e| {
        e["user"] == "alice" && e["server"] == "web01"
    });
    assert_kept_nowhere(&scene, &account.password);
}

#[test]
fn a_stored_key_is_used_for_an_address_where_its_entry_says_so() {
    let mut scene = Scene::prepared(Setup::default(), |site, _, sshd| {
        let stored = Client::with_key(site.net.person(9));
        sshd.authorize(&stored.public_key());
        let key = stored.key().display().to_string();
        let login = sshd.login();
        let add = [
            "server",
            "credential",
            "add",
            "web01",
            "--login",
            &login,
            "--key",
            &key,
            "--address-is-enough",
        ];
        site.ok(&add);
    });
    let login = scene.sshd.login();
    scene.alice.option("ForwardAgent no");
    assert_eq!(scene.ssh("id -un").done().ok().trim(), login);
    let session = scene.site.closed_session();
    assert_eq!(session["agent_used"], false);
    let listed = scene
        .site
        .ok(&["server", "credential", "list", "web01", "--json"]);
    assert!(
        listed.contains(&login) && !listed.contains("PRIVATE KEY"),
        "{listed}"
    );
}

#[test]
fn a_person_with_registered_keys_must_prove_one_of_them() {
    let scene = Scene::prepared(Setup::default(), |site, alice, _| register_key(site, alice));
    let other = Client::with_agent(scene.site.net.person(1));
    let done = other
        .ssh_with(&scene.web01(), &["-o", "BatchMode=yes"])
        .arg("id")
        .done()
        .exits(255);
    assert!(done.err().contains("Permission denied"), "{done}");
    assert!(
        !scene.sshd.log().contains("Accepted"),
        "the server was logged in to: {}",
        scene.sshd.log()
    );
}

#[test]
fn a_password_follows_a_registered_key_as_the_second_step() {
    let account = Account::new();
    let setup = Setup {
        sshd: WITH_PASSWORDS,
        ..Setup::default()
    };
    let mut scene = Scene::prepared(setup, |site, alice, _| register_key(site, alice));
    scene.alice.option("ForwardAgent no");
    let target = scene.web01().login(&account.name);
    let with = |options: &[&str]| {
        let ssh = scene.alice.ssh_words(&target, options);
        Run::new("sshpass")
            .args(["-p", &account.password, "ssh"])
            .args(ssh)
            .arg("id -un")
            .done()
    };
    assert_eq!(
        with(&["-o", "PreferredAuthentications=publickey,password"])
            .ok()
            .trim(),
        account.name
    );
    let without_key = with(&[
        "-o",
        "PubkeyAuthentication=no",
        "-o",
        "PreferredAuthentications=password",
    ]);
    assert_ne!(
        without_key.code,
        Some(0),
        "a password alone got in: {without_key}"
    );
}

#[test]
fn modern_algorithms_only() {
    let scene = Scene::new();
    let done = scene
        .alice
        .ssh_with(&scene.web01(), &["-v"])
        .arg("true")
        .done()
        .exits(0);
    assert!(done.err().contains("cipher: aes128-gcm@openssh.com"), "{done}");
    assert!(
        done.err().contains("kex: algorithm: curve25519") || done.err().contains("mlkem768"),
        "{done}"
    );
    for weak in [
        ["-c", "aes128-cbc"],
        ["-o", "KexAlgorithms=diffie-hellman-group14-sha1"],
        ["-o", "HostKeyAlgorithms=ssh-rsa"],
    ] {
        let done = scene
            .alice
            .ssh_with(&scene.web01(), &weak)
            .arg("true")
            .done()
            .exits(255);
        assert!(done.err().contains("no matching"), "{done}");
    }
}

#[test]
fn host_keys_of_the_gate_outlive_a_restart_and_are_the_same_at_every_address() {
    let mut scene = Scene::new();
    let keys = |scene: &Scene| {
        let addr = scene.site.node().ssh_at(scene.site.net.proxy(1));
        let scan = Run::new("ssh-keyscan").args([
            "-T",
            "10",
            "-p",
            &addr.port().to_string(),
            &addr.ip().to_string(),
        ]);
        let mut keys: Vec<_> = scan
            .done()
            .ok()
            .lines()
            .filter_map(|line| line.split_once(' ').map(|(_, key)| key.to_owned()))
            .collect();
        keys.sort();
        keys
    };
    let before = keys(&scene);
    assert_eq!(before.len(), 3, "ed25519, ECDSA and RSA: {before:?}");
    scene.site.take_node().terminate();
    scene.site.serve();
    assert_eq!(keys(&scene), before);
}

fn register_key(site: &Site, person: &Client) {
    site.cli(&["user", "key", "add", "alice", "-"])
        .stdin(person.public_key())
        .done()
        .ok();
}

/// Fails if the secret stands in clear in anything that the gate has written.
fn assert_kept_nowhere(scene: &Scene, secret: &str) {
    assert!(
        !scene.site.node().log().contains(secret),
        "the secret is in the log"
    );
    let mut open = vec![scene.site.data_dir()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else if let Ok(bytes) = fs::read(entry.path()) {
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!found, "the secret is in {}", entry.path().display());
            }
        }
    }
}
