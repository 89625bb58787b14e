//! `gatehouse demo`: a complete trial on loopback addresses, as root or as an ordinary user.
//!
//! Order: directory → sample servers → configuration → people, servers and grants in the store → node → page. At the
//! end, in whatever way it comes, the node is stopped before the servers, and then the directory is removed unless
//! it was named.

mod children;
mod page;
mod people;
mod place;
mod servers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Answer, examples};
use crate::failure::Failure;

use children::{Child, Pace};
use place::Place;

/// For the node to have every listener up.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// Where the trial is.
#[derive(Args)]
#[command(after_long_help = examples!("gatehouse demo", "gatehouse demo --dir ./trial"))]
pub(crate) struct Arguments {
    /// Directory for everything the trial needs; it is kept [default: a temporary one that is removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the trial until it is told to stop.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    // Listened to from here on, so that nothing is left behind however early the end comes.
    let mut end = End::listen()?;
    let tools = servers::Tools::find()?;
    let place = Place::make(arguments.dir)?;
    let done = tokio::select! {
        done = trial(&tools, &place) => done,
        () = end.comes() => Ok(()),
    };
    place.leave()?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn trial(tools: &servers::Tools, place: &Place) -> Result<(), Failure> {
    let samples = servers::start(tools, place).await?;
    let config = place.write_config()?;
    let password = people::enter(&config, place, &samples).await?;
    let program = std::env::current_exe().map_err(|source| Failure::System {
        what: "the program cannot find its own file",
        source,
    })?;
    let mut node = Child::node(&program, &place.config_file(), &place.node_log(), Pace::Graceful)?;
    node.wait_for_line("ready", START_PATIENCE).await?;
    Answer::text(page::page(place, &samples, &program, &password)).write()?;
    node.ended().await
}

/// The signals that end the trial.
struct End {
    signals: Vec<tokio::signal::unix::Signal>,
}

impl End {
    fn listen() -> Result<Self, Failure> {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let signals = kinds.into_iter().map(signal).collect::<Result<_, _>>();
        let failed = |source| Failure::System {
            what: "signals cannot be listened to",
            source,
        };
        Ok(Self {
            signals: signals.map_err(failed)?,
        })
    }

    async fn comes(&mut self) {
        let waiting = self.signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures::future::select_all(waiting).await;
    }
}
