//! `gatehouse session kill`.

use clap::{ArgGroup, Args};
use gatehouse_model::SessionState;
use gatehouse_store::KillTarget;
use serde_json::json;

use super::ended::Ended;
use super::find;
use crate::cli::{Answer, Context, Verdict, examples};
use crate::failure::Failure;

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
    let ended = Ended::wait(&ordered, context).await?;
    let running = ended.still_running();
    let value = json!({ "ordered": ordered, "still_running": running });
    let sentence = ended
        .words()
        .unwrap_or_else(|| "no session is running there".to_owned());
    let verdict = if running.is_empty() {
        Verdict::Yes
    } else {
        Verdict::No
    };
    Ok(context.done_with(&value, &sentence)?.with(verdict))
}
