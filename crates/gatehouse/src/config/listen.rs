//! Addresses to listen on: one, or a list.

use std::fmt;
use std::net::SocketAddr;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Where a gate listens. Empty: the gate is off. Read from one address or a list of them, written as a list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Listen(Vec<SocketAddr>);

impl Listen {
    /// Listens on each of these.
    pub(crate) fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self(addresses.into_iter().collect())
    }

    /// The addresses, as configured.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.0
    }

    /// Whether the gate is off.
    pub(crate) fn is_off(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ListenVisitor)
    }
}

struct ListenVisitor;

impl<'de> Visitor<'de> for ListenVisitor {
    type Value = Listen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address with a port such as \"0.0.0.0:22\", or a list of them")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Listen, E> {
        if text.trim().is_empty() {
            Ok(Listen::default())
        } else {
            Ok(Listen(vec![address(text)?]))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Listen, A::Error> {
        let mut addresses = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            let address = address(&text)?;
            if address.port() != 0 && addresses.contains(&address) {
                return Err(A::Error::custom(format!("{address} is listed twice")));
            }
            addresses.push(address);
        }
        Ok(Listen(addresses))
    }
}

fn address<E: serde::de::Error>(text: &str) -> Result<SocketAddr, E> {
    text.trim().parse().map_err(|_| {
        E::custom(format!(
            "{text:?} is not an address with a port; write one such as \"0.0.0.0:22\" or \"[::]:22\""
        ))
    })
}
