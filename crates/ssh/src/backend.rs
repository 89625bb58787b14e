//! The backend's side: connecting, checking its host key, and what it may open towards the client.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use gatehouse_faults::point;
use gatehouse_gate::{FirstKey, HostKeyVerdict, Recording};
use gatehouse_model::{LegacyAlgorithms, Target, TargetHost};
use parking_lot::Mutex;
use russh::client::{self, ChannelOpenHandle, Msg};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::backend_error::BackendError;
use crate::settings::{FirstUse, SshSettings};
use crate::stream::AbortableStream;

/// Longest banner of a backend that is kept to be shown.
const BANNER_MAX: usize = 8 * 1024;

/// Where a connection came to that the backend passes on, and whence.
pub(crate) enum ForwardedFrom {
    /// `forwarded-tcpip` (RFC 4254 section 7.2).
    Port {
        to: String,
        to_port: u32,
        origin: String,
        origin_port: u32,
    },
    /// `forwarded-streamlocal@openssh.com`.
    Socket(String),
}

/// What the backend may open towards the client; decided by the connection.
pub(crate) trait TowardsClient: Send + Sync + 'static {
    /// The backend opens a channel to the person's agent.
    fn agent_channel(&self, channel: Channel<Msg>, reply: ChannelOpenHandle);

    /// Somebody connected to where the backend listens for the client.
    fn forwarded_channel(&self, channel: Channel<Msg>, from: ForwardedFrom, reply: ChannelOpenHandle);

    /// A program at the server wants to show a window; where it connected from.
    fn x11_channel(&self, channel: Channel<Msg>, origin: (String, u32), reply: ChannelOpenHandle);

    /// The connection to the backend is over.
    fn backend_gone(&self);
}

/// A connection to the backend, before and during its login.
pub(crate) struct Backend {
    /// The connection.
    pub(crate) handle: client::Handle<BackendHandler>,
    /// Where it was reached.
    pub(crate) ip: Option<IpAddr>,
    legacy: LegacyAlgorithms,
    seen: Arc<Mutex<Seen>>,
}

impl Backend {
    /// Takes what the backend has said before its login.
    pub(crate) fn take_banner(&self) -> Option<String> {
        self.seen.lock().banner.take()
    }

    /// The hash to sign with an RSA key (RFC 8332). A server that does not say what it takes is trusted to know SHA-2,
    /// unless it is an old one: SHA-1 is for those alone.
    pub(crate) async fn rsa_hash(&self) -> Option<HashAlg> {
        let best = self
            .handle
            .best_supported_rsa_hash()
            .await
            .ok()
            .flatten()
            .flatten();
        match self.legacy {
            LegacyAlgorithms::On => best,
            LegacyAlgorithms::Off => Some(best.unwrap_or(HashAlg::Sha256)),
        }
    }
}

#[derive(Default)]
struct Seen {
    banner: Option<String>,
    key_error: Option<BackendError>,
    first_seen: Option<String>,
}

/// Connects to the backend of a recording and makes the key exchange, each within its time.
pub(crate) async fn connect(
    recording: &Arc<Recording>,
    settings: &SshSettings,
    towards_client: Arc<dyn TowardsClient>,
    abort: &CancellationToken,
) -> Result<Backend, BackendError> {
    let decided = recording.decided();
    let server = decided.server_name().to_string();
    let target = decided.target().clone();
    let stream = open_socket(&server, &target, settings.connect_timeout).await?;
    let pinned = recording
        .pinned_algorithms()
        .await
        .map_err(|_| BackendError::KeyUnchecked {
            server: server.clone(),
        })?;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let first_key = match settings.first_use {
        FirstUse::Accept => FirstKey::Pin,
        FirstUse::Ask => FirstKey::Hold,
    };
    let handler = BackendHandler {
        recording: Arc::clone(recording),
        seen: Arc::clone(&seen),
        first_key,
        towards_client,
    };
    let ip = stream.peer_addr().ok().map(|addr| addr.ip());
    let stream = AbortableStream::new(stream, BytesMut::new(), abort);
    let legacy = decided.legacy_algorithms();
    let config = settings.client_config(&pinned, legacy);
    let outcome = tokio::time::timeout(
        settings.login_timeout,
        client::connect_stream(config, stream, handler),
    )
    .await;
    match outcome {
        Ok(Ok(handle)) => {
            point!("ssh.connected", recording.id());
            Ok(Backend {
                handle,
                ip,
                legacy,
                seen,
            })
        }
        Ok(Err(source)) => Err(match seen.lock().key_error.take() {
            Some(error) => error,
            None if matches!(source, russh::Error::Disconnect | russh::Error::HUP) => {
                BackendError::Gone { server }
            }
            None => BackendError::of_handshake(server, target, legacy, source),
        }),
        Err(_) => Err(BackendError::Slow {
            server,
            target,
            seconds: settings.login_timeout.as_secs(),
        }),
    }
}

async fn open_socket(server: &str, target: &Target, patience: Duration) -> Result<TcpStream, BackendError> {
    let server = server.to_owned();
    let connecting = async {
        match &target.host {
            TargetHost::Ip(ip) => TcpStream::connect((*ip, target.port)).await,
            TargetHost::Name(name) => {
                let found: Vec<_> = tokio::net::lookup_host((name.as_str(), target.port))
                    .await
                    .map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))?
                    .collect();
                TcpStream::connect(found.as_slice()).await
            }
        }
    };
    let target = target.clone();
    match tokio::time::timeout(patience, connecting).await {
        Ok(Ok(stream)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
            Ok(stream)
        }
        Ok(Err(source)) => Err(match source.kind() {
            io::ErrorKind::ConnectionRefused => BackendError::Refused { server, target },
            io::ErrorKind::NotFound => BackendError::Unresolved { server, target },
            io::ErrorKind::TimedOut => BackendError::Slow {
                server,
                target,
                seconds: patience.as_secs(),
            },
            _ => BackendError::Unreachable {
                server,
                target,
                source,
            },
        }),
        Err(_) => Err(BackendError::Slow {
            server,
            target,
            seconds: patience.as_secs(),
        }),
    }
}

/// Receives what the backend says on its own accord.
pub(crate) struct BackendHandler {
    recording: Arc<Recording>,
    seen: Arc<Mutex<Seen>>,
    first_key: FirstKey,
    towards_client: Arc<dyn TowardsClient>,
}

impl BackendHandler {
    fn server(&self) -> String {
        self.recording.decided().server_name().to_string()
    }
}

impl client::Handler for BackendHandler {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        // Only bare keys are asked for, so a certificate here is not trusted for its authority.
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            return Ok(false);
        };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let mut bare = key.clone();
        bare.set_comment("");
        let Ok(openssh) = bare.to_openssh() else {
            return Ok(false);
        };
        let verdict = Box::pin(self.recording.check_host_key(&openssh, self.first_key)).await;
        let server = self.server();
        let mut seen = self.seen.lock();
        match verdict {
            Ok(HostKeyVerdict::Known) => Ok(true),
            Ok(HostKeyVerdict::FirstSeen) => {
                seen.first_seen = Some(fingerprint);
                Ok(true)
            }
            Ok(HostKeyVerdict::Changed) => {
                seen.key_error = Some(BackendError::KeyChanged { server, fingerprint });
                Ok(false)
            }
            Err(error) => {
                tracing::error!(session = %self.recording.id(), %error, %server, "the host key could not be checked");
                seen.key_error = Some(BackendError::KeyUnchecked { server });
                Ok(false)
            }
        }
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        names: &russh::Names,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        tracing::debug!(
            session = %self.recording.id(),
            server = %self.server(),
            kex = names.kex.as_ref(),
            key = names.key.as_str(),
            cipher = names.cipher.as_ref(),
            mac = names.client_mac.as_ref(),
            "algorithms agreed with the server"
        );
        Ok(())
    }

    async fn disconnected(
        &mut self,
        reason: client::DisconnectReason<Self::Error>,
    ) -> Result<(), Self::Error> {
        self.towards_client.backend_gone();
        match reason {
            client::DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            client::DisconnectReason::Error(error) => Err(error),
        }
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut client::Session) -> Result<(), Self::Error> {
        let mut seen = self.seen.lock();
        let kept = seen.banner.get_or_insert_default();
        if kept.len() < BANNER_MAX {
            kept.push_str(
                banner
                    .get(..banner.floor_char_boundary(BANNER_MAX))
                    .unwrap_or_default(),
            );
        }
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.towards_client.agent_channel(channel, reply);
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        to: &str,
        to_port: u32,
        origin: &str,
        origin_port: u32,
        reply: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        let from = ForwardedFrom::Port {
            to: to.to_owned(),
            to_port,
            origin: origin.to_owned(),
            origin_port,
        };
        self.towards_client.forwarded_channel(channel, from, reply);
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        let from = ForwardedFrom::Socket(path.to_owned());
        self.towards_client.forwarded_channel(channel, from, reply);
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await
    }

    async fn server_channel_open_x11(
        &mut self,
        channel: Channel<Msg>,
        origin: &str,
        port: u32,
        reply: ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), Self::Error> {
        self.towards_client
            .x11_channel(channel, (origin.to_owned(), port), reply);
        Ok(())
    }
}

/// A backend opens only what was asked of it.
async fn refuse(reply: ChannelOpenHandle) -> Result<(), russh::Error> {
    reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    Ok(())
}

/// The error for a password that must not go to a host key which nobody has accepted yet, if it is one.
pub(crate) fn unaccepted_key(
    settings: &SshSettings,
    recording: &Recording,
    backend: &Backend,
) -> Option<BackendError> {
    let fingerprint = backend
        .seen
        .lock()
        .first_seen
        .clone()
        .filter(|_| settings.first_use == FirstUse::Ask)?;
    Some(BackendError::KeyUnaccepted {
        server: recording.decided().server_name().to_string(),
        fingerprint,
    })
}
