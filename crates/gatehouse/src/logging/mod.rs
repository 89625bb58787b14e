//! The log: lines on standard error or in a file.
//!
//! As text: `time=… level=… MESSAGE key=value …`, values in quotes where they hold spaces, and nothing in them that
//! a terminal would obey. The two lines that scripts wait for, `listening gate=… addr=…` and `ready`, stand bare. As
//! JSON: one flat object a line. Either way a line carries the fields of the connection that it is about: its source,
//! and its session as soon as there is one.
//!
//! Invariants:
//! - **The log never holds the node up.** Lines wait in a bounded queue for a thread of their own; what does not fit, or
//!   cannot be written, is counted and dropped.
//! - **Whole lines.** Each is one write to the end of the file, which may be moved away or cut to nothing meanwhile.

mod layer;
mod line;
mod output;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Config;
use layer::LogLayer;
use output::{Output, Place};

/// What stays the same while the program runs.
static RUNNING: OnceLock<Running> = OnceLock::new();

struct Running {
    levels: Arc<ArcSwap<Targets>>,
    output: Output,
}

/// Begins to log as configured; panics of tasks are lines of the log from here on. A second call changes nothing.
pub(crate) fn start(config: &Config) {
    let levels = Arc::new(ArcSwap::from_pointee(levels(config)));
    let output = Output::start(Place::StandardError);
    let layer = LogLayer::new(config.log.format, Arc::clone(&levels), output.clone());
    // Only a test harness has a subscriber already, and it may keep it.
    if tracing_subscriber::registry().with(layer).try_init().is_ok() {
        log_panics();
    }
    // Now that the log can tell of a file which cannot be opened.
    output.reopen(Some(place(config)));
    let _first_one_stays = RUNNING.set(Running { levels, output });
}

/// Opens the file again, and logs there and at the level that are configured now; the format stays.
pub(crate) fn reload(config: &Config) {
    if let Some(running) = RUNNING.get() {
        running.levels.store(Arc::new(levels(config)));
        tracing::callsite::rebuild_interest_cache();
        running.output.reopen(Some(place(config)));
    }
}

/// Opens the file again that is in use.
pub(crate) fn reopen() {
    if let Some(running) = RUNNING.get() {
        running.output.reopen(None);
    }
}

/// Waits, not for long, until what was logged is written.
pub(crate) fn flush() {
    if let Some(running) = RUNNING.get() {
        running.output.flush();
    }
}

/// Reads `log.level`: a level, or directives such as `info,gatehouse_ssh=debug`.
pub(crate) fn parse_levels(text: &str) -> Option<Targets> {
    text.parse().ok()
}

fn levels(config: &Config) -> Targets {
    parse_levels(&config.log.level).unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

fn place(config: &Config) -> Place {
    match config.log_file() {
        Some(path) => Place::File(path),
        None => Place::StandardError,
    }
}

impl Config {
    /// The file of the log, if it does not go to standard error.
    pub(crate) fn log_file(&self) -> Option<PathBuf> {
        self.log.file.as_ref().map(|file| self.data_dir.join(file))
    }
}

/// A panic ends one task. Its line names the connection in which it happened; with `RUST_BACKTRACE` the way there
/// follows on standard error.
fn log_panics() {
    let earlier = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or("nothing");
        let place = panic.location().map(tracing::field::display);
        tracing::error!(place, said, "a task panicked");
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            earlier(panic);
        }
    }));
}
