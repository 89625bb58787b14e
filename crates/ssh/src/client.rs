//! What a client asks of the gate: russh calls these for each of its messages, one after the other.
//!
//! A method here runs inside the connection's own loop, so it must not wait for anything that the same loop has to
//! carry; what waits goes into a task. Channel requests are answered here and not later, since the library knows
//! only one pending answer for each channel.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatehouse_model::Right;
use gatehouse_recording::ChannelKind;
use russh::keys::{Certificate, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty, server};
use tokio::sync::oneshot;

use crate::auth::Authentication;
use crate::channel::SessionChannel;
use crate::conn::{Conn, Session};
use crate::deferred::session_for;
use crate::requests::PtyRequest;

/// For the backend to open a channel.
const OPEN_PATIENCE: Duration = Duration::from_secs(20);

/// The handler of one client's connection.
pub(crate) struct Client {
    conn: Arc<Conn>,
    auth: Authentication,
}

impl Client {
    pub(crate) fn new(conn: Arc<Conn>) -> Self {
        Self {
            auth: Authentication::new(Arc::clone(&conn)),
            conn,
        }
    }

    fn channel(&self, id: ChannelId) -> Option<Arc<SessionChannel>> {
        self.conn.channels.lock().get(&id).cloned()
    }

    /// Begins a shell, command or subsystem.
    async fn start(
        &self,
        id: ChannelId,
        kind: ChannelKind,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let Some(channel) = self.channel(id) else {
            return session.channel_failure(id);
        };
        if !channel.requests.lock().start_once() {
            return session.channel_failure(id);
        }
        if channel.backend.get().is_none() {
            session.channel_success(id)?;
            self.conn
                .guarded(start_deferred(Arc::clone(&self.conn), channel, kind));
            return Ok(());
        }
        let Some(live) = self.conn.session.get().cloned() else {
            return session.channel_failure(id);
        };
        match channel.start(&self.conn, &live, kind).await {
            Ok(true) => session.channel_success(id),
            Ok(false) => session.channel_failure(id),
            Err(sentence) => {
                session.channel_success(id)?;
                self.conn.guarded(async move { channel.refuse(&sentence).await });
                Ok(())
            }
        }
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.auth.first_look())
    }

    fn pending_banner(&mut self) -> Option<String> {
        self.auth.take_banner()
    }

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        Ok(self.auth.none(user).await)
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(self.auth.password(user, password).await)
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.auth.offered(user, offer.public_key))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.auth.proven(user, key.public_key).await)
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Result<Auth, Self::Error> {
        // A certificate counts as the key inside it: no authority is trusted here.
        let key = PublicKey::new(certificate.public_key().clone(), "");
        Ok(self.auth.proven(user, &key).await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let answers = response.map(|answers| {
            answers
                .map(|a| String::from_utf8_lossy(&a).into_owned())
                .collect()
        });
        Ok(self.auth.interactive(user, submethods, answers).await)
    }

    async fn auth_succeeded(&mut self, _: &mut server::Session) -> Result<(), Self::Error> {
        self.conn.client_accepted();
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let full = self.conn.channels.lock().len() >= self.conn.settings.channels;
        if full || self.conn.ending.is_cancelled() {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        let channel = SessionChannel::new(channel);
        self.conn.channels.lock().insert(channel.id, Arc::clone(&channel));
        match self.conn.session.get().cloned() {
            Some(session) => self
                .conn
                .guarded(open(Arc::clone(&self.conn), session, channel, reply)),
            None => reply.accept().await,
        }
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), Self::Error> {
        reply
            .reject(not_allowed("port forwarding is not allowed by the gate"))
            .await;
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), Self::Error> {
        reply
            .reject(not_allowed("forwarding to sockets is not allowed by the gate"))
            .await;
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut server::Session) -> Result<(), Self::Error> {
        if let Some(channel) = self.channel(id) {
            // Output ends at once; what the client sent before is passed on from its queue.
            channel.client_closed.cancel();
            if !channel.requests.lock().started {
                self.conn.channels.lock().remove(&id);
            }
            self.conn.guarded(async move { channel.abandoned().await });
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        cols: u32,
        rows: u32,
        pixel_width: u32,
        pixel_height: u32,
        modes: &[(Pty, u32)],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let Some(channel) = self.channel(id) else {
            return session.channel_failure(id);
        };
        let pty = PtyRequest {
            term: term.to_owned(),
            cols,
            rows,
            pixel_width,
            pixel_height,
            modes: modes.to_vec(),
        };
        let refused = {
            let mut requests = channel.requests.lock();
            let refused = requests.started || requests.pty.is_some();
            if !refused {
                requests.pty = Some(pty.clone());
            }
            refused
        };
        if refused {
            return session.channel_failure(id);
        }
        if channel.backend.get().is_none() || channel.ask_pty(&pty).await {
            return session.channel_success(id);
        }
        channel.requests.lock().pty = None;
        session.channel_failure(id)
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let Some(channel) = self.channel(id) else {
            return session.channel_failure(id);
        };
        if !channel.requests.lock().keep_variable(name, value) {
            return session.channel_failure(id);
        }
        if let Some(backend) = channel.backend.get() {
            // Whether the backend takes it shows in the environment alone, as with OpenSSH.
            SessionChannel::tell(backend.set_env(false, name, value)).await;
        }
        session.channel_success(id)
    }

    async fn agent_request(
        &mut self,
        id: ChannelId,
        session: &mut server::Session,
    ) -> Result<bool, Self::Error> {
        self.conn.agent_offered.store(true, Ordering::Release);
        let Some(channel) = self.channel(id) else {
            session.channel_failure(id)?;
            return Ok(false);
        };
        channel.requests.lock().agent = true;
        if let (Some(backend), Some(live)) = (channel.backend.get(), self.conn.session.get())
            && live.live.rights().allows(Right::Agent)
        {
            SessionChannel::tell(backend.agent_forward(false)).await;
        }
        // Answered with success either way: without the right no agent appears at the server, and the gate has it
        // for the login alone.
        session.channel_success(id)?;
        Ok(true)
    }

    async fn x11_request(
        &mut self,
        id: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }

    async fn shell_request(
        &mut self,
        id: ChannelId,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.start(id, ChannelKind::Shell, session).await
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.start(id, ChannelKind::Exec(command.to_vec()), session).await
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.start(id, ChannelKind::Subsystem(name.to_owned()), session)
            .await
    }
}

fn not_allowed(reason: &str) -> ChannelOpenFailure {
    // SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254 section 5.1), with words of our own.
    ChannelOpenFailure::Other {
        code: 1,
        reason: reason.to_owned(),
    }
}

/// Opens a channel at the backend; the client's is confirmed when the backend's is.
async fn open(
    conn: Arc<Conn>,
    session: Arc<Session>,
    channel: Arc<SessionChannel>,
    reply: ChannelOpenHandle,
) {
    match open_at_backend(&session).await {
        Ok(backend) => {
            channel.attach(&conn, backend);
            reply.accept().await;
        }
        Err(reason) => {
            conn.channels.lock().remove(&channel.id);
            channel.mark_closed();
            reply.reject(reason).await;
        }
    }
}

/// The attempt goes on by itself when it takes too long, so that a late answer finds its place.
async fn open_at_backend(session: &Arc<Session>) -> Result<Channel<russh::client::Msg>, ChannelOpenFailure> {
    let session = Arc::clone(session);
    let (answer, answered) = oneshot::channel();
    tokio::spawn(async move {
        let opened = session.backend.channel_open_session().await;
        if let Err(Ok(late)) = answer.send(opened) {
            let _ = late.close().await;
        }
    });
    match tokio::time::timeout(OPEN_PATIENCE, answered).await {
        Ok(Ok(Ok(channel))) => Ok(channel),
        Ok(Ok(Err(russh::Error::ChannelOpenFailure(reason)))) => Err(reason),
        _ => Err(ChannelOpenFailure::ConnectFailed),
    }
}

/// Makes the login at the backend if it is still to be made, then passes on what was asked for.
async fn start_deferred(conn: Arc<Conn>, channel: Arc<SessionChannel>, kind: ChannelKind) {
    let session = match session_for(&conn).await {
        Ok(session) => session,
        Err(sentence) => return refuse(&conn, &channel, &sentence).await,
    };
    let backend = match open_at_backend(&session).await {
        Ok(backend) => backend,
        Err(_) => {
            let sentence = format!(
                "{} refused to open another session on this connection",
                conn.server()
            );
            return refuse(&conn, &channel, &sentence).await;
        }
    };
    channel.attach(&conn, backend);
    let (pty, variables, agent) = {
        let requests = channel.requests.lock();
        (requests.pty.clone(), requests.variables.clone(), requests.agent)
    };
    let Some(to_backend) = channel.backend.get() else {
        return;
    };
    if agent && session.live.rights().allows(Right::Agent) {
        SessionChannel::tell(to_backend.agent_forward(false)).await;
    }
    if let Some(pty) = pty
        && !channel.ask_pty(&pty).await
    {
        channel.requests.lock().pty = None;
    }
    for (name, value) in variables {
        SessionChannel::tell(to_backend.set_env(false, name, value)).await;
    }
    match channel.start(&conn, &session, kind).await {
        Ok(true) => {}
        Ok(false) => {
            let sentence = format!("{} refused what was asked for", conn.server());
            refuse(&conn, &channel, &sentence).await;
        }
        Err(sentence) => refuse(&conn, &channel, &sentence).await,
    }
}

async fn refuse(conn: &Conn, channel: &SessionChannel, sentence: &str) {
    channel.refuse(sentence).await;
    if let Some(backend) = channel.backend.get() {
        let _ = backend.close().await;
    }
    conn.channels.lock().remove(&channel.id);
}
