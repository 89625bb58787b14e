//! What an idle terminal session takes: in the gate, and in the processes of an OpenSSH jump host.

use std::fmt;
use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::effort::{Effort, Length};

use super::place::{Place, Terms};
use super::process::{self, Memory};
use super::remote::{Ends, Remote};
use super::route::Route;

/// Sessions held at once on a route.
const SESSIONS: Effort<u32> = Effort { full: 100, quick: 10 };
/// How long they are left alone before memory is read.
const REST: Duration = Duration::from_secs(3);

/// Memory before any session, and with all of them.
pub(super) struct Idle {
    sessions: u32,
    gate: [Memory; 2],
    jump: [Memory; 2],
}

pub(super) fn measure(place: &Place, length: Length) -> io::Result<Idle> {
    let sessions = SESSIONS.at(length);
    let gate = place.site.node().pid();
    let folder = place.jump.files();
    let jump = process::child_in(folder.parent().unwrap_or(&folder))?;
    Ok(Idle {
        sessions,
        gate: before_and_with(place, Route::Gate, gate, sessions)?,
        jump: before_and_with(place, Route::Jump, jump, sessions)?,
    })
}

fn before_and_with(place: &Place, route: Route, pid: u32, sessions: u32) -> io::Result<[Memory; 2]> {
    let open = || Remote::start(place, Terms::Defaults, route, Ends::Terminal, "exec cat");
    // What only the first session brings is no part of a session.
    drop(open()?);
    sleep(REST);
    let before = process::memory_of_tree(pid)?;
    let held = (0..sessions).map(|_| open()).collect::<io::Result<Vec<_>>>()?;
    sleep(REST);
    let with = process::memory_of_tree(pid)?;
    drop(held);
    Ok([before, with])
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| memory, {} idle pty sessions | `ssh -J`: sshd of the jump host | gate | gate ÷ `ssh -J` |",
            self.sessions
        )?;
        writeln!(f, "| --- | --- | --- | --- |")?;
        let [resident, proportional] = [|m: &Memory| m.resident, |m: &Memory| m.proportional];
        self.row(f, "proportional set", proportional)?;
        self.row(f, "resident set", resident)
    }
}

impl Idle {
    fn row(&self, f: &mut fmt::Formatter<'_>, what: &str, of: fn(&Memory) -> u64) -> fmt::Result {
        let [jump, gate] = [&self.jump, &self.gate].map(|[before, with]| {
            let (before, with) = (kib(of(before)), kib(of(with)));
            (before, (with - before) / f64::from(self.sessions))
        });
        writeln!(f, "| {what} before, KiB | {:.0} | {:.0} | |", jump.0, gate.0)?;
        let ratio = gate.1 / jump.1;
        writeln!(
            f,
            "| {what} for each session, KiB | {:.0} | {:.0} | {ratio:.2} |",
            jump.1, gate.1
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}
