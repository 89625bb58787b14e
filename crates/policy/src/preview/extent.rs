//! Whether one grant allows all that another one does.

use gatehouse_model::{Right, Timestamp};

use crate::directory::{Policies, Policy, Terms};
use crate::schedule::Schedule;

/// How far a grant goes.
pub(super) struct Extent<'p> {
    policies: &'p Policies,
    policy: &'p Policy,
    terms: &'p Terms,
}

impl<'p> Extent<'p> {
    pub(super) fn of(policies: &'p Policies, policy: &'p Policy, terms: &'p Terms) -> Self {
        Self {
            policies,
            policy,
            terms,
        }
    }

    /// Whether it allows everything from now on that the other does. What cannot be compared simply counts as not.
    pub(super) fn covers(&self, other: &Self, now: Timestamp) -> bool {
        let protocol = self.policy.protocol.is_none() || self.policy.protocol == other.policy.protocol;
        let source = match (self.policies.from(self.policy), other.policies.from(other.policy)) {
            (None, _) => true,
            (Some(own), Some(theirs)) => own.covers(&theirs),
            (Some(_), None) => false,
        };
        let begins = self.policy.start <= other.policy.start.max(now);
        let ends = match (self.policy.end(), other.policy.end()) {
            (None, _) => true,
            (Some(own), Some(theirs)) => own >= theirs,
            (Some(_), None) => false,
        };
        protocol && source && begins && ends && self.opens_whenever(other) && self.gives_what(other)
    }

    fn opens_whenever(&self, other: &Self) -> bool {
        let mut theirs = other.policies.windows(other.policy);
        let own = |schedule: &Schedule| {
            let mut own = self.policies.windows(self.policy);
            own.any(|windows| windows.schedule() == schedule)
        };
        !self.policy.is_scheduled()
            || (other.policy.is_scheduled() && theirs.all(|windows| own(windows.schedule())))
    }

    fn gives_what(&self, other: &Self) -> bool {
        let (own, theirs) = (self.terms, other.terms);
        let logins = narrows(&own.logins, &theirs.logins);
        let rights = theirs.rights.iter().all(|right| own.rights.contains(right));
        let forwards =
            !theirs.rights.contains(&Right::ForwardLocal) || narrows(&own.destinations, &theirs.destinations);
        let ports = own
            .blocked_ports
            .iter()
            .all(|port| theirs.blocked_ports.contains(port));
        let longest =
            |own: Option<_>, theirs: Option<_>| own.is_none_or(|own| theirs.is_some_and(|it| own >= it));
        logins
            && rights
            && forwards
            && ports
            && longest(own.idle, theirs.idle)
            && longest(own.max_length, theirs.max_length)
    }
}

/// Whether a list (empty: anything) holds everything that another one does.
fn narrows<T: PartialEq>(own: &[T], theirs: &[T]) -> bool {
    own.is_empty() || (!theirs.is_empty() && theirs.iter().all(|item| own.contains(item)))
}
