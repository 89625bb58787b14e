//! Unix sockets, in both directions.

use gatehouse_e2e::{Echo, LIMIT, talk_on_socket, wait_for};

use super::{forward, interrupted, scene, without_session};

#[test]
fn sockets_are_forwarded_both_ways() {
    let scene = scene(&["--forwarding=unix"]);
    let (there, here) = (
        scene.sshd.files().join("there"),
        scene.alice.folder().join("here"),
    );
    Echo::on_socket(&there, "at the server");
    let client = without_session(
        &scene.alice,
        &scene.web01(),
        &["-L", &format!("{}:{}", here.display(), there.display())],
    );
    let answer = wait_for("an answer on the socket", LIMIT, || {
        Some(talk_on_socket(&here, "x")).filter(|answer| !answer.is_empty())
    });
    assert_eq!(answer, "at the server\nx");
    let row = forward(&scene, "of a socket", |row| row["kind"] == "unix");
    assert_eq!(row["destination"], there.display().to_string(), "{row}");
    interrupted(client);

    let (own, remote) = (
        scene.alice.folder().join("own"),
        scene.sshd.files().join("remote"),
    );
    Echo::on_socket(&own, "at the client");
    let option = format!("{}:{}", remote.display(), own.display());
    let client = without_session(&scene.alice, &scene.web01(), &["-R", &option]);
    let answer = wait_for("an answer on the server's socket", LIMIT, || {
        Some(talk_on_socket(&remote, "y")).filter(|answer| !answer.is_empty())
    });
    assert_eq!(answer, "at the client\ny");
    interrupted(client);
}

#[test]
fn without_the_right_sockets_are_refused() {
    let scene = scene(&["--forwarding=local,remote"]);
    let here = scene.alice.folder().join("here");
    let client = without_session(
        &scene.alice,
        &scene.web01(),
        &["-L", &format!("{}:/run/some.sock", here.display())],
    );
    wait_for("the refusal in the client's own message", LIMIT, || {
        assert_eq!(talk_on_socket(&here, "x"), "");
        client
            .stderr_so_far()
            .contains("carries the right forward_unix")
            .then_some(())
    });
    interrupted(client);
    let option = format!("{}:/tmp/x", scene.sshd.files().join("r").display());
    let done = scene
        .alice
        .ssh_with(&scene.web01(), &["-R", &option])
        .arg("true")
        .done();
    let said = done.err().replace("\r\n", " ");
    assert!(said.contains("carries the right forward_unix"), "{done}");
}
