//! `gatehouse forwards`.

use clap::Args;
use gatehouse_store::{PageRequest, Past};

use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Table, Tone, age, bytes};

#[derive(Args)]
#[command(after_long_help = examples!("gatehouse forwards", "gatehouse forwards --all --json"))]
pub(crate) struct Arguments {
    /// Those that have ended too
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let past = if arguments.all { Past::Include } else { Past::Omit };
    let forwards = context.store.forwards(past, &PageRequest::all()).await?.items;
    context.answer(&forwards, |screen| {
        let mut table = Table::new(&[
            "USER", "SERVER", "KIND", "LISTENS", "LEADS TO", "IN", "OUT", "SINCE", "STATE",
        ]);
        for entry in &forwards {
            let forward = &entry.forward;
            let state = match forward.ended_at {
                None => Cell::toned("open", Tone::Good),
                Some(ended) => Cell::toned(format!("closed {}", age(context.now, ended)), Tone::Dim),
            };
            table.row([
                entry.user.as_str().into(),
                entry.server.as_str().into(),
                forward.kind.as_str().into(),
                forward.listen.as_str().into(),
                forward.destination.as_str().into(),
                bytes(forward.bytes_in).into(),
                bytes(forward.bytes_out).into(),
                age(context.now, forward.started_at).into(),
                state,
            ]);
        }
        table.render(screen, "no port forwards")
    })
}
