//! Clients of other makers: PuTTY's, Dropbear's, sshfs, and mosh, which cannot pass.

use std::fs;

use gatehouse_e2e::{LIMIT, Run, Scene, Target, Terminal, noise};

use super::{assert_same, assert_transferred, at_home, by_address, fingerprint, from_anywhere};

/// PuTTY's programs without questions, towards this target.
fn putty(scene: &Scene, program: &str, target: &Target) -> Run {
    let port = target.addr.port().to_string();
    let run = at_home(scene, program).args(["-batch", "-P", &port, "-l", &target.login]);
    run.args(["-hostkey", &fingerprint(target)])
}

#[test]
fn plink_runs_commands() {
    let scene = by_address();
    let agent = scene.alice.agent_socket().unwrap();
    for (command, input) in [
        ("echo out; echo err >&2; exit 7", Vec::new()),
        ("cat; exit 3", noise(500_000)),
        ("kill -TERM $$", Vec::new()),
    ] {
        let run = |target: &Target| {
            let plink = putty(&scene, "plink", target).env("SSH_AUTH_SOCK", agent);
            plink
                .arg(target.addr.ip().to_string())
                .arg(command)
                .stdin(input.clone())
                .done()
        };
        assert_same(&run(&scene.web01()), &run(&scene.direct()));
    }
    scene.all_closed(3);
}

#[test]
fn plink_forwards_its_agent_at_a_terminal() {
    let scene = Scene::prepared(gatehouse_e2e::Setup::default(), |site, _, _| from_anywhere(site));
    let target = scene.web01();
    let words = [
        "-batch",
        "-t",
        "-A",
        "-P",
        &target.addr.port().to_string(),
        "-l",
        &target.login,
        "-hostkey",
        &fingerprint(&target),
        &target.addr.ip().to_string(),
        "PS1='ready> ' exec sh",
    ];
    let mut args = vec![format!(
        "SSH_AUTH_SOCK={}",
        scene.alice.agent_socket().unwrap().display()
    )];
    args.push(format!("HOME={}", scene.alice.folder().display()));
    args.push("plink".to_owned());
    args.extend(words.iter().map(|&word| word.to_owned()));
    let mut terminal = Terminal::start("env", &args);
    terminal.shows("ready> ");
    terminal.types("stty size; tty\n");
    terminal.shows("24 80");
    terminal.shows("/dev/pts/");
    terminal.types("exit 6\n");
    assert_eq!(terminal.ends(), 6);
    let session = scene.all_closed(1).remove(0);
    assert_eq!(session["agent_used"], true);
}

#[test]
fn pscp_and_psftp_move_files() {
    let scene = by_address();
    let target = scene.web01();
    let (here, back) = (
        scene.alice.folder().join("here"),
        scene.alice.folder().join("back"),
    );
    fs::write(&here, noise(400_000)).unwrap();
    for protocol in ["-sftp", "-scp"] {
        let there = scene.sshd.files().join(format!("there{protocol}"));
        let pscp = || putty(&scene, "pscp", &target).args([protocol, "-q"]);
        let remote = scene.alice.remote(&target, &there);
        pscp().arg(&here).arg(&remote).done().ok();
        pscp().arg(&remote).arg(&back).done().ok();
        assert!(fs::read(&back).unwrap() == noise(400_000), "{protocol}");
    }
    let there = scene.sshd.files().join("psftp");
    let script = scene.alice.folder().join("script");
    let lines = format!(
        "put {} {t}\nreget {t} {}\nls\nquit\n",
        here.display(),
        back.display(),
        t = there.display()
    );
    fs::write(&script, lines).unwrap();
    fs::write(&back, &noise(400_000)[..150_000]).unwrap();
    let psftp = putty(&scene, "psftp", &target).arg("-b").arg(&script);
    psftp.arg(target.addr.ip().to_string()).done().ok();
    assert!(fs::read(&back).unwrap() == noise(400_000));
    let sessions = scene.all_closed(5);
    // Where the old protocol leaves open whether the path is a folder, the name as sent is shown with it.
    let shown = ["there-sftp", "there-sftp", "there-scp/here", "there-scp"];
    for (number, direction) in ["upload", "download", "upload", "download"].iter().enumerate() {
        let there = scene.sshd.files().join(shown[number]);
        assert_transferred(&sessions[number], direction, &there, 400_000);
    }
    assert_transferred(&sessions[4], "upload", &there, 400_000);
    assert_transferred(&sessions[4], "download", &there, 250_000);
}

#[test]
fn dropbears_client_runs_commands_with_its_agent() {
    let scene = Scene::new();
    let run = |target: &Target, command: &str, input: Vec<u8>| {
        let client = at_home(&scene, "dbclient").env("SSH_AUTH_SOCK", scene.alice.agent_socket().unwrap());
        let client = client.args(["-A", "-y", "-y", "-b", &scene.site.net.person(1).to_string()]);
        let client = client.args(["-p", &target.addr.port().to_string(), "-l", &target.login]);
        client
            .arg(target.addr.ip().to_string())
            .arg(command)
            .stdin(input)
            .done()
    };
    for (command, input) in [
        ("echo out; echo err >&2; exit 7", Vec::new()),
        ("cat; exit 3", noise(500_000)),
        ("head -c 3000000 /dev/zero | tr '\\0' d", Vec::new()),
    ] {
        let gate = run(&scene.web01(), command, input.clone());
        assert_same(&gate, &run(&scene.direct(), command, input));
    }
    assert!(
        scene
            .all_closed(3)
            .iter()
            .all(|session| session["agent_used"] == true)
    );
}

#[test]
fn sshfs_works_as_a_file_system() {
    let mut scene = Scene::new();
    // It switches the forwarding of agents off, and so shares a connection that has logged in.
    let socket = scene.alice.folder().join("mux").display().to_string();
    scene.alice.option(&format!(
        "ControlPath {socket}\nControlMaster auto\nControlPersist 60"
    ));
    scene.ssh("true").done().ok();
    let target = scene.web01();
    let there = scene.sshd.files().join("exported");
    fs::create_dir(&there).unwrap();
    let mount = Mount(scene.alice.folder().join("mount"));
    fs::create_dir(&mount.0).unwrap();
    let place = format!("{}@{}:{}", target.login, target.addr.ip(), there.display());
    let ssh = format!("ssh_command=ssh -F {}", scene.alice.config().display());
    let sshfs = Run::new("sshfs").arg(place).arg(&mount.0);
    sshfs
        .args(["-p", &target.addr.port().to_string(), "-o", &ssh])
        .done()
        .ok();
    let work = "set -e; cd \"$0\"; mkdir -p src/deep; for n in $(seq 40); do head -c 20000 /dev/urandom >src/$n; done\n\
                cp -r src copy; diff -r src copy; mv copy/1 src/deep/one; rm -r copy; ln -s deep/one src/link\n\
                printf more >>src/2; truncate -s 5 src/3; find src -type f | wc -l; tar cf all.tar src; tar tf all.tar | wc -l";
    let shell = Run::new("sh").args(["-c", work]).arg(&mount.0).within(LIMIT * 2);
    assert_eq!(shell.done().ok(), "41\n44\n");
    assert_eq!(fs::metadata(there.join("src/3")).unwrap().len(), 5);
    assert_eq!(fs::metadata(there.join("src/2")).unwrap().len(), 20_004);
    drop(mount);
    scene.alice.ssh_with(&target, &["-O", "exit"]).done().exits(0);
    let session = scene.all_closed(1).remove(0);
    assert_eq!(
        (&session["subsystem"], &session["end_reason"]),
        (&"sftp".into(), &"normal".into())
    );
    let rows = session["transfers"].as_array().unwrap();
    let uploads = rows
        .iter()
        .filter(|row| row["direction"] == "upload" && row["bytes"] == 20_000);
    assert_eq!(uploads.count(), 80, "{session:#}");
}

/// A mounted file system, unmounted at the end.
struct Mount(std::path::PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("fusermount3")
            .arg("-u")
            .arg(&self.0)
            .output();
    }
}

#[test]
fn mosh_is_refused_with_a_sentence() {
    let scene = Scene::prepared(gatehouse_e2e::Setup::default(), |site, _, _| from_anywhere(site));
    let target = scene.web01();
    let ssh = format!(
        "ssh -F {} -p {}",
        scene.alice.config().display(),
        target.addr.port()
    );
    let place = format!("{}@{}", target.login, target.addr.ip());
    // It wants a terminal, and a character set that it can draw.
    let args = ["LC_ALL=C.UTF-8", "mosh", "--ssh", &ssh, &place].map(str::to_owned);
    let mut terminal = Terminal::start("env", &args);
    terminal.shows("mosh does not work through the gate");
    assert_ne!(terminal.ends(), 0);
    let all = terminal.all().replace("\r\n", " ");
    assert!(all.contains("use ssh"), "{all}");
    let session = scene.all_closed(1).remove(0);
    let cast = String::from_utf8(scene.site.recorded(&session, "ssh-0.cast")).unwrap();
    assert!(
        cast.contains("mosh-server") && cast.contains("does not work"),
        "{cast}"
    );
    // Other commands that only speak of it are nobody's business.
    assert_eq!(scene.ssh("echo mosh-server new").done().ok(), "mosh-server new\n");
}
