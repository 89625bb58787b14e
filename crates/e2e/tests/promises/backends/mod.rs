//! Servers of many makers and ages behind the gate: what works without it works through it, or is refused in words.

mod legacy;
mod others;
mod talkative;

use std::net::SocketAddr;

use gatehouse_e2e::{Scene, Setup, Target, add_server_at};

/// A scene in which alice may also reach `other`, whatever it is; made before the node starts.
fn with_other<T>(
    make: impl FnOnce(&gatehouse_e2e::Site, &gatehouse_e2e::Client) -> (T, SocketAddr),
) -> (Scene, T) {
    let mut made = None;
    let scene = Scene::prepared(Setup::default(), |site, alice, _| {
        let (other, addr) = make(site, alice);
        add_server_at(site, "other", addr, 2);
        site.ok(&["policy", "grant", "--user", "alice", "--server", "other"]);
        made = Some(other);
    });
    (scene, made.unwrap())
}

/// Where `other` is reached through the gate.
fn other(scene: &Scene) -> Target {
    scene.at_proxy(2)
}
