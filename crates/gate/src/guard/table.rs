//! What is counted of each source, in bounded memory.
//!
//! The table holds a fixed number of sources. When it is full, a new one takes the place of that among sixteen
//! neighbours which owes least; a hand goes round, so that each place is looked at in turn. A flood of addresses that
//! appear once each therefore pushes out others of its kind and not the one that is near its limit. What is pushed out
//! begins anew, which errs on the side of the source; floods are what the limits for all sources together are for.

use std::collections::HashMap;

use gatehouse_model::{AddressRange, Timestamp};

use super::rate::Account;

/// Sources that are counted at a time; some 3 MiB.
pub(crate) const SOURCES: usize = 32_768;
/// Places of which the one that owes least is given up.
const LOOKED_AT: usize = 16;

/// What is counted of one source.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Accounts {
    pub(crate) connections: Account,
    pub(crate) denials: Account,
    pub(crate) failed_logins: Account,
    /// Connections that were let in to be told of the block.
    pub(crate) told: Account,
}

impl Accounts {
    fn debt(&self, now: Timestamp) -> i64 {
        let all = [self.connections, self.denials, self.failed_logins, self.told];
        all.into_iter()
            .map(|account| account.debt(now))
            .max()
            .unwrap_or(0)
    }
}

struct Place {
    source: AddressRange,
    accounts: Accounts,
}

/// The counted sources. Their index is a hash map with random keys, so that nobody can choose addresses that collide.
pub(crate) struct Table {
    index: HashMap<AddressRange, usize>,
    places: Vec<Place>,
    capacity: usize,
    hand: usize,
}

impl Table {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            index: HashMap::new(),
            places: Vec::new(),
            capacity: capacity.max(1),
            hand: 0,
        }
    }

    /// Does something with the accounts of a source; a source that has none gets fresh ones.
    pub(crate) fn with<T>(
        &mut self,
        source: AddressRange,
        now: Timestamp,
        act: impl FnOnce(&mut Accounts) -> T,
    ) -> T {
        let at = match self.index.get(&source) {
            Some(at) => *at,
            None => self.take_place(source, now),
        };
        let mut spare = Accounts::default();
        let place = self.places.get_mut(at).map(|place| &mut place.accounts);
        act(place.unwrap_or(&mut spare))
    }

    fn take_place(&mut self, source: AddressRange, now: Timestamp) -> usize {
        let fresh = Place {
            source,
            accounts: Accounts::default(),
        };
        let at = if self.places.len() < self.capacity {
            self.places.push(fresh);
            self.places.len() - 1
        } else {
            let at = self.cheapest(now);
            if let Some(place) = self.places.get_mut(at) {
                self.index.remove(&place.source);
                *place = fresh;
            }
            at
        };
        self.index.insert(source, at);
        at
    }

    /// The place that owes least among those after the hand.
    fn cheapest(&mut self, now: Timestamp) -> usize {
        let start = self.hand;
        self.hand = (start + LOOKED_AT) % self.places.len().max(1);
        let looked_at = (0..LOOKED_AT.min(self.places.len())).map(|n| (start + n) % self.places.len());
        let debt = |at: &usize| self.places.get(*at).map_or(0, |place| place.accounts.debt(now));
        looked_at.min_by_key(debt).unwrap_or(0)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        assert_eq!(self.index.len(), self.places.len());
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::guard::rate::{Counted, Rate};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 + seconds).unwrap()
    }

    fn source(number: u32) -> AddressRange {
        AddressRange::host(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    #[test]
    fn a_flood_of_addresses_neither_grows_the_table_nor_pushes_out_the_one_near_its_limit() {
        let mut table = Table::new(1_000);
        let rate: Rate = "30/10m".parse().unwrap();
        let guilty = source(0x0a00_0001);
        for _ in 0..29 {
            table.with(guilty, at(0), |of| of.denials.count(rate, at(0)));
        }
        for n in 0..200_000 {
            let one = source(0xc000_0000 + n);
            let counted = table.with(one, at(1), |of| of.denials.count(rate, at(1)));
            assert_eq!(counted, Counted::Within);
        }
        assert_eq!(table.len(), 1_000);
        let mut again = || table.with(guilty, at(2), |of| of.denials.count(rate, at(2)));
        assert_eq!(again(), Counted::Within);
        assert_eq!(again(), Counted::Over, "what it did is remembered");
    }

    #[test]
    fn places_that_owe_nothing_go_first() {
        let mut table = Table::new(16);
        let rate: Rate = "2/1m".parse().unwrap();
        for n in 0..16 {
            let begun = at(if n == 7 { 0 } else { 100 });
            table.with(source(n), begun, |of| of.denials.count(rate, begun));
        }
        // Number 7 has paid back.
        table.with(source(99), at(101), |_| ());
        assert!(!table.index.contains_key(&source(7)));
        assert_eq!(table.len(), 16);
        assert!(
            (0..16)
                .filter(|n| *n != 7)
                .all(|n| table.index.contains_key(&source(n)))
        );
    }

    #[test]
    fn one_place_is_enough_to_go_on() {
        let mut table = Table::new(0);
        for n in 0..100 {
            table.with(source(n), at(0), |_| ());
        }
        assert_eq!(table.len(), 1);
    }
}
