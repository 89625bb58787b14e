//! How the pages are reached: their public address, and whether a request was made to it.

use std::net::SocketAddr;

use gatehouse_model::Secret;

/// The address in `web.public_url`: scheme and authority, without a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicUrl {
    text: String,
    authority: String,
}

/// The text is not an address of pages.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not an address of pages; write one such as https://jump:5000, without a path")]
pub struct PublicUrlError(String);

impl PublicUrl {
    /// Reads `http://` or `https://`, a host, and perhaps a port.
    ///
    /// # Errors
    /// It is something else, or has a path, a query or a person in it.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let error = || PublicUrlError(text.to_owned());
        let trimmed = text.trim_end_matches('/');
        let (scheme, authority) = trimmed.split_once("://").ok_or_else(error)?;
        let sound = authority
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']' | b'_'));
        if !matches!(scheme, "http" | "https") || authority.is_empty() || !sound {
            return Err(error());
        }
        Ok(Self {
            text: trimmed.to_owned(),
            authority: authority.to_ascii_lowercase(),
        })
    }

    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A link by which a person sets up how they sign in. What follows `#` is sent to no server.
    pub fn setup_link(&self, secret: &Secret) -> String {
        format!("{}/setup#{}", self.text, secret.expose_str().unwrap_or_default())
    }

    /// The host, without its port.
    pub fn host(&self) -> &str {
        host_of(&self.authority)
    }

    /// Host and port as a `Host` header has them.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

/// The host of `host:port`; brackets of an IPv6 address stay.
pub(crate) fn host_of(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => authority.get(..at).unwrap_or(authority),
        _ => authority,
    }
}

/// Whether a `Host` header names this site: its public address, one of `names`, or the very address (or loopback
/// name) that the connection was made to. Anything else may be a page of somebody else's that had its name pointed here.
pub(crate) fn is_own_host(host: &str, public: &PublicUrl, names: &[String], local: SocketAddr) -> bool {
    let host = host.to_ascii_lowercase();
    let bare = host_of(&host);
    if host == public.authority() || bare == public.host() || names.iter().any(|name| name == bare) {
        return true;
    }
    if bare == "localhost" {
        return local.ip().to_canonical().is_loopback();
    }
    let address = bare.trim_start_matches('[').trim_end_matches(']');
    address
        .parse::<std::net::IpAddr>()
        .is_ok_and(|ip| ip.to_canonical() == local.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_read() {
        let url = PublicUrl::parse("https://Jump.example:5000/").unwrap();
        assert_eq!(
            (url.as_str(), url.authority(), url.host()),
            ("https://Jump.example:5000", "jump.example:5000", "jump.example")
        );
        assert_eq!(PublicUrl::parse("http://[::1]:80").unwrap().host(), "[::1]");
        for bad in [
            "",
            "jump",
            "ftp://x",
            "https://",
            "https://a/b",
            "https://u@h",
            "https://h?x",
        ] {
            assert!(PublicUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_own_names_are_answered_to() {
        let public = PublicUrl::parse("https://jump:5000").unwrap();
        let local: SocketAddr = "10.0.0.1:5000".parse().unwrap();
        let names = ["gate.example".to_owned()];
        for own in [
            "jump:5000",
            "JUMP",
            "gate.example:443",
            "10.0.0.1:5000",
            "10.0.0.1",
        ] {
            assert!(is_own_host(own, &public, &names, local), "{own}");
        }
        for other in [
            "evil.example",
            "10.0.0.2:5000",
            "localhost:5000",
            "jump.evil",
            "[::1]",
            "",
        ] {
            assert!(!is_own_host(other, &public, &names, local), "{other}");
        }
        let mapped: SocketAddr = "[::ffff:127.0.0.1]:5000".parse().unwrap();
        assert!(is_own_host("localhost:5000", &public, &names, mapped));
        assert!(is_own_host("127.0.0.1:5000", &public, &names, mapped));
    }
}
