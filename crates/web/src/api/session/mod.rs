//! Signing in and out: a password with a second factor, a passkey, a one-time link; confirming that it is still the
//! same person.
//!
//! INVARIANT **counted-first**: each try is counted before it is checked (`store::throttle`). INVARIANT **one-answer**:
//! a wrong name, a wrong password, a person who is switched off get the same answer, in the same time.

mod answers;
mod confirm;
mod describe;
mod passkey;
mod password;
mod setup;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatehouse_store::Actor;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::{Caller, clear_cookie};
use crate::problem::Problem;
use crate::site::Site;

use describe::{Session, describe};

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(show_session, sign_out))
        .merge(password::operations())
        .merge(passkey::operations())
        .merge(setup::operations())
        .merge(confirm::operations())
}

/// Whether somebody is signed in, and how.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = Session)))]
async fn show_session(State(site): State<Site>, caller: Caller) -> Result<Json<Session>, Problem> {
    let signed_in = caller.sign_in.as_ref();
    let described = signed_in.map(|found| (&found.signed_in, found.csrf.clone()));
    describe(&site, &caller, described).await.map(Json)
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)))]
async fn sign_out(State(site): State<Site>, caller: Caller) -> Result<Response, Problem> {
    if let Some(found) = &caller.sign_in {
        let known = &found.signed_in;
        let actor = Actor::user(&known.name, Some(caller.source));
        let user = known.user.to_string();
        site.store()
            .end_sign_in(&actor, caller.now, &user, known.id)
            .await?;
    }
    let cookie = clear_cookie(site.settings().transport)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
