//! `gatehouse demo`: what it prints works when it is pasted, and nothing of it is left behind.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use gatehouse_e2e::{LIMIT, Run, Running, wait_for};
use nix::sys::signal::Signal;

/// A trial takes addresses and ports that are free when it looks: one at a time.
static TRIALS: Mutex<()> = Mutex::new(());

/// A trial under way, and the page it printed.
fn trial() -> (Running, String, PathBuf) {
    let mut demo = Run::new(gatehouse_e2e::program())
        .arg("demo")
        .waiting_stdin()
        .within(LIMIT * 2)
        .start();
    demo.prints("session verify --all");
    let page = demo.stdout_so_far();
    let (_, after) = page.split_once("Everything lies in ").unwrap();
    let folder = after.split(".\n").next().unwrap().into();
    (demo, page, folder)
}

/// What the first line that holds these does where nobody types. Verbs are given with the spaces around them: the
/// program's own path may hold any word.
fn paste(page: &str, holds: &[&str]) -> gatehouse_e2e::Done {
    let mut lines = page.lines().filter_map(|line| line.strip_prefix("    "));
    let line = lines.find(|line| holds.iter().all(|part| line.contains(part)));
    Run::new("sh")
        .args([
            "-c",
            line.unwrap_or_else(|| panic!("no line with {holds:?} in:\n{page}")),
        ])
        .done()
}

#[test]
fn every_line_of_the_trial_is_ready_to_paste() {
    let _alone = TRIALS.lock().unwrap_or_else(PoisonError::into_inner);
    let (demo, page, _) = trial();
    paste(&page, &["ssh ", " uptime"]).ok();
    paste(&page, &["@web01@", "hostname"]).ok();
    paste(&page, &["scp "]).ok();
    let sources: Vec<_> = page
        .lines()
        .filter_map(|line| line.split_once(" -b "))
        .filter_map(|(_, rest)| rest.split(' ').next())
        .collect();
    let denied: Vec<_> = sources
        .iter()
        .map(|source| paste(&page, &["ssh ", &format!("-b {source} ")]))
        .filter(|done| done.code == Some(255))
        .collect();
    assert!(
        denied.len() >= 2,
        "the person out of hours and the stranger: {page}"
    );
    assert!(
        denied
            .iter()
            .all(|done| done.err().contains("Permission denied (publickey).")),
        "{denied:?}"
    );
    for answer in [
        " jw",
        " session list",
        " who-can",
        " audit list",
        " play last",
        " text last",
        " verify --all",
    ] {
        paste(&page, &["--config", answer]).ok();
    }
    let check = paste(&page, &["--config", " check "]).exits(1);
    assert!(check.out().contains("outside_schedule"), "{check}");
    let sessions = paste(&page, &["--config", " session list"]).ok();
    assert!(
        sessions.contains("web01") && sessions.contains("db01"),
        "{sessions}"
    );
    demo.signal(Signal::SIGINT);
    demo.done().exits(0);
}

#[test]
fn the_end_of_the_trial_leaves_nothing_behind() {
    let _alone = TRIALS.lock().unwrap_or_else(PoisonError::into_inner);
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (demo, _, folder) = trial();
        assert!(folder.is_dir(), "{}", folder.display());
        demo.signal(signal);
        demo.done().exits(0);
        assert!(!folder.exists(), "{} is left after {signal}", folder.display());
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        wait_for("every process of the trial to end", LIMIT, || {
            let processes = Run::new("ps").args(["-eo", "args"]).done().ok();
            (!processes.contains(&name)).then_some(())
        });
    }
}
