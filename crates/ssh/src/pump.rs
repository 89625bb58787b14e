//! The two pumps of a session channel.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use gatehouse_faults::point;
use gatehouse_gate::{Tap, TapError};
use gatehouse_recording::{Event, Exit, Stream};
use russh::{ChannelMsg, ChannelReadHalf};
use tokio::sync::mpsc;

use crate::channel::{Control, REFUSED, SessionChannel};
use crate::conn::Conn;
use crate::text;

/// The extended data type of standard error (RFC 4254 section 5.2).
const STDERR: u32 = 1;

/// From the client to the backend, until either closes.
pub(crate) async fn input(conn: Arc<Conn>, channel: Arc<SessionChannel>, mut client: ChannelReadHalf) {
    let carry = async {
        while let Some(message) = client.wait().await {
            if pass_on(&conn, &channel, message).await.is_break() {
                break;
            }
        }
    };
    tokio::select! {
        () = carry => {}
        () = conn.deaf.cancelled() => {}
        () = conn.ending.cancelled() => {}
        // The backend takes nothing more; a window that it no longer opens must not be waited for.
        () = channel.closed() => {}
    }
    channel.input_done.cancel();
    if let Some(backend) = channel.backend.get() {
        let _ = backend.close().await;
    }
}

async fn pass_on(conn: &Arc<Conn>, channel: &SessionChannel, message: ChannelMsg) -> ControlFlow<()> {
    let (Some(backend), Some(tap)) = (channel.backend.get(), channel.tap.get()) else {
        return ControlFlow::Break(());
    };
    let sent = match message {
        ChannelMsg::Data { data } => {
            if let Err(error) = tap.data(Stream::Input, data.clone()).await {
                return cut(conn, channel, error);
            }
            point!("ssh.input-recorded", tap.session());
            backend.data_bytes(data).await
        }
        ChannelMsg::ExtendedData { data, ext } => {
            if let Err(error) = tap.data(Stream::Input, data.clone()).await {
                return cut(conn, channel, error);
            }
            backend.extended_data_bytes(ext, data).await
        }
        ChannelMsg::Eof => {
            let _ = tap.push(Event::Eof(Stream::Input)).await;
            backend.eof().await
        }
        ChannelMsg::WindowChange {
            col_width,
            row_height,
            pix_width,
            pix_height,
        } => {
            if let Err(error) = tap
                .push(Event::Resize {
                    cols: col_width,
                    rows: row_height,
                })
                .await
            {
                return cut(conn, channel, error);
            }
            backend
                .window_change(col_width, row_height, pix_width, pix_height)
                .await
        }
        ChannelMsg::Signal { signal } => {
            if let Err(error) = tap.push(Event::Marker(format!("signal: {signal:?}"))).await {
                return cut(conn, channel, error);
            }
            backend.signal(signal).await
        }
        ChannelMsg::Close => return ControlFlow::Break(()),
        // Requests are handled where they are answered.
        _ => Ok(()),
    };
    if sent.is_err() {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// Nothing more may be relayed: a refusal ends the channel with its sentence, a failed recorder the session.
fn cut(conn: &Arc<Conn>, channel: &SessionChannel, error: TapError) -> ControlFlow<()> {
    match error {
        TapError::Refused(sentence) => channel.end(&sentence),
        TapError::Failed(_) => conn.recorder_failed(&error.to_string()),
        TapError::Closed => {}
    }
    ControlFlow::Break(())
}

/// How the output of a channel came to its end.
enum Ended {
    /// The backend closed the channel.
    Closed,
    /// The backend's connection broke.
    Lost,
    /// The gate ended it.
    Cut,
    /// The client closed the channel.
    Unwanted,
}

/// For what the client sent before it closed the channel to reach the backend.
const LAST_INPUT: Duration = Duration::from_secs(10);

/// From the backend to the client, with the gate's notices in between, until the backend closes.
pub(crate) async fn output(
    conn: Arc<Conn>,
    channel: Arc<SessionChannel>,
    backend: ChannelReadHalf,
    controls: mpsc::Receiver<Control>,
) {
    let mut output = Output {
        channel: Arc::clone(&channel),
        conn: Arc::clone(&conn),
        backend,
        controls,
        eof: Eof::None,
    };
    // The answer to what a client asked for before it closed is still wanted: its input goes there.
    let unwanted = async {
        channel.client_closed.cancelled().await;
        channel.settled.cancelled().await;
    };
    let ended = tokio::select! {
        ended = output.carry() => ended,
        () = conn.ending.cancelled() => Ended::Cut,
        () = unwanted => Ended::Unwanted,
    };
    if matches!(ended, Ended::Unwanted) {
        let _ = tokio::time::timeout(LAST_INPUT, channel.input_done.cancelled()).await;
    }
    if matches!(ended, Ended::Lost) && !conn.ending.is_cancelled() {
        let sentence = format!("the connection to {} was lost", conn.server());
        channel.show(text::stderr_line(&sentence)).await;
        let _ = channel.client.exit_status(REFUSED).await;
        conn.backend_lost();
    }
    output.pass_eof().await;
    let _ = channel.client.close().await;
    if let Some(backend) = channel.backend.get() {
        let _ = backend.close().await;
    }
    if let Some(tap) = channel.tap.get() {
        tap.close().await;
    }
    conn.channels.lock().remove(&channel.id);
    channel.mark_closed();
}

/// The backend's end of file waits for the exit status, which a client that closes on end of file would lose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Eof {
    None,
    Held,
    Passed,
}

struct Output {
    conn: Arc<Conn>,
    channel: Arc<SessionChannel>,
    backend: ChannelReadHalf,
    controls: mpsc::Receiver<Control>,
    eof: Eof,
}

impl Output {
    async fn carry(&mut self) -> Ended {
        loop {
            tokio::select! {
                biased;
                Some(control) = self.controls.recv() => match control {
                    Control::Notice(text) => self.channel.show(text).await,
                    Control::End(sentence) => {
                        let line = if self.channel.is_interactive() { text::wall(&sentence) } else { text::stderr_line(&sentence) };
                        self.channel.show(line).await;
                        let _ = self.channel.client.exit_status(REFUSED).await;
                        return Ended::Cut;
                    }
                },
                message = self.backend.wait() => match message {
                    None => return Ended::Lost,
                    Some(ChannelMsg::Close) => return Ended::Closed,
                    Some(message) => if self.pass_back(message).await.is_break() { return Ended::Cut },
                },
            }
        }
    }

    async fn pass_back(&mut self, message: ChannelMsg) -> ControlFlow<()> {
        let channel = Arc::clone(&self.channel);
        let sent = match message {
            ChannelMsg::Data { data } => {
                let Some(tap) = channel.tap.get() else {
                    return ControlFlow::Break(());
                };
                if let Err(error) = tap.data(Stream::Output, data.clone()).await {
                    return self.refused(tap, error).await;
                }
                point!("ssh.output-recorded", tap.session());
                channel.client.data_bytes(data).await
            }
            ChannelMsg::ExtendedData { data, ext } => {
                let Some(tap) = channel.tap.get() else {
                    return ControlFlow::Break(());
                };
                let stream = if ext == STDERR {
                    Stream::Error
                } else {
                    Stream::Output
                };
                if let Err(error) = tap.data(stream, data.clone()).await {
                    return self.refused(tap, error).await;
                }
                channel.client.extended_data_bytes(ext, data).await
            }
            ChannelMsg::Success => {
                channel.answered(true);
                if let Some(opening) = channel.take_opening() {
                    channel.show(opening).await;
                }
                Ok(())
            }
            ChannelMsg::Failure => {
                channel.answered(false);
                Ok(())
            }
            ChannelMsg::Eof => {
                if self.eof == Eof::None {
                    self.eof = Eof::Held;
                }
                Ok(())
            }
            ChannelMsg::ExitStatus { exit_status } => {
                channel.record_exit(Exit::Status(exit_status)).await;
                let sent = channel.client.exit_status(exit_status).await;
                self.pass_eof_if_held().await;
                sent
            }
            ChannelMsg::ExitSignal {
                signal_name,
                core_dumped,
                error_message,
                lang_tag,
            } => {
                channel
                    .record_exit(Exit::Signal(format!("{signal_name:?}")))
                    .await;
                if let Some(client) = self.conn.client.get() {
                    let id = channel.id;
                    let _ = client
                        .exit_signal_request(id, signal_name, core_dumped, error_message, lang_tag)
                        .await;
                }
                self.pass_eof_if_held().await;
                Ok(())
            }
            _ => Ok(()),
        };
        if sent.is_err() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    async fn refused(&self, tap: &Tap, error: TapError) -> ControlFlow<()> {
        let sentence = match error {
            TapError::Refused(sentence) => {
                let _ = tap.push(Event::Marker(sentence.clone())).await;
                sentence
            }
            TapError::Failed(_) => {
                let sentence = error.to_string();
                self.conn.recorder_failed(&sentence);
                sentence
            }
            TapError::Closed => return ControlFlow::Break(()),
        };
        let line = text::stderr_line(&sentence);
        let _ = self
            .channel
            .client
            .extended_data_bytes(STDERR, line.into_bytes())
            .await;
        let _ = self.channel.client.exit_status(REFUSED).await;
        ControlFlow::Break(())
    }

    async fn pass_eof_if_held(&mut self) {
        if self.eof == Eof::Held {
            self.pass_eof().await;
        }
    }

    async fn pass_eof(&mut self) {
        if self.eof != Eof::Passed {
            self.eof = Eof::Passed;
            let _ = self.channel.client.eof().await;
        }
    }
}
