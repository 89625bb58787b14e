//! `gatehouse session kill`.

use std::time::Duration;

use clap::{ArgGroup, Args};
use gatehouse_model::{SessionId, SessionState, Timestamp};
use gatehouse_store::{KillTarget, StoreError};
use serde_json::json;
use tokio::time::Instant;

use super::find;
use crate::cli::{Answer, Context, Verdict, examples};
use crate::failure::Failure;

/// How long a node may take to end the sessions; it reads orders every 250 ms.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).args(["id", "user", "server", "all"]))]
#[command(after_long_help = examples!(
    "gatehouse session kill 0193a7 --reason 'maintenance tonight'",
    "gatehouse session kill --user alice",
    "gatehouse session kill --all --yes",
))]
pub(crate) struct Arguments {
    /// Id of the session, any prefix that is unique, or `last`
    id: Option<String>,
    /// All sessions of this person
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// All sessions at this server
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// All sessions
    #[arg(long)]
    all: bool,
    /// Why; the people read it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let target = match (arguments.id, arguments.user, arguments.server) {
        (Some(id), ..) => {
            let session = find(&id, context).await?;
            if session.state == SessionState::Closed {
                return Err(Failure::refused(format!(
                    "session {} has ended already",
                    session.id
                )));
            }
            KillTarget::Session(session.id)
        }
        (None, Some(user), _) => {
            context.confirm(&format!("End all sessions of {user}?"))?;
            KillTarget::User(user)
        }
        (None, None, Some(server)) => {
            context.confirm(&format!("End all sessions at {server}?"))?;
            KillTarget::Server(server)
        }
        (None, None, None) => {
            context.confirm("End all sessions?")?;
            KillTarget::All
        }
    };
    let ordered = context
        .store
        .request_kill(&context.actor, context.now, &target, arguments.reason)
        .await?;
    let running = wait(&ordered, context).await?;
    let ended = ordered.len() - running.len();
    let value = json!({ "ordered": ordered, "still_running": running });
    let sentence = match (ordered.len(), running.len()) {
        (0, _) => "no session is running there".to_owned(),
        (_, 0) => format!("ended {ended} of {ended} sessions"),
        (all, left) => {
            format!("ended {ended} of {all} sessions; {left} end as soon as their node reads the order")
        }
    };
    let verdict = if running.is_empty() {
        Verdict::Yes
    } else {
        Verdict::No
    };
    Ok(context.done_with(&value, &sentence)?.with(verdict))
}

/// Waits until the sessions are closed; answers those that are not.
async fn wait(ordered: &[SessionId], context: &Context) -> Result<Vec<SessionId>, Failure> {
    let until = Instant::now() + PATIENCE;
    let mut running = ordered.to_vec();
    loop {
        let mut left = Vec::with_capacity(running.len());
        for id in running {
            match context.store.session(Timestamp::now(), &id.to_string()).await {
                Ok(session) if session.state == SessionState::Closed => {}
                // One that was still opening leaves no row.
                Err(StoreError::NotFound { .. }) => {}
                Ok(_) => left.push(id),
                Err(error) => return Err(error.into()),
            }
        }
        running = left;
        if running.is_empty() || Instant::now() >= until {
            return Ok(running);
        }
        tokio::time::sleep(LOOK).await;
    }
}
