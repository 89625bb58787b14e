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
    let fields = stat(pid)?;
    // The 14th and 15th field; those behind the name begin with the third.
    let ticks = fields.iter().skip(11).take(2);
    let ticks = ticks
        .map(|field| field.parse::<u32>())
        .sum::<Result<u32, _>>()
        .map_err(io::Error::other)?;
    Ok(Duration::from_secs(1) * ticks / USER_HZ)
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
    let (_, fields) = text
        .rsplit_once(')')
        .ok_or_else(|| io::Error::other("/proc/PID/stat has another form"))?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
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
    fn cpu_time_grows_with_work() {
        let pid = std::process::id();
        let before = cpu_time(pid).unwrap();
        gatehouse_e2e::wait_for("CPU time to be counted", gatehouse_e2e::LIMIT, || {
            std::hint::black_box((0..1_000_000_u64).fold(0, |a, b| a ^ b));
            (cpu_time(pid).ok()? > before).then_some(())
        });
    }
}
