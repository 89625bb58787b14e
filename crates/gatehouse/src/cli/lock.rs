//! `gatehouse lock` and `gatehouse unlock`.

use clap::{Args, ValueEnum};
use gatehouse_model::{SessionId, SessionState, SpanSeconds};
use gatehouse_store::{LockTarget, PageRequest, SessionFilter};
use serde_json::json;

use super::arguments::{after, span};
use super::session::ended::Ended;
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::end;

/// What is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum TargetKind {
    /// A person
    User,
    /// A server
    Server,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse lock user alice --for 2h --reason 'lost laptop'",
    "gatehouse lock server web01",
))]
pub(crate) struct LockArguments {
    /// What is locked
    #[arg(value_name = "user|server")]
    kind: TargetKind,
    /// Name or id
    name: String,
    /// How long; without it, until lifted
    #[arg(long = "for", value_name = "DURATION", value_parser = span)]
    length: Option<SpanSeconds>,
    /// Why, for the person who is refused
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse unlock user alice", "gatehouse unlock server web01"))]
pub(crate) struct UnlockArguments {
    /// What is unlocked
    #[arg(value_name = "user|server")]
    kind: TargetKind,
    /// Name or id
    name: String,
}

fn target(kind: TargetKind, name: &str) -> LockTarget {
    match kind {
        TargetKind::User => LockTarget::User(name.to_owned()),
        TargetKind::Server => LockTarget::Server(name.to_owned()),
    }
}

pub(super) async fn lock(arguments: LockArguments, context: &Context) -> Result<Answer, Failure> {
    let until = match arguments.length {
        Some(span) => Some(after(context.now, span)?),
        None => None,
    };
    let target = target(arguments.kind, &arguments.name);
    context
        .store
        .lock(&context.actor, context.now, &target, until, arguments.reason)
        .await?;
    // After the lock, which no session that begins later gets past.
    let ended = Ended::wait(&sessions(&target, context).await?, context).await?;
    let end = until.map_or_else(
        || "until lifted".to_owned(),
        |_| format!("ends {}", end(context.now, until)),
    );
    let sentence = match ended.words() {
        Some(words) => format!("locked {} ({end}); {words}", arguments.name),
        None => format!("locked {} ({end})", arguments.name),
    };
    let value = json!({
        "locked": arguments.name,
        "until": until,
        "still_running": ended.still_running(),
    });
    context.done_with(&value, &sentence)
}

/// The running sessions of a person or at a server.
async fn sessions(target: &LockTarget, context: &Context) -> Result<Vec<SessionId>, Failure> {
    let (user, server) = match target {
        LockTarget::User(user) => (Some(user.clone()), None),
        LockTarget::Server(server) => (None, Some(server.clone())),
    };
    let filter = SessionFilter {
        state: Some(SessionState::Active),
        user,
        server,
        ..SessionFilter::default()
    };
    let sessions = context
        .store
        .sessions(context.now, &filter, &PageRequest::all())
        .await?;
    Ok(sessions.items.into_iter().map(|session| session.id).collect())
}

pub(super) async fn unlock(arguments: UnlockArguments, context: &Context) -> Result<Answer, Failure> {
    let target = target(arguments.kind, &arguments.name);
    context.store.unlock(&context.actor, context.now, &target).await?;
    context.done(&format!("unlocked {}", arguments.name))
}
