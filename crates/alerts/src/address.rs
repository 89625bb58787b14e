//! The address of a webhook, and what can be wrong with one.

use std::fmt;
use std::path::PathBuf;

use hyper::Uri;

/// The webhook cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The address is none. It may hold secrets, so it is not repeated.
    #[error("is not an address; write one such as https://alerts.example.com/hook")]
    Address,
    /// Neither HTTPS nor this machine.
    #[error("is not https; plain http goes to this machine only (127.0.0.1, [::1], localhost)")]
    NotEncrypted,
    /// The certificates that are to be trusted cannot be read.
    #[error("the certificates in {path} cannot be read ({what})")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// The system has no certificates.
    #[error(
        "the system trusts no certificate authority; install the package ca-certificates, or set alerts.webhook_ca"
    )]
    NoAuthority,
    /// The TLS library refuses.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The address of a webhook. Whatever follows the host may be a secret, and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookAddress {
    pub(crate) uri: Uri,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encrypted: bool,
}

impl WebhookAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// It is none, or would send alerts over a network in the clear.
    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        let uri: Uri = text.parse().map_err(|_| WebhookError::Address)?;
        let authority = uri.authority().ok_or(WebhookError::Address)?;
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(WebhookError::Address),
        };
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(WebhookError::Address);
        }
        let local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if !encrypted && !local {
            return Err(WebhookError::NotEncrypted);
        }
        let port = authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        Ok(Self {
            uri,
            host,
            port,
            encrypted,
        })
    }
}

/// Scheme, host and port; never what follows.
impl fmt::Display for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "https" } else { "http" };
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        write!(f, "{scheme}://{authority}/***")
    }
}

impl fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_of_this_machine_and_show_no_path() {
        for (text, shown) in [
            (
                "https://alerts.example.com/T0/secret",
                "https://alerts.example.com/***",
            ),
            (
                "https://alerts.example.com:8443",
                "https://alerts.example.com:8443/***",
            ),
            ("http://127.0.0.1:9/x?token=secret", "http://127.0.0.1:9/***"),
            ("http://[::1]:9/x", "http://[::1]:9/***"),
            ("http://localhost/x", "http://localhost/***"),
        ] {
            let address = WebhookAddress::parse(text).unwrap();
            assert_eq!(
                (address.to_string(), format!("{address:?}")),
                (shown.to_owned(), shown.to_owned())
            );
        }
        for text in ["http://alerts.example.com/x", "http://10.0.0.1/"] {
            assert!(
                matches!(WebhookAddress::parse(text), Err(WebhookError::NotEncrypted)),
                "{text}"
            );
        }
        for text in [
            "",
            "alerts.example.com/x",
            "/x",
            "ftp://h/x",
            "https://u:p@h/x",
            "https:///x",
            "https://h h/",
        ] {
            let error = WebhookAddress::parse(text).unwrap_err();
            assert!(matches!(error, WebhookError::Address), "{text}");
        }
    }
}
