//! Measured figures, one file for each: `bench decision`, `bench idle-hour`, `bench large-file`, `bench lists`, `bench recording`, `bench scale`,
//! `bench ssh`, `bench watch`; and `bench soak`, which measures nothing and breaks everything.
//! With `--quick` a run is short and its figures are rough.

mod decision;
mod effort;
mod large_file;
mod lists;
mod machine;
mod process;
mod quantile;
mod random;
mod recording;
mod scale;
mod soak;
mod ssh;
mod synthetic;
mod verdict;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::effort::Length;

type Measurement = fn(Length, &mut dyn Write) -> io::Result<()>;

/// The measurements by name.
const MEASUREMENTS: &[(&str, Measurement)] = &[
    ("decision", |length, out| fenced(decision::run, length, out)),
    ("idle-hour", scale::hour),
    ("large-file", large_file::run),
    ("lists", lists::run),
    ("recording", |length, out| fenced(recording::run, length, out)),
    ("scale", scale::run),
    ("soak", soak::run),
    ("ssh", ssh::run),
    ("watch", ssh::watch::run),
];

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if let [word, address] = words.as_slice()
        && word == synthetic::backend::WORD
    {
        return ended(synthetic::backend::serve(address));
    }
    let Some((run, length)) = chosen(&words) else {
        let names: Vec<_> = MEASUREMENTS.iter().map(|(name, _)| *name).collect();
        let _ = writeln!(io::stderr(), "usage: bench {} [--quick]", names.join("|"));
        return ExitCode::from(2);
    };
    if let Err(error) = machine::raise_open_file_limit() {
        let _ = writeln!(
            io::stderr(),
            "the limit of open files stays as it is, so there may be fewer sessions: {error}"
        );
    }
    ended(run(length, &mut io::stdout()))
}

/// A table of columns, which Markdown shows as it stands only so.
fn fenced(run: Measurement, length: Length, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "```")?;
    run(length, out)?;
    writeln!(out, "```")
}

fn ended(outcome: io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "the measurement failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn chosen(words: &[String]) -> Option<(Measurement, Length)> {
    let (wanted, length) = match words {
        [name] => (name, Length::Full),
        [name, option] if option == "--quick" => (name, Length::Quick),
        _ => return None,
    };
    let (_, run) = MEASUREMENTS.iter().find(|(name, _)| name == wanted)?;
    Some((*run, length))
}
