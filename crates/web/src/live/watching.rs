//! A running session pushed to one viewer through a WebSocket, from whichever node carries it.
//!
//! What is shown is what the recording has. Nothing waits here but one batch: while a viewer takes nothing, nothing is
//! read from the node, which passes over what becomes too much and says so (`gate::watching`).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use gatehouse_gate::{ControlError, Viewer, Watch, WatchLine};
use gatehouse_recording::cast::{CastHeader, CastItem, CastReader};
use gatehouse_store::Session;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Place, Teller, Told};
use crate::caller::Standing;
use crate::problem::{Code, Problem};
use crate::site::Site;

/// Events are sent together, at the latest so long after the first of them.
const BATCH: Duration = Duration::from_millis(50);
/// Bytes of events after which they are sent at once.
const BATCH_BYTES: usize = 256 * 1024;
/// Whether the viewer may still look is asked this often.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// For a viewer to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(30);
/// For a row to be closed after the session's last line, and between two looks at it.
const CLOSING: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(50);

/// One who watches a running session.
pub(crate) struct Watching {
    pub(crate) site: Site,
    pub(crate) session: Session,
    /// Only this channel, if one was asked for.
    pub(crate) channel: Option<u32>,
    pub(crate) viewer: Viewer,
    pub(crate) standing: Standing,
    pub(crate) place: Place,
}

/// Why nothing more is pushed.
enum End {
    /// The viewer left, or takes nothing any more.
    Left,
    /// The session has ended.
    Over,
    /// It cannot be watched any more; why.
    Broken(String),
    /// The viewer may not look any more; why.
    Refused(String),
}

impl Watching {
    /// Pushes until the session ends or the viewer leaves.
    pub(crate) async fn run(self, mut socket: WebSocket) {
        let end = self.show(&mut socket).await;
        let (last, code, reason) = match end {
            End::Left => return,
            End::Over => {
                let reason = self.end_reason().await;
                let last = json!({ "ended": true, "reason": reason });
                (Some(last), close_code::NORMAL, String::new())
            }
            End::Broken(why) => {
                let last = json!({ "ended": true, "reason": why });
                (Some(last), close_code::AWAY, String::new())
            }
            End::Refused(why) => (None, close_code::POLICY, why),
        };
        if let Some(last) = last
            && send(&mut socket, Message::text(last.to_string())).await.is_err()
        {
            return;
        }
        // A close frame holds 123 bytes of reason (RFC 6455 section 5.5).
        let mut reason = reason;
        reason.truncate(reason.floor_char_boundary(120));
        let close = CloseFrame {
            code,
            reason: reason.into(),
        };
        let _gone = send(&mut socket, Message::Close(Some(close))).await;
        drop(self.place);
    }

    async fn show(&self, socket: &mut WebSocket) -> End {
        let mut screen = Screen::new(self.channel);
        let mut flush_at: Option<Instant> = None;
        let mut ask = tokio::time::interval_at(Instant::now() + ASK_AGAIN, ASK_AGAIN);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let begun = self.begin();
        let mut begun = std::pin::pin!(begun);
        let mut watch: Option<Watch> = None;
        loop {
            let line = async {
                match &mut watch {
                    Some(watch) => Step::Line(watch.next().await),
                    None => Step::Begun(begun.as_mut().await),
                }
            };
            let due = async {
                match flush_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let step = tokio::select! {
                biased;
                () = due => Step::Flush,
                _ = ask.tick() => Step::Ask,
                message = socket.recv() => Step::Said(matches!(message, Some(Ok(message)) if !matches!(message, Message::Close(_)))),
                line = line => line,
            };
            let mut over = None;
            match step {
                Step::Begun(Ok(begun)) => watch = Some(begun),
                Step::Line(Ok(Some(line))) => screen.take(line),
                Step::Line(Ok(None)) => over = Some(End::Over),
                Step::Begun(Err(error)) | Step::Line(Err(error)) => {
                    over = Some(End::Broken(error.to_string()));
                }
                Step::Said(true) | Step::Flush => {}
                Step::Said(false) => return End::Left,
                Step::Ask => match self.ask(socket).await {
                    Ok(()) => {}
                    Err(end) => return end,
                },
            }
            let is_due = flush_at.is_some_and(|at| at <= Instant::now());
            if over.is_some() || is_due || screen.size >= BATCH_BYTES {
                flush_at = None;
                for frame in screen.frames() {
                    if send(socket, Message::text(frame)).await.is_err() {
                        return End::Left;
                    }
                }
            } else if screen.has_news() {
                flush_at.get_or_insert_with(|| Instant::now() + BATCH);
            }
            if let Some(end) = over {
                return end;
            }
        }
    }

    async fn begin(&self) -> Result<Watch, ControlError> {
        let Self { site, session, .. } = self;
        let which = (session.id, session.node);
        let data_dir = &site.settings().data_dir;
        gatehouse_gate::watch(data_dir, site.store(), site.now(), which, &self.viewer).await
    }

    /// Whether the viewer may still look; and whether it is still there.
    async fn ask(&self, socket: &mut WebSocket) -> Result<(), End> {
        match self.standing.again(&self.site).await {
            Ok(_) => {}
            // That the store does not answer is nobody's fault; it is asked again soon.
            Err(Problem {
                code: Code::Unavailable | Code::Internal,
                ..
            }) => {}
            Err(problem) => return Err(End::Refused(problem.detail)),
        }
        send(socket, Message::Ping(Vec::new().into()))
            .await
            .map_err(|_| End::Left)
    }

    /// Why the session has ended: its row is closed a moment after its last line.
    async fn end_reason(&self) -> Option<&'static str> {
        let until = Instant::now() + CLOSING;
        loop {
            let id = self.session.id.to_string();
            let row = self.site.store().session(self.site.now(), &id).await.ok()?;
            match row.end_reason {
                Some(reason) => return Some(reason.as_str()),
                None if Instant::now() > until => return None,
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }
}

enum Step {
    Begun(Result<Watch, ControlError>),
    Line(Result<Option<WatchLine>, ControlError>),
    /// The viewer said something, or (`false`) left.
    Said(bool),
    Ask,
    Flush,
}

/// Sends, unless the viewer takes nothing.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), ()> {
    match tokio::time::timeout(PATIENCE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(()),
    }
}

/// A frame.
#[derive(Serialize)]
#[serde(untagged)]
enum Frame<'f> {
    Header { channel: u32, header: &'f CastHeader },
    Events { channel: u32, events: &'f [Told] },
    Skipped { channel: u32, skipped: u64 },
}

/// What is to be sent next.
struct Screen {
    only: Option<u32>,
    channels: BTreeMap<u32, Channel>,
    /// Frames that are made, and come before the events that wait.
    made: Vec<String>,
    size: usize,
}

#[derive(Default)]
struct Channel {
    cast: CastReader,
    /// The header's line, to begin a reader anew after a gap.
    first: Option<String>,
    teller: Teller,
    events: Vec<Told>,
}

impl Screen {
    fn new(only: Option<u32>) -> Self {
        Self {
            only,
            channels: BTreeMap::new(),
            made: Vec::new(),
            size: 0,
        }
    }

    fn take(&mut self, line: WatchLine) {
        let (WatchLine::Line { channel, .. } | WatchLine::Skipped { channel, .. }) = &line;
        let number = *channel;
        if self.only.is_some_and(|only| only != number) {
            return;
        }
        match line {
            WatchLine::Line { line, .. } => self.line(number, line),
            WatchLine::Skipped { bytes, .. } => {
                self.make_events(number);
                if let Some(channel) = self.channels.get_mut(&number) {
                    channel.begin_anew();
                }
                self.make(&Frame::Skipped {
                    channel: number,
                    skipped: bytes,
                });
            }
        }
    }

    fn line(&mut self, number: u32, line: String) {
        let channel = self.channels.entry(number).or_default();
        channel.cast.feed(line.as_bytes());
        channel.cast.feed(b"\n");
        let mut header = None;
        while let Some(item) = channel.cast.next_item() {
            match item {
                Ok(CastItem::Header(begun)) => header = Some(begun),
                Ok(CastItem::Event(event)) => {
                    if let Some(told) = channel.teller.tell(&event) {
                        self.size += told.size();
                        channel.events.push(told);
                    }
                }
                // A line that cannot be read is left out, as it is when a recording is played.
                Err(error) => tracing::debug!(%error, "a line of a cast is left out"),
            }
        }
        if let Some(header) = header {
            channel.first = Some(line);
            self.make(&Frame::Header {
                channel: number,
                header: &header,
            });
        }
    }

    fn make(&mut self, frame: &Frame<'_>) {
        match serde_json::to_string(frame) {
            Ok(text) => {
                self.size += text.len();
                self.made.push(text);
            }
            Err(error) => tracing::error!(%error, "a frame cannot be written as JSON"),
        }
    }

    fn make_events(&mut self, number: u32) {
        let waiting = self.channels.get_mut(&number);
        let events = waiting.map_or_else(Vec::new, |channel| std::mem::take(&mut channel.events));
        if !events.is_empty() {
            self.make(&Frame::Events {
                channel: number,
                events: &events,
            });
        }
    }

    fn has_news(&self) -> bool {
        self.size > 0
    }

    /// Everything that waits, as frames.
    fn frames(&mut self) -> Vec<String> {
        let numbers: Vec<u32> = self.channels.keys().copied().collect();
        for number in numbers {
            self.make_events(number);
        }
        self.size = 0;
        std::mem::take(&mut self.made)
    }
}

impl Channel {
    /// What lies between is not known: sequences and lines that belong together may have been cut.
    fn begin_anew(&mut self) {
        self.teller = Teller::default();
        self.cast = CastReader::new();
        if let Some(first) = &self.first {
            self.cast.feed(first.as_bytes());
            self.cast.feed(b"\n");
            // It was told.
            let _header = self.cast.next_item();
        }
    }
}
