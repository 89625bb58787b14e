//! `gatehouse session verify`.

use clap::Args;
use gatehouse_audit::{Action, Draft, Outcome};
use gatehouse_model::SessionState;
use gatehouse_store::{PageRequest, Session, SessionFilter};
use serde::Serialize;

use super::casts::{library, path};
use super::find;
use crate::cli::{Answer, Context, Verdict, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Table, Tone};

#[derive(Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["id", "all"]))]
#[command(after_long_help = examples!("gatehouse session verify 0193a7", "gatehouse session verify --all --json"))]
pub(crate) struct Arguments {
    /// Id of the session, any prefix that is unique, or `last`
    id: Option<String>,
    /// Every session that has ended
    #[arg(long)]
    all: bool,
}

/// What a comparison found.
#[derive(Serialize)]
struct Found {
    session: String,
    user: String,
    server: String,
    ok: bool,
    problems: Vec<String>,
}

pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let mut found = Vec::new();
    match &arguments.id {
        Some(id) => {
            let session = find(id, context).await?;
            if session.state != SessionState::Closed {
                return Err(Failure::refused(format!(
                    "session {} is still running; verify it when it has ended",
                    session.id
                )));
            }
            let one = compare(&session, context)?;
            record(&one, context).await?;
            found.push(one);
        }
        None => {
            let filter = SessionFilter {
                state: Some(SessionState::Closed),
                ..SessionFilter::default()
            };
            let sessions = context
                .store
                .sessions(context.now, &filter, &PageRequest::all())
                .await?
                .items;
            for session in sessions.iter().filter(|session| session.recording.is_some()) {
                let one = compare(session, context)?;
                if !one.ok {
                    record(&one, context).await?;
                }
                found.push(one);
            }
            let damaged = found.iter().filter(|one| !one.ok).count();
            let draft = Draft::new(Action::RecordingVerified, &context.actor, context.now)
                .outcome(if damaged == 0 {
                    Outcome::Ok
                } else {
                    Outcome::Failed
                })
                .detail("recordings", found.len())
                .detail("damaged", damaged);
            context.store.record(draft).await?;
        }
    }
    let verdict = if found.iter().all(|one| one.ok) {
        Verdict::Yes
    } else {
        Verdict::No
    };
    let answer = context.answer(&found, |screen| {
        let mut table = Table::new(&["SESSION", "USER", "SERVER", "RECORDING"]);
        for one in &found {
            let state = match one.ok {
                true => Cell::toned("as it was written", Tone::Good),
                false => Cell::toned(one.problems.join("; "), Tone::Bad),
            };
            table.row([
                one.session.as_str().into(),
                one.user.as_str().into(),
                one.server.as_str().into(),
                state,
            ]);
        }
        table.render(screen, "no recordings")
    })?;
    Ok(answer.with(verdict))
}

/// Compares a recording with its manifest, and the manifest with the session's row.
fn compare(session: &Session, context: &Context) -> Result<Found, Failure> {
    let expected = session
        .recording
        .as_ref()
        .and_then(|recording| recording.digest.as_deref());
    let problems: Vec<_> = match library(context).verify(&path(session, context)?, expected) {
        Ok(verification) => verification.problems.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    };
    Ok(Found {
        session: session.id.to_string(),
        user: session.user.clone(),
        server: session.server.clone(),
        ok: problems.is_empty(),
        problems,
    })
}

async fn record(one: &Found, context: &Context) -> Result<(), Failure> {
    let mut draft = Draft::new(Action::RecordingVerified, &context.actor, context.now)
        .user(&one.user)
        .server(&one.server)
        .session(&one.session);
    if !one.ok {
        draft = draft.outcome(Outcome::Failed).reason(one.problems.join("; "));
    }
    context.store.record(draft).await?;
    Ok(())
}
