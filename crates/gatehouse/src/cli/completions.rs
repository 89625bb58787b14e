//! `gatehouse completions`.

use clap::Args;
use clap_complete::Shell;

use super::{Answer, command, examples};
use crate::failure::Failure;

/// Which shell.
#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse completions bash > /etc/bash_completion.d/gatehouse",
    "gatehouse completions zsh > ~/.zfunc/_gatehouse",
))]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "gatehouse", &mut script);
    Ok(Answer::text(String::from_utf8_lossy(&script).into_owned()))
}
