//! Forwards: what goes through, what is refused and in which words, what is written down.

mod captured;
mod dynamic;
mod local;
mod remote;
mod revoked;
mod sockets;
mod x11;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use gatehouse_e2e::{Client, LIMIT, Running, Scene, Setup, Target, free_port, wait_for};
use nix::sys::signal::Signal;
use serde_json::Value;

/// The usual scene with a grant that carries these options.
fn scene(grant: &[&str]) -> Scene {
    Scene::with(Setup {
        grant: Some(grant),
        ..Setup::default()
    })
}

/// A free port of alice's own address, for the client's end of a forward.
pub(crate) fn own_port(scene: &Scene) -> SocketAddr {
    let address = scene.site.net.person(1);
    SocketAddr::from((address, free_port(address)))
}

/// `ssh -N` with these options: a connection without a session.
pub(crate) fn without_session(client: &Client, target: &Target, options: &[&str]) -> Running {
    let options = [&["-N", "-o", "ExitOnForwardFailure=yes"], options].concat();
    client.ssh_with(target, &options).waiting_stdin().start()
}

/// How long a client is given to heed a signal before it gets another.
const HEED: Duration = Duration::from_secs(1);

/// Ends a client as Ctrl-C does; by another signal, since a shell in the background has its children ignore that one.
pub(crate) fn interrupted(mut client: Running) {
    let mut last = None;
    // OpenSSH sees a signal that comes just before it begins to wait only with the next one.
    wait_for("the client to end by a signal", LIMIT, || {
        if last.is_none_or(|at: Instant| at.elapsed() > HEED) {
            client.signal(Signal::SIGTERM);
            last = Some(Instant::now());
        }
        (!client.is_running()).then_some(())
    });
    client.done();
}

/// Waits until the only session has a forward that fits, as `session show` tells.
#[track_caller]
fn forward(scene: &Scene, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    wait_for(&format!("a forward: {what}"), LIMIT, || {
        let sessions = scene.site.list(&["session", "list"]);
        sessions.iter().find_map(|session| {
            let shown = scene.site.json(&["session", "show", session["id"].as_str()?]);
            shown["forwards"]
                .as_array()?
                .iter()
                .find(|row| fits(row))
                .cloned()
        })
    })
}
