//! Addresses, each with its role: where a person comes from, what they connect to, where a server is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The text is not the address that was wanted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// Neither an IP address nor a range.
    #[error("{0:?} is not an IP address or range; write one such as 10.0.0.7, 10.0.0.0/24 or fd00::/64")]
    NotARange(String),
    /// Not one IP address.
    #[error("{0:?} is not an IP address; write one such as 10.0.0.7 or fd00::7")]
    NotAnAddress(String),
    /// A range with bits set outside its prefix.
    #[error("{given} has bits set beyond its prefix; did you mean {meant}?")]
    HostBits {
        /// What was written.
        given: String,
        /// The range that contains it.
        meant: String,
    },
    /// Neither an address nor a host name.
    #[error("{0:?} is not an IP address or a host name")]
    NotAHost(String),
}

macro_rules! ip_role {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $name(IpAddr);

        impl $name {
            /// Takes an address; IPv4 in IPv6 clothes becomes IPv4.
            pub fn new(address: IpAddr) -> Self {
                Self(address.to_canonical())
            }

            /// The bare address.
            pub fn ip(self) -> IpAddr {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = AddressError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self::new).map_err(|_| AddressError::NotAnAddress(text.to_owned()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                IpAddr::deserialize(from).map(Self::new)
            }
        }
    )+};
}

ip_role! {
    /// Where a connection comes from: it says **who**.
    SourceAddr,
    /// Where a connection arrived, an address of the pool or the gate's own: it says **what**.
    ProxyAddr,
}

/// One address or a CIDR range, canonical: IPv4 where it can be, no bits beyond the prefix.
/// A range of one address is written without its prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange(IpNet);

impl AddressRange {
    /// The range that holds only `address`.
    pub fn host(address: IpAddr) -> Self {
        Self(IpNet::from(address.to_canonical()))
    }

    /// The range of this prefix length around it; itself, if it is that wide already.
    #[must_use]
    pub fn widened(self, prefix_len: u8) -> Self {
        if prefix_len >= self.0.prefix_len() {
            return self;
        }
        IpNet::new(self.0.network(), prefix_len).map_or(self, |net| Self(canonical(net.trunc())))
    }

    /// Whether `address` lies within.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether the whole of `other` lies within.
    pub fn covers(&self, other: &AddressRange) -> bool {
        self.0.contains(&other.0)
    }

    /// Whether the two have an address in common (one then covers the other).
    pub fn overlaps(&self, other: &AddressRange) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// Length of the prefix, in bits.
    pub fn prefix_len(&self) -> u8 {
        self.0.prefix_len()
    }

    /// The lowest address of the range.
    pub fn network(&self) -> IpAddr {
        self.0.network()
    }

    /// Whether the range is one address.
    pub fn is_host(&self) -> bool {
        self.0.prefix_len() == self.0.max_prefix_len()
    }

    /// The range as the network library has it.
    pub fn net(&self) -> IpNet {
        self.0
    }
}

impl FromStr for AddressRange {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::host(address));
        }
        let net = text
            .parse::<IpNet>()
            .map_err(|_| AddressError::NotARange(text.to_owned()))?;
        let truncated = canonical(net.trunc());
        if net.trunc() != net {
            return Err(AddressError::HostBits {
                given: text.to_owned(),
                meant: truncated.to_string(),
            });
        }
        Ok(Self(truncated))
    }
}

/// `::ffff:a.b.c.d/96+n` is `a.b.c.d/n`.
fn canonical(net: IpNet) -> IpNet {
    match (net.network().to_canonical(), net.prefix_len().checked_sub(96)) {
        (v4 @ IpAddr::V4(_), Some(prefix)) if net.network().is_ipv6() => {
            IpNet::new(v4, prefix).unwrap_or(net)
        }
        _ => net,
    }
}

impl TryFrom<String> for AddressRange {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> Self {
        range.to_string()
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_host() {
            f.pad(&self.0.addr().to_string())
        } else {
            f.pad(&self.0.to_string())
        }
    }
}

/// Where a server is: an IP address, or a host name that the gate resolves when it connects.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TargetHost {
    /// An address.
    Ip(IpAddr),
    /// A host name, lower case, without a final dot (RFC 1123 section 2.1; `_` is tolerated).
    Name(String),
}

impl FromStr for TargetHost {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self::Ip(ip.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && l.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                && !l.starts_with('-')
                && !l.ends_with('-')
        };
        // All-numeric last labels are mistyped IPv4 addresses, not names.
        let numeric_tail = name
            .rsplit('.')
            .next()
            .is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
        if name.len() > 253 || numeric_tail || !name.split('.').all(label) {
            return Err(AddressError::NotAHost(text.to_owned()));
        }
        Ok(Self::Name(name))
    }
}

impl TryFrom<String> for TargetHost {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TargetHost> for String {
    fn from(host: TargetHost) -> Self {
        host.to_string()
    }
}

impl fmt::Display for TargetHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => f.pad(&ip.to_string()),
            Self::Name(name) => f.pad(name),
        }
    }
}

/// A service of a server: its host and port. Printed as `host:port`, IPv6 in brackets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Target {
    /// Where the server is.
    pub host: TargetHost,
    /// The port of the service.
    pub port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            TargetHost::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            TargetHost::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_in_ipv6_clothes_is_ipv4() {
        let dressed: SourceAddr = "::ffff:10.0.0.7".parse().unwrap();
        assert_eq!(dressed, "10.0.0.7".parse().unwrap());
        assert_eq!(
            "::ffff:10.0.0.0/104".parse::<AddressRange>().unwrap().to_string(),
            "10.0.0.0/8"
        );
        assert!(
            "10.0.0.0/8"
                .parse::<AddressRange>()
                .unwrap()
                .contains("::ffff:10.1.2.3".parse().unwrap())
        );
    }

    #[test]
    fn ranges_round_trip_and_refuse_host_bits() {
        for text in ["10.0.0.7", "10.0.0.0/24", "fd00::/64", "::1", "0.0.0.0/0", "::/0"] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
        assert_eq!(
            "10.0.0.7/24".parse::<AddressRange>().unwrap_err().to_string(),
            "10.0.0.7/24 has bits set beyond its prefix; did you mean 10.0.0.0/24?"
        );
        for bad in ["", "10.0.0", "10.0.0.0/33", "host", "10.0.0.7 ", "10.0.0.300"] {
            assert!(bad.parse::<AddressRange>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn hosts_are_addresses_or_names() {
        assert_eq!(
            "Web01.Example.".parse::<TargetHost>().unwrap().to_string(),
            "web01.example"
        );
        assert_eq!(
            "[::1]".parse::<TargetHost>().unwrap(),
            TargetHost::Ip("::1".parse().unwrap())
        );
        for bad in ["", "10.0.0", "a..b", "-a", "a b", "10.0.0.300", "a/b"] {
            assert!(bad.parse::<TargetHost>().is_err(), "{bad:?}");
        }
        let target = Target {
            host: "::1".parse().unwrap(),
            port: 22,
        };
        assert_eq!(target.to_string(), "[::1]:22");
    }
}
