//! `gatehouse block`.

use clap::{Args, Subcommand};
use gatehouse_model::{AddressRange, SpanSeconds};
use gatehouse_policy::BlockReach;

use super::arguments::{after, span};
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Table, age, end};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List blocked sources: those that nodes blocked by themselves, and those that somebody did
    #[command(after_long_help = examples!("gatehouse block list"))]
    List,
    /// Refuse a source whoever it belongs to; running sessions from it end
    Add(Add),
    /// Lift a block, and forget how often the source was blocked before
    Remove(Remove),
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse block add 203.0.113.9 --for 1d --reason scanning",
    "gatehouse block add 203.0.113.0/24",
))]
pub(crate) struct Add {
    /// Address or range
    #[arg(value_name = "IP|CIDR")]
    range: AddressRange,
    /// How long; without it, until lifted
    #[arg(long = "for", value_name = "DURATION", value_parser = span)]
    length: Option<SpanSeconds>,
    /// Why; for people who read the list
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse block remove 203.0.113.0/24"))]
pub(crate) struct Remove {
    /// Address or range, as it was blocked
    #[arg(value_name = "IP|CIDR")]
    range: AddressRange,
}

/// Whether running sessions end as well.
fn sessions(reach: BlockReach) -> &'static str {
    match reach {
        BlockReach::Everything => "yes",
        BlockReach::NewConnections => "no",
    }
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        Verb::List => {
            let blocks = store.blocks(now).await?;
            context.answer(&blocks, |screen| {
                let mut table = Table::new(&["SOURCE", "ENDS", "ENDS SESSIONS", "REASON", "SINCE", "BY"]);
                for block in &blocks {
                    table.row([
                        block.range.to_string().into(),
                        end(now, block.until).into(),
                        sessions(block.reach).into(),
                        block.reason.as_deref().unwrap_or_default().into(),
                        age(now, block.created_at).into(),
                        block.created_by.as_str().into(),
                    ]);
                }
                table.render(screen, "nothing is blocked")
            })
        }
        Verb::Add(arguments) => {
            let until = match arguments.length {
                Some(span) => Some(after(now, span)?),
                None => None,
            };
            let block = store
                .add_block(actor, now, arguments.range, until, arguments.reason)
                .await?;
            context.done_with(&block, &format!("blocked {}", block.range))
        }
        Verb::Remove(arguments) => {
            context.confirm(&format!("Lift the block of {}?", arguments.range))?;
            store.remove_block(actor, now, arguments.range).await?;
            context.done(&format!("{} is no longer blocked", arguments.range))
        }
    }
}
