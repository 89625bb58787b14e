//! `gatehouse server hostkey` and `gatehouse server credential`: how the gate knows a server, and logs in.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatehouse_model::Login;
use gatehouse_store::{CredentialKind, CredentialTrust, HostKeyState, NewCredential};

use super::secret_input::{PasswordFrom, password, private_key};
use super::server::One;
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Table, Tone, age};

#[derive(Subcommand)]
pub(crate) enum HostKeyVerb {
    /// List the host keys that a server has shown
    #[command(after_long_help = examples!("gatehouse server hostkey list web01"))]
    List(One),
    /// Accept a host key that waits; it replaces the accepted one of its algorithm
    Accept(Accept),
    /// Forget a server's host keys, so that the next one shown is the first
    #[command(after_long_help = examples!("gatehouse server hostkey forget web01"))]
    Forget(One),
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse server hostkey accept web01                 the one that waits",
    "gatehouse server hostkey accept web01 SHA256:2Dx7…",
))]
pub(crate) struct Accept {
    /// Name or id of the server
    name: String,
    /// Which one, if several wait
    fingerprint: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum CredentialVerb {
    /// Store a password or private key that the gate logs in with
    Add(AddCredential),
    /// List a server's stored credentials, without their secrets
    #[command(after_long_help = examples!("gatehouse server credential list web01"))]
    List(One),
    /// Delete a stored credential
    Remove(RemoveCredential),
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("whose").required(true).args(["login", "any_login"]))]
#[command(after_long_help = examples!(
    "gatehouse server credential add web01 --login root --key ./web01_root",
    "pass show web01 | gatehouse server credential add web01 --login admin --password-stdin",
    "gatehouse server credential add web01 --login backup --key - --address-is-enough < key",
))]
pub(crate) struct AddCredential {
    /// Name or id of the server
    name: String,
    /// The login it is for
    #[arg(long, value_name = "LOGIN")]
    login: Option<Login>,
    /// It is for every login at the server that has none of its own
    #[arg(long)]
    any_login: bool,
    /// Read a password from the first line of standard input [default: ask for one on the terminal]
    #[arg(long, conflicts_with = "key")]
    password_stdin: bool,
    /// A private key in OpenSSH's form, without passphrase; `-` reads standard input
    #[arg(long, value_name = "FILE|-")]
    key: Option<PathBuf>,
    /// Use it for whoever comes from a known address, without a registered key or a sign-in; every use is audited
    #[arg(long)]
    address_is_enough: bool,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("whose").required(true).args(["login", "any_login"]))]
#[command(after_long_help = examples!(
    "gatehouse server credential remove web01 root",
    "gatehouse server credential remove web01 --any-login",
))]
pub(crate) struct RemoveCredential {
    /// Name or id of the server
    name: String,
    /// The login it is for
    login: Option<Login>,
    /// The one for every login that has none of its own
    #[arg(long)]
    any_login: bool,
}

pub(super) async fn host_key(verb: HostKeyVerb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        HostKeyVerb::List(one) => {
            let keys = store.host_keys(&one.name).await?;
            context.answer(&keys, |screen| {
                let mut table = Table::new(&[
                    "FINGERPRINT",
                    "ALGORITHM",
                    "STATE",
                    "FIRST SEEN",
                    "LAST SEEN",
                    "ACCEPTED BY",
                ]);
                for key in &keys {
                    let (state, tone) = match key.state {
                        HostKeyState::Accepted => ("accepted", Tone::Good),
                        HostKeyState::Pending => ("waits", Tone::Warn),
                    };
                    table.row([
                        key.fingerprint.as_str().into(),
                        key.algorithm.as_str().into(),
                        Cell::toned(state, tone),
                        age(now, key.first_seen).into(),
                        age(now, key.last_seen).into(),
                        key.accepted_by.as_deref().unwrap_or("first use").into(),
                    ]);
                }
                table.render(screen, "no host key seen yet; the first one is pinned")
            })
        }
        HostKeyVerb::Accept(arguments) => {
            let (name, fingerprint) = (&arguments.name, arguments.fingerprint.as_deref());
            let key = store.accept_host_key(actor, now, name, fingerprint).await?;
            context.done_with(
                &key,
                &format!("accepted {} ({}) for {name}", key.fingerprint, key.algorithm),
            )
        }
        HostKeyVerb::Forget(one) => {
            context.confirm(&format!(
                "Forget the host keys of {}? The next one it shows is trusted.",
                one.name
            ))?;
            let count = store.forget_host_keys(actor, now, &one.name).await?;
            context.done(&format!("forgot {count} host keys of {}", one.name))
        }
    }
}

pub(super) async fn credential(verb: CredentialVerb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        CredentialVerb::Add(arguments) => add_credential(arguments, context).await,
        CredentialVerb::List(one) => {
            let entries = store.credentials(&one.name).await?;
            context.answer(&entries, |screen| {
                let mut table = Table::new(&["LOGIN", "KIND", "USED FOR", "STORED", "BY"]);
                for entry in &entries {
                    let kind = match entry.kind {
                        CredentialKind::Password => "password",
                        CredentialKind::Key => "key",
                    };
                    let trust = match entry.address_is_enough {
                        true => Cell::toned("any known address", Tone::Warn),
                        false => "a registered key or sign-in".into(),
                    };
                    table.row([
                        login_words(entry.login.as_ref()).into(),
                        kind.into(),
                        trust,
                        age(now, entry.created_at).into(),
                        entry.created_by.as_str().into(),
                    ]);
                }
                table.render(screen, "no stored credentials")
            })
        }
        CredentialVerb::Remove(arguments) => {
            let login = arguments.login.as_ref();
            let words = login_words(login);
            context.confirm(&format!(
                "Remove the credential of {words} at {}?",
                arguments.name
            ))?;
            store
                .remove_credential(actor, now, &arguments.name, login)
                .await?;
            context.done(&format!(
                "removed the credential of {words} at {}",
                arguments.name
            ))
        }
    }
}

async fn add_credential(arguments: AddCredential, context: &Context) -> Result<Answer, Failure> {
    // A wrong name is told before a secret is asked for.
    let server = context.store.server(context.now, &arguments.name).await?;
    let (kind, secret) = match &arguments.key {
        Some(file) => (CredentialKind::Key, private_key(file)?),
        None => {
            let from = if arguments.password_stdin {
                PasswordFrom::Stdin
            } else {
                PasswordFrom::Terminal
            };
            (CredentialKind::Password, password(from, "--password-stdin")?)
        }
    };
    let trust = match arguments.address_is_enough {
        true => CredentialTrust::AddressIsEnough,
        false => CredentialTrust::Proof,
    };
    let new = NewCredential {
        login: arguments.login,
        kind,
        secret,
        trust,
    };
    let entry = context
        .store
        .add_credential(&context.actor, context.now, &arguments.name, new)
        .await?;
    let words = login_words(entry.login.as_ref());
    context.done_with(
        &entry,
        &format!("stored a credential of {words} at {}", server.name),
    )
}

fn login_words(login: Option<&Login>) -> String {
    login.map_or_else(|| "any login".to_owned(), Login::to_string)
}
