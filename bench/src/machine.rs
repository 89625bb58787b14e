//! What the figures were made on.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Names the gate's binary for the harness.
const PROGRAM: &str = "GATEHOUSE_BIN";

/// Checks that the gate's binary is named and there.
pub(crate) fn require_program() -> io::Result<()> {
    match std::env::var_os(PROGRAM) {
        Some(path) if fs::metadata(&path)?.is_file() => Ok(()),
        _ => Err(io::Error::other(format!(
            "{PROGRAM} names no file; build gatehouse in release and set it to target/release/gatehouse"
        ))),
    }
}

/// Allows this process, and whatever it starts, as many open files as it may allow itself; gives that number. A measurement
/// of thousands of sessions would otherwise end at the 1024 that a shell usually allows.
pub(crate) fn raise_open_file_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// How many files each process may have open: this one, and those that it starts.
pub(crate) fn open_file_limit() -> io::Result<u64> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(soft)
}

/// proc(5): how many processes wanted a core lately: over one, five and fifteen minutes.
pub(crate) fn load() -> io::Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

/// Prints what the measurement ran on.
pub(crate) fn describe(data: &Path, load_before: &str, out: &mut dyn Write) -> io::Result<()> {
    let cores = available_parallelism()?;
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1))
        .unwrap_or("unknown");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    // ssh -V writes to standard error.
    let openssh = said(Command::new("ssh").arg("-V"))?;
    let file_system = said(Command::new("stat").args(["-f", "-c", "%T"]).arg(data))?;
    let gate = said(Command::new(gatehouse_e2e::program()).arg("--version"))?;
    let program = gatehouse_e2e::program();
    writeln!(out, "- machine: {cores} cores ({model}), Linux {}", kernel.trim())?;
    writeln!(out, "- client and servers: {openssh}")?;
    let rust = said(Command::new("rustc").arg("--version")).unwrap_or_else(|_| "unknown".to_owned());
    writeln!(out, "- gate: {gate}, {}, {rust}", program_kind(&program))?;
    writeln!(out, "- recordings and database: on {file_system}, SQLite")?;
    let login = gatehouse_e2e::this_login();
    writeln!(out, "- sshd and gate run as {login}")?;
    writeln!(out, "- load before {load_before}, after {}", load()?)
}

/// How it was built, by where cargo puts it.
fn program_kind(program: &Path) -> &'static str {
    match program.parent().and_then(Path::file_name) {
        Some(name) if name == "debug" => "a debug build",
        _ => "a release build",
    }
}

fn said(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    let all = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&all).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_may_be_open_up_to_the_hard_limit() {
        let raised = raise_open_file_limit().unwrap();
        assert_eq!(open_file_limit().unwrap(), raised);
        let of_a_child = said(Command::new("sh").args(["-c", "ulimit -n"])).unwrap();
        assert!(of_a_child == raised.to_string() || of_a_child == "unlimited");
    }
}
