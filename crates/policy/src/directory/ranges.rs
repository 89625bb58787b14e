//! Values by address range, with the most specific range first.

use std::hash::Hash;
use std::net::IpAddr;

use gatehouse_model::AddressRange;

use super::Map;

/// One hash map for each prefix length in use, longest first: a lookup costs one probe per length.
pub(crate) struct RangeMap<V> {
    v4: Levels<u32, V>,
    v6: Levels<u128, V>,
}

impl<V> Default for RangeMap<V> {
    fn default() -> Self {
        Self {
            v4: Levels::default(),
            v6: Levels::default(),
        }
    }
}

impl<V> RangeMap<V> {
    /// Puts a value; what was there under the same range comes back.
    pub(crate) fn insert(&mut self, range: AddressRange, value: V) -> Option<V> {
        match range.network() {
            IpAddr::V4(ip) => self.v4.insert(range.prefix_len(), ip.to_bits(), value),
            IpAddr::V6(ip) => self.v6.insert(range.prefix_len(), ip.to_bits(), value),
        }
    }

    /// The values of all ranges that contain the address, the most specific first.
    pub(crate) fn containing(&self, address: IpAddr) -> impl Iterator<Item = &V> {
        let (v4, v6) = match address.to_canonical() {
            IpAddr::V4(ip) => (Some(self.v4.containing(ip.to_bits())), None),
            IpAddr::V6(ip) => (None, Some(self.v6.containing(ip.to_bits()))),
        };
        v4.into_iter().flatten().chain(v6.into_iter().flatten())
    }

    /// All values, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.v4.values().chain(self.v6.values())
    }

    /// The values of all ranges that cover the whole of `range`, the most specific first.
    pub(crate) fn covering(&self, range: AddressRange) -> impl Iterator<Item = &V> {
        let longest = range.prefix_len();
        let (v4, v6) = match range.network() {
            IpAddr::V4(ip) => (Some(self.v4.up_to(longest, ip.to_bits())), None),
            IpAddr::V6(ip) => (None, Some(self.v6.up_to(longest, ip.to_bits()))),
        };
        v4.into_iter().flatten().chain(v6.into_iter().flatten())
    }

    /// The value of the most specific range that contains the address.
    pub(crate) fn most_specific(&self, address: IpAddr) -> Option<&V> {
        match address.to_canonical() {
            IpAddr::V4(ip) => self.v4.containing(ip.to_bits()).next(),
            IpAddr::V6(ip) => self.v6.containing(ip.to_bits()).next(),
        }
    }
}

struct Levels<A, V>(Vec<(u8, Map<A, V>)>);

impl<A, V> Default for Levels<A, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A: Prefix, V> Levels<A, V> {
    fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().flat_map(|(_, networks)| networks.values())
    }

    fn insert(&mut self, length: u8, network: A, value: V) -> Option<V> {
        let at = self.0.partition_point(|(longer, _)| *longer > length);
        match self.0.get_mut(at) {
            Some((here, map)) if *here == length => map.insert(network, value),
            _ => {
                let mut map = Map::default();
                map.insert(network, value);
                self.0.insert(at, (length, map));
                None
            }
        }
    }

    fn containing(&self, address: A) -> impl Iterator<Item = &V> {
        self.up_to(u8::MAX, address)
    }

    fn up_to(&self, longest: u8, address: A) -> impl Iterator<Item = &V> {
        let levels = self.0.iter().filter(move |(length, _)| *length <= longest);
        levels.filter_map(move |(length, map)| map.get(&address.cut(*length)))
    }
}

trait Prefix: Copy + Eq + Hash {
    /// The address with the bits beyond the first `length` cleared.
    fn cut(self, length: u8) -> Self;
}

impl Prefix for u32 {
    fn cut(self, length: u8) -> Self {
        self & Self::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0)
    }
}

impl Prefix for u128 {
    fn cut(self, length: u8) -> Self {
        self & Self::MAX
            .checked_shl(128 - u32::from(length.min(128)))
            .unwrap_or(0)
    }
}
