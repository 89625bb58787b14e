//! `gatehouse who-can`.

use clap::Args;
use gatehouse_model::{Protocol, Timestamp, parse_time, to_micros};
use gatehouse_policy::who_can;
use serde_json::{Value, json};

use super::arguments::word;
use super::check::directory;
use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Table, end};

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse who-can --server web01",
    "gatehouse who-can --server web01 --protocol ssh --at '2026-01-31 03:00'",
))]
pub(crate) struct Arguments {
    /// The server
    #[arg(long, value_name = "SERVER")]
    server: String,
    /// Only by this protocol
    #[arg(long, value_parser = word::<Protocol>(), value_name = "PROTOCOL")]
    protocol: Option<Protocol>,
    /// When [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,
}

pub(super) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let at = to_micros(arguments.at.unwrap_or(context.now));
    let server = context.store.server(context.now, &arguments.server).await?;
    let directory = directory(context).await?;
    let people = who_can(&directory, server.id, arguments.protocol, at);
    let name = |id| {
        directory
            .user(id)
            .map_or_else(String::new, |user| user.name.to_string())
    };
    let value: Vec<Value> = people
        .iter()
        .map(|it| {
            json!({
                "user": name(it.user),
                "protocol": it.protocol,
                "policies": it.policies,
                "sources": it.sources,
                "allowed_until": it.until,
            })
        })
        .collect();
    context.answer(&value, |screen| {
        let mut table = Table::new(&["USER", "PROTO", "POLICIES", "FROM", "ENDS"]);
        for it in &people {
            let policies: Vec<_> = it.policies.iter().map(ToString::to_string).collect();
            let sources: Vec<_> = it.sources.iter().map(ToString::to_string).collect();
            table.row([
                name(it.user).into(),
                it.protocol.as_str().into(),
                policies.join(", ").into(),
                sources.join(", ").into(),
                end(context.now, it.until).into(),
            ]);
        }
        table.render(screen, "nobody could connect")
    })
}
