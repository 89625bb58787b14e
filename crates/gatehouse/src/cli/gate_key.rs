//! `gatehouse server gate-key`: host keys that the gate shows at one server's proxy addresses.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatehouse_model::ServerId;
use gatehouse_store::GateHostKey;
use serde_json::{Value, json};

use super::secret_input::private_key;
use super::server::One;
use super::{Answer, Context, examples};
use crate::failure::{Failure, sentence};
use crate::terminal::Table;

#[derive(Subcommand)]
pub(crate) enum GateKeyVerb {
    /// List the host keys that the gate shows for a server
    #[command(after_long_help = examples!("gatehouse server gate-key list web01"))]
    List(One),
    /// Give a server's proxy addresses host keys of their own: new ones, or the one in a file
    Add(Add),
    /// Show the gate's shared host keys for a server again
    #[command(after_long_help = examples!("gatehouse server gate-key remove web01"))]
    Remove(One),
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse server gate-key add web01                             new keys of each kind",
    "gatehouse server gate-key add web01 --key ssh_host_ed25519_key  the key that people's clients know already",
))]
pub(crate) struct Add {
    /// Name or id of the server
    name: String,
    /// A private key in OpenSSH's form, without passphrase; `-` reads standard input
    #[arg(long, value_name = "FILE|-")]
    key: Option<PathBuf>,
}

pub(super) async fn run(verb: GateKeyVerb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        GateKeyVerb::List(one) => {
            let server = store.server(now, &one.name).await?;
            let keys = store.gate_host_keys().await?;
            let own: Vec<_> = of(&keys, Some(server.id));
            let shown = if own.is_empty() { of(&keys, None) } else { own };
            let values: Vec<Value> = shown.iter().map(|key| value(key)).collect();
            context.answer(&values, |screen| {
                let mut table = Table::new(&["ALGORITHM", "WHOSE", "PUBLIC KEY"]);
                for key in &shown {
                    let whose = if key.server.is_some() {
                        "this server alone"
                    } else {
                        "shared"
                    };
                    table.row([
                        key.algorithm.as_str().into(),
                        whose.into(),
                        key.public.as_str().into(),
                    ]);
                }
                table.render(screen, "none yet; the first `gatehouse serve` makes them")
            })
        }
        GateKeyVerb::Add(arguments) => add(arguments, context).await,
        GateKeyVerb::Remove(one) => {
            context.confirm(&format!(
                "Remove the host keys shown for {}? Clients that know them will warn of a change.",
                one.name
            ))?;
            let count = store.remove_gate_host_keys(actor, now, &one.name).await?;
            context.done(&format!("removed {count} host keys shown for {}", one.name))
        }
    }
}

async fn add(arguments: Add, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    let server = store.server(now, &arguments.name).await?;
    let made = match &arguments.key {
        Some(file) => gatehouse_ssh::adopt_for_server(server.id, private_key(file)?).map(|key| vec![key]),
        None => {
            let id = server.id;
            tokio::task::spawn_blocking(move || gatehouse_ssh::generate_for_server(id))
                .await
                .map_err(|error| Failure::refused(sentence(&error)))?
        }
    };
    let made = made.map_err(|error| Failure::refused(sentence(&error)))?;
    let before = store.gate_host_keys().await?;
    let taken: Vec<_> = of(&before, Some(server.id))
        .iter()
        .map(|key| key.algorithm.clone())
        .collect();
    if let Some(there) = made.iter().find(|key| taken.contains(&key.algorithm)) {
        return Err(Failure::refused(format!(
            "there is a {} key shown for {} already; remove the server's keys first (`gatehouse server gate-key remove {}`)",
            there.algorithm, server.name, server.name
        )));
    }
    let kept = store.keep_gate_host_keys(actor, now, made).await?;
    let own = of(&kept, Some(server.id));
    let values: Vec<Value> = own.iter().map(|key| value(key)).collect();
    context.done_with(
        &values,
        &format!(
            "{} host keys are shown for {} from now on",
            own.len(),
            server.name
        ),
    )
}

fn of(keys: &[GateHostKey], server: Option<ServerId>) -> Vec<&GateHostKey> {
    keys.iter().filter(|key| key.server == server).collect()
}

fn value(key: &GateHostKey) -> Value {
    json!({ "algorithm": key.algorithm, "public": key.public, "shared": key.server.is_none() })
}
