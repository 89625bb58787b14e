//! Clients that stall in each state: cut off by the deadline of that state, or harmless and ended when ordered.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use gatehouse_e2e::{LIMIT, Run, Scene, Setup, Target, Towards, Trouble, Wire, wait_for};
use serde_json::Value;

use super::{Bystander, all_is_well};

/// More pieces than a client sends until its command runs.
const PIECES: usize = 14;

#[test]
fn a_client_that_stalls_after_any_piece_is_cut_off_or_can_be_ended() {
    let scene = Scene::with(Setup {
        config: "ssh.login_grace = \"3s\"\nssh.login_timeout = \"3s\"\nssh.keepalive = \"2s\"",
        ..Setup::default()
    });
    let mut bystander = Bystander::begin(&scene);
    let wire = wire(&scene);
    let (mut cut_off, mut ended) = (0, 0);
    for pieces in 0..PIECES {
        wire.after(Towards::Server, pieces, Trouble::Freeze);
        let client = scene
            .alice
            .ssh(&at(&scene, &wire))
            .arg("echo begun; sleep 600")
            .start();
        wait_for("the client to stall", LIMIT, || wire.has_struck().then_some(()));
        let log = scene.site.node().log().len();
        // Until the login is over the grace counts; after it, keep-alives that nobody answers, or the order to end.
        wait_for("the gate to close the connection", LIMIT * 2, || {
            for id in others(&scene, &bystander.id) {
                scene.site.cli(&["session", "kill", &id]).done();
            }
            (open_from(scene.site.net.person(1), &scene, 1)).then_some(())
        });
        let said = scene.site.node().log().split_off(log);
        if said.contains("login grace") {
            cut_off += 1;
        } else {
            ended += 1;
        }
        wire.mend();
        drop(client);
        bystander.works();
    }
    assert!(cut_off > 1, "{cut_off} cut off by the grace, {ended} otherwise");
    bystander.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn a_client_that_stalls_in_the_middle_of_a_file_holds_nobody_up_and_can_be_ended() {
    let scene = Scene::new();
    let mut bystander = Bystander::begin(&scene);
    let wire = wire(&scene);
    let file = scene.alice.folder().join("large");
    fs::File::create(&file).unwrap().set_len(400_000_000).unwrap();
    for verb in ["put", "get"] {
        let to = scene.sshd.files().join(verb);
        let batch = format!("{verb} {} {}\n", file.display(), to.display());
        let target = at(&scene, &wire);
        let sftp = scene.alice.copier("sftp", &target).args(["-b", "-"]);
        let copy = sftp.arg(target.addr.ip().to_string()).stdin(batch).start();
        wait_for("some of the file to have passed", LIMIT, || {
            fs::metadata(&to)
                .is_ok_and(|data| data.len() > 1_000_000)
                .then_some(())
        });
        wire.after(Towards::Server, 0, Trouble::Freeze);
        wait_for("the client to stall", LIMIT, || wire.has_struck().then_some(()));
        bystander.works();
        let id = others(&scene, &bystander.id).pop().unwrap();
        scene.site.ok(&["session", "kill", &id]);
        let row = scene.closed(&id);
        assert_eq!(row["end_reason"], "killed", "{row}");
        let row = scene.site.json(&["session", "show", &id]);
        assert_eq!(row["transfers"][0]["result"], "incomplete", "{row}");
        wire.mend();
        drop(copy);
    }
    bystander.leaves(&scene);
    all_is_well(&scene);
}

#[test]
fn a_client_that_opens_a_channel_and_reads_nothing_can_be_ended() {
    let scene = Scene::new();
    let mut bystander = Bystander::begin(&scene);
    let fifo = scene.alice.folder().join("unread");
    Run::new("mkfifo").arg(&fifo).done().ok();
    let words = scene.alice.ssh_words(&scene.web01(), &[]);
    let ssh: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "exec 3<>{f}; ssh {} 'cat /dev/zero' >{f}",
        ssh.join(" "),
        f = fifo.display()
    );
    let unread = Run::new("sh").args(["-c", &script]).start();
    let id = wait_for("the other session", LIMIT, || others(&scene, &bystander.id).pop());
    bystander.works();
    scene.site.ok(&["session", "kill", &id]);
    assert_eq!(scene.closed(&id)["end_reason"], "killed");
    drop(unread);
    bystander.leaves(&scene);
    all_is_well(&scene);
}

/// A wire from alice to the gate, which sees her come from her own address.
fn wire(scene: &Scene) -> Wire {
    let net = scene.site.net;
    Wire::lay(net.host(30), scene.web01().addr, net.person(1))
}

fn at(scene: &Scene, wire: &Wire) -> Target {
    Target {
        login: scene.sshd.login(),
        addr: wire.addr,
    }
}

/// The running sessions but this one.
fn others(scene: &Scene, but: &str) -> Vec<String> {
    let active = scene.site.list(&["session", "list", "--active"]);
    let ids = active.iter().filter_map(|session: &Value| session["id"].as_str());
    ids.filter(|id| *id != but).map(str::to_owned).collect()
}

/// Whether the gate has so many connections open from this address at the usual place.
fn open_from(source: Ipv4Addr, scene: &Scene, count: usize) -> bool {
    let established = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let hex = |addr: SocketAddr| {
        let SocketAddr::V4(addr) = addr else {
            return String::new();
        };
        format!(
            "{:08X}:{:04X}",
            u32::from_ne_bytes(addr.ip().octets()),
            addr.port()
        )
    };
    let (local, remote) = (hex(scene.web01().addr), hex(SocketAddr::from((source, 0))));
    let (remote, _) = remote.split_once(':').unwrap_or_default();
    let open = established.lines().filter(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next() == Some(&local)
            && fields.next().is_some_and(|field| field.starts_with(remote))
            && fields.next() == Some("01")
    });
    open.count() == count
}
