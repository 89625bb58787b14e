//! `gatehouse session play`: a recording as it happened, made safe for the viewer's terminal.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use gatehouse_audit::Action;
use gatehouse_recording::Offset;
use gatehouse_recording::cast::{CastData, CastEvent, CastHeader};
use gatehouse_recording::screen::{RESTORE, SafeRenderer};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::Recorded;
use super::casts::heading;
use super::keys::{Key, Keys};
use super::source::{Desk, Source};
use crate::cli::arguments::{seconds, speed};
use crate::cli::{Answer, examples};
use crate::failure::Failure;

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse session play 0193a7",
    "gatehouse session play 0193a7 --speed 4 --max-idle 1",
    "gatehouse session play 0193a7 --channel 2",
    "gatehouse session play --dir ./0193a7… --identity key.txt",
))]
pub(crate) struct Arguments {
    #[command(flatten)]
    recorded: Recorded,
    /// How many times faster
    #[arg(long, value_name = "FACTOR", value_parser = speed, default_value = "1")]
    speed: f64,
    /// Longest pause, in seconds, before the speed is applied [default: as it was]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_idle: Option<Duration>,
}

impl Arguments {
    /// Which recording.
    pub(super) fn source(&self) -> &Source {
        &self.recorded.source
    }
}

pub(super) async fn run(arguments: &Arguments, desk: &Desk<'_>) -> Result<Answer, Failure> {
    let found = desk.find(&arguments.recorded.source).await?;
    let channels = found.recorded.chosen(arguments.recorded.channel)?;
    desk.about_to_show(&found, Action::RecordingViewed, "play")
        .await?;
    let mut casts = found.recorded.read(&channels)?;
    let mut show = Show::begin(channels.len() > 1)?;
    let mut last = Offset::ZERO;
    while let Some(shown) = casts.next() {
        let pause = shown.event.at.since(last);
        last = last.max(shown.event.at);
        let pause = pause.min(arguments.max_idle.unwrap_or(Duration::MAX));
        if show
            .wait(Duration::from_secs_f64(pause.as_secs_f64() / arguments.speed))
            .await
            == Key::Quit
        {
            break;
        }
        show.event(shown.channel, shown.header, &shown.event)?;
    }
    show.end()?;
    // What could be shown was; that something is missing is told at the end, and by the exit status.
    casts
        .damage()
        .map_or(Ok(Answer::nothing()), |damage| Err(Failure::refused(damage)))
}

/// Shows events on standard output, and listens to keys and signals meanwhile.
pub(super) struct Show {
    keys: Keys,
    interrupt: tokio::signal::unix::Signal,
    renderers: BTreeMap<u32, SafeRenderer>,
    several: bool,
    last: Option<u32>,
    terminal: bool,
}

impl Show {
    /// Begins. Each change of channel is headed, and with `several` channels the first one as well.
    pub(super) fn begin(several: bool) -> Result<Self, Failure> {
        let interrupt = signal(SignalKind::interrupt()).map_err(|source| Failure::System {
            what: "Ctrl-C cannot be listened to",
            source,
        })?;
        let terminal = std::io::stdout().is_terminal();
        Ok(Self {
            keys: Keys::listen(),
            interrupt,
            renderers: BTreeMap::new(),
            several,
            last: None,
            terminal,
        })
    }

    /// Waits, longer if a pause is asked for. [`Key::Quit`]: leave now; [`Key::Pause`]: the time is over.
    pub(super) async fn wait(&mut self, span: Duration) -> Key {
        let mut left = span;
        let mut held = false;
        loop {
            let begun = Instant::now();
            let over = async {
                if held {
                    std::future::pending().await
                } else {
                    tokio::time::sleep(left).await
                }
            };
            tokio::select! {
                biased;
                _ = self.interrupt.recv() => return Key::Quit,
                key = self.keys.next() => {
                    if key == Key::Quit {
                        return Key::Quit;
                    }
                    if !held {
                        left = left.saturating_sub(begun.elapsed());
                    }
                    held = !held;
                }
                () = over => return Key::Pause,
            }
        }
    }

    /// Resolves when whoever looks wants to leave.
    pub(super) async fn left(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                key = self.keys.next() => if key == Key::Quit { return },
            }
        }
    }

    /// Shows an event.
    pub(super) fn event(
        &mut self,
        channel: u32,
        header: &CastHeader,
        event: &CastEvent,
    ) -> Result<(), Failure> {
        let text = match &event.data {
            CastData::Output(_, bytes) => self.renderers.entry(channel).or_default().render(&bytes.text),
            CastData::Binary(stream, length) => {
                format!("\r\n[{length} bytes of binary {}]\r\n", stream.as_str())
            }
            CastData::Gap(length) => format!("\r\n[{length} bytes are lost here]\r\n"),
            _ => return Ok(()),
        };
        self.put(channel, header, &text)
    }

    /// Says that something is not shown.
    pub(super) fn skipped(&mut self, channel: u32, header: &CastHeader, bytes: u64) -> Result<(), Failure> {
        let size = crate::terminal::bytes(bytes);
        let text = format!("\r\n[{size} are too much to be shown live; the recording has them]\r\n");
        self.put(channel, header, &text)
    }

    fn put(&mut self, channel: u32, header: &CastHeader, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let before = self.last.replace(channel);
        if before != Some(channel) && (self.several || before.is_some()) {
            write!(out, "\r\n== {} ==\r\n", heading(channel, header)).map_err(Failure::Output)?;
        }
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(Failure::Output)
    }

    /// Puts the viewer's terminal in order.
    pub(super) fn end(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        // Putting the scrolling region back moves the cursor, so its place is kept; with it come attributes.
        let last = if self.terminal {
            format!("\x1b7{RESTORE}\x1b8\x1b[0m\x1b(B\x0f\r\n")
        } else {
            String::new()
        };
        out.write_all(last.as_bytes())
            .and_then(|()| out.flush())
            .map_err(Failure::Output)
    }
}
