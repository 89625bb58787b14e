//! Who looked at what lately: polling is one look, not one a second.

use std::collections::HashMap;

use gatehouse_model::{SessionId, Timestamp, UserId};
use jiff::SignedDuration;
use parking_lot::Mutex;

use crate::caller::Means;

/// A look lasts so long; after that it is a new one, and stands in the book again.
const LASTS: SignedDuration = SignedDuration::from_mins(10);
/// Looks that are remembered; of more, some are written into the book again.
const KEPT: usize = 10_000;

/// A look at a session: by whom, through which sign-in or token, and how.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Looked {
    person: UserId,
    sign_in: i64,
    by_token: bool,
    session: SessionId,
    how: &'static str,
}

impl Looked {
    pub(crate) fn new(person: UserId, means: &Means, session: SessionId, how: &'static str) -> Self {
        let (sign_in, by_token) = match means {
            Means::Address => (0, false),
            Means::SignIn { id, .. } => (*id, false),
            Means::Token { id, .. } => (*id, true),
        };
        Self {
            person,
            sign_in,
            by_token,
            session,
            how,
        }
    }
}

/// Looks, and when each was written into the book.
#[derive(Default)]
pub(crate) struct Notebook(Mutex<HashMap<Looked, Timestamp>>);

impl Notebook {
    /// Whether this look stands in the book already.
    pub(crate) fn has(&self, look: &Looked, now: Timestamp) -> bool {
        let looks = self.0.lock();
        looks
            .get(look)
            .is_some_and(|written| now.duration_since(*written).abs() < LASTS)
    }

    /// This look was written into the book.
    pub(crate) fn wrote(&self, look: Looked, now: Timestamp) {
        let mut looks = self.0.lock();
        if looks.len() >= KEPT {
            looks.retain(|_, written| now.duration_since(*written).abs() < LASTS);
        }
        if looks.len() < KEPT {
            looks.insert(look, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_is_one_look_for_ten_minutes() {
        let book = Notebook::default();
        let session: SessionId = "019301f0-0000-7000-8000-000000000001".parse().unwrap();
        let means = |id| Means::Token { id, dangerous: false };
        let look = |id, how| Looked::new(UserId(1), &means(id), session, how);
        let start: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let after = |minutes| start + SignedDuration::from_mins(minutes);
        assert!(!book.has(&look(1, "live"), start));
        book.wrote(look(1, "live"), start);
        assert!(book.has(&look(1, "live"), after(9)));
        assert!(!book.has(&look(1, "live"), after(10)));
        // Another sign-in and another way of looking are looks of their own.
        assert!(!book.has(&look(2, "live"), start));
        assert!(!book.has(&look(1, "text"), start));
    }
}
