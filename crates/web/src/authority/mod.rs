//! Whether a caller may do an operation: one table, looked up before any handler runs.
//!
//! INVARIANT **listed-or-refused**: an operation without a row in [`TABLE`] is refused to everybody. A handler cannot
//! forget to ask.

mod table;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gatehouse_model::{Role, SourceAddr};

use crate::caller::{Caller, Means};
use crate::problem::{Code, Problem};
use crate::site::Site;

pub(crate) use table::TABLE;

/// Who may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// Anyone, known or not.
    Anyone,
    /// A known person, by address too, for what is theirs.
    OneSelf,
    /// A person who signed in or has a token, for what is theirs.
    Signed,
    /// A person with this role or a higher one.
    AtLeast(Role),
}

/// Whether the sign-in must be fresh.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Freshness {
    /// It must not.
    Any,
    /// It must: the operation is dangerous in the hands of whoever finds an open screen.
    Fresh,
}

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    /// The path below `/api/v1`, as the router writes it.
    pub(crate) path: &'static str,
    pub(crate) who: Who,
    pub(crate) freshness: Freshness,
}

/// Where the API lies.
pub(crate) const PREFIX: &str = "/api/v1";

/// The layer in front of every handler.
pub(crate) async fn authorize(State(site): State<Site>, request: Request, next: Next) -> Response {
    let verdict = match (
        request.extensions().get::<MatchedPath>(),
        request.extensions().get::<Caller>(),
    ) {
        (Some(path), Some(caller)) => permitted(&site, request.method(), path.as_str(), caller),
        _ => Err(Problem::not_found("there is no such operation")),
    };
    match verdict {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

pub(crate) fn permitted(site: &Site, method: &Method, path: &str, caller: &Caller) -> Result<(), Problem> {
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    // What answers GET answers HEAD.
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    let row = TABLE
        .iter()
        .find(|row| row.method == method && row.path == path)
        .ok_or_else(|| Problem::new(Code::Method, "this cannot be done here; see /api/v1/openapi.json"))?;
    allowed(row, caller, site)
}

fn allowed(row: &Operation, caller: &Caller, site: &Site) -> Result<(), Problem> {
    let known = caller.known.as_ref();
    match (row.who, known) {
        (Who::Anyone, _) => return Ok(()),
        (_, None) => return Err(unauthenticated(caller.source)),
        (Who::OneSelf, Some(_)) => {}
        (Who::Signed | Who::AtLeast(_), Some((_, Means::Address))) => {
            return Err(Problem::new(
                Code::Unauthenticated,
                format!(
                    "a known address is not enough for this; sign in at {} or send a token",
                    site.settings().public_url.as_str()
                ),
            ));
        }
        (Who::Signed, Some(_)) => {}
        (Who::AtLeast(role), Some((person, _))) if person.role < role => {
            return Err(Problem::new(
                Code::Forbidden,
                format!("this needs the role {role}, and yours is {}", person.role),
            ));
        }
        (Who::AtLeast(_), Some(_)) => {}
    }
    match (row.freshness, known.map(|(_, means)| means)) {
        (Freshness::Any, _) | (_, Some(Means::Token { dangerous: true, .. })) => Ok(()),
        (_, Some(Means::SignIn { fresh_until, .. })) if *fresh_until > caller.now => Ok(()),
        (_, Some(Means::Token { .. })) => Err(Problem::new(
            Code::Forbidden,
            "this needs a token with the scope admin, or a sign-in",
        )),
        _ => Err(Problem::new(
            Code::Confirm,
            "confirm that it is you first: the last sign-in or confirmation is too long ago",
        )),
    }
}

/// Nobody is known.
pub(crate) fn unauthenticated(source: SourceAddr) -> Problem {
    Problem::new(
        Code::Unauthenticated,
        format!(
            "nobody is signed in, and your address {source} is not enough for this; sign in or send a token"
        ),
    )
}
