//! What the figures were made on.

use std::fs;
use std::io::{self, Write};
use std::process::Command;
use std::thread::available_parallelism;

use super::place::Place;

/// Names the gate's binary for the harness.
const PROGRAM: &str = "GATEHOUSE_BIN";

/// Checks that the gate's binary is named and there.
pub(super) fn require_program() -> io::Result<()> {
    match std::env::var_os(PROGRAM) {
        Some(path) if fs::metadata(&path)?.is_file() => Ok(()),
        _ => Err(io::Error::other(format!(
            "{PROGRAM} names no file; build gatehouse in release and set it to target/release/gatehouse"
        ))),
    }
}

/// proc(5): how many processes wanted a core lately: over one, five and fifteen minutes.
pub(super) fn load() -> io::Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

/// Prints what the measurement ran on.
pub(super) fn describe(place: &Place, load_before: &str, out: &mut dyn Write) -> io::Result<()> {
    let cores = available_parallelism()?;
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1))
        .unwrap_or("unknown");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    // ssh -V writes to standard error.
    let openssh = said(Command::new("ssh").arg("-V"))?;
    let data = place.site.data_dir();
    let file_system = said(Command::new("stat").args(["-f", "-c", "%T"]).arg(&data))?;
    let gate = said(Command::new(gatehouse_e2e::program()).arg("--version"))?;
    let program = gatehouse_e2e::program();
    writeln!(out, "- machine: {cores} cores ({model}), Linux {}", kernel.trim())?;
    writeln!(out, "- client and servers: {openssh}")?;
    writeln!(out, "- gate: {gate}, {}", program.display())?;
    writeln!(out, "- recordings and database: on {file_system}, SQLite")?;
    let login = place.server.login();
    writeln!(out, "- sshd and gate run as {login}")?;
    writeln!(out, "- load before {load_before}, after {}", load()?)
}

fn said(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    let all = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&all).trim().to_owned())
}
