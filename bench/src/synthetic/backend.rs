//! The server: a process of its own, which does as little as it can.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{PrivateKey, ssh_key::private::KeypairData};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelMsg, Pty, server};
use tokio::net::TcpListener;

use super::preferred;

/// The word that makes this program the server; the address follows.
pub(crate) const WORD: &str = "synthetic-backend";

/// What it answers: how much busy shells have printed; and the same, and that they print no more.
const PRINTED: &str = "printed";
const HUSH: &str = "hush";

/// What a busy shell prints at once, and how often: 20 kB a second.
pub(crate) const CHATTER: u64 = 1500;
const CHATTER_EVERY: Duration = Duration::from_millis(75);
pub(crate) const CHATTER_RATE: f64 = 20_000.0;
/// What a flood sends at once, and in all at most.
const FLOOD: usize = 32 * 1024;
const FLOOD_PACKETS: usize = 64 * 1024;

/// The process; ended when this is dropped, or when this process ends in whatever way.
pub(crate) struct Backend {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
}

impl Backend {
    pub(crate) fn start(address: Ipv4Addr) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([WORD, &address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("the pipe was asked for");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let addr = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self {
            child,
            stdin,
            stdout,
            addr,
        })
    }

    /// Bytes that all its busy shells have printed so far.
    pub(crate) fn printed(&mut self) -> io::Result<u64> {
        self.ask(PRINTED)
    }

    /// Has the busy shells print no more, for good; a shell that is printing ends its piece.
    pub(crate) fn hush(&mut self) -> io::Result<()> {
        self.ask(HUSH).map(drop)
    }

    fn ask(&mut self, word: &str) -> io::Result<u64> {
        writeln!(self.stdin, "{word}")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        line.trim()
            .parse()
            .map_err(|_| io::Error::other(format!("the synthetic server answered {line:?}")))
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until standard input ends.
pub(crate) fn serve(address: &str) -> io::Result<()> {
    let address: Ipv4Addr = address.parse().map_err(io::Error::other)?;
    let shells = Arc::new(Shells::default());
    let asked = Arc::clone(&shells);
    std::thread::spawn(move || {
        // Nobody is there any more, whatever the error.
        let _ = answer(&asked);
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let key = KeypairData::Ed25519(Ed25519Keypair::from_seed(&[7; 32]));
        let key = PrivateKey::new(key, "").map_err(io::Error::other)?;
        let config = Arc::new(server::Config {
            keys: vec![key],
            preferred: preferred(),
            inactivity_timeout: None,
            channel_buffer_size: 16384,
            nodelay: true,
            ..Default::default()
        });
        let listener = TcpListener::bind((address, 0)).await?;
        writeln!(io::stdout(), "{}", listener.local_addr()?)?;
        io::stdout().flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let config = Arc::clone(&config);
            let connection = Connection {
                shells: Arc::clone(&shells),
                waiting: HashMap::new(),
            };
            tokio::spawn(async move {
                if let Ok(session) = server::run_stream(config, stream, connection).await {
                    let _ = session.await;
                }
            });
        }
    })
}

/// Answers what it is asked on standard input, each with what was printed.
fn answer(shells: &Shells) -> io::Result<()> {
    for word in io::stdin().lines() {
        if word? == HUSH {
            shells.hushed.store(true, Ordering::Relaxed);
        }
        writeln!(io::stdout(), "{}", shells.printed.load(Ordering::Relaxed))?;
    }
    Ok(())
}

/// What all busy shells have in common.
#[derive(Default)]
struct Shells {
    /// Bytes that were handed to the connections.
    printed: AtomicU64,
    /// Whether they are to print no more.
    hushed: AtomicBool,
}

struct Connection {
    shells: Arc<Shells>,
    /// Channels whose command has not come.
    waiting: HashMap<ChannelId, Channel<Msg>>,
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.waiting.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(channel) = self.waiting.remove(&id) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        tokio::spawn(run(command.to_vec(), channel, Arc::clone(&self.shells)));
        Ok(())
    }
}

/// What the commands do; each ends with its connection.
async fn run(command: Vec<u8>, channel: Channel<Msg>, shells: Arc<Shells>) -> Result<(), russh::Error> {
    match command.as_slice() {
        b"true" => {
            channel.exit_status(0).await?;
            channel.eof().await?;
            channel.close().await
        }
        b"chatter" => chatter(&channel, &shells).await,
        b"flood" => flood(&channel).await,
        // Reads nothing, so that its window is used up.
        b"stall" => {
            let _held = channel;
            std::future::pending().await
        }
        _ => echo(channel).await,
    }
}

async fn echo(mut channel: Channel<Msg>) -> Result<(), russh::Error> {
    while let Some(message) = channel.wait().await {
        if let ChannelMsg::Data { data } = message {
            channel.data_bytes(data).await?;
        }
    }
    Ok(())
}

async fn chatter(channel: &Channel<Msg>, shells: &Shells) -> Result<(), russh::Error> {
    let line = [&[b'x'; 73][..], b"\r\n"].concat();
    let text = Bytes::from(line.repeat(CHATTER as usize / line.len()));
    let mut beat = tokio::time::interval(CHATTER_EVERY);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        beat.tick().await;
        if shells.hushed.load(Ordering::Relaxed) {
            continue;
        }
        channel.data_bytes(text.clone()).await?;
        shells.printed.fetch_add(CHATTER, Ordering::Relaxed);
    }
}

async fn flood(channel: &Channel<Msg>) -> Result<(), russh::Error> {
    let bytes = Bytes::from(vec![0; FLOOD]);
    for _ in 0..FLOOD_PACKETS {
        channel.data_bytes(bytes.clone()).await?;
    }
    Ok(())
}
