//! People's own programs, each from a promise of its own: what comes through the gate is what comes without it.

mod ansible;
mod ciphers;
mod copies;
mod editors;
mod libraries;
mod openssh;
mod others;
mod resumed;

use std::path::Path;

use gatehouse_e2e::{Done, Run, Scene, Setup, Target};
use serde_json::Value;

/// A scene for programs that forward no agent or come from no address of their choice: the gate has alice's key stored,
/// and her address, 127.0.0.1 among them, is enough to use it.
fn by_address() -> Scene {
    Scene::prepared(Setup::default(), |site, alice, sshd| {
        let (login, key) = (sshd.login(), alice.key().display().to_string());
        let add = [
            "server",
            "credential",
            "add",
            "web01",
            "--login",
            &login,
            "--key",
            &key,
        ];
        site.ok(&[&add[..], &["--address-is-enough"]].concat());
        from_anywhere(site);
    })
}

/// Lets alice come from where programs come that cannot be told an address.
fn from_anywhere(site: &gatehouse_e2e::Site) {
    site.ok(&["user", "address", "add", "alice", "127.0.0.1"]);
}

/// A program in a home of its own, so that it neither reads nor writes anything of this account's.
fn at_home(scene: &Scene, program: &str) -> Run {
    Run::new(program).env("HOME", scene.alice.folder())
}

/// The fingerprint of the host key that is shown there, as PuTTY wants to be told it.
fn fingerprint(target: &Target) -> String {
    let (port, address) = (target.addr.port().to_string(), target.addr.ip().to_string());
    let scan = Run::new("ssh-keyscan").args(["-t", "ed25519", "-p", &port, &address]);
    let key = scan.done().stdout;
    let line = Run::new("ssh-keygen").args(["-lf", "-"]).stdin(key).done().ok();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

/// That a session holds the row of a whole transfer.
#[track_caller]
fn assert_transferred(session: &Value, direction: &str, path: &Path, bytes: u64) {
    let path = path.to_string_lossy();
    let rows = session["transfers"].as_array().unwrap();
    let fits = |row: &&Value| {
        row["direction"] == direction
            && row["bytes"] == bytes
            && row["result"] == "ok"
            && row["path"].as_str().is_some_and(|shown| path.ends_with(shown))
    };
    assert_eq!(
        rows.iter().filter(fits).count(),
        1,
        "{direction} of {path}: {rows:#?}"
    );
}

/// That a program did the same with and without the gate.
#[track_caller]
fn assert_same(gate: &Done, direct: &Done) {
    assert_eq!(
        (gate.code, gate.signal),
        (direct.code, direct.signal),
        "{gate}{direct}"
    );
    assert!(gate.stdout == direct.stdout, "{gate}{direct}");
}
