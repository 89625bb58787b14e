//! `gatehouse alert`.

use clap::{Args, Subcommand};
use gatehouse_audit::{Action, AlertKind, Draft};
use gatehouse_store::{Alert, AlertFilter, DeliveryState, PageRequest};

use super::arguments::{Since, since};
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Table, Tone, age};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List alerts, the newest first, and whether the hooks were told
    List(List),
    /// Raise an alert, to see whether it arrives where it should
    #[command(after_long_help = examples!("gatehouse alert test", "gatehouse alert list --kind test"))]
    Test,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse alert list",
    "gatehouse alert list --kind host_key_changed --since 1w",
    "gatehouse alert list --since 1h --json",
))]
pub(crate) struct List {
    /// Only this kind: denied, host_key_changed, recording_failed, source_blocked, audit_broken, limit_reached, break_glass,
    /// request_created, request_decided or test
    #[arg(long, value_name = "KIND")]
    kind: Option<AlertKind>,
    /// Only alerts since then: an instant, or a duration before now
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
    /// At most so many; 0: all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        Verb::List(arguments) => list(arguments, context).await,
        Verb::Test => {
            let draft = Draft::new(Action::AlertTested, &context.actor, context.now);
            let event = context.store.record(draft).await?;
            let hooks = [
                (!context.config.alerts.command.is_empty()).then_some("the command"),
                context.config.alerts.webhook.is_some().then_some("the webhook"),
                (!context.config.mail.to.is_empty()).then_some("those of mail.to"),
            ];
            let hooks: Vec<_> = hooks.into_iter().flatten().collect();
            let told = if hooks.is_empty() {
                "nobody is told: neither alerts.command nor alerts.webhook nor mail.to is set".to_owned()
            } else {
                format!("a running node tells {} within seconds", hooks.join(" and "))
            };
            context.done_with(&event, &format!("an alert was raised; {told}"))
        }
    }
}

async fn list(arguments: List, context: &Context) -> Result<Answer, Failure> {
    let filter = AlertFilter {
        kind: arguments.kind,
        since: arguments.since.map(|since| since.instant(context.now)),
        ..AlertFilter::default()
    };
    let page = match arguments.limit {
        0 => PageRequest::all(),
        limit => PageRequest::first(limit),
    };
    let alerts = context.store.alerts(&filter, &page).await?.items;
    context.answer(&alerts, |screen| {
        let mut table = Table::new(&["ID", "TIME", "KIND", "WHAT", "TOLD"]);
        for alert in &alerts {
            table.row([
                alert.id.to_string().into(),
                age(context.now, alert.time).into(),
                alert.kind.as_str().into(),
                alert.sentence.as_str().into(),
                told(alert),
            ]);
        }
        table.render(screen, "no such alerts")
    })
}

/// How the telling stands, in a few words for each hook.
fn told(alert: &Alert) -> Cell {
    let words = alert.deliveries.iter().map(|delivery| {
        let hook = &delivery.hook;
        match delivery.state {
            DeliveryState::Delivered => format!("{hook}: yes"),
            DeliveryState::Waiting => format!("{hook}: not yet, tried {} times", delivery.attempts),
            DeliveryState::GivenUp => format!("{hook}: given up after {} times", delivery.attempts),
        }
    });
    let text = words.collect::<Vec<_>>().join(", ");
    let is = |state| alert.deliveries.iter().any(|delivery| delivery.state == state);
    if is(DeliveryState::GivenUp) {
        Cell::toned(text, Tone::Bad)
    } else if is(DeliveryState::Waiting) {
        Cell::toned(text, Tone::Warn)
    } else {
        Cell::from(text)
    }
}
