//! Who is asking: found once for each request, before anything else is done.
//!
//! INVARIANT **looked-up-each-time**: who is disabled or locked, whose token or sign-in was ended, is nobody at the next
//! request. INVARIANT **never-more-than-the-person**: a token has at most the person's role of now; a known address has
//! the role `user`.

mod cookie;
mod find;
mod source;
mod standing;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use gatehouse_audit::Actor;
use gatehouse_model::{Name, Role, SourceAddr, Timestamp, UserId};

use crate::problem::Problem;

pub(crate) use cookie::{CookieSignIn, clear_cookie, csrf_of, set_cookie};
pub(crate) use find::{find, limits, person_at};
pub(crate) use source::{Peer, source_of, way_of};
pub(crate) use standing::Standing;

/// A known person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Person {
    /// The id.
    pub(crate) id: UserId,
    /// The name.
    pub(crate) name: Name,
    /// What they may do by what they showed.
    pub(crate) role: Role,
}

/// What showed who it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Means {
    /// The source address alone.
    Address,
    /// A sign-in.
    SignIn {
        /// Its id.
        id: i64,
        /// Until when dangerous things may be done without confirming.
        fresh_until: Timestamp,
    },
    /// A token.
    Token {
        /// Its id.
        id: i64,
        /// Whether it may do dangerous things.
        dangerous: bool,
    },
}

/// Whether what is said can be read on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// It cannot: TLS, or this very machine.
    Private,
    /// It can.
    Open,
}

/// Who is asking, and from where.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Caller {
    /// Where the request comes from.
    pub(crate) source: SourceAddr,
    /// How it comes.
    pub(crate) way: Way,
    /// What the browser says that it is.
    pub(crate) agent: Option<String>,
    /// The sign-in that the cookie names, open or waiting for a second factor.
    pub(crate) sign_in: Option<CookieSignIn>,
    /// When it came.
    pub(crate) now: Timestamp,
    /// Who it is, and what showed it.
    pub(crate) known: Option<(Person, Means)>,
}

impl Caller {
    /// The person.
    ///
    /// # Errors
    /// Nobody is known. Operations that come here have a row in the table that lets nobody through, so this is for
    /// handlers that anyone may call.
    pub(crate) fn person(&self) -> Result<&Person, Problem> {
        self.known
            .as_ref()
            .map(|(person, _)| person)
            .ok_or_else(|| crate::authority::unauthenticated(self.source))
    }

    /// In whose name something is audited.
    pub(crate) fn actor(&self) -> Result<Actor, Problem> {
        Ok(Actor::user(&self.person()?.name, Some(self.source)))
    }

    /// The role; `None`: nobody is known.
    pub(crate) fn role(&self) -> Option<Role> {
        self.known.as_ref().map(|(person, _)| person.role)
    }

    /// Whether the caller has this role or a higher one.
    pub(crate) fn is_at_least(&self, role: Role) -> bool {
        self.role().is_some_and(|own| own >= role)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            let missing = std::io::Error::other("no caller was put into the request");
            Problem::fault("a request came past the layer that finds callers", &missing)
        })
    }
}
