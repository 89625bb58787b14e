//! `bench ssh`: what the gate costs a person, beside no gate at all, `ssh -J` through OpenSSH, and two other proxies.
//!
//! Client and servers are OpenSSH on loopback addresses of this machine. The routes take turns, one transfer
//! or key at a time, so that whatever else the machine does disturbs them alike; ratios hold where figures do not.

mod bulk;
mod keystroke;
mod memory;
mod peers;
mod place;
mod remote;
mod route;
mod set_up;
mod table;
pub(crate) mod watch;

use std::io::{self, Write};

use crate::effort::Length;
use crate::machine;

use place::Place;
use table::Table;

/// Measures and prints markdown.
pub(crate) fn run(length: Length, out: &mut dyn Write) -> io::Result<()> {
    machine::require_program()?;
    let before = machine::load()?;
    // Idle memory has a gate and a jump host that have done nothing yet.
    let memory = memory::measure(&Place::open(), length)?;

    let place = Place::open().compared();
    place.recording_is_on()?;
    let mut table = Table::default();
    set_up::measure(&place, length, &mut table)?;
    keystroke::measure(&place, length, &mut table)?;
    let cpu = bulk::measure(&place, length, &mut table)?;

    writeln!(out, "{table}")?;
    for sentence in place.peers.missing() {
        writeln!(out, "{sentence}\n")?;
    }
    writeln!(out, "{cpu}")?;
    writeln!(out, "{memory}")?;
    machine::describe(&place.site.data_dir(), &before, out)
}
