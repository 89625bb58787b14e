//! What is written for people: tables, fields and ages, as wide as the terminal, coloured only on one, and free of
//! anything in stored text that a terminal would obey.

mod age;
mod table;
mod text;

use std::io::IsTerminal;

pub(crate) use age::{age, bytes, end, length};
pub(crate) use table::{Cell, Fields, Table, Tone};
pub(crate) use text::clean;

/// Where text is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Columns; `None`: no terminal, so nothing is cut.
    pub(crate) width: Option<usize>,
    /// Whether colour is wanted.
    pub(crate) colour: Colour,
}

/// Whether colour is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Colour {
    /// It is.
    On,
    /// It is not.
    Off,
}

impl Screen {
    /// What standard output is. Colour needs a terminal that is not `dumb`, and no `NO_COLOR` in the environment.
    pub(crate) fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self {
            width: if terminal { width } else { None },
            colour: if terminal && !unwanted {
                Colour::On
            } else {
                Colour::Off
            },
        }
    }
}
