//! The demo: every line of its page does what the page says, and nothing is left behind.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails is a test that fails"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// For anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

struct Demo {
    child: Child,
    /// The lines to paste, in order.
    lines: Vec<String>,
    /// The trial's directory, as the page names it.
    dir: PathBuf,
}

impl Demo {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
        let mut child = command
            .arg("demo")
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut page = BufReader::new(child.stdout.take().unwrap());
        let (mut text, mut line) = (String::new(), String::new());
        while page.read_line(&mut line).unwrap() > 0 && !line.contains("session verify --all") {
            text.push_str(&std::mem::take(&mut line));
        }
        text.push_str(&line);
        let dir = text
            .split_once("Everything lies in ")
            .unwrap()
            .1
            .split_once(".\n")
            .unwrap()
            .0;
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .map(str::to_owned)
            .collect();
        Self {
            child,
            lines,
            dir: dir.into(),
        }
    }

    /// The line that holds all of these.
    fn line(&self, parts: &[&str]) -> &str {
        let found = self
            .lines
            .iter()
            .find(|line| parts.iter().all(|part| line.contains(part)));
        found.unwrap_or_else(|| panic!("{parts:?} is not on the page: {:#?}", self.lines))
    }

    /// Pastes it into a shell without a terminal.
    fn paste(&self, parts: &[&str]) -> Output {
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(self.line(parts))
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Waits until no session is running.
    fn wait_for_quiet(&self) {
        let until = Instant::now() + PATIENCE;
        let line = format!("{} --active --json", self.line(&[" session list"]));
        while Command::new("sh").arg("-c").arg(&line).output().unwrap().stdout != b"[]\n" {
            assert!(Instant::now() < until, "a session does not end");
        }
    }

    fn end(&mut self, signal: Signal) {
        tell(&self.child, signal);
        let until = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "the demo does not end");
            std::thread::yield_now();
        }
        assert!(self.child.wait().unwrap().success());
        assert!(!self.dir.exists(), "{} is left behind", self.dir.display());
        assert_eq!(
            processes_of(&self.dir),
            Vec::<String>::new(),
            "processes are left behind"
        );
    }
}

impl Drop for Demo {
    /// A test that failed must not leave its processes behind.
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            tell(&self.child, Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

fn tell(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

/// Command lines that name the directory.
fn processes_of(dir: &Path) -> Vec<String> {
    let name = dir.display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    lines.filter(|line| line.contains(&name)).collect()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn every_line_of_the_page_works_and_nothing_is_left_behind() {
    let mut demo = Demo::start();
    for parts in [
        &["127.0.1.10", "uptime"][..],
        &["127.0.1.10", "hostname", "@web01@"],
        &["scp", "127.0.1.10"],
    ] {
        let done = demo.paste(parts);
        assert!(done.status.success(), "{parts:?}: {}", text(&done));
    }
    let bob = demo.paste(&["-b 127.0.1.11"]);
    assert_eq!(bob.status.code(), Some(255));
    assert!(
        text(&bob).contains("web01") && text(&bob).contains("Permission denied (publickey)"),
        "{}",
        text(&bob)
    );
    let stranger = demo.paste(&["-b 127.0.1.99"]);
    assert!(
        text(&stranger).contains("127.0.1.99") && !text(&stranger).contains("web01"),
        "{}",
        text(&stranger)
    );
    // A shell without a terminal ends with its input; that carol gets one is what counts.
    let carol = demo.paste(&["-b 127.0.1.12"]);
    assert!(carol.status.success(), "{}", text(&carol));
    demo.wait_for_quiet();
    for (parts, status, word) in [
        (&[" jw"][..], 0, "session"),
        (&[" session list"], 0, "alice"),
        (&[" check --user bob"], 1, "outside_schedule"),
        (&[" who-can"], 0, "alice"),
        (&[" audit list"], 0, "session.denied"),
        (&[" session play last"], 0, ""),
        (&[" session text last"], 0, ""),
        (&[" session verify --all"], 0, "as it was written"),
        (&[" session watch last"], 1, "not running"),
        (&[" session kill last"], 1, "ended already"),
    ] {
        let done = demo.paste(parts);
        assert_eq!(done.status.code(), Some(status), "{parts:?}: {}", text(&done));
        assert!(text(&done).contains(word), "{parts:?}: {}", text(&done));
    }
    for (parts, word) in [
        (&["curl", "/whoami"][..], "You are: alice"),
        (&["curl", "/p/list"], "(web01)"),
        (&["curl", "/p/request/ssh/db01"], "Access request created: #1"),
        (&["curl", "/p/status/1"], "Status: Pending admin approval"),
    ] {
        let done = demo.paste(parts);
        assert!(text(&done).contains(word), "{parts:?}: {}", text(&done));
    }
    let mut words = demo.line(&["https://", "# sign in as dana"]).split_whitespace();
    let (url, password) = (words.next().unwrap(), words.last().unwrap());
    let signed_in = Command::new("curl")
        .args(["-sk", "-H", "Content-Type: application/json", "-d"])
        .arg(format!("{{\"user\": \"dana\", \"password\": \"{password}\"}}"))
        .arg(format!("{url}/api/v1/session/password"))
        .output()
        .unwrap();
    assert!(
        text(&signed_in).contains("\"role\":\"admin\""),
        "{}",
        text(&signed_in)
    );
    demo.end(Signal::SIGINT);
}

#[test]
fn a_trial_that_is_told_to_end_at_once_leaves_nothing_behind() {
    let temp = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    let mut child = command
        .arg("demo")
        .env("TMPDIR", temp.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + PATIENCE;
    // The servers are up and the node is on its way when the end comes.
    let early = |temp: &Path| {
        let dir = std::fs::read_dir(temp)
            .unwrap()
            .flatten()
            .next()
            .map(|entry| entry.path());
        dir.is_some_and(|dir| dir.join("node.log").exists())
    };
    while !early(temp.path()) {
        assert!(
            Instant::now() < until && child.try_wait().unwrap().is_none(),
            "the demo does not start"
        );
        std::thread::yield_now();
    }
    tell(&child, Signal::SIGTERM);
    assert!(child.wait().unwrap().success());
    assert_eq!(
        std::fs::read_dir(temp.path()).unwrap().count(),
        0,
        "something is left behind"
    );
    assert_eq!(processes_of(temp.path()), Vec::<String>::new());
}

#[test]
fn a_directory_that_is_in_use_is_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("mine"), "x").unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_gatehouse"))
        .arg("demo")
        .arg("--dir")
        .arg(temp.path())
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done).contains("is not empty"), "{}", text(&done));
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
}
