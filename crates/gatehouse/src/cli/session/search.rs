//! `gatehouse session search`: what was seen and done, found by words.

use clap::Args;
use gatehouse_audit::{Action, Draft};
use gatehouse_store::{LineKind, PageRequest, SearchFilter, SearchHit};

use crate::cli::arguments::{Since, since};
use crate::cli::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Table, age, clean, length};

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse session search 'rm -rf'",
    "gatehouse session search '\"permission denied\"' --user alice --since 7d",
    "gatehouse session search 'nginx*' --server web01 --kind command",
))]
pub(crate) struct Arguments {
    /// Words that a line has to have, all of them; "words in quotes" follow each other, word* begins so. Case and accents do not matter
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// Only sessions of this person
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Only sessions at this server
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// Only lines since then: an instant, or a duration before now
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
    /// Only what was seen, commands that were started, or names of files
    #[arg(long, value_parser = ["output", "command", "file"], value_name = "KIND")]
    kind: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
}

pub(super) async fn run(arguments: Arguments, context: &Context) -> Result<Answer, Failure> {
    let kind = arguments
        .kind
        .as_deref()
        .map(str::parse::<LineKind>)
        .transpose()?;
    let filter = SearchFilter {
        user: arguments.user,
        server: arguments.server,
        since: arguments.since.map(|since| since.instant(context.now)),
        kind,
        ..SearchFilter::default()
    };
    let page = PageRequest::first(arguments.limit);
    let words = arguments.words.join(" ");
    let hits = context.store.search(&words, &filter, &page).await?.items;
    // Lines of recordings are shown only once the book says who asked for them.
    let event =
        Draft::new(Action::RecordingSearched, &context.actor, context.now).detail("words", words.as_str());
    context.store.record(event).await?;
    context.answer(&hits, |screen| {
        let mut table = Table::new(&["SESSION", "USER", "SERVER", "BEGAN", "AT", "KIND", "LINE"]);
        for hit in &hits {
            table.row(row(hit, context));
        }
        table.render(screen, "nothing was found")
    })
}

fn row(hit: &SearchHit, context: &Context) -> [crate::terminal::Cell; 7] {
    [
        hit.session.to_string().into(),
        hit.user.as_str().into(),
        hit.server.as_str().into(),
        age(context.now, hit.started_at).into(),
        length(hit.t).into(),
        hit.kind.as_str().into(),
        clean(&hit.text).into(),
    ]
}
