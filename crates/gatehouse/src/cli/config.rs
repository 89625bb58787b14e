//! `gatehouse config`.

use clap::Subcommand;
use serde_json::json;

use super::context::to_json;
use super::{Answer, Options, examples};
use crate::config::Loaded;
use crate::failure::Failure;
use crate::serve::algorithm_lists;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Read the configuration and say whether it is right
    #[command(after_long_help = examples!("gatehouse config check --config /etc/gatehouse/gatehouse.toml"))]
    Check,
    /// Print the configuration in force: defaults, file and environment together, without passwords
    #[command(after_long_help = examples!(
        "gatehouse config show > gatehouse.toml",
        "GATEHOUSE_SSH__LISTEN='[\"127.0.0.1:2222\"]' gatehouse config show",
    ))]
    Show,
}

pub(super) fn run(verb: Verb, options: &Options, loaded: &Loaded) -> Result<Answer, Failure> {
    let origin = loaded.file.as_ref().map(|path| path.display().to_string());
    let shown = loaded.config.without_secrets();
    gatehouse_ssh::Algorithms::new(&algorithm_lists(&shown.ssh))
        .map_err(|error| Failure::refused(error.to_string()))?;
    let text = match (verb, options.json) {
        (Verb::Check, true) => to_json(&json!({ "file": origin, "ok": true }))?,
        (Verb::Check, false) => match origin {
            Some(path) => format!("the configuration in {path} is right\n"),
            None => "there is no configuration file; the defaults are right\n".to_owned(),
        },
        (Verb::Show, true) => to_json(&shown)?,
        (Verb::Show, false) => toml::to_string(&shown).map_err(|error| {
            Failure::refused(format!("the configuration cannot be written as TOML: {error}"))
        })?,
    };
    Ok(Answer::text(text))
}
