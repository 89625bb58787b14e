//! `gatehouse right`.

use clap::{Args, Subcommand, ValueEnum};
use gatehouse_model::Right;
use gatehouse_store::RightHolder;

use super::arguments::word;
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::Table;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Give a right to a person, or to a group and all below it
    #[command(after_long_help = examples!(
        "gatehouse right add user alice forward_local",
        "gatehouse right add group ops agent",
    ))]
    Add(Which),
    /// Take a right away
    #[command(after_long_help = examples!("gatehouse right remove user alice forward_local"))]
    Remove(Which),
    /// List the rights set on a person or a group itself
    #[command(after_long_help = examples!("gatehouse right list group ops"))]
    List(Whose),
}

/// What holds a right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum HolderKind {
    /// A person
    User,
    /// A group of people
    Group,
}

#[derive(Args)]
pub(crate) struct Whose {
    /// What holds it
    #[arg(value_name = "user|group")]
    kind: HolderKind,
    /// Name or id
    name: String,
}

#[derive(Args)]
pub(crate) struct Which {
    #[command(flatten)]
    whose: Whose,
    /// The right
    #[arg(value_parser = word::<Right>())]
    right: Right,
}

impl Whose {
    fn holder(&self) -> RightHolder {
        match self.kind {
            HolderKind::User => RightHolder::User(self.name.clone()),
            HolderKind::Group => RightHolder::Group(self.name.clone()),
        }
    }
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        Verb::Add(which) => {
            store
                .add_right(actor, now, &which.whose.holder(), which.right)
                .await?;
            context.done(&format!("{} now has the right {}", which.whose.name, which.right))
        }
        Verb::Remove(which) => {
            context.confirm(&format!(
                "Take the right {} from {}?",
                which.right, which.whose.name
            ))?;
            store
                .remove_right(actor, now, &which.whose.holder(), which.right)
                .await?;
            context.done(&format!(
                "{} no longer has the right {}",
                which.whose.name, which.right
            ))
        }
        Verb::List(whose) => {
            let rights = store.rights(&whose.holder()).await?;
            context.answer(&rights, |screen| {
                let mut table = Table::new(&["RIGHT"]);
                for right in &rights {
                    table.row([right.as_str().into()]);
                }
                table.render(screen, "no rights of its own")
            })
        }
    }
}
