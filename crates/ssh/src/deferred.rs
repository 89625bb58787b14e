//! The login at the backend that waits for the client's first use of a channel, because the client's agent can be
//! asked only after the client's own login: the forwarded agent first, then a stored credential.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gatehouse_gate::{Credential, CredentialKind, Decided, LoginMethod, Proof, Recording};
use russh::client::AuthResult;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKey};

use crate::backend::{self, Backend};
use crate::conn::{Conn, Session, open_agent};
use crate::forward::ToClient;

/// Keys of an agent that are tried; servers break off after some six refusals.
const AGENT_KEYS: usize = 10;

/// What is known of a person whose login at the backend is still to be made.
pub(crate) struct Deferred {
    pub(crate) decided: Decided,
    pub(crate) proof: Proof,
    /// The key that was proved at the gate; likely the one that the backend knows as well.
    pub(crate) proven: Option<PublicKey>,
}

/// For what a session is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opener {
    /// A channel, before which a client says that it forwards its agent.
    Channel,
    /// A forward, before which it has had no chance to say so: the agent is asked for once, unasked.
    Forward,
}

/// The connection's session, after the deferred login if it is still to be made. The error is a sentence for the
/// person.
pub(crate) async fn session_for(conn: &Arc<Conn>, opener: Opener) -> Result<Arc<Session>, String> {
    // Held during the login: other channels of the connection wait for its outcome.
    let deferred = conn.deferred.lock().await;
    if let Some(session) = conn.session.get() {
        return Ok(Arc::clone(session));
    }
    let Some(waiting) = deferred.as_ref() else {
        return Err("the connection is over".to_owned());
    };
    log_in(conn, waiting, opener).await
}

async fn log_in(conn: &Arc<Conn>, deferred: &Deferred, opener: Opener) -> Result<Arc<Session>, String> {
    let decided = &deferred.decided;
    let offered = conn.agent_offered.load(Ordering::Acquire);
    let has_credential = decided.has_credential(deferred.proof).await.map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "stored credentials could not be looked up"
        );
        "the gate's database cannot be reached; try again shortly".to_owned()
    })?;
    let unasked = opener == Opener::Forward
        && !offered
        && !has_credential
        && !conn.agent_asked.swap(true, Ordering::AcqRel);
    let agent = offered || unasked;
    if !agent && !has_credential {
        let sentence = how_to_go_on(decided);
        decided.report_failure("no_login_method", &sentence).await;
        return Err(sentence);
    }
    let recording = Arc::new(
        decided
            .clone()
            .record()
            .await
            .map_err(|error| error.to_string())?,
    );
    match try_logins(conn, deferred, &recording, agent).await {
        Ok((backend, method)) => conn
            .establish(&recording, backend, method)
            .await
            .map_err(|error| error.to_string()),
        Err(failure) => {
            recording.fail(failure.code, &failure.sentence).await;
            Err(failure.sentence)
        }
    }
}

struct Failure {
    code: &'static str,
    sentence: String,
}

impl From<backend::BackendError> for Failure {
    fn from(error: backend::BackendError) -> Self {
        Self {
            code: error.code(),
            sentence: error.to_string(),
        }
    }
}

async fn try_logins(
    conn: &Arc<Conn>,
    deferred: &Deferred,
    recording: &Arc<Recording>,
    agent: bool,
) -> Result<(Backend, LoginMethod), Failure> {
    let connect = || {
        let to_client = Arc::new(ToClient(Arc::downgrade(conn)));
        backend::connect(recording, &conn.settings, to_client, &conn.abort)
    };
    let mut backend = connect().await?;
    let mut tried = Vec::new();
    if agent {
        match with_agent(conn, deferred, &mut backend).await {
            AgentOutcome::Accepted => return Ok((backend, LoginMethod::Agent)),
            AgentOutcome::Refused(why) => tried.push(why),
        }
    }
    let credential = recording.credential(deferred.proof).await.map_err(|_| Failure {
        code: "store_unreachable",
        sentence: "the gate's database cannot be reached; try again shortly".to_owned(),
    })?;
    if let Some(credential) = credential {
        if backend.handle.is_closed() {
            backend = connect().await?;
        }
        if credential.kind == CredentialKind::Password
            && let Some(error) = backend::unaccepted_key(&conn.settings, recording, &backend)
        {
            return Err(error.into());
        }
        if with_credential(conn, deferred, &mut backend, &credential).await {
            return Ok((backend, LoginMethod::Credential));
        }
        tried.push("the credential stored for it was refused".to_owned());
    }
    let decided = &deferred.decided;
    Err(Failure {
        code: "login_refused",
        sentence: format!(
            "{} did not accept the login {}: {}. {}",
            decided.server_name(),
            decided.login(),
            tried.join(", and "),
            how_to_go_on(decided)
        ),
    })
}

enum AgentOutcome {
    Accepted,
    Refused(String),
}

async fn with_agent(conn: &Arc<Conn>, deferred: &Deferred, backend: &mut Backend) -> AgentOutcome {
    let Some(channel) = open_agent(conn).await else {
        return AgentOutcome::Refused("your client did not open its agent".to_owned());
    };
    let mut agent = AgentClient::connect(channel.into_stream());
    let login = deferred.decided.login().as_str();
    let attempt = async {
        // Agents hold keys that are bound to a destination back until they know where they are used.
        if let Some(binding) = backend.handle.agent_session_binding() {
            let _ = agent.bind_session(binding, false).await;
        }
        let Ok(mut identities) = agent.request_identities().await else {
            return AgentOutcome::Refused("your agent did not answer".to_owned());
        };
        if identities.is_empty() {
            return AgentOutcome::Refused("your agent holds no key (see `ssh-add -l`)".to_owned());
        }
        let first = deferred.proven.as_ref().map(PublicKey::key_data);
        identities.sort_by_key(|identity| match identity {
            AgentIdentity::PublicKey { key, .. } => Some(key.key_data()) != first,
            AgentIdentity::Certificate { certificate, .. } => Some(certificate.public_key()) != first,
        });
        let rsa_hash = backend.rsa_hash().await;
        for identity in identities.into_iter().take(AGENT_KEYS) {
            let outcome = match identity {
                AgentIdentity::PublicKey { key, .. } => {
                    let hash = key.algorithm().is_rsa().then_some(rsa_hash).flatten();
                    backend
                        .handle
                        .authenticate_publickey_with(login, key, hash, &mut agent)
                        .await
                }
                AgentIdentity::Certificate { certificate, .. } => {
                    let hash = certificate.algorithm().is_rsa().then_some(rsa_hash).flatten();
                    backend
                        .handle
                        .authenticate_certificate_with(login, certificate, hash, &mut agent)
                        .await
                }
            };
            match outcome {
                Ok(AuthResult::Success) => return AgentOutcome::Accepted,
                Ok(AuthResult::Failure { .. }) | Err(_) if backend.handle.is_closed() => break,
                Ok(AuthResult::Failure { .. }) | Err(_) => {}
            }
        }
        AgentOutcome::Refused("none of the keys in your agent was accepted".to_owned())
    };
    let outcome = tokio::time::timeout(conn.settings.login_timeout, attempt).await;
    outcome.unwrap_or_else(|_| AgentOutcome::Refused("your agent took too long".to_owned()))
}

async fn with_credential(
    conn: &Arc<Conn>,
    deferred: &Deferred,
    backend: &mut Backend,
    credential: &Credential,
) -> bool {
    let login = deferred.decided.login().as_str();
    let attempt = async {
        match credential.kind {
            CredentialKind::Password => {
                let Some(password) = credential.secret.expose_str() else {
                    return Ok(false);
                };
                password_anyhow(backend, login, password).await
            }
            CredentialKind::Key => {
                let parsed = credential.secret.expose_str().map(PrivateKey::from_openssh);
                let Some(Ok(key)) = parsed else {
                    tracing::error!(server = %deferred.decided.server_name(), "the stored key cannot be read");
                    return Ok(false);
                };
                let hash = if key.algorithm().is_rsa() {
                    backend.rsa_hash().await
                } else {
                    None
                };
                let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
                Ok(backend.handle.authenticate_publickey(login, key).await?.success())
            }
        }
    };
    let outcome: Result<Result<bool, russh::Error>, _> =
        tokio::time::timeout(conn.settings.login_timeout.max(Duration::from_secs(5)), attempt).await;
    matches!(outcome, Ok(Ok(true)))
}

/// A stored password by the method `password`, or where the server wants it so, as the answer to its one prompt.
async fn password_anyhow(backend: &mut Backend, login: &str, password: &str) -> Result<bool, russh::Error> {
    use russh::client::KeyboardInteractiveAuthResponse as Round;
    if backend
        .handle
        .authenticate_password(login, password)
        .await?
        .success()
    {
        return Ok(true);
    }
    let mut round = backend
        .handle
        .authenticate_keyboard_interactive_start(login, None)
        .await?;
    let mut told = false;
    loop {
        let answers = match &round {
            Round::Success => return Ok(true),
            Round::Failure { .. } => return Ok(false),
            Round::InfoRequest { prompts, .. } if prompts.is_empty() => Vec::new(),
            // A hidden prompt is for the password; a second one is for something that the gate does not have.
            Round::InfoRequest { prompts, .. }
                if prompts.len() == 1 && !told && prompts.iter().all(|p| !p.echo) =>
            {
                told = true;
                vec![password.to_owned()]
            }
            Round::InfoRequest { .. } => return Ok(false),
        };
        round = backend
            .handle
            .authenticate_keyboard_interactive_respond(answers)
            .await?;
    }
}

/// What a person can do who has come with a key alone.
fn how_to_go_on(decided: &Decided) -> String {
    let login = decided.login();
    let port = decided.accepted().port();
    let to = decided
        .accepted()
        .destination_of(login.as_str(), decided.server_name().as_str());
    format!(
        "To log in as {login} the gate needs your agent, forwarded and with your key in it (ssh-add):\n\
         ssh -A -p {port} {to}\n\
         or the password of {login}:\n\
         ssh -o PubkeyAuthentication=no -p {port} {to}"
    )
}
