//! How many connections may be under way at once: in all, of strangers, and of one source; and why one is refused.

use std::collections::HashMap;
use std::sync::Arc;

use gatehouse_model::AddressRange;
use parking_lot::Mutex;

use crate::guard::{Standing, Visitor};

/// The bounds. What is logged in counts against `total` and `per_source` alone.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections in all.
    pub total: usize,
    /// Connections of one source.
    pub per_source: usize,
    /// Connections that have not logged in yet, in all.
    pub unauthenticated: usize,
    /// The same of one source.
    pub unauthenticated_per_source: usize,
    /// The same of all strangers together, so that they never take every place of those who are known.
    pub strangers: usize,
    /// The same of one stranger; where it is less than of any source.
    pub strangers_per_source: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total: 20_000,
            per_source: 10_000,
            unauthenticated: 1_000,
            unauthenticated_per_source: 250,
            strangers: 400,
            strangers_per_source: 20,
        }
    }
}

/// Why a connection is not served.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Refusal {
    /// The source is blocked, and has been told often enough.
    Blocked,
    /// Too many new connections of this source.
    SourceRate,
    /// Too many new connections of strangers.
    StrangerRate,
    /// Too many denials in all; strangers are shut out.
    Denials,
    /// Too many connections in all.
    Total,
    /// Too many of this source.
    Source,
    /// Too many that have not logged in, in all.
    Unauthenticated,
    /// The same of this source.
    UnauthenticatedSource,
    /// The same of strangers.
    Strangers,
    /// Too many proxied connections that have not said where they come from.
    Unnamed,
}

impl Refusal {
    /// The word for metrics.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::SourceRate => "source_rate",
            Self::StrangerRate => "stranger_rate",
            Self::Denials => "denials",
            Self::Total => "total",
            Self::Source => "source",
            Self::Unauthenticated => "unauthenticated",
            Self::UnauthenticatedSource => "unauthenticated_source",
            Self::Strangers => "strangers",
            Self::Unnamed => "unnamed",
        }
    }

    /// The words for logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "the source is blocked",
            Self::SourceRate => "too many new connections from this source",
            Self::StrangerRate => "too many new connections from unknown sources",
            Self::Denials => "too many denials; unknown sources are closed at once",
            Self::Total => "too many connections",
            Self::Source => "too many connections from this source",
            Self::Unauthenticated => "too many connections that have not logged in",
            Self::UnauthenticatedSource => "too many connections that have not logged in from this source",
            Self::Strangers => "too many connections that have not logged in from unknown sources",
            Self::Unnamed => "too many connections from proxies that have not sent their header",
        }
    }
}

#[derive(Default)]
struct Counts {
    total: usize,
    waiting: usize,
    strangers: usize,
    /// A source is here only while it holds places.
    by_source: HashMap<AddressRange, Held>,
}

#[derive(Clone, Copy, Default)]
struct Held {
    total: usize,
    waiting: usize,
}

/// Counts connections of one gate.
#[derive(Clone)]
pub struct Door {
    limits: ConnectionLimits,
    counts: Arc<Mutex<Counts>>,
}

/// One connection's place; given back when dropped.
pub(crate) struct Place {
    door: Door,
    visitor: Visitor,
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
    pub(crate) fn enter(&self, visitor: Visitor) -> Result<Place, Refusal> {
        let limits = &self.limits;
        let mut counts = self.counts.lock();
        let of_source = counts.by_source.get(&visitor.range).copied().unwrap_or_default();
        let stranger = visitor.standing == Standing::Stranger;
        let waiting_of_source = if stranger {
            limits.strangers_per_source.min(limits.unauthenticated_per_source)
        } else {
            limits.unauthenticated_per_source
        };
        let counted = visitor.standing != Standing::Exempt;
        let refusal = if counts.total >= limits.total {
            Some(Refusal::Total)
        } else if counts.waiting >= limits.unauthenticated {
            Some(Refusal::Unauthenticated)
        } else if counted && of_source.total >= limits.per_source {
            Some(Refusal::Source)
        } else if counted && of_source.waiting >= waiting_of_source {
            Some(Refusal::UnauthenticatedSource)
        } else if stranger && counts.strangers >= limits.strangers {
            Some(Refusal::Strangers)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        counts.total += 1;
        counts.waiting += 1;
        counts.strangers += usize::from(stranger);
        let held = counts.by_source.entry(visitor.range).or_default();
        held.total += 1;
        held.waiting += 1;
        Ok(Place {
            door: self.clone(),
            visitor,
            waiting: Mutex::new(true),
        })
    }
}

impl Place {
    /// The connection has logged in: it no longer counts as waiting.
    pub(crate) fn authenticated(&self) {
        if std::mem::take(&mut *self.waiting.lock()) {
            self.give_back(
                |held| held.waiting = held.waiting.saturating_sub(1),
                |counts, stranger| {
                    counts.waiting = counts.waiting.saturating_sub(1);
                    counts.strangers = counts.strangers.saturating_sub(stranger);
                },
            );
        }
    }

    fn give_back(&self, of_source: impl FnOnce(&mut Held), in_all: impl FnOnce(&mut Counts, usize)) {
        let mut counts = self.door.counts.lock();
        in_all(
            &mut counts,
            usize::from(self.visitor.standing == Standing::Stranger),
        );
        if let Some(held) = counts.by_source.get_mut(&self.visitor.range) {
            of_source(held);
            if held.total == 0 {
                counts.by_source.remove(&self.visitor.range);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.authenticated();
        self.give_back(
            |held| held.total = held.total.saturating_sub(1),
            |counts, _| counts.total = counts.total.saturating_sub(1),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Visitor {
        Visitor {
            range: text.parse().unwrap(),
            standing: Standing::Known,
        }
    }

    fn stranger(text: &str) -> Visitor {
        Visitor {
            standing: Standing::Stranger,
            ..known(text)
        }
    }

    fn exempt(text: &str) -> Visitor {
        Visitor {
            standing: Standing::Exempt,
            ..known(text)
        }
    }

    const LIMITS: ConnectionLimits = ConnectionLimits {
        total: 10,
        per_source: 4,
        unauthenticated: 6,
        unauthenticated_per_source: 3,
        strangers: 3,
        strangers_per_source: 2,
    };

    #[test]
    fn places_are_bounded_and_given_back() {
        let door = Door::new(LIMITS);
        let enter = |visitor| door.enter(visitor);
        let mut places: Vec<_> = (0..3).map(|_| enter(known("10.0.0.1")).ok().unwrap()).collect();
        assert_eq!(
            enter(known("10.0.0.1")).err(),
            Some(Refusal::UnauthenticatedSource)
        );
        places[0].authenticated();
        places[0].authenticated();
        places.push(enter(known("10.0.0.1")).ok().unwrap());
        assert_eq!(enter(known("10.0.0.1")).err(), Some(Refusal::Source));
        places.extend((0..3).map(|_| enter(known("10.0.0.2")).ok().unwrap()));
        assert_eq!(enter(known("10.0.0.3")).err(), Some(Refusal::Unauthenticated));
        places.iter().for_each(Place::authenticated);
        places.extend((0..3).map(|_| enter(known("10.0.0.3")).ok().unwrap()));
        assert_eq!(enter(known("10.0.0.4")).err(), Some(Refusal::Total));
        drop(places);
        let counts = door.counts.lock();
        assert!(counts.by_source.is_empty());
        assert_eq!((counts.total, counts.waiting, counts.strangers), (0, 0, 0));
    }

    #[test]
    fn strangers_never_take_every_place() {
        let door = Door::new(LIMITS);
        let mut places: Vec<_> = (0..2)
            .map(|_| door.enter(stranger("10.9.0.1")).ok().unwrap())
            .collect();
        assert_eq!(
            door.enter(stranger("10.9.0.1")).err(),
            Some(Refusal::UnauthenticatedSource)
        );
        places.push(door.enter(stranger("10.9.0.2")).ok().unwrap());
        assert_eq!(door.enter(stranger("10.9.0.3")).err(), Some(Refusal::Strangers));
        let people: Vec<_> = (0..3)
            .map(|_| door.enter(known("10.0.0.1")).ok().unwrap())
            .collect();
        drop((places, people));
        assert_eq!(door.counts.lock().strangers, 0);
    }

    #[test]
    fn exempt_sources_have_no_bound_of_their_own() {
        let door = Door::new(LIMITS);
        let places: Vec<_> = (0..6)
            .map(|_| door.enter(exempt("10.0.0.1")).ok().unwrap())
            .collect();
        assert_eq!(
            door.enter(exempt("10.0.0.1")).err(),
            Some(Refusal::Unauthenticated)
        );
        drop(places);
    }

    #[test]
    fn a_hundred_connections_at_once_from_a_known_source_are_welcome() {
        let door = Door::new(ConnectionLimits::default());
        let places: Vec<_> = (0..200).map(|_| door.enter(known("10.0.0.1"))).collect();
        assert!(places.iter().all(Result::is_ok));
    }
}
