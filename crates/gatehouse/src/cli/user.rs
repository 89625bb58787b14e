//! `gatehouse user`.

use clap::{Args, Subcommand};
use gatehouse_model::{AddressRange, Name, Role};
use gatehouse_store::{Activity, Edit, Inside, NewUser, PageRequest, User, UserEdit, UserFilter};

use super::arguments::word;
use super::user_identity::{self, AddressVerb, KeyVerb, PasswordArguments};
use super::user_sign_in::{self, FactorVerb, SignInVerb};
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Fields, Screen, Table, Tone, age, end};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Enter a person
    Add(Add),
    /// List people
    List(List),
    /// Show a person with addresses, keys and groups
    #[command(after_long_help = examples!("gatehouse user show alice"))]
    Show(One),
    /// Change a person's entry
    Edit(Change),
    /// Switch a person on
    #[command(after_long_help = examples!("gatehouse user enable alice"))]
    Enable(One),
    /// Switch a person off: running sessions end, the entry stays
    #[command(after_long_help = examples!("gatehouse user disable alice"))]
    Disable(One),
    /// Delete a person with addresses, keys and grants; the history stays readable
    #[command(after_long_help = examples!("gatehouse user remove alice", "gatehouse user remove alice --yes"))]
    Remove(One),
    /// Source addresses: they say who connects
    #[command(subcommand)]
    Address(AddressVerb),
    /// Public keys: where there are any, one of them must be shown first
    #[command(subcommand)]
    Key(KeyVerb),
    /// Set a person's password for the pages
    Password(PasswordArguments),
    /// Make a one-time link by which a person sets a password or a passkey
    #[command(after_long_help = examples!("gatehouse user setup-link alice"))]
    SetupLink(One),
    /// Ways to sign in to the pages
    #[command(subcommand)]
    Factor(FactorVerb),
    /// Sign-ins to the pages
    #[command(subcommand, name = "signin")]
    SignIn(SignInVerb),
}

/// One person.
#[derive(Args)]
pub(crate) struct One {
    /// Name or id of the person
    pub(super) name: String,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse user add alice --address 10.0.0.7",
    "gatehouse user add bob --full-name 'Bob Jones' --email bob@example.com --address 10.0.0.8 --address fd00::8",
    "gatehouse user add carol --role operator",
))]
pub(crate) struct Add {
    /// Name: letters, digits, '.', '_' and '-'
    name: Name,
    /// Mail address
    #[arg(long, value_name = "MAIL")]
    email: Option<String>,
    /// Name in full
    #[arg(long, value_name = "NAME")]
    full_name: Option<String>,
    /// Source address or range; may be given several times
    #[arg(long = "address", value_name = "IP|CIDR")]
    addresses: Vec<AddressRange>,
    /// What the person may do to Gatehouse itself
    #[arg(long, value_parser = word::<Role>(), default_value = "user", value_name = "ROLE")]
    role: Role,
    /// Let an address lie inside, or around, one of another person
    #[arg(long)]
    inside: bool,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse user list",
    "gatehouse user list jon",
    "gatehouse user list --group admins --json",
))]
pub(crate) struct List {
    /// Only people whose name, full name or mail address contains this
    text: Option<String>,
    /// Only people directly in this group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Only people with this role
    #[arg(long, value_parser = word::<Role>(), value_name = "ROLE")]
    role: Option<Role>,
    /// Only people who are switched off
    #[arg(long)]
    inactive: bool,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse user edit alice --email alice@example.com",
    "gatehouse user edit alice --name alice.s --role auditor",
    "gatehouse user edit alice --email ''        (an empty value clears it)",
))]
pub(crate) struct Change {
    /// Name or id of the person
    who: String,
    /// A new name
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<Name>,
    /// A new mail address; empty: none
    #[arg(long, value_name = "MAIL")]
    email: Option<String>,
    /// A new full name; empty: none
    #[arg(long, value_name = "NAME")]
    full_name: Option<String>,
    /// A new role
    #[arg(long, value_parser = word::<Role>(), value_name = "ROLE")]
    role: Option<Role>,
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        Verb::Add(arguments) => add(arguments, context).await,
        Verb::List(arguments) => list(arguments, context).await,
        Verb::Show(one) => {
            let user = context.store.user(context.now, &one.name).await?;
            context.answer(&user, |screen| shown(&user, context, screen))
        }
        Verb::Edit(arguments) => edit(arguments, context).await,
        Verb::Enable(one) => switch(&one.name, Activity::Enabled, context).await,
        Verb::Disable(one) => switch(&one.name, Activity::Disabled, context).await,
        Verb::Remove(one) => {
            let user = context.store.user(context.now, &one.name).await?;
            let name = user.name.as_str();
            context.confirm(&format!("Remove {name} with addresses, keys and grants?"))?;
            context
                .store
                .remove_user(&context.actor, context.now, &one.name)
                .await?;
            context.done(&format!("removed {name}; the history stays"))
        }
        Verb::Address(verb) => user_identity::address(verb, context).await,
        Verb::Key(verb) => user_identity::key(verb, context).await,
        Verb::Password(arguments) => user_identity::password(arguments, context).await,
        Verb::SetupLink(one) => user_sign_in::setup_link(&one, context).await,
        Verb::Factor(verb) => user_sign_in::factor(verb, context).await,
        Verb::SignIn(verb) => user_sign_in::sign_in(verb, context).await,
    }
}

async fn add(arguments: Add, context: &Context) -> Result<Answer, Failure> {
    let inside = if arguments.inside {
        Inside::Allow
    } else {
        Inside::Refuse
    };
    let new = NewUser {
        name: arguments.name,
        full_name: arguments.full_name.filter(|text| !text.is_empty()),
        email: arguments.email.filter(|text| !text.is_empty()),
        role: arguments.role,
        addresses: arguments.addresses,
    };
    let user = context
        .store
        .add_user(&context.actor, context.now, new, inside)
        .await?;
    context.done_with(&user, &format!("added {} (id {})", user.name, user.id))
}

async fn list(arguments: List, context: &Context) -> Result<Answer, Failure> {
    let filter = UserFilter {
        text: arguments.text,
        group: arguments.group,
        active: arguments.inactive.then_some(false),
        role: arguments.role,
        ..UserFilter::default()
    };
    let users = context
        .store
        .users(context.now, &filter, &PageRequest::all())
        .await?
        .items;
    context.answer(&users, |screen| {
        let mut table = Table::new(&[
            "NAME",
            "FULL NAME",
            "ROLE",
            "STATE",
            "ADDRESSES",
            "KEYS",
            "GROUPS",
        ]);
        for user in &users {
            let (state, tone) = state(user);
            let addresses: Vec<_> = user
                .addresses
                .iter()
                .map(|address| address.range.to_string())
                .collect();
            table.row([
                user.name.as_str().into(),
                user.full_name.as_deref().unwrap_or_default().into(),
                user.role.as_str().into(),
                Cell::toned(state, tone),
                addresses.join(", ").into(),
                user.keys.len().to_string().into(),
                user.groups.join(", ").into(),
            ]);
        }
        table.render(screen, "nobody")
    })
}

/// An empty value clears.
pub(super) fn edited(value: Option<String>) -> Edit<String> {
    match value {
        None => Edit::Keep,
        Some(text) if text.is_empty() => Edit::Clear,
        Some(text) => Edit::Set(text),
    }
}

async fn edit(arguments: Change, context: &Context) -> Result<Answer, Failure> {
    let edit = UserEdit {
        name: arguments.new_name,
        full_name: edited(arguments.full_name),
        email: edited(arguments.email),
        role: arguments.role,
        ..UserEdit::default()
    };
    let user = context
        .store
        .edit_user(&context.actor, context.now, &arguments.who, edit)
        .await?;
    context.done_with(&user, &format!("changed {}", user.name))
}

async fn switch(who: &str, activity: Activity, context: &Context) -> Result<Answer, Failure> {
    let user = context
        .store
        .set_user_activity(&context.actor, context.now, who, activity)
        .await?;
    let word = if user.active { "enabled" } else { "disabled" };
    context.done_with(&user, &format!("{word} {}", user.name))
}

fn state(user: &User) -> (&'static str, Tone) {
    match (user.active, &user.lock) {
        (false, _) => ("inactive", Tone::Dim),
        (true, Some(_)) => ("locked", Tone::Bad),
        (true, None) => ("active", Tone::Good),
    }
}

fn shown(user: &User, context: &Context, screen: &Screen) -> String {
    let (state, tone) = state(user);
    let lock = user.lock.as_ref().map(|lock| {
        let reason = lock
            .reason
            .as_deref()
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        format!("ends {}{reason}", end(context.now, lock.until))
    });
    let mut text = Fields::new()
        .with("Name", user.name.as_str())
        .with("Id", user.id.to_string())
        .maybe("Full name", user.full_name.as_deref())
        .maybe("Mail", user.email.as_deref())
        .with("Role", user.role.as_str())
        .with("State", Cell::toned(state, tone))
        .maybe("Lock", lock)
        .maybe(
            "Groups",
            Some(user.groups.join(", ")).filter(|groups| !groups.is_empty()),
        )
        .with("Added", age(context.now, user.created_at))
        .render(screen);
    text.push('\n');
    text.push_str(&user_identity::address_table(&user.addresses, context, screen));
    if !user.keys.is_empty() {
        text.push('\n');
        text.push_str(&user_identity::key_table(&user.keys, context, screen));
    }
    text
}
