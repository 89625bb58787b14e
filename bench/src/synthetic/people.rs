//! The clients: many connections of one person, in this process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatehouse_e2e::connect_from;
use russh::client::{self, Handle, Handler, Msg};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{Channel, ChannelMsg};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::preferred;

/// How long anything may take that is not what is measured.
const PATIENCE: Duration = Duration::from_secs(60);

/// A person who can connect.
pub(crate) struct Person {
    source: Ipv4Addr,
    to: SocketAddr,
    login: String,
    key: Arc<PrivateKey>,
    config: Arc<client::Config>,
}

/// A session that is held open.
pub(crate) struct Held {
    pub(crate) handle: Handle<Trusting>,
    pub(crate) channel: Channel<Msg>,
    /// Bytes of the command's own output that were read to see that it runs; of a busy shell alone.
    pub(crate) shown: u64,
}

/// Trusts every server.
pub(crate) struct Trusting;

impl Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

impl Person {
    pub(crate) fn new(source: Ipv4Addr, to: SocketAddr, login: &str, key: &Path) -> io::Result<Self> {
        let key = load_secret_key(key, None).map_err(io::Error::other)?;
        let config = client::Config {
            preferred: preferred(),
            channel_buffer_size: 16384,
            nodelay: true,
            ..Default::default()
        };
        Ok(Self {
            source,
            to,
            login: login.to_owned(),
            key: Arc::new(key),
            config: Arc::new(config),
        })
    }

    /// Connects and logs in.
    pub(crate) async fn connect(&self) -> io::Result<Handle<Trusting>> {
        within(async {
            let stream = connect_from(self.source, self.to)?;
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let stream = TcpStream::from_std(stream)?;
            let mut handle = client::connect_stream(Arc::clone(&self.config), stream, Trusting)
                .await
                .map_err(io::Error::other)?;
            let key = PrivateKeyWithHashAlg::new(Arc::clone(&self.key), None);
            let answer = handle.authenticate_publickey(&self.login, key).await;
            if answer.map_err(io::Error::other)?.success() {
                Ok(handle)
            } else {
                Err(io::Error::other("the login was refused"))
            }
        })
        .await
    }

    /// Connects, logs in and begins a command.
    pub(crate) async fn hold(&self, terminal: bool, command: &str) -> io::Result<Held> {
        let handle = self.connect().await?;
        let (channel, shown) = begin(&handle, terminal, command).await?;
        Ok(Held {
            handle,
            channel,
            shown,
        })
    }

    /// Holds so many sessions, opened by some at a time.
    pub(crate) async fn hold_many(
        self: &Arc<Self>,
        count: usize,
        at_a_time: usize,
        command: &'static str,
    ) -> io::Result<Vec<Held>> {
        let mut opening = JoinSet::new();
        let mut held = Vec::with_capacity(count);
        for _ in 0..count {
            if opening.len() >= at_a_time
                && let Some(opened) = opening.join_next().await
            {
                held.push(opened??);
            }
            let person = Arc::clone(self);
            opening.spawn(async move { person.hold(true, command).await });
        }
        while let Some(opened) = opening.join_next().await {
            held.push(opened??);
        }
        Ok(held)
    }

    /// A whole login: connect, run `true`, read to the end, leave.
    pub(crate) async fn log_in_and_out(&self) -> io::Result<()> {
        let mut held = self.hold(false, "true").await?;
        within(async {
            let mut status = None;
            while let Some(message) = held.channel.wait().await {
                if let ChannelMsg::ExitStatus { exit_status } = message {
                    status = Some(exit_status);
                }
            }
            if status != Some(0) {
                return Err(io::Error::other("the command's status did not come"));
            }
            held.handle
                .disconnect(russh::Disconnect::ByApplication, "", "")
                .await
                .map_err(io::Error::other)
        })
        .await
    }
}

/// Begins a command on a connection and waits until the server runs it: the gate answers before that. Gives how many bytes
/// of a command that prints by itself were read for that, too.
pub(crate) async fn begin(
    handle: &Handle<Trusting>,
    terminal: bool,
    command: &str,
) -> io::Result<(Channel<Msg>, u64)> {
    let mut channel = ask(handle, terminal, command).await?;
    let shown = match command {
        "true" | "stall" => 0,
        "chatter" => shows(&mut channel, b'x').await?,
        "flood" => shows(&mut channel, 0).await?,
        _ => {
            key(&mut channel).await?;
            0
        }
    };
    Ok((channel, shown))
}

/// Waits for output that begins so; gives its length.
async fn shows(channel: &mut Channel<Msg>, first: u8) -> io::Result<u64> {
    within(async {
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Data { data }) if data.first() == Some(&first) => {
                    return Ok(data.len() as u64);
                }
                Some(_) => {}
                None => return Err(io::Error::other("the session ended")),
            }
        }
    })
    .await
}

async fn ask(handle: &Handle<Trusting>, terminal: bool, command: &str) -> io::Result<Channel<Msg>> {
    within(async {
        let mut channel = handle.channel_open_session().await.map_err(io::Error::other)?;
        if terminal {
            let asked = channel.request_pty(false, "xterm", 80, 24, 0, 0, &[]).await;
            asked.map_err(io::Error::other)?;
        }
        channel.exec(true, command).await.map_err(io::Error::other)?;
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => return Ok(channel),
                // What the gate has to say first.
                Some(ChannelMsg::Data { .. } | ChannelMsg::ExtendedData { .. }) => {}
                Some(ChannelMsg::WindowAdjusted { .. }) => {}
                other => return Err(io::Error::other(format!("{command} was answered {other:?}"))),
            }
        }
    })
    .await
}

/// One key and its echo.
pub(crate) async fn key(channel: &mut Channel<Msg>) -> io::Result<Duration> {
    within(async {
        let start = std::time::Instant::now();
        channel.data_bytes(&b"x"[..]).await.map_err(io::Error::other)?;
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Data { data }) if data.as_ref() == b"x" => return Ok(start.elapsed()),
                Some(_) => {}
                None => return Err(io::Error::other("the session ended")),
            }
        }
    })
    .await
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
