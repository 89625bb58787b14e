//! How many connections may be under way before anybody has proved anything: in all, and from one source.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use gatehouse_model::SourceAddr;
use parking_lot::Mutex;

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections that have not logged in yet, in all.
    pub unauthenticated: usize,
    /// The same from one source address.
    pub unauthenticated_per_source: usize,
    /// Connections in all.
    pub total: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            unauthenticated: 1_000,
            unauthenticated_per_source: 100,
            total: 20_000,
        }
    }
}

/// Why a connection is not served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    /// Too many connections in all.
    Total,
    /// Too many that have not logged in, in all.
    Unauthenticated,
    /// Too many that have not logged in, from this source.
    Source,
}

impl Full {
    /// The word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Total => "too many connections",
            Self::Unauthenticated => "too many connections that have not logged in",
            Self::Source => "too many connections that have not logged in from this source",
        }
    }
}

#[derive(Default)]
struct Counts {
    total: usize,
    waiting: usize,
    by_source: HashMap<IpAddr, usize>,
}

/// Counts connections of one gate.
#[derive(Clone)]
pub struct Door {
    limits: ConnectionLimits,
    counts: Arc<Mutex<Counts>>,
}

/// One connection's place; given back when dropped.
pub struct Place {
    door: Door,
    source: IpAddr,
    waiting: Mutex<bool>,
}

impl Door {
    /// A door with these bounds.
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            counts: Arc::default(),
        }
    }

    /// Takes a place for a connection that has just come.
    ///
    /// # Errors
    /// One of the bounds is reached.
    pub fn enter(&self, source: SourceAddr) -> Result<Place, Full> {
        let source = network(source);
        let mut counts = self.counts.lock();
        if counts.total >= self.limits.total {
            return Err(Full::Total);
        }
        if counts.waiting >= self.limits.unauthenticated {
            return Err(Full::Unauthenticated);
        }
        let of_source = counts.by_source.entry(source).or_default();
        if *of_source >= self.limits.unauthenticated_per_source {
            return Err(Full::Source);
        }
        *of_source += 1;
        counts.waiting += 1;
        counts.total += 1;
        Ok(Place {
            door: self.clone(),
            source,
            waiting: Mutex::new(true),
        })
    }
}

/// What counts as one source: an IPv4 address, or an IPv6 network of 64 bits, since anybody with one has them all.
fn network(source: SourceAddr) -> IpAddr {
    match source.ip() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Place {
    /// The connection has logged in: it no longer counts as waiting.
    pub fn authenticated(&self) {
        if std::mem::take(&mut *self.waiting.lock()) {
            self.leave_waiting();
        }
    }

    fn leave_waiting(&self) {
        let mut counts = self.door.counts.lock();
        counts.waiting = counts.waiting.saturating_sub(1);
        if let Some(of_source) = counts.by_source.get_mut(&self.source) {
            *of_source = of_source.saturating_sub(1);
            if *of_source == 0 {
                counts.by_source.remove(&self.source);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.authenticated();
        let mut counts = self.door.counts.lock();
        counts.total = counts.total.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let door = Door::new(ConnectionLimits {
            unauthenticated: 3,
            unauthenticated_per_source: 2,
            total: 4,
        });
        let (a, b): (SourceAddr, SourceAddr) = ("127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap());
        let first = door.enter(a).ok().unwrap();
        let second = door.enter(a).ok().unwrap();
        assert_eq!(door.enter(a).err(), Some(Full::Source));
        let third = door.enter(b).ok().unwrap();
        assert_eq!(door.enter(b).err(), Some(Full::Unauthenticated));
        first.authenticated();
        first.authenticated();
        let fourth = door.enter(a).ok().unwrap();
        third.authenticated();
        assert_eq!(door.enter(b).err(), Some(Full::Total));
        drop((first, second, third, fourth));
        let counts = door.counts.lock();
        assert!(counts.by_source.is_empty());
        assert_eq!((counts.total, counts.waiting), (0, 0));
    }
}
