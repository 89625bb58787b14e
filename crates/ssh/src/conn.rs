//! One client's connection: what its handler, its channels and the backend's handler share, and how it ends.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use gatehouse_faults::point;
use gatehouse_gate::{Accepted, Close, Command, Live, LoginMethod, OpenError, Recording};
use gatehouse_model::Right;
use parking_lot::Mutex;
use russh::client;
use russh::server::{self, Msg};
use russh::{Channel, ChannelId, Disconnect};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::backend::{Backend, BackendHandler};
use crate::channel::SessionChannel;
use crate::deferred::Deferred;
use crate::forward::{self, Remote};
use crate::settings::SshSettings;
use crate::text;

/// Notices that are kept for what starts next.
const KEPT: usize = 8;
/// Agent channels that a backend may have open at a time.
const AGENT_CHANNELS: usize = 16;
/// For channels to show why they end and to close by themselves; after that nothing is relayed any more.
const LAST_WORDS: Duration = Duration::from_millis(400);
/// For a peer to be told of the end.
const GOODBYE: Duration = Duration::from_secs(1);
/// After that, for the peers to take what is still on its way, before their sockets are failed.
const LINGER: Duration = Duration::from_secs(2);

/// The session of a connection: a running recording and the backend that accepted the person.
pub(crate) struct Session {
    pub(crate) live: Live,
    pub(crate) backend: client::Handle<BackendHandler>,
    /// The address at which the backend was reached.
    pub(crate) backend_ip: Option<IpAddr>,
    /// What the backend said before the login, until a first channel shows it.
    pub(crate) banner: Mutex<Option<String>>,
}

/// What is shared within one client's connection.
pub(crate) struct Conn {
    pub(crate) settings: Arc<SshSettings>,
    pub(crate) accepted: Accepted,
    /// Fails both sockets.
    pub(crate) abort: CancellationToken,
    /// Nothing more is taken from the client: the end was ordered.
    pub(crate) deaf: CancellationToken,
    /// Stops the pumps.
    pub(crate) ending: CancellationToken,
    pub(crate) client: OnceLock<server::Handle>,
    pub(crate) session: OnceLock<Arc<Session>>,
    /// A login at the backend that waits for the first use of a channel.
    pub(crate) deferred: tokio::sync::Mutex<Option<Deferred>>,
    pub(crate) channels: Mutex<HashMap<ChannelId, Arc<SessionChannel>>>,
    /// The client said that it forwards its agent.
    pub(crate) agent_offered: AtomicBool,
    /// The agent was asked for the login although the client did not offer it, for a forward.
    pub(crate) agent_asked: AtomicBool,
    /// Agent channels of the backend that may be open at a time.
    pub(crate) agent_channels: Arc<Semaphore>,
    /// Ends the agent channels that are open.
    pub(crate) agent_stop: Mutex<CancellationToken>,
    /// The client asked for X11, and the backend was told.
    pub(crate) x11_asked: AtomicBool,
    /// Connections through forwards that may be open at a time.
    pub(crate) forward_places: Arc<Semaphore>,
    /// Remote forwards in use.
    pub(crate) remotes: Mutex<Vec<Arc<Remote>>>,
    /// What is to be shown when something starts.
    kept: Mutex<Vec<String>>,
    pub(crate) tasks: TaskTracker,
    /// The client's side has ended.
    client_gone: CancellationToken,
    /// Keys were agreed on with the client.
    pub(crate) handshaken: AtomicBool,
    logged_in: Notify,
    lost: AtomicBool,
    close: Mutex<Option<Close>>,
}

impl Conn {
    pub(crate) fn new(settings: Arc<SshSettings>, accepted: Accepted) -> Arc<Self> {
        let ending = CancellationToken::new();
        Arc::new(Self {
            forward_places: Arc::new(Semaphore::new(settings.forward_connections)),
            settings,
            accepted,
            abort: CancellationToken::new(),
            agent_channels: Arc::new(Semaphore::new(AGENT_CHANNELS)),
            agent_stop: Mutex::new(ending.child_token()),
            deaf: CancellationToken::new(),
            ending,
            client: OnceLock::new(),
            session: OnceLock::new(),
            deferred: tokio::sync::Mutex::new(None),
            channels: Mutex::default(),
            agent_offered: AtomicBool::new(false),
            agent_asked: AtomicBool::new(false),
            x11_asked: AtomicBool::new(false),
            remotes: Mutex::default(),
            kept: Mutex::default(),
            tasks: TaskTracker::new(),
            client_gone: CancellationToken::new(),
            handshaken: AtomicBool::new(false),
            logged_in: Notify::new(),
            lost: AtomicBool::new(false),
            close: Mutex::new(None),
        })
    }

    /// The client has logged in at the gate: the grace is over.
    pub(crate) fn client_accepted(&self) {
        self.accepted.authenticated();
        self.logged_in.notify_one();
    }

    /// Resolves when the client has logged in at the gate.
    pub(crate) async fn client_logged_in(&self) {
        self.logged_in.notified().await;
    }

    /// The backend has accepted the person: the session runs from here on.
    pub(crate) async fn establish(
        self: &Arc<Self>,
        recording: &Recording,
        backend: Backend,
        method: LoginMethod,
    ) -> Result<Arc<Session>, OpenError> {
        point!("ssh.logged-in", recording.id());
        let (live, commands) = recording.activate(method).await?;
        let banner = Mutex::new(backend.take_banner());
        let session = Arc::new(Session {
            live,
            backend_ip: backend.ip,
            backend: backend.handle,
            banner,
        });
        if self.session.set(Arc::clone(&session)).is_err() {
            return Err(OpenError::Ended(
                "this connection has a session already".to_owned(),
            ));
        }
        self.guarded(obey(Arc::downgrade(self), Arc::clone(&session), commands));
        Ok(session)
    }

    /// Runs something about this connection as a task; its lines of the log name the connection.
    fn spawn(&self, part: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(part.instrument(self.accepted.span().clone()));
    }

    /// Runs a part of this connection as a task. A panic in it ends this connection, and no other.
    pub(crate) fn guarded(self: &Arc<Self>, part: impl Future<Output = ()> + Send + 'static) {
        let conn = Arc::downgrade(self);
        let part = tokio::spawn(part.instrument(self.accepted.span().clone()));
        self.spawn(async move {
            if let Err(error) = part.await
                && error.is_panic()
                && let Some(conn) = conn.upgrade()
            {
                tracing::error!("a part of the connection panicked");
                conn.note_close(Close::error("a fault of the gate ended this session"));
                conn.abort.cancel();
            }
        });
    }

    /// Sets how the session is to be closed; the first one counts.
    pub(crate) fn note_close(&self, close: Close) {
        self.close.lock().get_or_insert(close);
    }

    /// Ends the connection from the gate's side: channels show why, nothing more is taken from the client, then
    /// everything is cut. A client that does not read what it is shown is not waited for longer than
    /// [`LAST_WORDS`], so that an order to end is carried out within the second that is promised.
    pub(crate) async fn end(self: &Arc<Self>, close: Close, sentence: &str) {
        self.note_close(close);
        let channels: Vec<_> = self.channels.lock().values().cloned().collect();
        for channel in &channels {
            channel.end(sentence);
        }
        // After the order, so that a channel hears why it ends before its backend's side is closed.
        self.deaf.cancel();
        let gone = async {
            for channel in &channels {
                channel.closed().await;
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, gone).await;
        self.ending.cancel();
        // Nothing is relayed any more, so the session is over, whatever the peers still take.
        if let Some(session) = self.session.get() {
            let live = session.live.clone();
            let close = self.close.lock().clone().unwrap_or_else(Close::normal);
            self.spawn(async move { live.close(close).await });
        }
        // OpenSSH throws away what it has not yet shown when it is told of the end; most clients go by themselves
        // when their last channel is closed.
        let by_itself = tokio::time::timeout(LAST_WORDS, self.client_gone.cancelled()).await;
        if by_itself.is_err()
            && let Some(client) = self.client.get()
        {
            let line = text::disconnect(sentence);
            let goodbye = client.disconnect(Disconnect::ByApplication, line, String::new());
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
        let _ = tokio::time::timeout(LINGER, self.client_gone.cancelled()).await;
        self.abort.cancel();
    }

    /// The recorder has failed: nothing more is relayed, and the session ends with this sentence.
    pub(crate) fn recorder_failed(self: &Arc<Self>, sentence: &str) {
        self.note_close(Close::error(sentence));
        let (conn, sentence) = (Arc::clone(self), sentence.to_owned());
        self.spawn(async move { conn.end(Close::error(sentence.clone()), &sentence).await });
    }

    /// The backend's connection broke: the session cannot go on.
    pub(crate) fn backend_lost(self: &Arc<Self>) {
        if self.ending.is_cancelled() || self.lost.swap(true, Ordering::AcqRel) {
            return;
        }
        let server = self.server();
        let sentence = format!("the connection to {server} was lost");
        // A server may end the connection by itself after its last channel; that is no fault.
        let idle = self.channels.lock().is_empty();
        let close = if idle {
            Close::normal()
        } else {
            Close::error(sentence.clone())
        };
        self.note_close(close.clone());
        let conn = Arc::clone(self);
        self.spawn(async move {
            // The pumps first show what has still come from there, and say it themselves.
            tokio::time::sleep(GOODBYE).await;
            conn.end(close, &sentence).await;
        });
    }

    /// After the client's side has ended: stops what is left, and closes the session.
    pub(crate) async fn finish(self: &Arc<Self>) {
        self.client_gone.cancel();
        self.ending.cancel();
        if let Some(session) = self.session.get() {
            let goodbye = session.backend.disconnect(Disconnect::ByApplication, "", "");
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
        self.tasks.close();
        if tokio::time::timeout(LINGER, self.tasks.wait()).await.is_err() {
            self.abort.cancel();
            let _ = tokio::time::timeout(LINGER, self.tasks.wait()).await;
        }
        self.abort.cancel();
        *self.deferred.lock().await = None;
        self.channels.lock().clear();
        self.remotes.lock().clear();
        if let Some(session) = self.session.get() {
            let close = self.close.lock().clone().unwrap_or_else(Close::normal);
            session.live.close(close).await;
        }
    }

    /// Shows a notice in interactive shells; whether there was one.
    pub(crate) fn tell(&self, text: &str) -> bool {
        let channels = self.channels.lock();
        let interactive: Vec<_> = channels.values().filter(|c| c.is_interactive()).collect();
        interactive.iter().for_each(|channel| channel.notice(text));
        !interactive.is_empty()
    }

    /// The same; without a shell it is kept for what starts next.
    pub(crate) fn tell_or_keep(&self, text: &str) {
        let mut kept = self.kept.lock();
        if !self.tell(text) && kept.len() < KEPT {
            kept.push(text.to_owned());
        }
    }

    /// What was kept to be shown.
    pub(crate) fn take_kept(&self) -> Vec<String> {
        std::mem::take(&mut *self.kept.lock())
    }

    /// The server's name, for sentences.
    pub(crate) fn server(&self) -> String {
        let session = self.session.get();
        session.map_or_else(
            || "the server".to_owned(),
            |s| s.live.decided().server_name().to_string(),
        )
    }
}

/// Carries out what the gate orders about the session.
async fn obey(conn: Weak<Conn>, session: Arc<Session>, mut commands: mpsc::Receiver<Command>) {
    let Some(ending) = conn.upgrade().map(|conn| conn.ending.clone()) else {
        return;
    };
    loop {
        let command = tokio::select! {
            () = ending.cancelled() => return,
            () = session.live.aborted() => {
                if let Some(conn) = conn.upgrade() {
                    conn.abort.cancel();
                }
                return;
            }
            command = commands.recv() => command,
        };
        let (Some(command), Some(conn)) = (command, conn.upgrade()) else {
            return;
        };
        match command {
            Command::Notice(text) => {
                conn.tell(&text);
            }
            Command::Regranted => {
                if !session.live.rights().allows(Right::Agent) {
                    conn.agent_stop.lock().cancel();
                    *conn.agent_stop.lock() = conn.ending.child_token();
                }
            }
            Command::End(ending) => {
                let ended = Arc::clone(&conn);
                conn.spawn(async move { ended.end(ending.close(), &ending.sentence).await });
            }
        }
    }
}

/// For the client to open its agent's channel.
const AGENT_PATIENCE: Duration = Duration::from_secs(10);

/// Opens a channel to the client's agent.
pub(crate) async fn open_agent(conn: &Conn) -> Option<Channel<Msg>> {
    let client = conn.client.get()?.clone();
    let open = async move { client.channel_open_agent().await };
    forward::opened(AGENT_PATIENCE, open).await.ok()
}
