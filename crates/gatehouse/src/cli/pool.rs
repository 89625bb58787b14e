//! `gatehouse pool`.

use clap::{Args, Subcommand};
use gatehouse_model::{AddressRange, ProxyAddr, Timestamp, parse_time};

use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Table, end};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List the ranges of proxy addresses and the servers they lead to
    #[command(after_long_help = examples!("gatehouse pool list"))]
    List,
    /// Add a range of proxy addresses
    Add(Add),
    /// Remove a range whose addresses are all free
    Remove(Remove),
    /// Give a server a proxy address
    Assign(Assign),
    /// Take back a server's proxy addresses; sessions on them end, and nobody else gets them for 30 days
    Release(Release),
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse pool add 10.9.0.0/24",
    "gatehouse pool add 10.9.0.0/24 --interface eth1",
))]
pub(crate) struct Add {
    /// The range
    #[arg(value_name = "CIDR")]
    range: AddressRange,
    /// The interface its addresses belong on
    #[arg(long, value_name = "INTERFACE")]
    interface: Option<String>,
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse pool remove 10.9.0.0/24"))]
pub(crate) struct Remove {
    /// The range, as it was added
    #[arg(value_name = "CIDR")]
    range: AddressRange,
}

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse pool assign web01                     the first free address",
    "gatehouse pool assign web01 10.9.0.12",
    "gatehouse pool assign web01 --until '2026-12-31 18:00'",
))]
pub(crate) struct Assign {
    /// Name or id of the server
    server: String,
    /// The address [default: the first free one]
    #[arg(value_name = "IP")]
    address: Option<ProxyAddr>,
    /// When it is given back by itself
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,
}

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse pool release web01"))]
pub(crate) struct Release {
    /// Name or id of the server
    server: String,
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    let (store, actor, now) = (&context.store, &context.actor, context.now);
    match verb {
        Verb::List => list(context).await,
        Verb::Add(arguments) => {
            store
                .add_pool_range(actor, now, arguments.range, arguments.interface)
                .await?;
            context.done(&format!("added {} to the pool", arguments.range))
        }
        Verb::Remove(arguments) => {
            context.confirm(&format!("Remove {} from the pool?", arguments.range))?;
            store.remove_pool_range(actor, now, arguments.range).await?;
            context.done(&format!("removed {} from the pool", arguments.range))
        }
        Verb::Assign(arguments) => {
            let given = store
                .assign_proxy(actor, now, &arguments.server, arguments.address, arguments.until)
                .await?;
            context.done_with(
                &given,
                &format!("{} now leads to {}", given.address, given.server),
            )
        }
        Verb::Release(arguments) => {
            context.confirm(&format!("Take back the proxy addresses of {}?", arguments.server))?;
            let released = store.release_proxies(actor, now, &arguments.server).await?;
            let words: Vec<_> = released.iter().map(ToString::to_string).collect();
            context.done_with(
                &released,
                &format!("{} had {}, now free", arguments.server, words.join(", ")),
            )
        }
    }
}

async fn list(context: &Context) -> Result<Answer, Failure> {
    let pool = context.store.pool(context.now).await?;
    context.answer(&pool, |screen| {
        let mut table = Table::new(&["RANGE", "INTERFACE", "ADDRESS", "SERVER", "GIVEN BACK"]);
        for range in &pool {
            let interface = range.interface.as_deref().unwrap_or_default();
            let mut first = [range.range.to_string(), interface.to_owned()];
            if range.allocations.is_empty() {
                let [range, interface] = first.clone();
                table.row([
                    range.into(),
                    interface.into(),
                    "".into(),
                    "all free".into(),
                    "".into(),
                ]);
            }
            for allocation in &range.allocations {
                let [range, interface] = std::mem::take(&mut first);
                table.row([
                    range.into(),
                    interface.into(),
                    allocation.address.to_string().into(),
                    allocation.server.as_str().into(),
                    end(context.now, allocation.until).into(),
                ]);
            }
        }
        table.render(
            screen,
            "the pool is empty; servers are reached as LOGIN@SERVER@GATE",
        )
    })
}
