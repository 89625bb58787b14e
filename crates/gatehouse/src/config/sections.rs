//! The configuration's keys, their types and defaults.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use gatehouse_model::{
    AddressRange, BinaryMode, ForwardCapture, InputMode, RecordMode, SpanSeconds, parse_span,
};
use gatehouse_recording::age::Recipient;
use serde::{Deserialize, Serialize};

use super::Listen;
use super::asking::{Mail, Requests};
use super::guarding::{Alerts, Audit, Limits};

/// The whole configuration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Database, keys and recordings, unless set apart.
    pub(crate) data_dir: PathBuf,
    /// `sqlite`, `sqlite:PATH` or `postgres://…`. May hold a password.
    pub(crate) database_url: String,
    /// The SSH gate.
    pub(crate) ssh: Ssh,
    /// The RDP gate.
    pub(crate) rdp: Rdp,
    /// Pages and API.
    pub(crate) web: Web,
    /// Recordings.
    pub(crate) recording: Recording,
    /// Warnings before the end of access.
    pub(crate) expiry: Expiry,
    /// Metrics.
    pub(crate) metrics: Metrics,
    /// Bounds on what sources may take up.
    pub(crate) limits: Limits,
    /// Who is told of alerts.
    pub(crate) alerts: Alerts,
    /// The audit book.
    pub(crate) audit: Audit,
    /// Requests for access.
    pub(crate) requests: Requests,
    /// Telling people by mail.
    pub(crate) mail: Mail,
    /// What decisions and denials say.
    pub(crate) policy: Policy,
    /// The log.
    pub(crate) log: Log,
    /// The index of what was seen and done in sessions.
    pub(crate) search: Search,
    /// Stopping.
    pub(crate) shutdown: Shutdown,
    /// The store.
    pub(crate) store: StoreSection,
    /// Between nodes.
    pub(crate) node: Node,
    /// Where sessions are shown to who(1), w(1) and last(1).
    pub(crate) utmp: Utmp,
}

/// `[ssh]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ssh {
    /// Where to listen.
    pub(crate) listen: Listen,
    /// Where to listen for proxies that say where a connection comes from.
    pub(crate) proxy_listen: Listen,
    /// The proxies whose word on that counts.
    pub(crate) trusted_proxies: Vec<AddressRange>,
    /// From the connection's beginning to a login.
    pub(crate) login_grace: SpanSeconds,
    /// For the server to accept a connection.
    pub(crate) connect_timeout: SpanSeconds,
    /// For each later step of the login at the server.
    pub(crate) login_timeout: SpanSeconds,
    /// Wrong passwords before the client is told no more.
    pub(crate) password_attempts: u32,
    /// Channels open at a time on one connection.
    pub(crate) channels: u32,
    /// Whether a password goes to a host key never seen before.
    pub(crate) first_use: FirstUse,
    /// What follows a registered key.
    pub(crate) second_step: SecondStep,
    /// Interval of keep-alive messages.
    pub(crate) keepalive: Keepalive,
    /// Whether ChaCha20-Poly1305 is offered, for machines without AES instructions.
    pub chacha20: bool,
    /// Ciphers, best first; absent: the built-in list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ciphers: Option<Vec<String>>,
    /// Key exchange methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kex: Option<Vec<String>>,
    /// Message authentication codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) macs: Option<Vec<String>>,
    /// Host and user key algorithms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host_keys: Option<Vec<String>>,
}

/// Whether a password may be sent to a server whose host key is seen for the first time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FirstUse {
    /// The key is pinned and the password sent.
    Accept,
    /// The key waits for an administrator.
    Ask,
}

/// What follows when a person with registered keys has proved one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SecondStep {
    /// A password or keyboard-interactive, passed on to the server.
    Password,
    /// Nothing: the forwarded agent logs in.
    Agent,
}

/// Interval of keep-alive messages: a duration, or `off`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Keepalive(pub(crate) Option<SpanSeconds>);

impl TryFrom<String> for Keepalive {
    type Error = gatehouse_model::DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "off" {
            Ok(Self(None))
        } else {
            parse_span(&text).map(|span| Self(Some(span)))
        }
    }
}

impl From<Keepalive> for String {
    fn from(keepalive: Keepalive) -> Self {
        keepalive
            .0
            .map_or_else(|| "off".to_owned(), |span| span.to_string())
    }
}

/// `[rdp]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rdp {
    /// Where to listen.
    pub(crate) listen: Listen,
}

/// `[web]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Web {
    /// Where to listen.
    pub(crate) listen: Listen,
    /// Where the plain-text pages are served without TLS.
    pub(crate) plain_listen: Listen,
    /// Where the certificate comes from.
    pub(crate) tls: Tls,
    /// The certificate's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
    /// How people reach the pages.
    pub(crate) public_url: String,
    /// Further names under which they do.
    pub(crate) hosts: Vec<String>,
    /// Proxies whose word on the source address counts.
    pub(crate) trusted_proxies: Vec<AddressRange>,
    /// Whether a known source address is enough for a person's own pages.
    pub(crate) address_is_enough: bool,
    /// A sign-in that is not used ends after this.
    pub(crate) idle_timeout: SpanSeconds,
    /// A sign-in ends after this in any case.
    pub(crate) session_timeout: SpanSeconds,
    /// Dangerous things need a sign-in or a confirmation that is younger than this.
    pub(crate) confirm_after: SpanSeconds,
}

/// Where the web's certificate comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tls {
    /// Made at first start.
    SelfSigned,
    /// From `web.cert` and `web.key`.
    Files,
    /// No TLS; sign-in works on loopback only.
    Off,
}

/// `[recording]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    /// The directory.
    pub(crate) dir: PathBuf,
    /// What happens when a session cannot be recorded.
    pub(crate) mode: RecordMode,
    /// What is kept of binary.
    pub(crate) binary: BinaryMode,
    /// What is kept of typed input.
    pub(crate) input: InputMode,
    /// Whether the bytes of forwards are kept.
    pub(crate) forwards: ForwardCapture,
    /// For whom recordings are encrypted; for nobody: they are not.
    pub(crate) recipients: Vec<Recipient>,
    /// Whether the store can open an encrypted recording that is closed.
    pub(crate) keep_sealed_key: bool,
    /// How long a session waits for a disk that does not answer.
    pub(crate) patience: SpanSeconds,
}

/// `[expiry]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expiry {
    /// How long before the end of access people are warned.
    pub(crate) warnings: Vec<SpanSeconds>,
}

/// `[metrics]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    /// Where to listen.
    pub(crate) listen: Listen,
}

/// `[policy]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// The zone of schedules that name none.
    pub(crate) timezone: String,
    /// Whom a denied person is to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact: Option<String>,
}

/// `[log]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// How lines are written.
    pub(crate) format: LogFormat,
    /// What is logged: a level, or directives such as `info,gatehouse_ssh=debug`.
    pub(crate) level: String,
    /// A file instead of standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<PathBuf>,
}

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// `key=value`.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[search]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// Whether recordings are read into the index.
    pub(crate) enabled: bool,
    /// Whether those that are encrypted to recipients are too. The index is in clear.
    pub(crate) encrypted_recordings: bool,
}

/// `[shutdown]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shutdown {
    /// How long running sessions may go on after the order to stop.
    pub(crate) grace: SpanSeconds,
}

/// `[store]`
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSection {
    /// The file of the sealing key, if it does not lie in the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_file: Option<PathBuf>,
}

/// `[node]`
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node {
    /// Where other nodes and command lines are listened to.
    pub(crate) listen: Listen,
    /// Where they reach this node, `HOST:PORT`, if that is not where it listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
}

/// `[utmp]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Utmp {
    /// Who is on now; empty: not written.
    pub(crate) utmp: PathBuf,
    /// Every coming and going; empty: not written.
    pub(crate) wtmp: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "/var/lib/gatehouse".into(),
            database_url: "sqlite".to_owned(),
            ssh: Ssh::default(),
            rdp: Rdp {
                listen: everywhere(3389),
            },
            web: Web {
                listen: everywhere(5000),
                plain_listen: Listen::default(),
                tls: Tls::SelfSigned,
                cert: None,
                key: None,
                public_url: "https://jump:5000".to_owned(),
                hosts: Vec::new(),
                trusted_proxies: Vec::new(),
                address_is_enough: true,
                idle_timeout: seconds(60 * 60),
                session_timeout: seconds(12 * 60 * 60),
                confirm_after: seconds(10 * 60),
            },
            recording: Recording {
                dir: "recordings".into(),
                mode: RecordMode::Strict,
                binary: BinaryMode::Digest,
                input: InputMode::Echoed,
                forwards: ForwardCapture::Off,
                recipients: Vec::new(),
                keep_sealed_key: true,
                patience: seconds(30),
            },
            expiry: Expiry {
                warnings: [300, 60].into_iter().filter_map(SpanSeconds::new).collect(),
            },
            metrics: Metrics {
                listen: Listen::new([SocketAddr::from((Ipv4Addr::LOCALHOST, 9187))]),
            },
            limits: Limits::default(),
            alerts: Alerts::default(),
            audit: Audit::default(),
            requests: Requests::default(),
            mail: Mail::default(),
            policy: Policy {
                timezone: "UTC".to_owned(),
                contact: None,
            },
            log: Log {
                format: LogFormat::Text,
                level: "info".to_owned(),
                file: None,
            },
            search: Search {
                enabled: true,
                encrypted_recordings: false,
            },
            shutdown: Shutdown { grace: seconds(30) },
            store: StoreSection::default(),
            node: Node::default(),
            utmp: Utmp {
                utmp: "/run/utmp".into(),
                wtmp: "/var/log/wtmp".into(),
            },
        }
    }
}

impl Default for Ssh {
    fn default() -> Self {
        Self {
            listen: everywhere(22),
            proxy_listen: Listen::default(),
            trusted_proxies: Vec::new(),
            login_grace: seconds(120),
            connect_timeout: seconds(10),
            login_timeout: seconds(20),
            password_attempts: 6,
            channels: 100,
            first_use: FirstUse::Accept,
            second_step: SecondStep::Password,
            keepalive: Keepalive(SpanSeconds::new(60)),
            chacha20: false,
            ciphers: None,
            kex: None,
            macs: None,
            host_keys: None,
        }
    }
}

fn everywhere(port: u16) -> Listen {
    let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    Listen::new(any.map(|ip| SocketAddr::new(ip, port)))
}

#[expect(clippy::expect_used, reason = "built-in spans are at least a second")]
pub(super) fn seconds(count: u64) -> SpanSeconds {
    SpanSeconds::new(count).expect("a built-in span")
}
