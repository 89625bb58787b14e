//! What proc(5) says about processes.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Ticks of `stat` in a second, on every architecture that Linux has today.
const USER_HZ: u32 = 100;

/// Memory of one or several processes, in bytes.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Memory {
    /// Resident set; pages that several processes share count for each.
    pub(crate) resident: u64,
    /// Proportional set: a page counts by halves for two, by thirds for three.
    pub(crate) proportional: u64,
}

/// CPU time used so far, in user and in kernel mode.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    used_by(&stat(pid)?)
}

/// The same of those threads alone whose name begins so; what threads used that have ended is not in it. A name that no
/// thread has is an error, so that a thread that is called otherwise one day is not taken for one that does nothing.
pub(crate) fn cpu_time_of_threads(pid: u32, name: &str) -> io::Result<Duration> {
    let mut used = None;
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        // It may have ended meanwhile.
        let Ok(text) = fs::read_to_string(entry?.path().join("stat")) else {
            continue;
        };
        let (called, fields) = parted(&text).ok_or_else(another_form)?;
        if called.starts_with(name) {
            used = Some(used.unwrap_or(Duration::ZERO) + used_by(&fields)?);
        }
    }
    used.ok_or_else(|| io::Error::other(format!("no thread of process {pid} is called {name}…")))
}

/// By the fields behind the name: the 14th and 15th of all, of which the third is the first here.
fn used_by(fields: &[String]) -> io::Result<Duration> {
    let [user, kernel] = fields.get(11..13).unwrap_or_default() else {
        return Err(another_form());
    };
    let ticks = |field: &str| field.parse::<u32>().map_err(|_| another_form());
    Ok(Duration::from_secs(1) * (ticks(user)? + ticks(kernel)?) / USER_HZ)
}

/// Memory of a process and all its descendants.
pub(crate) fn memory_of_tree(pid: u32) -> io::Result<Memory> {
    let mut all = Memory::default();
    for pid in tree(pid, &parents()?) {
        let one = memory(pid)?;
        all.resident += one.resident;
        all.proportional += one.proportional;
    }
    Ok(all)
}

/// A process and its descendants, by a list of processes with their parents.
fn tree(root: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut all = vec![root];
    let mut seen = 0;
    while let Some(&pid) = all.get(seen) {
        seen += 1;
        let children = parents.iter().filter(|(_, parent)| *parent == pid);
        all.extend(children.map(|(child, _)| *child));
    }
    all
}

/// The child of this process whose command line names this folder.
pub(crate) fn child_in(folder: &Path) -> io::Result<u32> {
    let folder = folder.display().to_string();
    let ours = std::process::id();
    let children = parents()?.into_iter().filter(|(_, parent)| *parent == ours);
    let mut named = children.map(|(pid, _)| pid).filter(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&folder)
    });
    named
        .next()
        .ok_or_else(|| io::Error::other(format!("no child of this process runs in {folder}")))
}

/// Every process with its parent.
fn parents() -> io::Result<Vec<(u32, u32)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may have ended meanwhile.
        let Ok(fields) = stat(pid) else { continue };
        if let Some(parent) = fields.get(1).and_then(|field| field.parse().ok()) {
            all.push((pid, parent));
        }
    }
    Ok(all)
}

/// The fields behind the name, which may hold anything.
fn stat(pid: u32) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = parted(&text).ok_or_else(another_form)?;
    Ok(fields)
}

/// The name, and the fields behind it.
fn parted(stat: &str) -> Option<(&str, Vec<String>)> {
    let (before, fields) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    Some((name, fields.split_whitespace().map(str::to_owned).collect()))
}

fn another_form() -> io::Error {
    io::Error::other("stat in /proc has another form")
}

fn memory(pid: u32) -> io::Result<Memory> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).map_err(|e| {
        io::Error::new(
            e.kind(),
            format!("{path}: {e} (only root sees the memory of sshd)"),
        )
    })?;
    let kib = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok())
            .ok_or_else(|| io::Error::other(format!("{path} has no {name}")))
    };
    let (resident, proportional): (u64, u64) = (kib("Rss:")?, kib("Pss:")?);
    Ok(Memory {
        resident: resident * 1024,
        proportional: proportional * 1024,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_tree_holds_children_and_their_children() {
        let parents = [(2, 1), (3, 1), (4, 3), (5, 9)];
        assert_eq!(tree(1, &parents), [1, 2, 3, 4]);
    }

    #[test]
    fn a_child_is_found_by_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("tail")
            .arg("-f")
            .arg(folder.path().join("absent"))
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let found = child_in(folder.path());
        let memory = memory(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.unwrap(), child.id());
        let memory = memory.unwrap();
        assert!(memory.proportional > 0 && memory.proportional <= memory.resident);
        assert!(child_in(folder.path()).is_err());
    }

    #[test]
    fn a_name_may_hold_anything_and_times_stand_behind_it() {
        let (name, fields) = parted("7 (a) (b 1 2) S 1 7 7 0 -1 64 0 0 0 0 150 50 9 9 20 0\n").unwrap();
        assert_eq!(name, "a) (b 1 2");
        assert_eq!(used_by(&fields).unwrap(), Duration::from_secs(2));
        assert!(parted("7 no name").is_none());
        assert!(used_by(&fields[..12]).is_err());
        let (_, fields) = parted("7 (a) S 1 7 7 0 -1 64 0 0 0 0 x 50").unwrap();
        assert!(used_by(&fields).is_err());
    }

    #[test]
    fn threads_are_told_by_the_beginning_of_their_name() {
        let pid = std::process::id();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let working = std::thread::Builder::new()
            .name("counted-thread-1".to_owned())
            .spawn(move || {
                while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    std::hint::black_box((0..100_000_u64).fold(0, |a, b| a ^ b));
                }
            })
            .unwrap();
        gatehouse_e2e::wait_for("the thread's CPU time", gatehouse_e2e::LIMIT, || {
            // The kernel keeps 15 bytes of the name.
            let used = cpu_time_of_threads(pid, "counted-thread").ok()?;
            (used > Duration::ZERO).then_some(())
        });
        drop(stop);
        working.join().unwrap();
        gatehouse_e2e::wait_for("the thread to be gone", gatehouse_e2e::LIMIT, || {
            cpu_time_of_threads(pid, "counted-thread").err()
        });
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let pid = std::process::id();
        let before = cpu_time(pid).unwrap();
        gatehouse_e2e::wait_for("CPU time to be counted", gatehouse_e2e::LIMIT, || {
            std::hint::black_box((0..1_000_000_u64).fold(0, |a, b| a ^ b));
            (cpu_time(pid).ok()? > before).then_some(())
        });
    }
}
