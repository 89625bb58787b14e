//! Where a forward may lead: rules as text, and destinations in one spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::AddressRange;

/// The text is not a destination rule or a port range.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RuleError {
    /// The host part is missing or has characters that hosts do not have.
    #[error(
        "{0:?} is not a destination; write an address, a range, a name or a pattern such as *.example.com, with :PORT or :FROM-TO if wanted"
    )]
    Host(String),
    /// The port part is no port.
    #[error("{0:?} is not a port or a range of ports; write 443 or 8000-8999")]
    Port(String),
}

/// Ports from `first` to `last`, both included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Every port.
    pub const ANY: Self = Self {
        first: 0,
        last: u16::MAX,
    };

    /// Whether `port` lies within.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl FromStr for PortRange {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = |t: &str| match t.parse::<u16>() {
            Ok(port) if port > 0 && !t.starts_with('+') => Ok(port),
            _ => Err(RuleError::Port(text.to_owned())),
        };
        let (first, last) = match text.split_once('-') {
            None => (port(text)?, port(text)?),
            Some((first, last)) => (port(first)?, port(last)?),
        };
        if first > last {
            Err(RuleError::Port(text.to_owned()))
        } else {
            Ok(Self { first, last })
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl TryFrom<String> for PortRange {
    type Error = RuleError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PortRange> for String {
    fn from(range: PortRange) -> Self {
        range.to_string()
    }
}

/// Which hosts a rule speaks of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum HostRule {
    /// An address or a range; matches destinations given as addresses only.
    Range(AddressRange),
    /// A name, or a glob with `*` (any characters) and `?` (one); matches destinations given as names only.
    Glob(String),
}

/// A rule for the destinations of forwards: `10.0.0.0/24:5432`, `db.example.com`, `*.example.com:443`,
/// `[fd00::1]:80`, `fd00::/64`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DestinationRule {
    /// The hosts.
    pub host: HostRule,
    /// The ports.
    pub ports: PortRange,
}

impl DestinationRule {
    /// Whether the rule speaks of this destination.
    pub fn matches(&self, destination: &ForwardDestination) -> bool {
        self.ports.contains(destination.port())
            && match (&self.host, destination) {
                (HostRule::Range(range), ForwardDestination::Address(ip, _)) => range.contains(*ip),
                (HostRule::Glob(glob), ForwardDestination::Name(name, _)) => glob_matches(glob, name),
                _ => false,
            }
    }
}

/// Iterative, so that a pattern of many stars costs at most pattern × name.
fn glob_matches(glob: &str, name: &str) -> bool {
    let (glob, name) = (glob.as_bytes(), name.as_bytes());
    let (mut g, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = name.get(n) {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g + 1, n));
                g += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == byte => {
                g += 1;
                n += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    g = after;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    glob.get(g..).unwrap_or_default().iter().all(|b| *b == b'*')
}

impl FromStr for DestinationRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || RuleError::Host(text.to_owned());
        let (host, ports) = if let Some(rest) = text.strip_prefix('[') {
            let (host, tail) = rest.split_once(']').ok_or_else(bad)?;
            (
                host,
                tail.strip_prefix(':')
                    .or(tail.is_empty().then_some(""))
                    .ok_or_else(bad)?,
            )
        } else if text.matches(':').count() == 1 {
            text.split_once(':').ok_or_else(bad)?
        } else {
            (text, "")
        };
        if text.ends_with(':') && !host.contains(':') {
            return Err(RuleError::Port(String::new()));
        }
        let ports = if ports.is_empty() {
            PortRange::ANY
        } else {
            ports.parse()?
        };
        if let Ok(range) = host.parse::<AddressRange>() {
            return Ok(Self {
                host: HostRule::Range(range),
                ports,
            });
        }
        let glob = host.trim_end_matches('.').to_ascii_lowercase();
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'*' | b'?');
        // What looks like a mistyped address must not become a name that never matches.
        let numeric = glob.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if glob.is_empty() || glob.len() > 253 || numeric || !glob.bytes().all(fits) {
            return Err(bad());
        }
        Ok(Self {
            host: HostRule::Glob(glob),
            ports,
        })
    }
}

impl fmt::Display for DestinationRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = self.ports == PortRange::ANY;
        match &self.host {
            HostRule::Range(range) if !any && range.network().is_ipv6() => write!(f, "[{range}]")?,
            HostRule::Range(range) => write!(f, "{range}")?,
            HostRule::Glob(glob) => f.write_str(glob)?,
        }
        if any { Ok(()) } else { write!(f, ":{}", self.ports) }
    }
}

impl TryFrom<String> for DestinationRule {
    type Error = RuleError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DestinationRule> for String {
    fn from(rule: DestinationRule) -> Self {
        rule.to_string()
    }
}

/// Where a forward wants to go, in one spelling: the many ways to write an IPv4 address (`127.1`, `0x7f000001`,
/// `2130706433`, `::ffff:127.0.0.1`), case and a final dot make no difference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ForwardDestination {
    /// An address and a port.
    Address(IpAddr, u16),
    /// A name that the server will resolve, lower case, and a port.
    Name(String, u16),
}

impl ForwardDestination {
    /// Reads a host as a client sends it.
    pub fn new(host: &str, port: u16) -> Self {
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        let bare = bare.split_once('%').map_or(bare, |(address, zone)| {
            if address.contains(':') && !zone.is_empty() {
                address
            } else {
                bare
            }
        });
        let dotless = bare.strip_suffix('.').unwrap_or(bare);
        match dotless
            .parse::<IpAddr>()
            .ok()
            .or_else(|| classic_ipv4(dotless).map(IpAddr::V4))
        {
            Some(ip) => Self::Address(ip.to_canonical(), port),
            None => Self::Name(dotless.to_lowercase(), port),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        match self {
            Self::Address(_, port) | Self::Name(_, port) => *port,
        }
    }
}

impl fmt::Display for ForwardDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(ip, port) => std::net::SocketAddr::new(*ip, *port).fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// The forms of inet_aton(3): one to four parts, each decimal, octal (`0…`) or hexadecimal (`0x…`).
fn classic_ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut parts = Vec::with_capacity(4);
    for part in text.split('.') {
        let value = match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            Some("") => 0,
            Some(hex) => digits(hex, 16)?,
            None if part.len() > 1 && part.starts_with('0') => digits(part, 8)?,
            None => digits(part, 10)?,
        };
        parts.push(value);
    }
    let (last, bytes) = parts.split_last()?;
    if bytes.len() > 3 || bytes.iter().any(|b| *b > 255) {
        return None;
    }
    let room = 8 * (4 - u32::try_from(bytes.len()).ok()?);
    if room < 32 && *last >= 1 << room {
        return None;
    }
    let high = bytes.iter().fold(0u64, |sum, b| (sum << 8) | b);
    u32::try_from((high << room) | last).ok().map(Ipv4Addr::from)
}

fn digits(text: &str, radix: u32) -> Option<u64> {
    if text.is_empty() || text.len() > 12 || text.starts_with('+') {
        return None;
    }
    u64::from_str_radix(text, radix).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rules_round_trip() {
        for text in [
            "10.0.0.0/24:5432",
            "10.0.0.1",
            "db.example.com",
            "*.example.com:443",
            "[fd00::1]:80",
            "fd00::/64",
            "*:8000-8999",
        ] {
            assert_eq!(text.parse::<DestinationRule>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            ":80",
            "a b",
            "10.0.0:80",
            "db:0",
            "db:70000",
            "db:9-8",
            "db:",
            "[::1",
            "1.2.3.400",
        ] {
            assert!(bad.parse::<DestinationRule>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_the_address() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "0177.0.0.1",
            "::ffff:127.0.0.1",
            "127.0.0.1.",
        ] {
            assert_eq!(
                ForwardDestination::new(host, 22),
                ForwardDestination::Address("127.0.0.1".parse().unwrap(), 22),
                "{host}"
            );
        }
        assert_eq!(
            ForwardDestination::new("DB.Example.", 1),
            ForwardDestination::Name("db.example".into(), 1)
        );
        assert_eq!(
            ForwardDestination::new("fe80::1%eth0", 1).to_string(),
            "[fe80::1]:1"
        );
        for name in ["1.2.3.4.5", "256.1.1.1.", "0x", "1e5", "a.1"] {
            let _ = ForwardDestination::new(name, 1);
        }
    }

    #[test]
    fn names_match_names_and_addresses_match_addresses() {
        let rule = |t: &str| t.parse::<DestinationRule>().unwrap();
        let to = |h: &str, p| ForwardDestination::new(h, p);
        assert!(rule("*.example.com:443").matches(&to("a.EXAMPLE.com", 443)));
        assert!(!rule("*.example.com:443").matches(&to("a.example.com", 80)));
        assert!(!rule("*.example.com").matches(&to("example.com", 80)));
        assert!(
            !rule("*").matches(&to("10.0.0.1", 80)),
            "a glob says nothing of addresses"
        );
        assert!(!rule("10.0.0.0/8").matches(&to("ten.example", 80)));
        assert!(rule("10.0.0.0/8").matches(&to("10.1", 80)));
        assert!(rule("a*b?d").matches(&to("axxbcd", 1)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            let _ = text.parse::<DestinationRule>();
            let _ = ForwardDestination::new(&text, 1).to_string();
        }
    }
}
