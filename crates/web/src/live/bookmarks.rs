//! Where somebody stopped reading, so that the next page does not begin at the front.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// Bookmarks that are kept; the oldest goes first. Whose is gone reads from the front.
const KEPT: usize = 64;

/// Readers that stopped at a place. Each can be taken once.
pub(crate) struct Bookmarks<K, R>(Mutex<VecDeque<(K, R)>>);

impl<K, R> Default for Bookmarks<K, R> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq, R> Bookmarks<K, R> {
    /// The reader that stopped at this place.
    pub(crate) fn take(&self, place: &K) -> Option<R> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(|(known, _)| known == place)?;
        kept.remove(at).map(|(_, reader)| reader)
    }

    /// A reader stops at this place.
    pub(crate) fn put(&self, place: K, reader: R) {
        let mut kept = self.0.lock();
        kept.retain(|(known, _)| *known != place);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((place, reader));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_and_the_oldest_goes() {
        let marks = Bookmarks::default();
        for place in 0..=KEPT {
            marks.put(place, place * 10);
        }
        assert_eq!(marks.take(&0), None);
        assert_eq!(marks.take(&1), Some(10));
        assert_eq!(marks.take(&1), None);
        marks.put(2, 21);
        assert_eq!(marks.take(&2), Some(21));
    }
}
