//! OpenSSH's own client, in the ways that people configure it.

use std::fs;
use std::time::{Duration, Instant};

use gatehouse_e2e::{LIMIT, Scene, Terminal, noise, wait_for};

use super::assert_same;

#[test]
fn a_master_that_persists_carries_many_commands_at_once() {
    let mut scene = Scene::new();
    let socket = scene.alice.folder().join("mux").display().to_string();
    scene.alice.option(&format!(
        "ControlPath {socket}\nControlMaster auto\nControlPersist 30"
    ));
    scene.ssh("true").done().ok();
    let bytes = noise(200_000);
    let running: Vec<_> = (0..24)
        .map(|n| {
            (
                n,
                scene.ssh(&format!("cat; exit {n}")).stdin(bytes.clone()).start(),
            )
        })
        .collect();
    for (n, command) in running {
        assert!(command.done().exits(n).stdout == bytes, "command {n}");
    }
    let master = |order: &str| scene.alice.ssh_with(&scene.web01(), &["-O", order]).done();
    assert!(master("check").exits(0).err().contains("Master running"));
    master("exit").exits(0);
    let session = scene.all_closed(1).remove(0);
    assert_eq!(session["end_reason"], "normal");
    let files = session["recording"]["files"].as_array().unwrap();
    let casts = files
        .iter()
        .filter(|file| file.as_str().unwrap().ends_with(".cast"));
    assert_eq!(casts.count(), 25, "{files:?}");
    assert!(session["bytes_in"].as_u64().unwrap() >= 24 * 200_000, "{session}");
}

#[test]
fn what_is_refused_on_a_shared_connection_leaves_nothing_behind() {
    let mut scene = Scene::new();
    let socket = scene.alice.folder().join("mux").display().to_string();
    scene.alice.option(&format!(
        "ControlPath {socket}\nControlMaster auto\nControlPersist 30"
    ));
    scene.ssh("true").done().ok();
    let refused = scene
        .alice
        .ssh_with(&scene.web01(), &["-s"])
        .arg("unheard-of")
        .done();
    assert_ne!(refused.code, Some(0), "{refused}");
    let refused = scene.ssh("mosh-server new -s").done().exits(255);
    assert!(
        refused.err().contains("mosh does not work through the gate"),
        "{refused}"
    );
    assert_eq!(scene.ssh("echo on").done().ok(), "on\n");
    let begin = Instant::now();
    scene
        .alice
        .ssh_with(&scene.web01(), &["-O", "exit"])
        .done()
        .exits(0);
    scene.all_closed(1);
    assert!(
        begin.elapsed() < Duration::from_secs(15),
        "the session closed after {:?}",
        begin.elapsed()
    );
}

#[test]
fn options_of_the_command_line_do_what_they_do_without_the_gate() {
    let scene = Scene::new();
    let quiet = ["-o", "LogLevel=ERROR"];
    let cases: [(&[&str], &str); 8] = [
        (&["-T"], "tty; echo $?; echo $TERM"),
        (&["-tt"], "tty >/dev/null && stty size; echo $TERM; exit 5"),
        (&["-n"], "cat; exit 4"),
        (&["-C"], "head -c 2000000 /dev/zero; exit 6"),
        (&["-o", "SetEnv=GH_A='two words' GH_B=é"], "echo \"$GH_A|$GH_B\""),
        (
            &["-o", "RemoteCommand=echo one; exit 3", "-o", "RequestTTY=no"],
            "",
        ),
        (
            &["-o", "RekeyLimit=256K"],
            "head -c 3000000 /dev/zero | tr '\\0' r",
        ),
        (&["-4", "-x", "-q"], "echo $0; kill -HUP $$"),
    ];
    for (options, command) in cases {
        let options = [&quiet[..], options].concat();
        let run = |target| {
            let ssh = scene.alice.ssh_with(target, &options);
            if command.is_empty() {
                ssh.done()
            } else {
                ssh.arg(command).done()
            }
        };
        assert_same(&run(&scene.web01()), &run(&scene.direct()));
    }
    let sessions = scene.all_closed(cases.len());
    assert!(
        sessions.iter().all(|s| s["end_reason"] == "normal"),
        "{sessions:#?}"
    );
}

#[test]
fn compression_that_is_asked_for_falls_back_to_none() {
    let scene = Scene::new();
    let done = scene
        .alice
        .ssh_with(&scene.web01(), &["-v", "-C"])
        .arg("true")
        .done()
        .exits(0);
    assert!(done.err().contains("compression: none"), "{done}");
}

#[test]
fn a_connection_without_a_command_stays_until_it_is_killed() {
    let scene = Scene::new();
    let mut idle = scene.alice.ssh_with(&scene.web01(), &["-N", "-v"]).start();
    wait_for("the login without a command", LIMIT, || {
        idle.stderr_so_far().contains("Authenticated to").then_some(())
    });
    assert_eq!(scene.ssh("echo another").done().ok(), "another\n");
    assert!(idle.is_running());
    idle.signal(nix::sys::signal::Signal::SIGTERM);
    idle.done();
    assert_eq!(scene.ssh("echo next").done().ok(), "next\n");
    scene.all_closed(2);
}

#[test]
fn a_command_in_the_background_runs_to_its_end() {
    let scene = Scene::new();
    let (go, mark) = (scene.sshd.files().join("go"), scene.sshd.files().join("mark"));
    let (go_path, mark_path) = (go.display(), mark.display());
    let command = format!("until [ -e {go_path} ]; do sleep 0.05; done; echo done >{mark_path}");
    scene
        .alice
        .ssh_with(&scene.web01(), &["-f"])
        .arg(&command)
        .done()
        .exits(0);
    let id = scene.active_session();
    assert!(!mark.exists());
    fs::write(&go, "").unwrap();
    let session = scene.closed(&id);
    assert_eq!(fs::read_to_string(&mark).unwrap(), "done\n");
    assert_eq!(session["end_reason"], "normal");
}

#[test]
fn escape_keys_work_at_a_terminal() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("~?");
    terminal.shows("Supported escape sequences");
    // Fresh keys in the middle of a session, asked for by the client.
    terminal.types("\n~R");
    terminal.types("echo rekeyed $((6 * 7))\n");
    terminal.shows("rekeyed 42");
    // A break, which the gate does not pass on, harms nothing.
    terminal.types("\n~B");
    terminal.types("echo unbroken $((6 * 7))\n");
    terminal.shows("unbroken 42");
    terminal.types("\n~.");
    terminal.shows("closed.");
    assert_eq!(terminal.ends(), 255);
    let session = scene.site.closed_session();
    assert_eq!(session["end_reason"], "normal", "{session}");
}

#[test]
fn a_program_on_the_server_sees_a_terminal_of_200_columns() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("trap 'echo now $(stty size)' WINCH; echo set'' up\n");
    terminal.shows("set up");
    terminal.resize(60, 200);
    // A shell runs its trap when it gets to it.
    terminal.types("\n");
    terminal.shows("now 60 200");
    terminal.types("exit\n");
    terminal.ends();
    let session = scene.site.closed_session();
    let cast = String::from_utf8(scene.site.recorded(&session, "ssh-0.cast")).unwrap();
    assert!(
        cast.contains("\"r\", \"200x60\"") || cast.contains("\"r\",\"200x60\""),
        "{cast}"
    );
}

#[test]
fn a_login_shell_greets_and_ends_with_its_status() {
    let scene = Scene::new();
    let mut words = scene.alice.ssh_words(&scene.web01(), &[]);
    words.insert(0, "-q".to_owned());
    let mut terminal = Terminal::start("ssh", &words);
    terminal.shows("this session on web01 is recorded");
    terminal.types("exit 8\n");
    assert_eq!(terminal.ends(), 8);
}
