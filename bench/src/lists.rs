//! `bench lists`: how long a page of a list takes in a long history, on both databases; the numbers of a dashboard; and
//! searches.

mod history;
mod queries;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use gatehouse_store::Store;

use crate::effort::{Effort, Length};
use crate::quantile::quantile_of;
use crate::verdict::{Side, Verdicts};

/// How often each query is asked.
const TIMES: Effort<usize> = Effort { full: 100, quick: 20 };

/// Measures and prints a table for each database.
pub(crate) fn run(length: Length, out: &mut dyn Write) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let size = history::Size::of(length);
    writeln!(
        out,
        "{} sessions, {} servers, {} audit lines; {} sessions indexed with {} lines. p99 of {}, p50 in brackets.\n",
        size.sessions,
        size.servers,
        size.lines,
        size.indexed,
        size.indexed * history::LINES_EACH,
        TIMES.at(length)
    )?;
    for database in ["SQLite", "PostgreSQL"] {
        let folder = tempfile::tempdir()?;
        let url = match database {
            "SQLite" => format!("sqlite:{}", folder.path().join("bench.db").display()),
            _ => gatehouse_e2e::database(),
        };
        let table = runtime.block_on(async {
            let store = history::store(&url, folder.path(), size).await?;
            let table = measure(&store, TIMES.at(length)).await;
            store.close().await;
            table
        })?;
        writeln!(out, "{database}:\n\n{table}")?;
    }
    Ok(())
}

async fn measure(store: &Store, times: usize) -> io::Result<Verdicts> {
    let mut verdicts = Verdicts::default();
    for query in queries::all(store).await? {
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            let begun = Instant::now();
            query.ask(store).await?;
            took.push(begun.elapsed());
        }
        let millis = |share| quantile_of(&took, share).as_secs_f64() * 1e3;
        verdicts
            .judge(&query.what, Side::AtMost, query.target, "ms", millis(0.99))
            .made_of(&format!("{:.2}", millis(0.5)));
        // A query that is far too slow is not asked so often that the others are never reached.
        if took.iter().sum::<Duration>() > Duration::from_secs(60) {
            verdicts.note(&query.what, "took a minute");
        }
    }
    Ok(verdicts)
}

/// Whatever the store says, as an error of this measurement.
fn failed(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}
