//! What a client asks of the gate: russh calls these for each of its messages, one after the other.
//!
//! A method here runs inside the connection's own loop, so it must not wait for anything that the same loop has to
//! carry; what waits goes into a task. Channel requests are answered here and not later, since the library knows
//! only one pending answer for each channel.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gatehouse_faults::point;
use gatehouse_model::Right;
use gatehouse_recording::ChannelKind;
use russh::keys::{Certificate, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty, server};
use tracing::Instrument;

use crate::auth::Authentication;
use crate::channel::SessionChannel;
use crate::conn::Conn;
use crate::forward::{self, Asked, Place};
use crate::requests::{PtyRequest, X11Request};
use crate::starting::{self, ask_x11, start_deferred, x11_permitted};

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

    /// Passes a wish for windows on, or keeps it for the login that is still to be made.
    async fn x11(&self, channel: &SessionChannel, x11: X11Request) -> bool {
        let Some(session) = self.conn.session.get() else {
            channel.requests.lock().x11 = Some(x11);
            return true;
        };
        x11_permitted(&self.conn, session) && ask_x11(&self.conn, channel, &x11).await
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
        point!("ssh.asked-to-start", self.conn.accepted.source());
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

/// A step of a login, in the session's span.
fn apart<'a, T>(
    span: &tracing::Span,
    step: impl Future<Output = T> + Send + 'a,
) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(step.instrument(span.clone()))
}

/// Steps that happen once or seldom are in boxes of their own: the task that runs all of this lives as long as the connection,
/// and would have room for the largest of them all the while.
impl Handler for Client {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        // The client asks to log in: keys have been agreed on.
        if !self.conn.handshaken.swap(true, Ordering::AcqRel) {
            self.conn.accepted.handshaken();
        }
        Ok(self.conn.accepted.span().in_scope(|| self.auth.first_look()))
    }

    fn pending_banner(&mut self) -> Option<String> {
        self.auth.take_banner()
    }

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        Ok(apart(self.conn.accepted.span(), self.auth.none(user)).await)
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(apart(self.conn.accepted.span(), self.auth.password(user, password)).await)
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        let span = self.conn.accepted.span();
        Ok(span.in_scope(|| self.auth.offered(user, offer.public_key)))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(apart(self.conn.accepted.span(), self.auth.proven(user, key.public_key)).await)
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Result<Auth, Self::Error> {
        // A certificate counts as the key inside it: no authority is trusted here.
        let key = PublicKey::new(certificate.public_key().clone(), "");
        Ok(apart(self.conn.accepted.span(), self.auth.proven(user, &key)).await)
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
        let answered = self.auth.interactive(user, submethods, answers);
        Ok(apart(self.conn.accepted.span(), answered).await)
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
            Some(session) => {
                self.conn
                    .guarded(starting::open(Arc::clone(&self.conn), session, channel, reply))
            }
            None => reply.accept().await,
        }
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        origin: &str,
        origin_port: u32,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let asked = Asked::Tcp {
            host: host.to_owned(),
            port,
            origin: origin.to_owned(),
            origin_port,
        };
        let conn = Arc::clone(&self.conn);
        self.conn
            .guarded(forward::open_local(conn, channel, asked, reply));
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let (conn, asked) = (Arc::clone(&self.conn), Asked::Socket(path.to_owned()));
        self.conn
            .guarded(forward::open_local(conn, channel, asked, reply));
        Ok(())
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        session: &mut server::Session,
    ) -> Result<bool, Self::Error> {
        let place = Place::Port {
            address: address.to_owned(),
            port: *port,
        };
        let (conn, reply) = (Arc::clone(&self.conn), session.reply_later());
        self.conn.guarded(forward::listen(conn, place, reply));
        Ok(true)
    }

    async fn cancel_tcpip_forward(
        &mut self,
        address: &str,
        port: u32,
        session: &mut server::Session,
    ) -> Result<bool, Self::Error> {
        let address = address.to_owned();
        let (conn, reply) = (Arc::clone(&self.conn), session.reply_later());
        self.conn
            .guarded(forward::cancel(conn, Place::Port { address, port }, reply));
        Ok(true)
    }

    async fn streamlocal_forward(
        &mut self,
        path: &str,
        session: &mut server::Session,
    ) -> Result<bool, Self::Error> {
        let (conn, reply) = (Arc::clone(&self.conn), session.reply_later());
        self.conn
            .guarded(forward::listen(conn, Place::Socket(path.to_owned()), reply));
        Ok(true)
    }

    async fn cancel_streamlocal_forward(
        &mut self,
        path: &str,
        session: &mut server::Session,
    ) -> Result<bool, Self::Error> {
        let (conn, reply) = (Arc::clone(&self.conn), session.reply_later());
        self.conn
            .guarded(forward::cancel(conn, Place::Socket(path.to_owned()), reply));
        Ok(true)
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
        if channel.backend.get().is_none() || Box::pin(channel.ask_pty(&pty)).await {
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
            Box::pin(SessionChannel::tell(backend.set_env(false, name, value))).await;
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
            Box::pin(SessionChannel::tell(backend.agent_forward(false))).await;
        }
        // Answered with success either way: without the right no agent appears at the server, and the gate has it
        // for the login alone.
        session.channel_success(id)?;
        Ok(true)
    }

    async fn x11_request(
        &mut self,
        id: ChannelId,
        single: bool,
        protocol: &str,
        cookie: &str,
        screen: u32,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let x11 = X11Request {
            single,
            protocol: protocol.to_owned(),
            cookie: cookie.to_owned(),
            screen,
        };
        match self.channel(id) {
            Some(channel) if Box::pin(self.x11(&channel, x11)).await => session.channel_success(id),
            _ => session.channel_failure(id),
        }
    }

    async fn shell_request(
        &mut self,
        id: ChannelId,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        Box::pin(self.start(id, ChannelKind::Shell, session)).await
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        Box::pin(self.start(id, ChannelKind::Exec(command.to_vec()), session)).await
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        Box::pin(self.start(id, ChannelKind::Subsystem(name.to_owned()), session)).await
    }
}
