//! What each client and the gate agree on, as told by what both say before they encrypt.

use gatehouse_e2e::{Agreed, Overheard, Run, Scene, Target, client_file, go_client, node_modules, python};

use super::{at_home, by_address, fingerprint};

/// What OpenSSH gets, and who else puts it first.
const GCM: &[&str] = &["aes128-gcm@openssh.com"];
/// For clients that know no GCM, or put it last.
const CTR: &[&str] = &["aes128-ctr", "aes256-ctr"];
/// For those whose versions differ.
const AES: &[&str] = &[
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
];

/// How each client connects to this target, how it calls itself, and the ciphers that it may get.
fn clients(scene: &Scene, target: &Target) -> Vec<(Run, &'static str, &'static [&'static str])> {
    let (host, port) = (target.addr.ip().to_string(), target.addr.port().to_string());
    let agent = scene.alice.agent_socket().unwrap();
    let script = |program: &str, script: &str| {
        let run = at_home(scene, program)
            .arg(client_file(script))
            .args([&host, &port]);
        let run = run.args(["127.0.0.1", &target.login]).arg(scene.sshd.files());
        run.env("NODE_PATH", node_modules()).env("SSH_AUTH_SOCK", agent)
    };
    let fingerprint = fingerprint(&scene.web01());
    let putty = |program: &str| {
        let run = at_home(scene, program).args(["-batch", "-P", &port, "-l", &target.login]);
        run.args(["-hostkey", &fingerprint])
    };
    let ssh = scene.alice.ssh_with(target, &["-o", "BindAddress=127.0.0.1"]);
    let dbclient = at_home(scene, "dbclient").args(["-y", "-y", "-p", &port, "-l", &target.login]);
    let url = format!("sftp://{}/", target.addr);
    let curl = at_home(scene, "curl").args(["-sS", "--insecure", "-u", &format!("{}:", target.login), &url]);
    let go = at_home(scene, &go_client().display().to_string()).arg(target.addr.to_string());
    let go = go.args(["127.0.0.1", &target.login]).env("SSH_AUTH_SOCK", agent);
    let python = python().display().to_string();
    vec![
        (ssh.arg("true"), "OpenSSH", GCM),
        (dbclient.args([&host, "true"]), "dropbear", CTR),
        (putty("plink").args([&host, "true"]), "PuTTY", AES),
        (putty("psftp").args(["-b", "/dev/null", &host]), "PuTTY", AES),
        (curl, "libssh2", AES),
        (go, "Go", GCM),
        (script(&python, "client_paramiko.py"), "paramiko", CTR),
        (
            script(&python, "client_asyncssh.py"),
            "AsyncSSH",
            &["aes256-gcm@openssh.com"],
        ),
        (script("node", "client_node.js"), "ssh2js", GCM),
    ]
}

#[test]
fn each_client_gets_the_cipher_that_is_meant_for_it() {
    let scene = by_address();
    let relay = Overheard::before(scene.site.net.host(40), scene.web01().addr);
    let target = Target {
        login: scene.sshd.login(),
        addr: relay.addr,
    };
    for (number, (run, ident, wanted)) in clients(&scene, &target).into_iter().enumerate() {
        let _running = run.start();
        let agreed = relay.agreed(number);
        assert!(agreed.client.contains(ident), "{agreed:?}");
        assert!(
            agreed
                .ciphers
                .iter()
                .all(|cipher| wanted.contains(&cipher.as_str())),
            "{agreed:?}"
        );
        assert_modern(&agreed);
    }
}

#[test]
fn the_gate_takes_aes_gcm_towards_a_server_where_it_has_it() {
    let mut relay = None;
    let scene = Scene::prepared(gatehouse_e2e::Setup::default(), |site, _, sshd| {
        let before = Overheard::before(site.net.server(2), sshd.addr);
        gatehouse_e2e::add_server_at(site, "relayed", before.addr, 2);
        site.ok(&["policy", "grant", "--user", "alice", "--server", "relayed"]);
        relay = Some(before);
    });
    scene.alice.ssh(&scene.at_proxy(2)).arg("true").done().ok();
    let agreed = relay.unwrap().agreed(0);
    assert_eq!(
        (agreed.client.as_str(), agreed.ciphers[0].as_str()),
        ("SSH-2.0-Gatehouse", GCM[0])
    );
    assert_modern(&agreed);
}

#[track_caller]
fn assert_modern(agreed: &Agreed) {
    let exchanges = ["mlkem768x25519", "curve25519", "ecdh-sha2"];
    assert!(
        exchanges.iter().any(|known| agreed.kex.starts_with(known)),
        "{agreed:?}"
    );
    let keys = ["ssh-ed25519", "ecdsa-sha2-", "rsa-sha2-"];
    assert!(
        keys.iter().any(|known| agreed.host_key.starts_with(known)),
        "{agreed:?}"
    );
    assert!(
        agreed.macs.iter().all(|mac| mac.starts_with("hmac-sha2-")),
        "{agreed:?}"
    );
    assert_eq!(agreed.compression, ["none", "none"], "{agreed:?}");
}
