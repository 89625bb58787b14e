//! A session channel: what was asked for on it, its two pumps, its recording.
//!
//! Two ways in. Where the backend has accepted the person already, each request is passed on as it comes and
//! answered as the backend answers. Where the login at the backend waits for the channel's first use (the agent
//! can be asked only then), requests are kept, answered with success, and passed on after the login.
//!
//! Order of operations, for each piece of data: recorded, then relayed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use gatehouse_gate::Tap;
use gatehouse_recording::{ChannelKind, Event, Exit, Pty};
use parking_lot::Mutex;
use russh::server::Msg;
use russh::{Channel, ChannelId, ChannelReadHalf, ChannelWriteHalf, client};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::conn::{Conn, Session};
use crate::mosh;
use crate::pump;
use crate::requests::{PtyRequest, Requests, X11Request};
use crate::text;

/// For the backend to answer a request; the client's connection stands still meanwhile.
const REQUEST_PATIENCE: Duration = Duration::from_secs(10);
/// Longest remark in a recording on what a client asked for, in characters.
const REMARK: usize = 256;
/// Notices that may wait for a channel.
const NOTICES: usize = 8;
/// The exit status for what the gate refuses or ends; the one that ssh itself uses for errors.
pub(crate) const REFUSED: u32 = 255;

/// What a channel's output pump is told.
#[derive(Debug)]
pub(crate) enum Control {
    /// Show this between the output.
    Notice(String),
    /// Show why, and end.
    End(String),
}

/// One session channel of a client.
pub(crate) struct SessionChannel {
    pub(crate) id: ChannelId,
    pub(crate) requests: Mutex<Requests>,
    client_read: Mutex<Option<ChannelReadHalf>>,
    pub(crate) client: ChannelWriteHalf<Msg>,
    pub(crate) backend: OnceLock<ChannelWriteHalf<client::Msg>>,
    pub(crate) tap: OnceLock<Tap>,
    replies: Mutex<VecDeque<oneshot::Sender<bool>>>,
    control: mpsc::Sender<Control>,
    controls: Mutex<Option<mpsc::Receiver<Control>>>,
    /// What is shown when the shell, command or subsystem has started, before its first output.
    opening: Mutex<Option<String>>,
    interactive: AtomicBool,
    /// The client has closed the channel: it takes no more output.
    pub(crate) client_closed: CancellationToken,
    /// What the client sent has been passed on to its end.
    pub(crate) input_done: CancellationToken,
    /// The backend has answered what was asked for, or will not be asked.
    pub(crate) settled: CancellationToken,
    closed: CancellationToken,
}

impl SessionChannel {
    pub(crate) fn new(channel: Channel<Msg>) -> Arc<Self> {
        let id = channel.id();
        let (read, write) = channel.split();
        let (control, controls) = mpsc::channel(NOTICES);
        Arc::new(Self {
            id,
            requests: Mutex::default(),
            client_read: Mutex::new(Some(read)),
            client: write,
            backend: OnceLock::new(),
            tap: OnceLock::new(),
            replies: Mutex::default(),
            control,
            controls: Mutex::new(Some(controls)),
            opening: Mutex::new(None),
            interactive: AtomicBool::new(false),
            client_closed: CancellationToken::new(),
            input_done: CancellationToken::new(),
            settled: CancellationToken::new(),
            closed: CancellationToken::new(),
        })
    }

    /// Whether a shell or command with a terminal runs on it.
    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive.load(Ordering::Acquire)
    }

    /// Shows a notice, if something with a terminal runs here. Does not wait.
    pub(crate) fn notice(&self, text: &str) {
        if self.is_interactive() {
            let _ = self.control.try_send(Control::Notice(text::wall(text)));
        }
    }

    /// Shows why and ends the channel. Does not wait.
    pub(crate) fn end(&self, sentence: &str) {
        let _ = self.control.try_send(Control::End(sentence.to_owned()));
    }

    /// Resolves when both sides are closed.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    pub(crate) fn mark_closed(&self) {
        self.closed.cancel();
    }

    /// Gives the channel its backend's half, and starts to carry what comes from there.
    pub(crate) fn attach(self: &Arc<Self>, conn: &Arc<Conn>, backend: Channel<client::Msg>) {
        let (read, write) = backend.split();
        if self.backend.set(write).is_err() {
            return;
        }
        let Some(controls) = self.controls.lock().take() else {
            return;
        };
        conn.guarded(pump::output(Arc::clone(conn), Arc::clone(self), read, controls));
    }

    /// What is to be shown first, once something has started.
    pub(crate) fn take_opening(&self) -> Option<String> {
        self.opening.lock().take().filter(|text| !text.is_empty())
    }

    /// Notes in the recording which variables were passed on: some change what a shell does.
    async fn record_variables(&self) {
        let variables = self.requests.lock().variables.clone();
        let Some(tap) = self.tap.get() else { return };
        for (name, value) in variables {
            let remark = text::prompt(&format!("environment: {name}={value}"));
            let _ = tap
                .push(Event::Marker(remark.chars().take(REMARK).collect()))
                .await;
        }
    }

    /// The backend has answered the oldest request that waits.
    pub(crate) fn answered(&self, success: bool) {
        let waiting = self.replies.lock().pop_front();
        if let Some(waiting) = waiting {
            let _ = waiting.send(success);
        }
    }

    /// Sends a request and waits for its answer; silence is a refusal. The deadline covers the sending too: the
    /// backend's loop may itself wait for the client's, which stands still here.
    pub(crate) async fn ask<F, E>(&self, send: F) -> bool
    where
        F: Future<Output = Result<(), E>>,
    {
        let (reply, answer) = oneshot::channel();
        self.replies.lock().push_back(reply);
        let asked = async { send.await.is_ok() && answer.await.unwrap_or(false) };
        tokio::time::timeout(REQUEST_PATIENCE, asked)
            .await
            .unwrap_or(false)
    }

    /// Sends a request that has no answer; whether it was sent in time.
    pub(crate) async fn tell<F, E>(send: F) -> bool
    where
        F: Future<Output = Result<(), E>>,
    {
        matches!(tokio::time::timeout(REQUEST_PATIENCE, send).await, Ok(Ok(())))
    }

    /// Asks the backend for a terminal.
    pub(crate) async fn ask_pty(&self, pty: &PtyRequest) -> bool {
        let Some(backend) = self.backend.get() else {
            return false;
        };
        self.ask(backend.request_pty(
            true,
            &pty.term,
            pty.cols,
            pty.rows,
            pty.pixel_width,
            pty.pixel_height,
            &pty.modes,
        ))
        .await
    }

    /// Asks the backend for windows.
    pub(crate) async fn ask_x11(&self, x11: &X11Request) -> bool {
        let Some(backend) = self.backend.get() else {
            return false;
        };
        self.ask(backend.request_x11(true, x11.single, &x11.protocol, &x11.cookie, x11.screen))
            .await
    }

    /// Begins the recording and starts the shell, command or subsystem. A refusal is told as such; an error is a
    /// sentence for the person.
    pub(crate) async fn start(
        self: &Arc<Self>,
        conn: &Arc<Conn>,
        session: &Session,
        kind: ChannelKind,
    ) -> Result<bool, String> {
        let Some(backend) = self.backend.get() else {
            return Ok(false);
        };
        let pty = self.requests.lock().pty.clone();
        let shown = pty.as_ref().map(|pty| Pty {
            term: pty.term.clone(),
            cols: pty.cols,
            rows: pty.rows,
        });
        let tap = session
            .live
            .open_channel(kind.clone(), shown)
            .map_err(|error| error.to_string())?;
        if self.tap.set(tap).is_err() {
            return Ok(false);
        }
        if let ChannelKind::Exec(command) = &kind
            && mosh::starts_server(command)
        {
            return Err(mosh::SENTENCE.to_owned());
        }
        let banner = session
            .banner
            .lock()
            .take()
            .map(|banner| text::from_backend(&banner));
        let greeting =
            (pty.is_some() && kind == ChannelKind::Shell).then(|| text::banner(&session.live.greeting()));
        let kept = conn.take_kept().into_iter().map(|text| text::stderr_line(&text));
        *self.opening.lock() = Some([banner, greeting].into_iter().flatten().chain(kept).collect());
        self.record_variables().await;
        let started = match kind {
            ChannelKind::Shell => self.ask(backend.request_shell(true)).await,
            ChannelKind::Exec(command) => self.ask(backend.exec(true, command)).await,
            ChannelKind::Subsystem(name) => self.ask(backend.request_subsystem(true, name)).await,
        };
        if started {
            self.interactive.store(pty.is_some(), Ordering::Release);
        } else {
            self.opening.lock().take();
        }
        if started && let Some(read) = self.client_read.lock().take() {
            conn.guarded(pump::input(Arc::clone(conn), Arc::clone(self), read));
        } else {
            // Nothing will read what the client sends, so nothing of it is to be waited for.
            self.input_done.cancel();
        }
        self.settled.cancel();
        Ok(started)
    }

    /// Tells the person why nothing comes of the channel, and closes it.
    pub(crate) async fn refuse(&self, sentence: &str) {
        let line = Bytes::from(text::stderr_line(sentence));
        self.input_done.cancel();
        self.settled.cancel();
        if let Some(tap) = self.tap.get() {
            let _ = tap.own_words(line.clone()).await;
            self.record_exit(Exit::Status(REFUSED)).await;
        }
        let _ = self.client.extended_data_bytes(1, line).await;
        let _ = self.client.exit_status(REFUSED).await;
        let _ = self.client.eof().await;
        let _ = self.client.close().await;
        self.mark_closed();
    }

    /// Hands what the gate itself shows to the recorder, then to the person.
    pub(crate) async fn show(&self, text: String) {
        let bytes = Bytes::from(text);
        // The gate's own words reach the person even when the recorder has failed: that is what they tell then.
        if let Some(tap) = self.tap.get()
            && let Err(error) = tap.own_words(bytes.clone()).await
        {
            tracing::debug!(%error, "a notice is not in the recording");
        }
        let interactive = self.requests.lock().pty.is_some();
        let _ = if interactive {
            self.client.data_bytes(bytes).await
        } else {
            self.client.extended_data_bytes(1, bytes).await
        };
    }

    /// Notes in the recording how the command ended.
    pub(crate) async fn record_exit(&self, exit: Exit) {
        if let Some(tap) = self.tap.get() {
            let _ = tap.push(Event::Exit(exit)).await;
        }
    }

    /// The client has closed the channel. If nothing was started on it, or nothing came of that, it ends here; what is
    /// being started goes on, and what the client sent before it closed still gets there.
    pub(crate) async fn abandoned(&self) {
        let starting = self.requests.lock().started && !self.input_done.is_cancelled();
        if !starting && self.client_read.lock().is_some() {
            if let Some(backend) = self.backend.get() {
                let _ = backend.close().await;
            }
            self.mark_closed();
        }
    }
}
