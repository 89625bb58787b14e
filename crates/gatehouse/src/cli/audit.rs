//! `gatehouse audit`.

use clap::{Args, Subcommand};
use gatehouse_audit::{Action, Draft, Event, Head, HeadError};
use gatehouse_store::{AuditFilter, AuditPace, AuditReport, Outcome, PageRequest, SealedHead};
use serde_json::json;

use super::arguments::{Since, since};
use super::{Answer, Context, Verdict, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Fields, Table, Tone, age};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List events, the newest first
    List(List),
    /// Read the whole book and say whether it is what was written (exit status 1 if not)
    Verify(Verify),
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse audit list",
    "gatehouse audit list --action session.denied --since 1d",
    "gatehouse audit list --action policy --user alice --limit 500 --json",
))]
pub(crate) struct List {
    /// Only this action (`session.denied`) or all of a noun (`session`)
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only events about this person
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only events about this server
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// Only events about this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only events since then: an instant, or a duration before now
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
    /// At most so many; 0: all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse audit verify",
    "gatehouse audit verify --head 1042:5f0c…      (a head that was printed earlier and kept elsewhere)",
))]
pub(crate) struct Verify {
    /// A head kept earlier: the book must still contain it
    #[arg(long, value_name = "SEQ:HASH", value_parser = head)]
    head: Option<Head>,
}

/// Reads a head, or the line of `audit.head` that begins with one.
fn head(text: &str) -> Result<Head, HeadError> {
    text.split_whitespace().next().unwrap_or(text).parse()
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        Verb::List(arguments) => list(arguments, context).await,
        Verb::Verify(arguments) => verify(arguments, context).await,
    }
}

async fn list(arguments: List, context: &Context) -> Result<Answer, Failure> {
    if let Some(action) = &arguments.action {
        known_action(action)?;
    }
    let session = match &arguments.session {
        Some(prefix) => Some(super::session::session_id(prefix, context).await?),
        None => None,
    };
    let filter = AuditFilter {
        action: arguments.action,
        user: arguments.user,
        server: arguments.server,
        session,
        since: arguments.since.map(|since| since.instant(context.now)),
        ..AuditFilter::default()
    };
    let page = match arguments.limit {
        0 => PageRequest::all(),
        limit => PageRequest::first(limit),
    };
    let events = context.store.audit_events(&filter, &page).await?.items;
    context.answer(&events, |screen| {
        let mut table = Table::new(&[
            "SEQ", "TIME", "ACTION", "ACTOR", "USER", "SERVER", "SOURCE", "OUTCOME", "REASON",
        ]);
        for event in &events {
            table.row(row(event, context));
        }
        table.render(screen, "no such events")
    })
}

/// A mistyped action would list nothing, which reads as if nothing had happened.
fn known_action(action: &str) -> Result<(), Failure> {
    let codes = || Action::ALL.iter().map(|known| known.code());
    let nouns = || {
        codes()
            .filter_map(|code| code.split_once('.'))
            .map(|(noun, _)| noun)
    };
    if codes().chain(nouns()).any(|known| known == action) {
        return Ok(());
    }
    let likeness = |known: &&str| strsim::jaro_winkler(action, known);
    let best = codes()
        .chain(nouns())
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let meant = best
        .filter(|best| likeness(best) > 0.8)
        .map(|best| format!("; did you mean {best}?"));
    Err(Failure::refused(format!(
        "there is no action {action:?} in the book{}",
        meant.unwrap_or_default()
    )))
}

fn row(event: &Event, context: &Context) -> [Cell; 9] {
    let text = |field: &Option<String>| Cell::from(field.as_deref().unwrap_or_default());
    let tone = match event.outcome {
        Outcome::Ok => Tone::Good,
        Outcome::Denied => Tone::Warn,
        Outcome::Failed => Tone::Bad,
    };
    [
        event.seq.to_string().into(),
        age(context.now, event.time).into(),
        event.action.as_str().into(),
        event.actor.as_str().into(),
        text(&event.user),
        text(&event.server),
        text(&event.source),
        Cell::toned(event.outcome.as_str(), tone),
        text(&event.reason),
    ]
}

async fn verify(arguments: Verify, context: &Context) -> Result<Answer, Failure> {
    let report = context
        .store
        .verify_audit(arguments.head, AuditPace::Fast)
        .await?;
    let forged = report.sealed == SealedHead::Forged;
    let wrong = match (&report.fault, forged) {
        (Some(fault), _) => Some(fault.to_string()),
        (None, true) => {
            Some("audit.head was not sealed with this store's key: it was forged or exchanged".to_owned())
        }
        (None, false) => None,
    };
    let mut draft =
        Draft::new(Action::AuditVerified, &context.actor, context.now).detail("lines", report.lines);
    if let Some(wrong) = &wrong {
        draft = draft.outcome(Outcome::Failed).reason(wrong);
    }
    context.store.record(draft).await?;
    if wrong.is_none() {
        // Sealed anew, so that what is cut off from here on is found whether a node runs or not.
        context.store.write_audit_head(context.now).await?;
    }
    let value = json!({
        "ok": wrong.is_none(),
        "lines": report.lines,
        "head": report.head.to_string(),
        "fault": wrong,
        "sealed": match report.sealed {
            SealedHead::Kept(head, at) => json!({ "head": head.to_string(), "at": at }),
            SealedHead::None | SealedHead::Forged => serde_json::Value::Null,
        },
    });
    let verdict = if wrong.is_none() {
        Verdict::Yes
    } else {
        Verdict::No
    };
    let answer = context.answer(&value, |screen| {
        let state = match &wrong {
            None => Cell::toned("every line is as it was written", Tone::Good),
            Some(wrong) => Cell::toned(wrong, Tone::Bad),
        };
        fields(&report, state, context).render(screen)
    })?;
    Ok(answer.with(verdict))
}

fn fields(report: &AuditReport, state: Cell, context: &Context) -> Fields {
    let sealed = match report.sealed {
        SealedHead::Kept(head, at) => format!("{head}, written {}", age(context.now, at)),
        SealedHead::None => "none; a running node writes one every minute".to_owned(),
        SealedHead::Forged => "not sealed with this store's key".to_owned(),
    };
    Fields::new()
        .with("Book", state)
        .with("Lines", report.lines.to_string())
        .with("Head", report.head.to_string())
        .with("Sealed head", sealed)
}
