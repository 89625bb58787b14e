//! Processes that a test must not leave behind: those that its programs have started in turn.

use std::fs;

use nix::sys::signal::Signal;

use crate::run::send_signal;

/// Kills a process and all that it has started and that did not turn away from it.
pub(crate) fn kill_tree(pid: u32) {
    let parents = parents();
    let mut tree = vec![pid];
    let mut seen = 0;
    while let Some(&parent) = tree.get(seen) {
        seen += 1;
        let children = parents.iter().filter(|(_, of)| *of == parent);
        tree.extend(children.map(|(child, _)| *child));
    }
    // From the top, so that none of them starts another one.
    for pid in tree {
        send_signal(pid, Signal::SIGKILL);
    }
}

/// The children of a process.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let all = parents().into_iter().filter(|(_, parent)| *parent == pid);
    all.map(|(child, _)| child).collect()
}

/// Kills whatever has this variable in its environment, such as all that ran in an account's home of a test's own.
pub(crate) fn kill_with_variable(variable: &str) {
    for pid in pids() {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        if environment
            .split(|byte| *byte == 0)
            .any(|one| one == variable.as_bytes())
        {
            send_signal(pid, Signal::SIGKILL);
        }
    }
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let parent = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in brackets, may hold anything; the state and the parent come behind it.
        let (_, fields) = text.rsplit_once(')')?;
        Some((pid, fields.split_whitespace().nth(1)?.parse().ok()?))
    };
    pids().into_iter().filter_map(parent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LIMIT, Run, wait_for};

    #[test]
    fn what_a_program_has_started_goes_with_it() {
        let mark = format!("sleep 4{}", std::process::id());
        let running = |mark: &str| {
            let line = mark.replace(' ', "\0");
            pids().into_iter().any(|pid| {
                let found = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&found).starts_with(&line)
            })
        };
        let shell = Run::new("sh").args(["-c", &format!("{mark} & wait")]).start();
        wait_for("the child of the child", LIMIT, || running(&mark).then_some(()));
        drop(shell);
        wait_for("its end", LIMIT, || (!running(&mark)).then_some(()));
    }
}
