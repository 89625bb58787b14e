//! `gatehouse user address`, `gatehouse user key` and `gatehouse user password`: what says who somebody is.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatehouse_model::AddressRange;
use gatehouse_store::{Activity, Inside, NewAddress, UserAddress, UserKey};

use super::secret_input::{PasswordFrom, file_or_stdin, password as read_password};
use super::user::One;
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Screen, Table, Tone, age};

#[derive(Subcommand)]
pub(crate) enum AddressVerb {
    /// Enter a source address or range of a person
    Add(AddAddress),
    /// List a person's source addresses
    #[command(after_long_help = examples!("gatehouse user address list alice"))]
    List(One),
    /// Switch an address on
    #[command(after_long_help = examples!("gatehouse user address enable alice 10.0.0.7"))]
    Enable(OneAddress),
    /// Switch an address off; it still hides wider ranges of other people
    #[command(after_long_help = examples!("gatehouse user address disable alice 10.0.0.7"))]
    Disable(OneAddress),
    /// Delete an address
    #[command(after_long_help = examples!("gatehouse user address remove alice 10.0.0.0/24"))]
    Remove(OneAddress),
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse user address add alice 10.0.0.7 --label laptop",
    "gatehouse user address add bob 10.0.0.64/28 --inside       (lies inside another person's range, and is meant to)",
))]
pub(crate) struct AddAddress {
    /// Name or id of the person
    name: String,
    /// Address or range
    #[arg(value_name = "IP|CIDR")]
    range: AddressRange,
    /// A note, such as "laptop"
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Let it lie inside, or around, a range of another person
    #[arg(long)]
    inside: bool,
}

/// One address of a person.
#[derive(Args)]
pub(crate) struct OneAddress {
    /// Name or id of the person
    name: String,
    /// Address or range, as it was entered
    #[arg(value_name = "IP|CIDR")]
    range: AddressRange,
}

#[derive(Subcommand)]
pub(crate) enum KeyVerb {
    /// Register public keys of a person, from a file or standard input
    Add(AddKey),
    /// List a person's public keys
    #[command(after_long_help = examples!("gatehouse user key list alice"))]
    List(One),
    /// Delete a public key
    Remove(RemoveKey),
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse user key add alice ~/.ssh/id_ed25519.pub",
    "ssh-add -L | gatehouse user key add alice -",
))]
pub(crate) struct AddKey {
    /// Name or id of the person
    name: String,
    /// File with one public key a line, as OpenSSH writes them; `-` reads standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse user key remove alice SHA256:2Dx7…"))]
pub(crate) struct RemoveKey {
    /// Name or id of the person
    name: String,
    /// The key's fingerprint, as `gatehouse user key list` shows it
    fingerprint: String,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse user password alice",
    "pass show gate/alice | gatehouse user password alice --stdin",
))]
pub(crate) struct PasswordArguments {
    /// Name or id of the person
    name: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    stdin: bool,
}

pub(super) async fn address(verb: AddressVerb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        AddressVerb::Add(arguments) => {
            let new = NewAddress {
                range: arguments.range,
                label: arguments.label,
                inside: if arguments.inside {
                    Inside::Allow
                } else {
                    Inside::Refuse
                },
            };
            let added = context
                .store
                .add_user_address(&context.actor, context.now, &arguments.name, new)
                .await?;
            let mut sentence = format!("{} now says that {} connects", added.range, arguments.name);
            if !added.inside.is_empty() {
                let around: Vec<_> = added
                    .inside
                    .iter()
                    .map(|h| format!("{} of {}", h.range, h.user))
                    .collect();
                sentence.push_str(&format!("; it lies inside {}", around.join(", ")));
            }
            context.done_with(&added, &sentence)
        }
        AddressVerb::List(one) => {
            let addresses = context.store.user_addresses(&one.name).await?;
            context.answer(&addresses, |screen| address_table(&addresses, context, screen))
        }
        AddressVerb::Enable(one) => switch_address(&one, Activity::Enabled, context).await,
        AddressVerb::Disable(one) => switch_address(&one, Activity::Disabled, context).await,
        AddressVerb::Remove(one) => {
            context.confirm(&format!("Remove the address {} of {}?", one.range, one.name))?;
            context
                .store
                .remove_user_address(&context.actor, context.now, &one.name, one.range)
                .await?;
            context.done(&format!("removed {} of {}", one.range, one.name))
        }
    }
}

async fn switch_address(one: &OneAddress, activity: Activity, context: &Context) -> Result<Answer, Failure> {
    let (actor, now) = (&context.actor, context.now);
    context
        .store
        .set_user_address_activity(actor, now, &one.name, one.range, activity)
        .await?;
    let word = if activity == Activity::Enabled {
        "enabled"
    } else {
        "disabled"
    };
    context.done(&format!("{word} {} of {}", one.range, one.name))
}

pub(super) fn address_table(addresses: &[UserAddress], context: &Context, screen: &Screen) -> String {
    let mut table = Table::new(&["ADDRESS", "LABEL", "STATE", "INSIDE", "ADDED"]);
    for address in addresses {
        let state = if address.active {
            ("active", Tone::Good)
        } else {
            ("inactive", Tone::Dim)
        };
        let inside: Vec<_> = address
            .inside
            .iter()
            .map(|h| format!("{} ({})", h.range, h.user))
            .collect();
        table.row([
            address.range.to_string().into(),
            address.label.as_deref().unwrap_or_default().into(),
            Cell::toned(state.0, state.1),
            inside.join(", ").into(),
            age(context.now, address.created_at).into(),
        ]);
    }
    table.render(screen, "no source addresses")
}

pub(super) async fn key(verb: KeyVerb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        KeyVerb::Add(arguments) => add_keys(&arguments, context).await,
        KeyVerb::List(one) => {
            let keys = context.store.user_keys(&one.name).await?;
            context.answer(&keys, |screen| key_table(&keys, context, screen))
        }
        KeyVerb::Remove(arguments) => {
            let (name, fingerprint) = (&arguments.name, &arguments.fingerprint);
            context.confirm(&format!("Remove the key {fingerprint} of {name}?"))?;
            context
                .store
                .remove_user_key(&context.actor, context.now, name, fingerprint)
                .await?;
            context.done(&format!("removed the key {fingerprint} of {name}"))
        }
    }
}

async fn add_keys(arguments: &AddKey, context: &Context) -> Result<Answer, Failure> {
    let text = file_or_stdin(&arguments.file)?;
    if text.contains("PRIVATE KEY-----") {
        let shown = arguments.file.display();
        return Err(Failure::refused(format!(
            "{shown} holds a private key; give the public one, which ends in .pub"
        )));
    }
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut added: Vec<UserKey> = Vec::new();
    for line in lines {
        match context
            .store
            .add_user_key(&context.actor, context.now, &arguments.name, line)
            .await
        {
            Ok(key) => added.push(key),
            Err(error) if added.is_empty() => return Err(error.into()),
            Err(error) => {
                let done: Vec<_> = added.iter().map(|key| key.fingerprint.as_str()).collect();
                return Err(Failure::refused(format!(
                    "{error}; {} was registered before that",
                    done.join(", ")
                )));
            }
        }
    }
    if added.is_empty() {
        return Err(Failure::refused(format!(
            "{} holds no public key",
            arguments.file.display()
        )));
    }
    let prints: Vec<_> = added.iter().map(|key| key.fingerprint.as_str()).collect();
    context.done_with(
        &added,
        &format!("registered {} for {}", prints.join(", "), arguments.name),
    )
}

pub(super) fn key_table(keys: &[UserKey], context: &Context, screen: &Screen) -> String {
    let mut table = Table::new(&["FINGERPRINT", "ALGORITHM", "COMMENT", "ADDED"]);
    for key in keys {
        table.row([
            key.fingerprint.as_str().into(),
            key.algorithm.as_str().into(),
            key.comment.as_deref().unwrap_or_default().into(),
            age(context.now, key.created_at).into(),
        ]);
    }
    table.render(
        screen,
        "no public keys, so any key is accepted on the way to the server's login",
    )
}

pub(super) async fn password(arguments: PasswordArguments, context: &Context) -> Result<Answer, Failure> {
    let user = context.store.user(context.now, &arguments.name).await?;
    let from = if arguments.stdin {
        PasswordFrom::Stdin
    } else {
        PasswordFrom::Terminal
    };
    let secret = read_password(from, "--stdin")?;
    context
        .store
        .set_user_password(&context.actor, context.now, &arguments.name, secret, None)
        .await?;
    context.done(&format!("set the password of {}", user.name))
}
