//! What an idle terminal session takes: in the gate, and in the processes of an OpenSSH jump host.

use std::fmt;
use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::effort::{Effort, Length};

use super::place::{Place, Terms};
use super::remote::{Ends, Remote};
use super::route::Route;
use crate::process::{self, Memory};

/// Sessions held at once through the gate, and through the jump host, whose processes are larger by far.
const GATE: Effort<u32> = Effort { full: 500, quick: 20 };
const JUMP: Effort<u32> = Effort { full: 50, quick: 10 };
/// How long they are left alone before memory is read.
const REST: Duration = Duration::from_secs(3);

/// Memory before any session, and with all of them.
pub(super) struct Idle {
    gate: (u32, [Memory; 2]),
    jump: (u32, [Memory; 2]),
}

pub(super) fn measure(place: &Place, length: Length) -> io::Result<Idle> {
    let gate = place.site.node().pid();
    let folder = place.jump.files();
    let jump = process::child_in(folder.parent().unwrap_or(&folder))?;
    Ok(Idle {
        gate: before_and_with(place, Route::Gate, gate, GATE.at(length))?,
        jump: before_and_with(place, Route::Jump, jump, JUMP.at(length))?,
    })
}

fn before_and_with(place: &Place, route: Route, pid: u32, sessions: u32) -> io::Result<(u32, [Memory; 2])> {
    let open = || Remote::start(place, Terms::Defaults, route, Ends::Terminal, "exec cat");
    // What only the first session brings is no part of a session.
    drop(open()?);
    sleep(REST);
    let before = process::memory_of_tree(pid)?;
    let held = (0..sessions).map(|_| open()).collect::<io::Result<Vec<_>>>()?;
    sleep(REST);
    let with = process::memory_of_tree(pid)?;
    drop(held);
    Ok((sessions, [before, with]))
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| memory of idle pty sessions | `ssh -J`: sshd of the jump host, {} of them | gate, {} of them | gate ÷ `ssh -J` |",
            self.jump.0, self.gate.0
        )?;
        writeln!(f, "| --- | --- | --- | --- |")?;
        let [resident, proportional] = [|m: &Memory| m.resident, |m: &Memory| m.proportional];
        self.row(f, "proportional set", proportional)?;
        self.row(f, "resident set", resident)
    }
}

impl Idle {
    fn row(&self, f: &mut fmt::Formatter<'_>, what: &str, of: fn(&Memory) -> u64) -> fmt::Result {
        let [jump, gate] = [&self.jump, &self.gate].map(|(sessions, [before, with])| {
            let (before, with) = (kib(of(before)), kib(of(with)));
            (before, (with - before) / f64::from(*sessions))
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
