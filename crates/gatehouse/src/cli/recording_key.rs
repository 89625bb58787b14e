//! `gatehouse recording-key`: the keys that sign recordings.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatehouse_gate::make_recording_key;
use gatehouse_store::RecordingKey;

use super::session::Output;
use super::{Answer, Context, examples};
use crate::failure::{Failure, sentence};
use crate::terminal::{Cell, Table, Tone, age};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List the keys that sign recordings, or signed them
    #[command(after_long_help = examples!("gatehouse recording-key list", "gatehouse recording-key list --json"))]
    List,
    /// Print the public keys for who verifies recordings elsewhere, in OpenSSH's form
    Export(Export),
    /// Sign with a new key from now on; what the ones before have signed stays valid
    #[command(after_long_help = examples!("gatehouse recording-key rotate"))]
    Rotate,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse recording-key export -o recording-keys.pub",
    "gatehouse session verify --dir ./0193a7… --public-key recording-keys.pub",
))]
pub(crate) struct Export {
    /// Where to; without it, standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let keys = context.store.recording_keys().await?;
    match verb {
        Verb::List => context.answer(&keys, |screen| {
            let mut table = Table::new(&["KEY", "STATE", "MADE", "PUBLIC KEY"]);
            for key in &keys {
                let state = match key.retired_at {
                    None => Cell::toned("signs", Tone::Good),
                    Some(since) => format!("retired {}", age(context.now, since)).into(),
                };
                table.row([
                    key.id.as_str().into(),
                    state,
                    age(context.now, key.created_at).into(),
                    key.public.as_str().into(),
                ]);
            }
            table.render(screen, "none yet; the first `gatehouse serve` makes one")
        }),
        Verb::Export(arguments) => export(&keys, &arguments, context),
        Verb::Rotate => rotate(context).await,
    }
}

fn export(keys: &[RecordingKey], arguments: &Export, context: &Context) -> Result<Answer, Failure> {
    use std::io::Write;
    if keys.is_empty() {
        return Err(Failure::refused(
            "there is no key that signs recordings yet; the first `gatehouse serve` makes one",
        ));
    }
    let mut out = Output::open(arguments.output.as_deref())?;
    for key in keys {
        writeln!(out.writer, "{} gatehouse-recording", key.public).map_err(Failure::Output)?;
    }
    out.finish()?;
    match &arguments.output {
        Some(path) if path.as_os_str() != "-" => context.done(&format!(
            "exported {} public keys to {}",
            keys.len(),
            path.display()
        )),
        _ => Ok(Answer::nothing()),
    }
}

async fn rotate(context: &Context) -> Result<Answer, Failure> {
    context.confirm(
        "Sign recordings with a new key? Who verifies them elsewhere needs the new public key then.",
    )?;
    let made = make_recording_key().map_err(|error| Failure::refused(sentence(&error)))?;
    let key = context
        .store
        .replace_recording_key(&context.actor, context.now, made)
        .await?;
    context.done_with(
        &key,
        &format!(
            "recordings are signed with {} from now on; give the new public key to who verifies them elsewhere (`gatehouse recording-key export`)",
            key.id
        ),
    )
}
