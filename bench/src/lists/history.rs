//! A store with a long history.

use std::io;
use std::path::Path;
use std::process::Command;

use gatehouse_model::Secret;
use gatehouse_store::{
    IndexBatch, IndexLine, KeySource, LineKind, PageRequest, SessionFilter, Store, StoreConfig,
};

use super::failed;
use crate::effort::Length;
use crate::random::Random;

/// Lines of each session that is indexed.
pub(super) const LINES_EACH: usize = 100;
/// What is in the index. The first words are the most frequent.
const WORDS: &[&str] = &[
    "ls",
    "the",
    "root",
    "etc",
    "log",
    "usr",
    "service",
    "error",
    "nginx",
    "var",
    "systemd",
    "started",
    "config",
    "denied",
    "permission",
    "backup",
    "kernel",
    "postgres",
    "certificate",
    "zebra",
];

/// How much there is.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) sessions: usize,
    pub(super) servers: usize,
    pub(super) lines: usize,
    pub(super) indexed: usize,
}

impl Size {
    pub(super) fn of(length: Length) -> Self {
        match length {
            Length::Full => Self {
                sessions: 1_000_000,
                servers: 10_000,
                lines: 1_000_000,
                indexed: 10_000,
            },
            Length::Quick => Self {
                sessions: 50_000,
                servers: 2_000,
                lines: 50_000,
                indexed: 500,
            },
        }
    }
}

/// Makes the store and fills it.
pub(super) async fn store(url: &str, folder: &Path, size: Size) -> io::Result<Store> {
    let config = StoreConfig {
        database_url: url.to_owned(),
        data_dir: folder.to_owned(),
        key: KeySource::Given(Secret::from("00".repeat(32))),
    };
    let store = Store::open(config).await.map_err(failed)?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/lists/fill.py");
    let numbers = [size.sessions, size.servers, size.lines, size.indexed].map(|number| number.to_string());
    let filled = Command::new("python3")
        .arg(script)
        .arg(url.strip_prefix("sqlite:").unwrap_or(url))
        .args(numbers)
        .status()?;
    if !filled.success() {
        return Err(io::Error::other("the store could not be filled"));
    }
    index(&store, size.indexed).await?;
    Ok(store)
}

/// Indexes the newest sessions.
async fn index(store: &Store, sessions: usize) -> io::Result<()> {
    let now = gatehouse_model::Timestamp::now();
    let mut page = PageRequest::first(500);
    let mut random = Random::new(7);
    let mut left = sessions;
    while left > 0 {
        let got = store
            .sessions(now, &SessionFilter::default(), &page)
            .await
            .map_err(failed)?;
        for session in got.items.iter().take(left) {
            let lines = (0..LINES_EACH).map(|number| line(&mut random, number)).collect();
            let batch = IndexBatch {
                lines,
                complete: true,
                ..IndexBatch::default()
            };
            store.index_lines(session.id, batch).await.map_err(failed)?;
        }
        left = left.saturating_sub(got.items.len());
        match got.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    Ok(())
}

fn line(random: &mut Random, number: usize) -> IndexLine {
    let mut words: Vec<_> = (0..8)
        .map(|_| {
            // The lower of three: a few words are in most lines.
            let place = (0..3).map(|_| random.below(WORDS.len())).min().unwrap_or(0);
            WORDS.get(place).copied().unwrap_or("ls").to_owned()
        })
        .collect();
    words.push(format!("x{}", random.below(100_000)));
    IndexLine {
        channel: 0,
        at: number as u64 * 1_000_000,
        kind: if number == 0 {
            LineKind::Command
        } else {
            LineKind::Output
        },
        text: words.join(" "),
    }
}
