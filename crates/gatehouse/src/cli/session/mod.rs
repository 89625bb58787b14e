//! `gatehouse session`.

mod capture;
mod casts;
pub(in crate::cli) mod ended;
mod export;
mod finding;
mod keys;
mod kill;
mod play;
mod search;
mod show;
mod source;
mod text;
mod verify;
mod watch;

use clap::{Args, Subcommand};
use gatehouse_audit::{Action, Draft};
use gatehouse_model::{Protocol, SessionId};
use gatehouse_store::{PageRequest, Session, SessionFilter};

use super::arguments::{Since, since, word};
use super::context::Format;
use super::{Answer, Context, examples};
use crate::failure::Failure;

pub(super) use export::Output;
use source::{Desk, Source};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List sessions, the newest first
    List(List),
    /// Show a session with its transfers and forwards
    #[command(after_long_help = examples!("gatehouse session show 0193a7", "gatehouse session show 0193a7 --json"))]
    Show(One),
    /// Watch a running session live until it ends; q leaves
    #[command(after_long_help = examples!("gatehouse session watch 0193a7"))]
    Watch(Watch),
    /// Play a recording as it happened; space pauses, q leaves
    Play(play::Arguments),
    /// Print the plain transcript: what the person saw, scroll-back included
    #[command(after_long_help = examples!(
        "gatehouse session text 0193a7 | less",
        "gatehouse session text --dir ./0193a7… --identity key.txt",
    ))]
    Text(Recorded),
    /// Search what was seen and done in sessions, the newest hits first
    Search(search::Arguments),
    /// Write a recording to a file or standard output
    Export(export::Arguments),
    /// Check recordings: files, signature, and the line in the audit book (exit status 1 if anything was changed)
    Verify(verify::Arguments),
    /// End running sessions; the people read why
    Kill(kill::Arguments),
}

#[derive(Args)]
pub(crate) struct One {
    /// Id of the session, any prefix that is unique, or `last`
    id: String,
}

#[derive(Args)]
pub(crate) struct Watch {
    /// Id of the session, any prefix that is unique, or `last`
    id: String,
    /// Only this channel
    #[arg(long, value_name = "N")]
    channel: Option<u32>,
}

/// A session's recording, or one channel of it.
#[derive(Args)]
pub(crate) struct Recorded {
    #[command(flatten)]
    source: Source,
    /// Only this channel [default: all of them in the order of time]
    #[arg(long, value_name = "N")]
    channel: Option<u32>,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse session list",
    "gatehouse session list --active",
    "gatehouse session list --user alice --since 7d",
    "gatehouse session list --server web01 --protocol ssh --since '2026-01-31 08:00' --json",
))]
pub(crate) struct List {
    /// Only running ones
    #[arg(long)]
    active: bool,
    /// Only sessions of this person
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only sessions at this server
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// Only sessions over this protocol
    #[arg(long, value_parser = word::<Protocol>(), value_name = "PROTOCOL")]
    protocol: Option<Protocol>,
    /// Only sessions that began since then: an instant, or a duration before now
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Verb {
    /// Whether it is about a copy of a recording and needs no store.
    pub(super) fn is_outside(&self) -> bool {
        match self {
            Self::Play(arguments) => arguments.source().is_outside(),
            Self::Text(recorded) => recorded.source.is_outside(),
            Self::Export(arguments) => arguments.source().is_outside(),
            Self::Verify(arguments) => arguments.is_outside(),
            Self::List(_) | Self::Show(_) | Self::Watch(_) | Self::Search(_) | Self::Kill(_) => false,
        }
    }
}

/// Runs a verb [that is](Verb::is_outside) about a copy of a recording.
pub(super) async fn run_outside(verb: Verb, format: Format) -> Result<Answer, Failure> {
    let desk = Desk::Outside(format);
    match verb {
        Verb::Play(arguments) => play::run(&arguments, &desk).await,
        Verb::Text(recorded) => text::run(&recorded, &desk).await,
        Verb::Export(arguments) => export::run(&arguments, &desk).await,
        Verb::Verify(arguments) => verify::outside(&arguments, format),
        Verb::List(_) | Verb::Show(_) | Verb::Watch(_) | Verb::Search(_) | Verb::Kill(_) => {
            Ok(Answer::nothing())
        }
    }
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let desk = Desk::Site(context);
    match verb {
        Verb::List(arguments) => show::list(arguments, context).await,
        Verb::Show(one) => show::show(&one.id, context).await,
        Verb::Watch(arguments) => watch::run(&arguments, context).await,
        Verb::Play(arguments) => play::run(&arguments, &desk).await,
        Verb::Text(recorded) => text::run(&recorded, &desk).await,
        Verb::Search(arguments) => search::run(arguments, context).await,
        Verb::Export(arguments) => export::run(&arguments, &desk).await,
        Verb::Verify(arguments) => verify::run(&arguments, context).await,
        Verb::Kill(arguments) => kill::run(arguments, context).await,
    }
}

/// The word for the session that began last.
const LAST: &str = "last";

/// The session that is meant: by any unique prefix of its id, or `last`.
async fn find(id: &str, context: &Context) -> Result<Session, Failure> {
    if id != LAST {
        return Ok(context.store.session(context.now, id).await?);
    }
    let newest = context
        .store
        .sessions(context.now, &SessionFilter::default(), &PageRequest::first(1))
        .await?;
    match newest.items.first() {
        Some(session) => Ok(context
            .store
            .session(context.now, &session.id.to_string())
            .await?),
        None => Err(Failure::refused("there is no session yet")),
    }
}

/// The whole id of a session, for the book: the book knows sessions that came to nothing and have no row.
pub(super) async fn session_id(prefix: &str, context: &Context) -> Result<String, Failure> {
    match prefix.parse::<SessionId>() {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Ok(find(prefix, context).await?.id.to_string()),
    }
}

/// Writes into the book that a recording is about to be shown. Call it before anything of it is.
async fn about_to_show(
    session: &Session,
    action: Action,
    how: &str,
    context: &Context,
) -> Result<(), Failure> {
    let draft = Draft::new(action, &context.actor, context.now)
        .user(&session.user)
        .server(&session.server)
        .session(session.id)
        .detail("how", how);
    context.store.record(draft).await?;
    Ok(())
}
