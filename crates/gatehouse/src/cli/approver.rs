//! `gatehouse server-group approver`.

use clap::{ArgGroup, Args, Subcommand};
use gatehouse_store::SubjectRef;

use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::Table;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Let somebody decide requests for the servers of a group and of those below it
    #[command(after_long_help = examples!(
        "gatehouse server-group approver add web --user ann",
        "gatehouse server-group approver add web --group leads",
    ))]
    Add(Which),
    /// Take somebody from the approvers of a group
    #[command(after_long_help = examples!("gatehouse server-group approver remove web --user ann"))]
    Remove(Which),
    /// List the approvers that a group names itself
    #[command(after_long_help = examples!("gatehouse server-group approver list web"))]
    List(One),
}

#[derive(Args)]
pub(crate) struct One {
    /// Name or id of the group of servers
    server_group: String,
}

#[derive(Args)]
#[command(group = ArgGroup::new("who").required(true).args(["user", "group"]))]
pub(crate) struct Which {
    #[command(flatten)]
    one: One,
    /// Somebody, by name or id
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// All who are in this group or in one below it
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

impl Which {
    fn subject(&self) -> Result<(SubjectRef, &str), Failure> {
        match (&self.user, &self.group) {
            (Some(user), _) => Ok((SubjectRef::User(user.clone()), user)),
            (None, Some(group)) => Ok((SubjectRef::Group(group.clone()), group)),
            (None, None) => Err(Failure::usage("say who: --user or --group")),
        }
    }
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        Verb::Add(which) => {
            let group = &which.one.server_group;
            let (who, name) = which.subject()?;
            store.add_approver(actor, now, group, &who).await?;
            context.done(&format!("{name} now decides requests for {group}"))
        }
        Verb::Remove(which) => {
            let group = &which.one.server_group;
            let (who, name) = which.subject()?;
            context.confirm(&format!("Take {name} from the approvers of {group}?"))?;
            store.remove_approver(actor, now, group, &who).await?;
            context.done(&format!("{name} no longer decides requests for {group}"))
        }
        Verb::List(one) => {
            let approvers = store.approvers(&one.server_group).await?;
            context.answer(&approvers, |screen| {
                let mut table = Table::new(&["APPROVER", "KIND"]);
                for (names, kind) in [(&approvers.users, "user"), (&approvers.groups, "group")] {
                    for name in names {
                        table.row([name.as_str().into(), kind.into()]);
                    }
                }
                table.render(
                    screen,
                    "no approvers of its own; operators and administrators decide",
                )
            })
        }
    }
}
