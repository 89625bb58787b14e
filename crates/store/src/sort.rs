//! In which order lists are read, and the cursors by which their pages follow each other.
//!
//! A list is ordered by a key and then by the id, both in one direction, and a cursor carries both: what is entered
//! or removed meanwhile neither repeats nor skips anything else. A cursor belongs to its order.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// A key that a list can be sorted by, with its word in the API.
pub trait SortKey: Copy + PartialEq + fmt::Debug + 'static {
    /// All keys of the list.
    const ALL: &'static [Self];

    /// The word.
    fn as_str(self) -> &'static str;
}

/// Which way a list runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

/// In which order a list is wanted. As text the key's word, with `-` before it for descending.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sort<K> {
    /// By what.
    pub key: K,
    /// Which way.
    pub direction: Direction,
}

impl<K> Sort<K> {
    /// The smallest first.
    pub fn ascending(key: K) -> Self {
        Self {
            key,
            direction: Direction::Ascending,
        }
    }

    /// The largest first.
    pub fn descending(key: K) -> Self {
        Self {
            key,
            direction: Direction::Descending,
        }
    }
}

impl<K: SortKey> fmt::Display for Sort<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minus = if self.direction == Direction::Descending {
            "-"
        } else {
            ""
        };
        write!(f, "{minus}{}", self.key.as_str())
    }
}

impl<K: SortKey> FromStr for Sort<K> {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let (word, direction) = match text.strip_prefix('-') {
            Some(word) => (word, Direction::Descending),
            None => (text, Direction::Ascending),
        };
        let known = K::ALL.iter().copied().find(|key| key.as_str() == word);
        known.map(|key| Self { key, direction }).ok_or_else(|| {
            let words: Vec<_> = K::ALL.iter().map(|key| key.as_str()).collect();
            StoreError::invalid(
                "sort",
                format!(
                    "this list is not sorted by {word:?}; give one of {}, with \"-\" before it for the largest first",
                    words.join(", ")
                ),
            )
        })
    }
}

/// The keys of a list, each with its word, and the order without one.
macro_rules! sort_keys {
    (
        $(#[$doc:meta])* $name:ident, without: $direction:ident $default:ident {
            $($(#[$of:meta])* $key:ident = $word:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $($(#[$of])* $key,)+
        }

        impl SortKey for $name {
            const ALL: &'static [Self] = &[$(Self::$key,)+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$key => $word,)+
                }
            }
        }

        impl Default for Sort<$name> {
            fn default() -> Self {
                Self::$direction($name::$default)
            }
        }
    };
}

sort_keys! {
    /// What sessions are sorted by.
    SessionSort, without: descending StartedAt {
        /// When they began.
        StartedAt = "started_at",
        /// How long they lasted; those that still run count as the longest.
        Duration = "duration",
        /// Bytes in both directions; those that still run count as the largest.
        Bytes = "bytes",
        /// The person's name at the time.
        User = "user",
        /// The server's name at the time.
        Server = "server",
    }
}

sort_keys! {
    /// What people are sorted by.
    UserSort, without: ascending CreatedAt {
        /// The order in which they were entered.
        CreatedAt = "created_at",
        /// The name.
        Name = "name",
        /// The name in full.
        FullName = "full_name",
        /// The mail address.
        Email = "email",
        /// The word of the role.
        Role = "role",
    }
}

sort_keys! {
    /// What servers are sorted by.
    ServerSort, without: ascending CreatedAt {
        /// The order in which they were entered.
        CreatedAt = "created_at",
        /// The name.
        Name = "name",
        /// The address, as text.
        Address = "address",
        /// What runs on them.
        Os = "os",
    }
}

sort_keys! {
    /// What groups are sorted by.
    GroupSort, without: ascending CreatedAt {
        /// The order in which they were made.
        CreatedAt = "created_at",
        /// The name.
        Name = "name",
    }
}

sort_keys! {
    /// What grants are sorted by.
    PolicySort, without: ascending CreatedAt {
        /// The order in which they were made.
        CreatedAt = "created_at",
        /// From when they are in force.
        Start = "start",
        /// Until when they are; those without an end come as the last.
        End = "end",
    }
}

sort_keys! {
    /// What alerts are sorted by.
    AlertSort, without: descending Time {
        /// The order in which they were raised.
        Time = "time",
    }
}

sort_keys! {
    /// What blocks are sorted by.
    BlockSort, without: ascending CreatedAt {
        /// The order in which they were made.
        CreatedAt = "created_at",
        /// When they end; those without an end come as the last.
        Until = "until",
    }
}

/// The value of a key, as a cursor carries it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum KeyValue {
    Number(i64),
    Text(String),
}

/// Where a page ended: the order, the key and the id.
pub(crate) fn write_cursor(order: &str, key: &KeyValue, id: &impl Serialize) -> String {
    BASE64.encode(serde_json::json!([order, key, id]).to_string())
}

/// The key and the id in a cursor of this order.
pub(crate) fn read_cursor<I: DeserializeOwned>(order: &str, text: &str) -> Result<(KeyValue, I), StoreError> {
    let read = || {
        let (of, key, id): (String, KeyValue, I) = serde_json::from_slice(&BASE64.decode(text).ok()?).ok()?;
        (of == order).then_some((key, id))
    };
    read().ok_or_else(|| not_a_cursor(text))
}

pub(crate) fn not_a_cursor(text: &str) -> StoreError {
    StoreError::invalid(
        "cursor",
        format!("{text:?} is not a cursor of this list and order; take the one that came with the list"),
    )
}

/// An address as text that sorts as addresses do: 32 hexadecimal digits, IPv4 mapped into IPv6.
pub(crate) fn address_key(address: IpAddr) -> String {
    let octets = match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    };
    hex::encode(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_word_with_or_without_a_minus() {
        for order in [
            Sort::ascending(SessionSort::Duration),
            Sort::descending(SessionSort::User),
        ] {
            assert_eq!(order.to_string().parse::<Sort<SessionSort>>().unwrap(), order);
        }
        let wrong = "-size".parse::<Sort<SessionSort>>().unwrap_err();
        assert_eq!(wrong.field(), Some("sort"));
        assert!(wrong.to_string().contains("started_at, duration"), "{wrong}");
    }

    #[test]
    fn a_cursor_belongs_to_its_order() {
        let text = write_cursor("-user", &KeyValue::Text("ünal\"".to_owned()), &7);
        let (key, id): (_, i64) = read_cursor("-user", &text).unwrap();
        assert_eq!((key, id), (KeyValue::Text("ünal\"".to_owned()), 7));
        for (order, text) in [
            ("user", text.as_str()),
            ("-user", ""),
            ("-user", "7"),
            ("-user", "e30"),
        ] {
            assert!(read_cursor::<i64>(order, text).is_err(), "{order} {text}");
        }
    }

    #[test]
    fn addresses_sort_as_addresses_do() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert!(key("9.0.0.1") < key("10.0.0.1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert!(key("10.255.255.255") < key("fd00::1"));
    }
}
