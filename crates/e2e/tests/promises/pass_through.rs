//! What comes out of `ssh gate cmd` equals what comes out of `ssh server cmd`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use gatehouse_e2e::{Done, Run, Scene, Setup, Target, Terminal, wait_for};

const QUIET: &[&str] = &["-o", "LogLevel=ERROR"];

#[test]
fn output_errors_and_exit_status_are_those_of_the_server_byte_for_byte() {
    let scene = Scene::new();
    let commands = [
        "true",
        "exit 7",
        "exit 255",
        "echo out; echo err >&2; exit 3",
        r"printf '\0\1\377\r\n\033[31m'",
        "head -c 3000000 /dev/zero; echo end >&2",
        "no-such-command-anywhere",
        "echo unfinished; kill -TERM $$",
        "kill -9 $$",
        "exec >&-; echo only errors >&2; exit 5",
        "exec 2>&-; echo only output",
        "cd /; pwd; umask; ulimit -c",
        "echo 'quotes \"and\" $dollars' * ; echo \"$0\"",
    ];
    for command in commands {
        let run = |target: &Target| scene.alice.ssh_with(target, QUIET).arg(command).done();
        assert_same(&run(&scene.web01()), &run(&scene.direct()));
    }
}

#[test]
fn binary_input_reaches_the_server_and_comes_back_unchanged() {
    let scene = Scene::new();
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[..2].to_vec())
        .collect();
    let done = scene.ssh("cat").stdin(bytes.clone()).done().exits(0);
    assert!(
        done.stdout == bytes,
        "{} bytes came back of {}",
        done.stdout.len(),
        bytes.len()
    );
}

#[test]
fn the_end_of_input_closes_one_direction_only() {
    let scene = Scene::new();
    let done = scene.ssh("cat; echo after the end").stdin("abc\n").done();
    assert_eq!(done.ok(), "abc\nafter the end\n");
    let done = scene
        .ssh("exec >&- 2>&-; cat >/dev/null; exit 9")
        .stdin("abc\n")
        .done();
    done.exits(9);
}

#[test]
fn no_exit_status_is_lost_over_many_commands_on_one_connection() {
    let mut scene = Scene::new();
    scene.ssh("true").done().ok();
    let socket = scene.alice.folder().join("mux").display().to_string();
    scene.alice.option(&format!("ControlPath {socket}"));
    let master = scene.alice.ssh_with(&scene.web01(), &["-M", "-N"]).start();
    wait_for("the master connection", gatehouse_e2e::LIMIT, || {
        std::fs::exists(&socket).unwrap().then_some(())
    });
    for round in 0..5 {
        let running: Vec<_> = (0..8)
            .map(|n| (n, scene.ssh(&format!("echo {round}-{n}; exit {}", n + 1)).start()))
            .collect();
        for (n, command) in running {
            assert_eq!(command.done().exits(n + 1).out(), format!("{round}-{n}\n"));
        }
    }
    drop(master);
    let session = scene.site.session("the one of all commands", |s| {
        s["state"] == "closed" && s["bytes_out"] != 0
    });
    let files = session["recording"]["files"].as_array().unwrap();
    assert!(files.len() >= 40, "one recording for each command: {files:?}");
}

#[test]
fn environment_variables_pass_and_those_that_are_not_text_are_dropped() {
    let scene = Scene::new();
    let done = scene
        .alice
        .ssh_with(&scene.web01(), &["-o", "SetEnv=GH_ONE=1 GH_TWO=zwei"])
        .arg("echo $GH_ONE $GH_TWO");
    assert_eq!(done.done().ok(), "1 zwei\n");
    let done = scene.alice.ssh_with(&scene.web01(), &["-o", "SendEnv=GH_*"]);
    let done = done
        .env("GH_BAD", OsStr::from_bytes(b"a\xffb"))
        .env("GH_GOOD", "ü");
    assert_eq!(done.arg("echo \"<$GH_BAD><$GH_GOOD>\"").done().ok(), "<><ü>\n");
}

#[test]
fn a_login_that_is_not_text_fails_cleanly_and_harms_nobody() {
    let scene = Scene::new();
    let mut words = scene.alice.ssh_words(&scene.web01(), &[]);
    let place = words.iter().position(|word| word == "-l").unwrap();
    words.drain(place..=place + 1);
    let login = OsStr::from_bytes(b"-lr\xf6\xf6t");
    let done = Run::new("ssh")
        .arg(login)
        .args(words)
        .arg("true")
        .done()
        .exits(255);
    assert!(!done.err().contains("panicked"), "{done}");
    scene.ssh("true").done().ok();
}

#[test]
fn a_terminal_has_the_clients_size_and_follows_its_changes() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("tty; stty size\n");
    terminal.shows("/dev/pts/");
    terminal.shows("24 80");
    terminal.resize(50, 132);
    terminal.types("stty size; echo $TERM\n");
    terminal.shows("50 132");
    terminal.shows("xterm");
    terminal.types("exit 4\n");
    assert_eq!(terminal.ends(), 4);
}

#[test]
fn terminal_modes_are_those_of_the_client() {
    let scene = Scene::new();
    let modes = |target: &Target| {
        let mut words = scene.alice.ssh_words(target, &["-tt", "-o", "LogLevel=ERROR"]);
        words.push("stty -a | grep -v -e speed -e line; echo end".to_owned());
        let script = format!("stty erase ^H -ixon -iutf8; ssh {}", shell_quoted(&words));
        let mut terminal = Terminal::start("sh", &["-c".to_owned(), script]);
        terminal.shows("end")
    };
    assert_eq!(modes(&scene.web01()), modes(&scene.direct()));
}

#[test]
fn ctrl_c_reaches_the_command() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("cat /dev/zero | tr '\\0' x; echo stop''ped\n");
    terminal.shows("xxxx");
    terminal.types("\u{3}");
    terminal.shows("ready> ");
    terminal.types("exit\n");
    terminal.ends();
}

#[test]
fn the_agent_is_offered_on_only_with_the_right_to_it() {
    let without = Scene::new();
    let done = without.ssh("echo \"<$SSH_AUTH_SOCK>\"; ssh-add -l").done();
    assert!(done.out().starts_with("<>"), "{done}");
    let with = Scene::with(Setup {
        grant: Some(&["--right", "agent"]),
        ..Setup::default()
    });
    let done = with.ssh("ssh-add -l").done();
    assert!(done.clone().ok().contains("SHA256:"), "{done}");
}

#[test]
fn a_subsystem_of_any_name_is_passed_on() {
    let scene = Scene::with(Setup {
        sshd: &["Subsystem greet /bin/echo hello from a subsystem"],
        ..Setup::default()
    });
    let done = scene.alice.ssh_with(&scene.web01(), &["-s"]).arg("greet").done();
    assert_eq!(done.ok(), "hello from a subsystem\n");
    assert_eq!(scene.site.closed_session()["subsystem"], "greet");
    let unknown = scene
        .alice
        .ssh_with(&scene.web01(), &["-s"])
        .arg("unheard-of")
        .done();
    assert_ne!(unknown.code, Some(0), "{unknown}");
}

fn assert_same(gate: &Done, direct: &Done) {
    assert_eq!(
        (gate.code, gate.signal),
        (direct.code, direct.signal),
        "{gate}{direct}"
    );
    assert!(gate.stdout == direct.stdout, "{gate}{direct}");
    // Line by line: the client says its own address in some messages.
    let lines = |done: &Done| {
        done.err()
            .lines()
            .filter(|l| !l.contains("127."))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(gate), lines(direct), "{gate}{direct}");
}

fn shell_quoted(words: &[String]) -> String {
    words
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', "'\\''")))
        .collect::<Vec<_>>()
        .join(" ")
}
