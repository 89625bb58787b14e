//! Where somebody stopped reading, so that the next page does not begin at the front.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// Readers that stopped at a place. Each can be taken once. So many are kept, and the oldest goes first: whose is gone
/// reads from the front.
pub(crate) struct Bookmarks<K, R> {
    most: usize,
    kept: Mutex<VecDeque<(K, R)>>,
}

impl<K: PartialEq, R> Bookmarks<K, R> {
    /// None yet, and never more than `most`.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::default(),
        }
    }

    /// The reader that stopped at this place.
    pub(crate) fn take(&self, place: &K) -> Option<R> {
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|(known, _)| known == place)?;
        kept.remove(at).map(|(_, reader)| reader)
    }

    /// A reader stops at this place.
    pub(crate) fn put(&self, place: K, reader: R) {
        let mut kept = self.kept.lock();
        kept.retain(|(known, _)| *known != place);
        if kept.len() >= self.most {
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
        let marks = Bookmarks::new(3);
        for place in 0..=3 {
            marks.put(place, place * 10);
        }
        assert_eq!(marks.take(&0), None);
        assert_eq!(marks.take(&1), Some(10));
        assert_eq!(marks.take(&1), None);
        marks.put(2, 21);
        assert_eq!(marks.take(&2), Some(21));
    }
}
