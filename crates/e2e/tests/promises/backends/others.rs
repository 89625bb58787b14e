//! Dropbear's server, AsyncSSH's, one that asks many questions, one that takes its time.

use std::fs;
use std::time::{Duration, Instant};

use gatehouse_e2e::{Account, Done, Run, Scene, Server, Target, Terminal, noise, python};
use serde_json::{Value, json};

use super::{other, with_other};

/// Commands that tell much about a server in little.
const COMMANDS: [&str; 4] = [
    "echo out; echo err >&2; exit 7",
    "head -c 2000000 /dev/zero; exit 3",
    "cat; echo after the end",
    "kill -TERM $$",
];

#[track_caller]
fn assert_same(run: impl Fn(&Target, &str, Vec<u8>) -> Done, gate: &Target, direct: &Target) {
    for command in COMMANDS {
        // Others leave what they are given unread, which is not every server's strength.
        let input = || {
            if command.starts_with("cat") {
                noise(300_000)
            } else {
                Vec::new()
            }
        };
        let (gate, direct) = (run(gate, command, input()), run(direct, command, input()));
        assert_eq!(
            (gate.code, gate.signal),
            (direct.code, direct.signal),
            "{gate}{direct}"
        );
        assert!(gate.stdout == direct.stdout, "{gate}{direct}");
    }
}

#[test]
fn dropbears_server_works_as_without_the_gate() {
    let account = Account::new();
    let (scene, server) = with_other(|site, _| {
        let server = Server::dropbear(site.net.server(2));
        let addr = server.addr;
        (server, addr)
    });
    let gate = other(&scene).login(&account.name);
    let direct = Target {
        login: account.name.clone(),
        addr: server.addr,
    };
    let with_password = |program: &[&str]| {
        let sshpass = Run::new("sshpass").args(["-p", &account.password]);
        sshpass.args(program).arg("-F").arg(scene.alice.config()).args([
            "-o",
            "PubkeyAuthentication=no",
            "-q",
        ])
    };
    let run = |target: &Target, command: &str, input: Vec<u8>| {
        let words = scene.alice.ssh_words(target, &[]);
        // The configuration is among the words already.
        with_password(&["ssh"])
            .args(&words[2..])
            .arg(command)
            .stdin(input)
            .done()
    };
    assert_same(run, &gate, &direct);
    let words = scene
        .alice
        .ssh_words(&gate, &["-tt", "-q", "-o", "PubkeyAuthentication=no"]);
    let mut terminal = Terminal::start(
        "sshpass",
        &[
            &["-p".to_owned(), account.password.clone(), "ssh".to_owned()],
            &words[..],
        ]
        .concat(),
    );
    terminal.shows("this session on other is recorded");
    terminal.types("tty; stty size; exit 5\n");
    terminal.shows("/dev/pts/");
    terminal.shows("24 80");
    assert_eq!(terminal.ends(), 5);
    let here = scene.alice.folder().join("here");
    fs::write(&here, noise(300_000)).unwrap();
    let folder = tempfile_for(&account);
    for (number, protocol) in ["-s", "-O"].iter().enumerate() {
        let (there, back) = (folder.path().join(protocol), scene.alice.folder().join(protocol));
        let scp = || {
            with_password(&["scp", protocol, "-P", &gate.addr.port().to_string()])
                .arg("-o")
                .arg(format!("User={}", gate.login))
        };
        let remote = format!("{}:{}", gate.addr.ip(), there.display());
        scp().arg(&here).arg(&remote).done().ok();
        scp().arg(&remote).arg(&back).done().ok();
        assert!(fs::read(&back).unwrap() == noise(300_000), "{number}");
    }
    let sessions = scene.all_closed(COMMANDS.len() + 5);
    let rows = sessions
        .iter()
        .flat_map(|session| session["transfers"].as_array().unwrap());
    assert_eq!(
        rows.filter(|row| row["result"] == "ok" && row["bytes"] == 300_000)
            .count(),
        4,
        "{sessions:#?}"
    );
}

/// A folder that this account may write to.
fn tempfile_for(account: &Account) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    Run::new("chown")
        .arg(&account.name)
        .arg(folder.path())
        .done()
        .ok();
    folder
}

fn asyncssh(setup: impl FnOnce(&gatehouse_e2e::Client) -> Value) -> (Scene, Server) {
    with_other(|site, alice| {
        let server = Server::asyncssh(site.net.server(2), &setup(alice));
        let addr = server.addr;
        (server, addr)
    })
}

fn authorized(alice: &gatehouse_e2e::Client) -> String {
    alice.key().with_extension("pub").display().to_string()
}

#[test]
fn asyncsshs_server_works_as_without_the_gate() {
    let (scene, server) = asyncssh(|alice| json!({"authorized": authorized(alice)}));
    let direct = Target {
        login: other(&scene).login,
        addr: server.addr,
    };
    let run = |target: &Target, command: &str, input: Vec<u8>| {
        scene
            .alice
            .ssh_with(target, &["-q"])
            .arg(command)
            .stdin(input)
            .done()
    };
    assert_same(run, &other(&scene), &direct);
    let (here, back) = (
        scene.alice.folder().join("here"),
        scene.alice.folder().join("back"),
    );
    fs::write(&here, noise(300_000)).unwrap();
    let there = scene.sshd.files().join("there");
    let copy = |target: &Target, protocol: &str| {
        let (local, remote) = (here.display().to_string(), scene.alice.remote(target, &there));
        let scp = || scene.alice.copier("scp", target).args([protocol, "-q"]);
        let up = scp().args([&local, &remote]).done().code;
        let down = scp().arg(&remote).arg(&back).done().code;
        assert!(fs::read(&back).unwrap() == noise(300_000), "{protocol}");
        fs::remove_file(&back).unwrap();
        (up, down)
    };
    for protocol in ["-s", "-O"] {
        // Its SFTP ends without an exit status, which scp takes for a failure, with the gate and without.
        assert_eq!(
            copy(&other(&scene), protocol),
            copy(&direct, protocol),
            "{protocol}"
        );
    }
    let sessions = scene.all_closed(COMMANDS.len() + 4);
    let rows = sessions
        .iter()
        .flat_map(|session| session["transfers"].as_array().unwrap());
    assert_eq!(
        rows.filter(|row| row["result"] == "ok" && row["bytes"] == 300_000)
            .count(),
        4,
        "{sessions:#?}"
    );
}

#[test]
fn signals_reach_a_server_that_takes_them() {
    let (scene, _server) = asyncssh(|alice| json!({"authorized": authorized(alice)}));
    let target = other(&scene);
    let script = "import asyncio, asyncssh, os, sys\n\
        async def main():\n    \
            async with asyncssh.connect(sys.argv[1], int(sys.argv[2]), local_addr=(sys.argv[3], 0), username=sys.argv[4], known_hosts=None,\n                \
                config=None, agent_path=os.environ['SSH_AUTH_SOCK'], agent_forwarding=True) as client:\n        \
                process = await client.create_process('wait for a signal')\n        \
                print(await process.stdout.readline(), end='')\n        \
                process.send_signal('USR1')\n        \
                print(await process.stdout.readline(), end='')\n        \
                print((await process.wait()).exit_status)\n\
        asyncio.run(main())\n";
    let run = Run::new(python()).args([
        "-c",
        script,
        &target.addr.ip().to_string(),
        &target.addr.port().to_string(),
    ]);
    let run = run.args([&scene.site.net.person(1).to_string(), &target.login]);
    let run = run.env("SSH_AUTH_SOCK", scene.alice.agent_socket().unwrap());
    assert_eq!(run.done().ok(), "waiting\ngot USR1\n0\n");
}

#[test]
fn a_server_that_asks_many_questions_is_answered_by_the_person() {
    let rounds = json!([
        [["Password: ", false, "open sesame"]],
        [["Token: ", true, "123456"], ["Colour: ", false, "blau ü"]]
    ]);
    let (scene, _server) = asyncssh(|_| json!({"rounds": rounds}));
    let login = |answers: [&str; 3]| {
        let options = [
            "-o",
            "PreferredAuthentications=keyboard-interactive",
            "-o",
            "NumberOfPasswordPrompts=1",
        ];
        let mut words = scene.alice.ssh_words(&other(&scene), &options);
        words.push("echo in; exit 4".to_owned());
        let mut terminal = Terminal::start("ssh", &words);
        for (prompt, answer) in ["Password: ", "Token: ", "Colour: "].iter().zip(answers) {
            terminal.shows(prompt);
            terminal.types(&format!("{answer}\n"));
        }
        terminal
    };
    let mut good = login(["open sesame", "123456", "blau ü"]);
    good.shows("in\r\n");
    assert_eq!(good.ends(), 4);
    let all = good.all();
    assert!(all.contains("Round 2") && all.contains("truly."), "{all}");
    assert!(
        !all.contains("\u{1b}[2J"),
        "a control sequence of the server's reached the terminal: {all:?}"
    );
    assert!(!all.contains("blau"), "a hidden answer was shown: {all}");
    let mut wrong = login(["open sesame", "123456", "rot"]);
    wrong.shows("Permission denied");
    assert_eq!(wrong.ends(), 255);
    scene.site.audited("session.failed", |e| {
        e["server"] == "other" && e["reason"] == "login_refused"
    });
    let sessions = scene.all_closed(1);
    assert_eq!(sessions[0]["end_reason"], "normal");
}

#[test]
fn a_server_that_takes_its_time_keeps_nobody_else_waiting() {
    const DELAY: f64 = 1.5;
    let (scene, _server) = asyncssh(|alice| json!({"authorized": authorized(alice), "delay": DELAY}));
    scene.ssh("true").done().ok();
    let slow = scene.alice.ssh(&other(&scene)).arg("echo at last").start();
    let begin = Instant::now();
    let mut quick = 0;
    let mut slow = Some(slow);
    while slow.as_mut().is_some_and(gatehouse_e2e::Running::is_running) {
        scene.ssh("true").done().ok();
        quick += 1;
    }
    assert!(
        begin.elapsed() >= Duration::from_secs_f64(2.0 * DELAY),
        "{:?}",
        begin.elapsed()
    );
    assert!(
        quick >= 2,
        "only {quick} others came through in {:?}",
        begin.elapsed()
    );
    assert_eq!(slow.take().unwrap().done().ok(), "at last\n");
}
