//! The log: each line of a session names it, files can be moved away, and nothing about a log stops the gate.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use gatehouse_e2e::{Database, LIMIT, Scene, Scrape, Setup, Site, Target, program, wait_for};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// What a node says about itself while sessions run.
const OF_THE_NODE: &[&str] = &[
    "audit head",
    "ready",
    "listening",
    "the database was brought",
    "directory in force",
];

/// One session with a command, all of it logged; and its id.
fn busy(config: &str) -> (Scene, String) {
    let scene = Scene::with(Setup {
        config,
        ..Setup::default()
    });
    assert_eq!(scene.ssh("echo done").done().ok(), "done\n");
    let id = scene.site.closed_session()["id"].as_str().unwrap().to_owned();
    wait_for("the end in the log", LIMIT, || {
        scene.site.node().log().contains("session closed").then_some(())
    });
    (scene, id)
}

#[test]
fn each_line_of_a_session_names_it_as_text() {
    let (scene, id) = busy("log.level = \"info,gatehouse_ssh=debug,gatehouse_gate=debug\"");
    let source = format!("source={}", scene.site.net.person(1));
    let log = scene.site.node().log();
    let mut seen = 0;
    for line in log
        .lines()
        .filter(|line| !OF_THE_NODE.iter().any(|own| line.contains(own)))
    {
        // Once there is an id, it is there; before, the source is.
        let named = line.matches(&format!("session={id}")).count();
        assert!(
            named == 1 || (named == 0 && line.contains(&source)),
            "{line}\n\n{log}"
        );
        seen += named;
    }
    assert!(seen >= 3, "{log}");
    let opened = log.find("session opened").unwrap();
    let later = log[opened..].lines().filter(|line| line.contains(&source));
    later.for_each(|line| assert!(line.contains(&id), "{line}"));
}

#[test]
fn each_line_of_a_session_names_it_as_json() {
    let (scene, id) = busy("log.format = \"json\"\nlog.level = \"info,gatehouse_ssh=debug\"");
    let source = scene.site.net.person(1).to_string();
    let log = scene.site.node().log();
    let mut seen = 0;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let message = line["message"].as_str().unwrap();
        assert!(line["time"].is_string() && line["level"].is_string(), "{line}");
        if OF_THE_NODE.iter().any(|own| message.contains(own)) {
            continue;
        }
        assert!(
            line["session"] == id.as_str() || line["source"] == source.as_str(),
            "{line}\n\n{log}"
        );
        seen += usize::from(line["session"] == id.as_str());
    }
    assert!(seen >= 3, "{log}");
}

#[test]
fn a_log_file_that_cannot_be_opened_stops_nothing() {
    let scene = Scene::with(Setup {
        config: "log.file = \"no/such/folder/log\"",
        ..Setup::default()
    });
    scene.ssh("true").done().ok();
    let log = scene.site.node().log();
    assert!(log.contains("the log file cannot be opened"), "{log}");
}

#[test]
fn a_log_file_is_opened_again_at_sighup_and_may_be_cut_to_nothing() {
    let mut site = Site::new(Database::Sqlite, "");
    let file = site.folder().join("gatehouse.log");
    let rotated = site.folder().join("gatehouse.log.1");
    site.write_config(&format!("log.file = {file:?}"));
    site.serve();
    let read = |file: &Path| fs::read_to_string(file).unwrap_or_default();
    assert!(read(&file).contains("\nready\n"));
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & 0o137, 0, "{mode:o}");

    fs::rename(&file, &rotated).unwrap();
    site.node().signal(Signal::SIGHUP);
    wait_for("a line in the new file", LIMIT, || {
        read(&file).contains("configuration read again").then_some(())
    });
    let kept = read(&rotated);
    assert!(
        kept.contains("\nready\n") && !read(&file).contains("ready"),
        "{kept}"
    );

    // As by logrotate's copytruncate.
    fs::File::options()
        .write(true)
        .truncate(true)
        .open(&file)
        .unwrap();
    site.node().signal(Signal::SIGHUP);
    wait_for("a line from the beginning", LIMIT, || {
        read(&file).starts_with("time=").then_some(())
    });
    assert_eq!(read(&rotated), kept);

    // A configuration that cannot be used does not keep the file from being rotated.
    site.write_config("colour = \"red\"");
    fs::remove_file(&file).unwrap();
    site.node().signal(Signal::SIGHUP);
    wait_for("the error in a new file", LIMIT, || {
        read(&file).contains("could not be read again").then_some(())
    });
    assert!(site.take_node().terminate().success());
    assert!(read(&file).contains("stopping"), "{}", read(&file));
}

/// A node whose standard error is a pipe in our hands, and where its gate and its metrics are.
fn piped(scene: &Scene) -> (Child, BufReader<ChildStderr>, Target, SocketAddr) {
    let mut command = Command::new(program());
    command.arg("serve").arg("--config").arg(scene.site.config());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let pipe = child.stderr.take().unwrap();
    // The smallest there is.
    fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(4_096)).unwrap();
    let mut pipe = BufReader::new(pipe);
    let proxy = format!("listening gate=ssh addr={}:", scene.site.net.proxy(1));
    let (mut port, mut metrics, mut line) = (None, None, String::new());
    while line.trim() != "ready" {
        line.clear();
        assert_ne!(pipe.read_line(&mut line).unwrap(), 0, "the node ended");
        port = port.or_else(|| line.trim().strip_prefix(&proxy)?.parse::<u16>().ok());
        metrics = metrics.or_else(|| {
            line.trim()
                .strip_prefix("listening gate=metrics addr=")?
                .parse()
                .ok()
        });
    }
    let target = Target {
        login: scene.sshd.login(),
        addr: (scene.site.net.proxy(1), port.unwrap()).into(),
    };
    (child, pipe, target, metrics.unwrap())
}

fn works_and_ends(scene: &Scene, mut child: Child, target: &Target) {
    for number in 0..10 {
        let said = scene.alice.ssh(target).arg(format!("echo {number}")).done().ok();
        assert_eq!(said, format!("{number}\n"));
    }
    assert!(child.try_wait().unwrap().is_none(), "the node ended");
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    let status = wait_for("the node to end", LIMIT, || child.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

fn without_node() -> Scene {
    let mut scene = Scene::with(Setup {
        config: "metrics.listen = \"127.0.0.1:0\"\nlog.level = \"info,gatehouse_ssh=debug\"",
        ..Setup::default()
    });
    assert!(scene.site.take_node().terminate().success());
    scene
}

#[test]
fn a_closed_standard_error_stops_nothing_and_lost_lines_are_counted() {
    let scene = without_node();
    let (child, pipe, target, metrics) = piped(&scene);
    drop(pipe);
    scene.alice.ssh(&target).arg("true").done().ok();
    wait_for("lost lines to be counted", LIMIT, || {
        (Scrape::of(metrics).value("gatehouse_log_lines_lost_total", &[]) > 0.0).then_some(())
    });
    works_and_ends(&scene, child, &target);
}

#[test]
fn a_standard_error_that_nobody_reads_stops_nothing() {
    let scene = without_node();
    let (child, mut pipe, target, _) = piped(&scene);
    works_and_ends(&scene, child, &target);
    let mut rest = Vec::new();
    pipe.read_to_end(&mut rest).unwrap();
    // A line that no longer fits waits as a whole.
    assert!(rest.len() >= 3_000, "the pipe was not full: {} bytes", rest.len());
}
