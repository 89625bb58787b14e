//! `gatehouse policy`.

use clap::{ArgGroup, Args, Subcommand};
use gatehouse_model::{Login, PolicyId, SpanSeconds};
use gatehouse_store::{NewPolicy, PageRequest, Past, Policy, PolicyFilter, PolicyState};

use super::arguments::{policy_id, span};
use super::policy_terms::{Clearable, Parties, Terms};
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Fields, Screen, Table, Tone, age, end};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Grant access
    Grant(Box<Grant>),
    /// Change a grant; running sessions are decided anew
    Edit(Box<Change>),
    /// Make a grant like another one, with what the options change
    Clone(Box<CloneOne>),
    /// List grants that are in force or still to begin
    List(List),
    /// Show a grant
    #[command(after_long_help = examples!("gatehouse policy show 12", "gatehouse policy show 12 --json"))]
    Show(One),
    /// Give a grant a later end, also one that has expired or was revoked
    Renew(Renew),
    /// Take a grant back; sessions that only it allowed end
    #[command(after_long_help = examples!("gatehouse policy revoke 12"))]
    Revoke(One),
    /// Delete a grant; the history stays readable
    #[command(after_long_help = examples!("gatehouse policy remove 12"))]
    Remove(One),
}

#[derive(Args)]
pub(crate) struct One {
    /// Number of the grant
    #[arg(value_parser = policy_id)]
    id: PolicyId,
}

#[derive(Args)]
#[command(group = ArgGroup::new("subject").required(true).args(["user", "group"]))]
#[command(group = ArgGroup::new("target").required(true).args(["server", "server_group"]))]
#[command(after_long_help = examples!(
    "gatehouse policy grant --user alice --server web01 --for 30d --reason 'ticket 4711'",
    "gatehouse policy grant --group ops --server-group web --schedule 'Mon-Fri 08:00-16:00 Europe/Warsaw'",
    "gatehouse policy grant --user bob --server db01 --protocol ssh --login backup --forwarding=local \\",
    "    --allow-destination db01.example.com:5432",
    "gatehouse policy grant --user carol --server web01 --start '2026-01-31 08:00' --end '2026-02-01 08:00'",
))]
pub(crate) struct Grant {
    #[command(flatten)]
    parties: Parties,
    #[command(flatten)]
    terms: Terms,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse policy edit 12 --for 2h",
    "gatehouse policy edit 12 --login root --login backup",
    "gatehouse policy edit 12 --clear schedules --clear logins",
))]
pub(crate) struct Change {
    /// Number of the grant
    #[arg(value_parser = policy_id)]
    id: PolicyId,
    #[command(flatten)]
    parties: Parties,
    #[command(flatten)]
    terms: Terms,
    /// Take a term back to nothing; may be given several times
    #[arg(long, value_name = "TERM")]
    clear: Vec<Clearable>,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse policy clone 12 --user bob",
    "gatehouse policy clone 12 --server web02 --for 1w",
))]
pub(crate) struct CloneOne {
    /// Number of the grant
    #[arg(value_parser = policy_id)]
    id: PolicyId,
    #[command(flatten)]
    parties: Parties,
    #[command(flatten)]
    terms: Terms,
    /// Leave a term of the original out; may be given several times
    #[arg(long, value_name = "TERM")]
    clear: Vec<Clearable>,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse policy list",
    "gatehouse policy list --user alice --all",
    "gatehouse policy list --server-group web --json",
))]
pub(crate) struct List {
    /// Only grants that name this person
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only grants that name this group of people
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Only grants that name this server
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// Only grants that name this group of servers
    #[arg(long, value_name = "GROUP")]
    server_group: Option<String>,
    /// Those that have ended or were revoked too
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse policy renew 12", "gatehouse policy renew 12 --for 2h"))]
pub(crate) struct Renew {
    /// Number of the grant
    #[arg(value_parser = policy_id)]
    id: PolicyId,
    /// By how much, from its end or from now, whichever is later
    #[arg(long = "for", value_name = "DURATION", value_parser = span, default_value = "30d")]
    length: SpanSeconds,
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        Verb::Grant(arguments) => grant(*arguments, context).await,
        Verb::Edit(arguments) => {
            let Change {
                id,
                parties,
                terms,
                clear,
            } = *arguments;
            let present = store.policy(now, id).await?;
            let edit = terms.edit(&parties, &clear, &present.rules, now)?;
            let policy = store.edit_policy(actor, now, id, edit).await?;
            context.done_with(&policy, &format!("changed policy {id}: {}", in_words(&policy)))
        }
        Verb::Clone(arguments) => {
            let CloneOne {
                id,
                parties,
                terms,
                clear,
            } = *arguments;
            let present = store.policy(now, id).await?;
            let edit = terms.edit(&parties, &clear, &present.rules, now)?;
            let policy = store.clone_policy(actor, now, id, edit).await?;
            context.done_with(
                &policy,
                &format!("made policy {} from {id}: {}", policy.id, in_words(&policy)),
            )
        }
        Verb::List(arguments) => list(arguments, context).await,
        Verb::Show(one) => {
            let policy = store.policy(now, one.id).await?;
            context.answer(&policy, |screen| shown(&policy, context, screen))
        }
        Verb::Renew(arguments) => {
            let policy = store
                .renew_policy(actor, now, arguments.id, arguments.length)
                .await?;
            let until = end(now, policy.rules.end);
            context.done_with(&policy, &format!("renewed policy {}; it ends {until}", policy.id))
        }
        Verb::Revoke(one) => {
            let policy = store.revoke_policy(actor, now, one.id, None).await?;
            context.done_with(
                &policy,
                &format!("revoked policy {}: {}", policy.id, in_words(&policy)),
            )
        }
        Verb::Remove(one) => {
            let policy = store.policy(now, one.id).await?;
            context.confirm(&format!("Remove policy {}: {}?", one.id, in_words(&policy)))?;
            store.remove_policy(actor, now, one.id).await?;
            context.done(&format!("removed policy {}", one.id))
        }
    }
}

async fn grant(arguments: Grant, context: &Context) -> Result<Answer, Failure> {
    let Grant { parties, terms } = arguments;
    let (Some(subject), Some(target)) = (parties.subject(), parties.target()) else {
        return Err(Failure::usage(
            "say for whom (--user or --group) and for what (--server or --server-group)",
        ));
    };
    let rules = terms.rules(context.now)?;
    let new = NewPolicy {
        subject,
        target,
        rules,
        reason: terms.reason.filter(|text| !text.is_empty()),
    };
    let policy = context
        .store
        .grant_policy(&context.actor, context.now, new)
        .await?;
    let until = end(context.now, policy.rules.end);
    context.done_with(
        &policy,
        &format!(
            "granted (policy {}): {}; ends {until}",
            policy.id,
            in_words(&policy)
        ),
    )
}

async fn list(arguments: List, context: &Context) -> Result<Answer, Failure> {
    let filter = PolicyFilter {
        user: arguments.user,
        group: arguments.group,
        server: arguments.server,
        server_group: arguments.server_group,
        past: if arguments.all { Past::Include } else { Past::Omit },
        ..PolicyFilter::default()
    };
    let policies = context
        .store
        .policies(context.now, &filter, &PageRequest::all())
        .await?
        .items;
    context.answer(&policies, |screen| {
        let mut table = Table::new(&[
            "ID", "WHO", "WHAT", "PROTO", "STATE", "ENDS", "TIMES", "LOGINS", "REASON",
        ]);
        for policy in &policies {
            let (state, tone) = state(policy.state);
            table.row([
                policy.id.to_string().into(),
                who(policy).into(),
                what(policy).into(),
                policy
                    .rules
                    .protocol
                    .map_or("all", |protocol| protocol.as_str())
                    .into(),
                Cell::toned(state, tone),
                end(context.now, policy.rules.end).into(),
                times(policy).into(),
                logins(policy).into(),
                policy.reason.as_deref().unwrap_or_default().into(),
            ]);
        }
        table.render(screen, "no grants")
    })
}

fn state(state: PolicyState) -> (&'static str, Tone) {
    match state {
        PolicyState::Active => ("active", Tone::Good),
        PolicyState::Scheduled => ("scheduled", Tone::Warn),
        PolicyState::Expired => ("expired", Tone::Dim),
        PolicyState::Revoked => ("revoked", Tone::Dim),
    }
}

fn who(policy: &Policy) -> String {
    let group = policy.group.as_ref().map(|name| format!("group {name}"));
    policy
        .user
        .clone()
        .or(group)
        .unwrap_or_else(|| "(removed)".to_owned())
}

fn what(policy: &Policy) -> String {
    let group = policy.server_group.as_ref().map(|name| format!("group {name}"));
    policy
        .server
        .clone()
        .or(group)
        .unwrap_or_else(|| "(removed)".to_owned())
}

fn in_words(policy: &Policy) -> String {
    let protocol = policy
        .rules
        .protocol
        .map(|protocol| format!(" by {}", protocol.label()));
    format!(
        "{} may reach {}{}",
        who(policy),
        what(policy),
        protocol.unwrap_or_default()
    )
}

fn times(policy: &Policy) -> String {
    let schedules: Vec<_> = policy.rules.schedules.iter().map(ToString::to_string).collect();
    match (schedules.is_empty(), policy.rules.use_schedules) {
        (true, _) => "any".to_owned(),
        (false, true) => schedules.join("; "),
        (false, false) => format!("ignored: {}", schedules.join("; ")),
    }
}

fn logins(policy: &Policy) -> String {
    let logins: Vec<_> = policy.rules.logins.iter().map(Login::as_str).collect();
    if logins.is_empty() {
        "any".to_owned()
    } else {
        logins.join(", ")
    }
}

fn shown(policy: &Policy, context: &Context, screen: &Screen) -> String {
    let rules = &policy.rules;
    let joined = |words: Vec<String>| Some(words.join(", ")).filter(|text| !text.is_empty());
    let (state, tone) = state(policy.state);
    Fields::new()
        .with("Policy", policy.id.to_string())
        .with("Who", who(policy))
        .with("What", what(policy))
        .with(
            "Protocol",
            rules.protocol.map_or("all", |protocol| protocol.as_str()),
        )
        .with("State", Cell::toned(state, tone))
        .with(
            "Begins",
            format!("{} ({})", rules.start, age(context.now, rules.start)),
        )
        .with(
            "Ends",
            rules.end.map_or_else(
                || "never".to_owned(),
                |at| format!("{at} ({})", age(context.now, at)),
            ),
        )
        .with("Times", times(policy))
        .maybe("From", rules.from.map(|range| range.to_string()))
        .with("Logins", logins(policy))
        .maybe(
            "Rights",
            joined(rules.rights.iter().map(ToString::to_string).collect()),
        )
        .maybe(
            "Destinations",
            joined(rules.destinations.iter().map(ToString::to_string).collect()),
        )
        .maybe(
            "Blocked ports",
            joined(rules.blocked_ports.iter().map(ToString::to_string).collect()),
        )
        .maybe("Idle", rules.idle.map(|span| span.to_string()))
        .maybe("Longest session", rules.max_length.map(|span| span.to_string()))
        .maybe("Recording", rules.record_mode.map(|mode| mode.as_str()))
        .maybe("Binary", rules.record_binary.map(|mode| mode.as_str()))
        .maybe("Typed input", rules.record_input.map(|mode| mode.as_str()))
        .maybe("Forwards kept", rules.record_forwards.map(|mode| mode.as_str()))
        .maybe("Reason", policy.reason.as_deref())
        .maybe("Revoked", policy.revoked_at.map(|at| age(context.now, at)))
        .with(
            "Made",
            format!("{} by {}", age(context.now, policy.created_at), policy.created_by),
        )
        .render(screen)
}
