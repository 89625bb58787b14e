//! Streams that are open at a time: so many a person.

use std::collections::HashMap;
use std::sync::Arc;

use gatehouse_model::UserId;
use parking_lot::Mutex;

/// Streams that one person may have open on a node.
const EACH: usize = 20;

/// The streams that are open, by person.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<HashMap<UserId, usize>>>);

/// One open stream. The place is free again when this is dropped.
pub(crate) struct Place {
    places: Places,
    person: UserId,
}

impl Places {
    /// A place for one more stream of this person; `None`: they have as many as they may.
    pub(crate) fn take(&self, person: UserId) -> Option<Place> {
        let mut open = self.0.lock();
        let count = open.entry(person).or_default();
        if *count >= EACH {
            return None;
        }
        *count += 1;
        Some(Place {
            places: self.clone(),
            person,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.0.lock();
        if let Some(count) = open.get_mut(&self.person) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_so_many_and_gets_them_back() {
        let places = Places::default();
        let mut held: Vec<Place> = (0..EACH).map(|_| places.take(UserId(1)).unwrap()).collect();
        assert!(places.take(UserId(1)).is_none());
        assert!(places.take(UserId(2)).is_some());
        held.pop();
        assert!(places.take(UserId(1)).is_some());
        drop(held);
        assert!(places.0.lock().is_empty());
    }
}
