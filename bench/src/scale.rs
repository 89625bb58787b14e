//! `bench scale`: many sessions at once, with a synthetic server and synthetic clients.

mod busy;
mod idle;
mod restart;
mod set_ups;
mod shells;
mod stalled;

use std::io::{self, Write};

use crate::effort::Length;
use crate::machine;
use crate::verdict::Verdicts;

/// Worker threads of the clients: one, so that they leave the other core to the gate and the server.
const WORKERS: usize = 1;

type Part = fn(Length, &mut Verdicts) -> io::Result<()>;

/// Measures all of it and prints markdown.
pub(crate) fn run(length: Length, out: &mut dyn Write) -> io::Result<()> {
    machine::require_program()?;
    let before = machine::load()?;
    let mut verdicts = Verdicts::default();
    let parts: [(&str, Part); 5] = [
        ("set-ups", set_ups::measure),
        ("idle", idle::measure),
        ("busy", busy::measure),
        ("stalled", stalled::measure),
        ("restart", restart::measure),
    ];
    for (name, measure) in parts {
        // One that fails says so in the table, and the others are measured all the same.
        if let Err(error) = measure(length, &mut verdicts) {
            verdicts.note(name, &format!("not measured: {error}"));
        }
    }
    writeln!(out, "{verdicts}")?;
    machine::describe(&std::env::temp_dir(), &before, out)
}

/// Idle sessions for an hour: what grows.
pub(crate) fn hour(length: Length, out: &mut dyn Write) -> io::Result<()> {
    machine::require_program()?;
    let before = machine::load()?;
    let mut verdicts = Verdicts::default();
    idle::hour(length, &mut verdicts)?;
    writeln!(out, "{verdicts}")?;
    machine::describe(&std::env::temp_dir(), &before, out)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
}
