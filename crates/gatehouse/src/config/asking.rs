//! The sections about requests for access and about mail.

use std::net::IpAddr;
use std::path::PathBuf;

use gatehouse_model::{AddressRange, SpanSeconds};
use gatehouse_store::{FourEyes, RequestLimits};
use serde::{Deserialize, Serialize};

use super::Config;
use super::sections::seconds;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// `[requests]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requests {
    /// How long a request waits for a decision.
    pub(crate) expire_after: SpanSeconds,
    /// Requests of one person that may wait at a time.
    pub(crate) max_open: u64,
    /// How long access is asked for where nothing is said.
    pub(crate) default_for: SpanSeconds,
    /// The longest access that can be asked for or approved.
    pub(crate) max_for: SpanSeconds,
    /// How long access opened by break-glass lasts at most.
    pub(crate) break_glass_for: SpanSeconds,
    /// Whether whoever decides at the command line has to be named.
    pub(crate) four_eyes: bool,
}

/// `[mail]`
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mail {
    /// The mail server; absent: no mail is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// Its port; absent: the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    /// How the connection is encrypted.
    pub(crate) tls: MailTls,
    /// Certificate authorities that are trusted at the mail server instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
    /// The name to sign in with; absent: without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// A file that holds the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<PathBuf>,
    /// Whom mail comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// Who is told of alerts, and of requests that nobody else is told of.
    pub(crate) to: Vec<String>,
    /// For each attempt.
    pub(crate) timeout: SpanSeconds,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailTls {
    /// After a greeting in the clear; no mail goes without.
    StartTls,
    /// From its beginning.
    Tls,
    /// Not at all.
    Off,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            expire_after: seconds(7 * DAY),
            max_open: 20,
            default_for: seconds(8 * HOUR),
            max_for: seconds(30 * DAY),
            break_glass_for: seconds(HOUR),
            four_eyes: false,
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            tls: MailTls::StartTls,
            ca: None,
            user: None,
            password_file: None,
            from: None,
            to: Vec::new(),
            timeout: seconds(30),
        }
    }
}

impl Config {
    /// What holds for all requests.
    pub(crate) fn request_limits(&self) -> RequestLimits {
        let requests = &self.requests;
        RequestLimits {
            expire_after: requests.expire_after,
            max_open: requests.max_open,
            default_for: requests.default_for,
            max_for: requests.max_for,
            break_glass_for: requests.break_glass_for,
            reserved: self.reserved(),
        }
    }

    /// Whether whoever decides at the command line has to be named.
    pub(crate) fn four_eyes(&self) -> FourEyes {
        if self.requests.four_eyes {
            FourEyes::On
        } else {
            FourEyes::Off
        }
    }

    /// Addresses that are nobody's source: those of this machine, those listened at, and proxies that are trusted.
    fn reserved(&self) -> Vec<AddressRange> {
        let listened = [
            &self.ssh.listen,
            &self.ssh.proxy_listen,
            &self.rdp.listen,
            &self.web.listen,
            &self.web.plain_listen,
            &self.node.listen,
        ];
        let listened = listened.into_iter().flat_map(|listen| listen.addresses());
        let listened = listened
            .map(std::net::SocketAddr::ip)
            .filter(|ip| !ip.is_unspecified());
        let own = listened.chain(own_addresses()).map(AddressRange::host);
        let proxies = self.ssh.trusted_proxies.iter().chain(&self.web.trusted_proxies);
        own.chain(proxies.copied()).collect()
    }
}

/// The addresses of this machine's interfaces; none if they cannot be read.
fn own_addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else {
        return Vec::new();
    };
    interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        })
        .collect()
}
