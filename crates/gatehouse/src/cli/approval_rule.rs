//! `gatehouse approval-rule`.

use clap::{ArgGroup, Args, Subcommand};
use gatehouse_model::{ApprovalRuleId, Login, Protocol, SpanSeconds};
use gatehouse_store::{
    Activity, ApprovalRule, ApprovalRuleEdit, Edit, NewApprovalRule, SubjectRef, TargetRef,
};

use super::arguments::{rule_id, span, word};
use super::policy_terms::{Parties, Switch};
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Table, Tone, age};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Make a rule: requests that it covers wholly are approved by themselves
    Add(Add),
    /// List the rules
    #[command(after_long_help = examples!("gatehouse approval-rule list", "gatehouse approval-rule list --json"))]
    List,
    /// Change a rule; what was approved by it stays
    Edit(Change),
    /// Delete a rule; what was approved by it stays
    #[command(after_long_help = examples!("gatehouse approval-rule remove 3"))]
    Remove(One),
}

#[derive(Args)]
pub(crate) struct One {
    /// Number of the rule
    #[arg(value_parser = rule_id)]
    id: ApprovalRuleId,
}

#[derive(Args)]
#[command(group = ArgGroup::new("subject").required(true).args(["user", "group"]))]
#[command(group = ArgGroup::new("target").required(true).args(["server", "server_group"]))]
#[command(after_long_help = examples!(
    "gatehouse approval-rule add --group dev --server-group test --max-for 8h",
    "gatehouse approval-rule add --user alice --server web01 --protocol ssh --login deploy --max-for 2h",
))]
pub(crate) struct Add {
    #[command(flatten)]
    parties: Parties,
    /// Only for this protocol
    #[arg(long, value_name = "PROTOCOL", value_parser = word::<Protocol>())]
    protocol: Option<Protocol>,
    /// Only for this login; may be given several times
    #[arg(long, value_name = "LOGIN")]
    login: Vec<Login>,
    /// For requests of this length at most
    #[arg(long, value_name = "DURATION", value_parser = span)]
    max_for: SpanSeconds,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse approval-rule edit 3 --max-for 4h",
    "gatehouse approval-rule edit 3 --active off",
    "gatehouse approval-rule edit 3 --any-protocol --any-login",
))]
pub(crate) struct Change {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    parties: Parties,
    /// Only for this protocol
    #[arg(long, value_name = "PROTOCOL", value_parser = word::<Protocol>())]
    protocol: Option<Protocol>,
    /// For every protocol
    #[arg(long, conflicts_with = "protocol")]
    any_protocol: bool,
    /// Only for this login; may be given several times
    #[arg(long, value_name = "LOGIN")]
    login: Vec<Login>,
    /// For every login
    #[arg(long, conflicts_with = "login")]
    any_login: bool,
    /// For requests of this length at most
    #[arg(long, value_name = "DURATION", value_parser = span)]
    max_for: Option<SpanSeconds>,
    /// Whether the rule is in use
    #[arg(long, value_name = "on|off")]
    active: Option<Switch>,
}

impl Change {
    fn edit(self) -> ApprovalRuleEdit {
        let protocol = match (self.any_protocol, self.protocol) {
            (true, _) => Edit::Clear,
            (false, Some(protocol)) => Edit::Set(protocol),
            (false, None) => Edit::Keep,
        };
        let logins = match (self.any_login, self.login.is_empty()) {
            (true, _) => Some(Vec::new()),
            (false, false) => Some(self.login),
            (false, true) => None,
        };
        ApprovalRuleEdit {
            subject: self.parties.subject(),
            target: self.parties.target(),
            protocol,
            logins,
            max_for: self.max_for,
            activity: self.active.map(|switch| match switch {
                Switch::On => Activity::Enabled,
                Switch::Off => Activity::Disabled,
            }),
        }
    }
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        Verb::Add(arguments) => {
            let parties = &arguments.parties;
            let (Some(subject), Some(target)) = (parties.subject(), parties.target()) else {
                return Err(Failure::usage(
                    "say for whom (--user or --group) and for what (--server or --server-group)",
                ));
            };
            let new = NewApprovalRule {
                subject,
                target,
                protocol: arguments.protocol,
                logins: arguments.login,
                max_for: arguments.max_for,
            };
            let rule = store.add_approval_rule(actor, now, new).await?;
            context.done_with(&rule, &format!("made rule #{}: {}", rule.id, in_words(&rule)))
        }
        Verb::List => {
            let rules = store.approval_rules().await?;
            context.answer(&rules, |screen| {
                let mut table =
                    Table::new(&["ID", "WHO", "WHAT", "PROTO", "LOGINS", "UP TO", "STATE", "MADE"]);
                for rule in &rules {
                    let (state, tone) = if rule.active {
                        ("on", Tone::Good)
                    } else {
                        ("off", Tone::Dim)
                    };
                    table.row([
                        rule.id.to_string().into(),
                        who(rule).into(),
                        what(rule).into(),
                        rule.protocol.map_or("all", |protocol| protocol.as_str()).into(),
                        logins(rule).into(),
                        rule.max_for.to_string().into(),
                        Cell::toned(state, tone),
                        format!("{} by {}", age(now, rule.created_at), rule.created_by).into(),
                    ]);
                }
                table.render(screen, "no rules: every request waits for a decision")
            })
        }
        Verb::Edit(arguments) => {
            let id = arguments.one.id;
            let rule = store.edit_approval_rule(actor, now, id, arguments.edit()).await?;
            context.done_with(&rule, &format!("changed rule #{id}: {}", in_words(&rule)))
        }
        Verb::Remove(one) => {
            let rule = store.approval_rule(one.id).await?;
            context.confirm(&format!("Remove rule #{}: {}?", one.id, in_words(&rule)))?;
            store.remove_approval_rule(actor, now, one.id).await?;
            context.done(&format!("removed rule #{}", one.id))
        }
    }
}

fn in_words(rule: &ApprovalRule) -> String {
    let off = if rule.active { "" } else { " (off)" };
    format!(
        "{} gets {} for up to {}{off}",
        who(rule),
        what(rule),
        rule.max_for
    )
}

fn who(rule: &ApprovalRule) -> String {
    match &rule.subject {
        SubjectRef::User(name) => name.clone(),
        SubjectRef::Group(name) => format!("group {name}"),
    }
}

fn what(rule: &ApprovalRule) -> String {
    match &rule.target {
        TargetRef::Server(name) => name.clone(),
        TargetRef::Group(name) => format!("group {name}"),
    }
}

fn logins(rule: &ApprovalRule) -> String {
    let logins: Vec<_> = rule.logins.iter().map(Login::as_str).collect();
    if logins.is_empty() {
        "any".to_owned()
    } else {
        logins.join(", ")
    }
}
