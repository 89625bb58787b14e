//! `bench ssh`: what the gate costs a person, beside no gate at all, `ssh -J` through OpenSSH, and two other proxies.
//!
//! Client and servers are OpenSSH on loopback addresses of this machine. The routes take turns, one transfer
//! or key at a time, so that whatever else the machine does disturbs them alike; ratios hold where figures do not.

mod absent;
mod bulk;
mod keystroke;
mod memory;
mod peers;
mod place;
mod remote;
mod report;
mod route;
mod set_up;
mod table;
pub(crate) mod watch;

use std::io::{self, Write};

use crate::effort::Length;
use crate::machine;

use bulk::Direction;
use place::{Place, Terms};
use report::Report;
use route::Route;

/// Measures and prints markdown.
pub(crate) fn run(length: Length, out: &mut dyn Write) -> io::Result<()> {
    machine::require_program()?;
    let before = machine::load()?;
    // Idle memory has a gate and a jump host that have done nothing yet.
    let memory = memory::measure(&Place::open(), length)?;

    let place = Place::open().compared(&Route::PEERS);
    place.recording_is_on()?;
    let mut report = Report::default();
    report.absent.also(place.peers.missing());
    set_up::measure(&place, length, &mut report)?;
    keystroke::measure(&place, length, &mut report)?;
    let usual = [Terms::Defaults, Terms::Aes128Gcm];
    bulk::measure(&place, length, &Direction::ALL, &usual, &mut report)?;
    chacha20(length, &mut report)?;

    writeln!(out, "{}", report.figures)?;
    write!(out, "{}", report.absent)?;
    writeln!(out, "{}", report.cpu)?;
    writeln!(out, "{memory}")?;
    writeln!(out, "{}", report.targets)?;
    machine::describe(&place.site.data_dir(), &before, out)
}

/// A gate that offers it gives it to every OpenSSH client, so it has a place of its own. Paramiko lacks it.
fn chacha20(length: Length, report: &mut Report) -> io::Result<()> {
    let place = Place::of_chacha20().compared(&[Route::Go]);
    place.recording_is_on()?;
    report.absent.also(place.peers.missing());
    let directions = [Direction::Up, Direction::Down];
    bulk::measure(&place, length, &directions, &[Terms::ChaCha20], report)
}
