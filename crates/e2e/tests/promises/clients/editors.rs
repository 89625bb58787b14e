//! Editors that work on a server: a long-lived shell without a terminal that talks to a program, and many commands
//! beside it on the same connection, as VS Code's remote extension does.

use gatehouse_e2e::{LIMIT, Scene, noise, wait_for};

#[test]
fn a_shell_without_a_terminal_and_twenty_commands_share_a_connection() {
    let mut scene = Scene::new();
    let socket = scene.alice.folder().join("mux").display().to_string();
    scene.alice.option(&format!("ControlPath {socket}"));
    // The extension's way in: a script on the standard input of `bash`, which stays for as long as the editor.
    let fifo = scene.alice.folder().join("script");
    gatehouse_e2e::Run::new("mkfifo").arg(&fifo).done().ok();
    let words = scene
        .alice
        .ssh_words(&scene.web01(), &["-M", "-T", "-o", "LogLevel=ERROR"]);
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let ssh = format!("exec ssh {} bash <\"$0\"", quoted.join(" "));
    let mut shell = gatehouse_e2e::Run::new("sh")
        .args(["-c", &ssh])
        .arg(&fifo)
        .within(LIMIT * 2)
        .start();
    let mut typed = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let mut say = |line: &str| std::io::Write::write_all(&mut typed, line.as_bytes()).unwrap();
    say("uname -s; echo \"first:$((6 * 7))\"\n");
    shell.prints("first:42");
    wait_for("the shared connection", LIMIT, || {
        std::fs::exists(&socket).unwrap().then_some(())
    });
    let bytes = noise(300_000);
    let commands: Vec<_> = (0..20)
        .map(|n| {
            (
                n,
                scene
                    .ssh(&format!("cat; echo $PPID >&2; exit {n}"))
                    .stdin(bytes.clone())
                    .start(),
            )
        })
        .collect();
    // Meanwhile the shell answers.
    for round in 0..20 {
        say(&format!("echo \"round {round}\"\n"));
        shell.prints(&format!("round {round}"));
    }
    for (n, command) in commands {
        let done = command.done().exits(n);
        assert!(done.stdout == bytes, "command {n}");
    }
    say("head -c 20000000 /dev/zero | tr '\\0' e; echo; echo last; exit 9\n");
    drop(typed);
    let done = shell.done().exits(9);
    assert!(done.stdout.len() > 20_000_000 && done.stdout.ends_with(b"last\n"));
    let session = scene.all_closed(1).remove(0);
    let files = session["recording"]["files"].as_array().unwrap();
    let casts = files
        .iter()
        .filter(|file| file.as_str().unwrap().ends_with(".cast"));
    assert_eq!(casts.count(), 21, "{files:?}");
    let cast = String::from_utf8_lossy(&scene.site.recorded(&session, "ssh-0.cast")).into_owned();
    assert!(
        cast.contains("first:42") && cast.contains("round 19"),
        "the shell is not recorded"
    );
}
