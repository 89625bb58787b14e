//! What the ways to sign in have in common: tries that are counted, and how each is answered.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use gatehouse_model::UserId;
use gatehouse_store::{CountedTry, Factors, NewSignIn, SignInState, SignedIn, Try};

use super::describe::describe;
use crate::caller::{Caller, Way, csrf_of, limits, set_cookie};
use crate::problem::{Code, Problem};
use crate::site::Site;

/// Answers with the sign-in that this secret opens, and gives the browser the secret.
pub(super) async fn signed_in(site: &Site, caller: &Caller, secret: &str) -> Result<Response, Problem> {
    let settings = site.settings();
    let found = site
        .store()
        .signed_in(caller.now, secret, limits(settings))
        .await?;
    let found = found.ok_or_else(wrong)?;
    let session = describe(site, caller, Some((&found, csrf_of(secret)))).await?;
    let cookie = set_cookie(secret, settings.transport, settings.session_timeout)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(session)).into_response())
}

/// What is said of a wrong name, password, code, or person.
pub(super) fn wrong() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "that is not right, or this account may not sign in; check what you typed, or ask an administrator",
    )
}

/// A password goes over no wire that others can read.
pub(super) fn ensure_private(caller: &Caller) -> Result<(), Problem> {
    match caller.way {
        Way::Private => Ok(()),
        Way::Open => Err(Problem::new(
            Code::Forbidden,
            "signing in needs TLS, and web.tls is off; switch it on, or sign in on the gate's own machine",
        )),
    }
}

/// Counts a try, and refuses it if it comes too soon.
pub(super) async fn begin_try(site: &Site, caller: &Caller, account: &str) -> Result<CountedTry, Problem> {
    ensure_private(caller)?;
    match site.store().begin_try(caller.now, account, caller.source).await? {
        Try::Permitted(counted) => Ok(counted),
        Try::NotBefore(next) => {
            let seconds = next.as_second().saturating_sub(caller.now.as_second()).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(1);
            Err(Problem::new(
                Code::RateLimited,
                format!("too many failed tries; try again in {seconds} s"),
            )
            .after(seconds))
        }
    }
}

pub(super) async fn failed(site: &Site, caller: &Caller, account: &str, reason: &'static str) -> Problem {
    let recorded = site
        .store()
        .record_failed_try(caller.now, account, caller.source, reason)
        .await;
    match recorded {
        Ok(()) => wrong(),
        Err(error) => error.into(),
    }
}

pub(super) fn new_sign_in(
    caller: &Caller,
    user: UserId,
    method: &'static str,
    state: SignInState,
) -> NewSignIn {
    NewSignIn {
        user,
        source: caller.source,
        agent: caller.agent.clone(),
        method,
        state,
    }
}

/// How far the first factor brings a person who has these.
pub(super) fn state_after_first(factors: &Factors) -> SignInState {
    if factors.totp {
        SignInState::Factor
    } else {
        SignInState::Open
    }
}

/// The sign-in as it stands after a confirmation.
pub(super) async fn confirmed(site: &Site, caller: &Caller) -> Result<Response, Problem> {
    let Some(found) = &caller.sign_in else {
        return Err(wrong());
    };
    let known = SignedIn {
        fresh_at: caller.now,
        ..found.signed_in.clone()
    };
    let session = describe(site, caller, Some((&known, found.csrf.clone()))).await?;
    Ok(Json(session).into_response())
}
