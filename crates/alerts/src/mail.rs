//! Mail over SMTP: alerts to those who are configured, requests for access to the people whom they concern.
//!
//! Each person gets a mail of their own. Who was sent one is remembered while an alert is tried again, so that an
//! address that fails does not fill the others' boxes.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatehouse_model::Secret;
use gatehouse_store::{AlertKind, DueAlert};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::Failure;
use crate::message::{MailAddress, message};

/// Kinds that concern people beyond those who are configured.
const NOTICES: &[AlertKind] = &[
    AlertKind::BreakGlass,
    AlertKind::RequestCreated,
    AlertKind::RequestDecided,
];
/// People told of one alert.
const PEOPLE_MAX: usize = 200;
/// Mails that are remembered.
const REMEMBERED_MAX: usize = 10_000;
/// Characters kept of what a server says.
const ANSWER_MAX: usize = 300;

/// Mail cannot be sent as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The text is no mail address.
    #[error("holds {0:?}, which is not a mail address; write one such as ops@example.com")]
    Address(String),
    /// The certificates that are to be trusted cannot be read.
    #[error("the certificates in {path} cannot be read ({what})")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// The password is not text.
    #[error("the password of mail is not text; write it to the file as UTF-8")]
    Password,
    /// TLS cannot be set up.
    #[error("TLS for mail cannot be set up: {0}")]
    Tls(#[from] lettre::transport::smtp::Error),
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailEncryption {
    /// After a greeting in the clear; without it nothing is sent.
    StartTls,
    /// From the beginning.
    Tls,
    /// Not at all.
    Off,
}

/// A mail server that takes mail.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Its name or address.
    pub host: String,
    /// Its port; `None`: 587, 465 or 25, as the encryption has it.
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub encryption: MailEncryption,
    /// A file of certificates (PEM) that are trusted instead of the system's.
    pub authority: Option<PathBuf>,
    /// The name and the password to sign in with.
    pub credentials: Option<(String, Secret)>,
    /// For each attempt, whatever number of people it is for.
    pub timeout: Duration,
}

/// Mail that can be sent.
#[derive(Clone)]
pub struct MailHook {
    server: String,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
    from: MailAddress,
    to: Vec<MailAddress>,
    public_url: String,
    sent: Arc<Mutex<HashSet<(i64, String)>>>,
}

impl fmt::Debug for MailHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailHook")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl MailHook {
    /// Mail from `from`; `to` are told of alerts, and of new requests that nobody else is told of. `public_url` is
    /// where the pages are.
    ///
    /// # Errors
    /// The certificates or the password cannot be used.
    pub fn new(
        server: MailServer,
        from: MailAddress,
        to: Vec<MailAddress>,
        public_url: String,
    ) -> Result<Self, MailError> {
        let usual = match server.encryption {
            MailEncryption::StartTls => 587,
            MailEncryption::Tls => 465,
            MailEncryption::Off => 25,
        };
        let port = server.port.unwrap_or(usual);
        let tls = match server.encryption {
            MailEncryption::Off => Tls::None,
            MailEncryption::StartTls => Tls::Required(parameters(&server.host, server.authority.as_deref())?),
            MailEncryption::Tls => Tls::Wrapper(parameters(&server.host, server.authority.as_deref())?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(port)
            .tls(tls)
            .timeout(Some(server.timeout));
        if let Some((user, password)) = server.credentials {
            let password = std::str::from_utf8(password.expose()).map_err(|_| MailError::Password)?;
            transport = transport.credentials(Credentials::new(user, password.to_owned()));
        }
        Ok(Self {
            server: format!("the mail server {}:{port}", server.host),
            transport: transport.build(),
            timeout: server.timeout,
            from,
            to,
            public_url,
            sent: Arc::default(),
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    #[cfg(test)]
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// The kinds that mail is sent of, given those that are told to the ones configured.
    pub(crate) fn wanted(&self, kinds: Vec<AlertKind>) -> Vec<AlertKind> {
        let mut wanted = if self.to.is_empty() { Vec::new() } else { kinds };
        for kind in NOTICES {
            if !wanted.contains(kind) {
                wanted.push(*kind);
            }
        }
        wanted
    }

    /// Sends the alert to everybody whom it concerns; nobody may be left out but addresses that are none.
    pub(crate) async fn tell(
        &self,
        alert: &DueAlert,
        node: &str,
        concerned: &[String],
    ) -> Result<(), Failure> {
        let people = self.people(alert, concerned);
        let told = tokio::time::timeout(self.timeout, self.send_all(alert, node, &people)).await;
        let outcome = told.unwrap_or_else(|_| {
            let seconds = self.timeout.as_secs();
            Err(Failure::Unreachable(format!(
                "{} did not take the mail within {seconds} seconds",
                self.server
            )))
        });
        if outcome.is_ok() {
            let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.retain(|(id, _)| *id != alert.id);
        }
        outcome
    }

    /// Whom the alert is sent to.
    fn people(&self, alert: &DueAlert, concerned: &[String]) -> Vec<MailAddress> {
        let mut people: Vec<MailAddress> = Vec::new();
        for text in concerned {
            match MailAddress::parse(text) {
                Ok(address) => people.push(address),
                Err(_) => tracing::warn!(
                    alert = alert.id,
                    address = text,
                    "a person's mail address cannot be used"
                ),
            }
        }
        let configured = match alert.kind {
            AlertKind::RequestCreated => people.is_empty(),
            AlertKind::RequestDecided => false,
            _ => true,
        };
        if configured {
            let missing = self
                .to
                .iter()
                .filter(|to| !people.iter().any(|person| person.0.email == to.0.email));
            let missing: Vec<_> = missing.cloned().collect();
            people.extend(missing);
        }
        people.truncate(PEOPLE_MAX);
        people
    }

    async fn send_all(&self, alert: &DueAlert, node: &str, people: &[MailAddress]) -> Result<(), Failure> {
        let mut refused = None;
        for to in people {
            let key = (alert.id, to.0.email.to_string());
            if self
                .sent
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&key)
            {
                continue;
            }
            match self.send(alert, node, to).await {
                Ok(()) => self.remember(key),
                // The others may be reached all the same.
                Err(Failure::Refused(text)) => refused = Some(text),
                Err(unreachable) => return Err(unreachable),
            }
        }
        refused.map_or(Ok(()), |text| Err(Failure::Refused(text)))
    }

    async fn send(&self, alert: &DueAlert, node: &str, to: &MailAddress) -> Result<(), Failure> {
        let parties = (&self.from, to);
        let message = message(alert, node, &self.public_url, parties).map_err(|error| {
            Failure::Refused(format!("no mail can be written to {}: {error}", to.0.email))
        })?;
        self.transport.send(message).await.map(|_| ()).map_err(|error| {
            let said: String = chain(&error).chars().take(ANSWER_MAX).collect();
            let text = format!("{} did not take mail to {}: {said}", self.server, to.0.email);
            if error.is_permanent() {
                Failure::Refused(text)
            } else {
                Failure::Unreachable(text)
            }
        })
    }

    fn remember(&self, key: (i64, String)) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() >= REMEMBERED_MAX {
            sent.clear();
        }
        sent.insert(key);
    }
}

/// An error with what lies under it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(under) = source {
        let under_text = under.to_string();
        if !text.contains(&under_text) {
            text = format!("{text}: {under_text}");
        }
        source = under.source();
    }
    text.replace(char::is_control, " ")
}

fn parameters(host: &str, authority: Option<&Path>) -> Result<TlsParameters, MailError> {
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(path) = authority {
        let unreadable = |what: String| MailError::Certificates {
            path: path.to_owned(),
            what,
        };
        let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| unreadable(error.to_string()))?;
        tls = tls
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificate);
    }
    Ok(tls.build_rustls()?)
}
