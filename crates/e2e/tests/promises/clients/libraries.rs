//! Programs that people write themselves, with the libraries they use: Paramiko, AsyncSSH, Node's ssh2, Go's.
//!
//! Each script does what such programs do and prints what it saw; through the gate it has to see the same as without it.

use std::path::Path;

use gatehouse_e2e::{LIMIT, Run, Scene, Target, client_file, go_client, node_modules, python};
use serde_json::Value;

use super::{assert_transferred, at_home};

/// What the script prints, once from the server itself and once through the gate, and the session that it left.
fn same_through_the_gate(scene: &Scene, program: &Path, script: Option<&str>) -> Value {
    let run = |target: &Target, folder: &str| {
        let folder = scene.sshd.files().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut run = at_home(scene, &program.to_string_lossy());
        run = match script {
            Some(script) => run
                .arg(client_file(script))
                .args([target.addr.ip().to_string(), target.addr.port().to_string()]),
            None => run.arg(target.addr.to_string()),
        };
        run = run.args([scene.site.net.person(1).to_string(), target.login.clone()]);
        // Cryptography in Python takes its time on a busy core.
        with_agent(run.arg(folder), scene).within(LIMIT * 4)
    };
    let direct = run(&scene.direct(), "direct").done().ok();
    let gate = run(&scene.web01(), "gate").done().ok();
    let seen: Value = serde_json::from_str(&gate).unwrap();
    assert_eq!(seen, serde_json::from_str::<Value>(&direct).unwrap());
    let session = scene.all_closed(1).remove(0);
    assert_eq!(
        (&session["end_reason"], &session["agent_used"]),
        (&"normal".into(), &true.into())
    );
    session
}

fn with_agent(run: Run, scene: &Scene) -> Run {
    run.env("SSH_AUTH_SOCK", scene.alice.agent_socket().unwrap())
        .env("NODE_PATH", node_modules())
}

fn casts(session: &Value) -> usize {
    let files = session["recording"]["files"].as_array().unwrap();
    let casts = files
        .iter()
        .filter(|file| file.as_str().unwrap().ends_with(".cast"));
    casts.count()
}

#[test]
fn paramiko_sees_what_it_sees_without_the_gate() {
    let scene = Scene::new();
    let session = same_through_the_gate(&scene, &python(), Some("client_paramiko.py"));
    let file = scene.sshd.files().join("gate/paramiko.bin");
    assert_transferred(&session, "upload", &file, 256 * 8000);
    // Twice read: whole, and in pieces of 100 bytes.
    let read = session["transfers"].as_array().unwrap().iter();
    let read: Vec<_> = read
        .filter(|row| row["direction"] == "download")
        .map(|row| row["bytes"].as_u64().unwrap())
        .collect();
    assert_eq!(read, [256 * 8000, 200 * 100], "{session:#}");
    assert_eq!(casts(&session), 19, "{session:#}");
}

#[test]
fn asyncssh_sees_what_it_sees_without_the_gate() {
    let scene = Scene::new();
    let session = same_through_the_gate(&scene, &python(), Some("client_asyncssh.py"));
    let file = scene.sshd.files().join("gate/asyncssh/a/b/three");
    assert_transferred(&session, "upload", &file, 9_000);
    assert_transferred(&session, "download", &file, 9_000);
    let rows = session["transfers"].as_array().unwrap();
    let loads = rows
        .iter()
        .filter(|row| row["path"].as_str().unwrap().contains("/load"));
    assert_eq!(
        loads.filter(|row| row["bytes"] == 70_000).count(),
        80,
        "{session:#}"
    );
}

#[test]
fn node_sees_what_it_sees_without_the_gate() {
    let scene = Scene::new();
    let session = same_through_the_gate(&scene, Path::new("node"), Some("client_node.js"));
    let file = scene.sshd.files().join("gate/node.bin");
    assert_transferred(&session, "upload", &file, 2_000_000);
    assert_transferred(&session, "download", &file, 2_000_000);
    assert_eq!(casts(&session), 15, "{session:#}");
}

#[test]
fn go_sees_what_it_sees_without_the_gate() {
    let scene = Scene::new();
    let session = same_through_the_gate(&scene, go_client(), None);
    assert_eq!(casts(&session), 15, "{session:#}");
}
