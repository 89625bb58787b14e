//! Signing in with a password, and with a second factor after it.

use axum::extract::State;
use axum::response::Response;
use gatehouse_model::Secret;
use gatehouse_store::{Actor, CountedTry, PasswordCheck, SignInState, SignedIn};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{begin_try, failed, new_sign_in, signed_in, state_after_first};
use super::describe::Session;
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(sign_in_by_password))
        .routes(routes!(sign_in_by_code))
        .routes(routes!(sign_in_by_recovery_code))
}

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NameAndPassword {
    /// The name.
    user: String,
    /// The password.
    password: String,
}

/// Signs in with a password; `state` is `factor` where a second factor is needed.
#[utoipa::path(post, path = "/session/password", tag = "session", request_body = NameAndPassword,
    responses((status = 200, body = Session)))]
async fn sign_in_by_password(
    State(site): State<Site>,
    caller: Caller,
    Body(typed): Body<NameAndPassword>,
) -> Result<Response, Problem> {
    let counted = begin_try(&site, &caller, &typed.user).await?;
    let checked = site
        .store()
        .check_user_password(&typed.user, Secret::from(typed.password))
        .await?;
    if checked == PasswordCheck::Wrong {
        return Err(failed(&site, &caller, &typed.user, "wrong_password").await);
    }
    let person = site.store().user(caller.now, &typed.user).await?;
    let factors = site.store().factors(&typed.user).await?;
    let state = state_after_first(&factors);
    let new = new_sign_in(&caller, person.id, "password", state);
    let Some((_, secret)) = site.store().open_sign_in(caller.now, new).await? else {
        return Err(failed(&site, &caller, &typed.user, "may_not_sign_in").await);
    };
    let answer = signed_in(&site, &caller, &secret).await;
    // With a second factor still to come, the try is not over.
    if state == SignInState::Open {
        site.store().try_succeeded(&counted).await?;
    }
    answer
}

/// A code of an authenticator, or a recovery code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TypedCode {
    /// The code.
    code: String,
}

/// The sign-in that waits for a second factor.
fn waiting(caller: &Caller) -> Result<&SignedIn, Problem> {
    let found = caller.sign_in.as_ref().map(|found| &found.signed_in);
    found
        .filter(|known| known.state == SignInState::Factor)
        .ok_or_else(|| {
            Problem::new(
                Code::Conflict,
                "no sign-in waits for a code, or it waited too long; begin again with the password",
            )
        })
}

/// Completes a sign-in with a code of an authenticator.
#[utoipa::path(post, path = "/session/totp", tag = "session", request_body = TypedCode,
    responses((status = 200, body = Session)))]
async fn sign_in_by_code(
    State(site): State<Site>,
    caller: Caller,
    Body(typed): Body<TypedCode>,
) -> Result<Response, Problem> {
    let known = waiting(&caller)?;
    let counted = begin_try(&site, &caller, known.name.as_str()).await?;
    let user = known.user.to_string();
    if !site.store().check_totp(caller.now, &user, &typed.code).await? {
        return Err(failed(&site, &caller, known.name.as_str(), "wrong_code").await);
    }
    complete(&site, &caller, known.id, &counted, "password+totp").await
}

/// Completes a sign-in with a recovery code, which is used up.
#[utoipa::path(post, path = "/session/recovery", tag = "session", request_body = TypedCode,
    responses((status = 200, body = Session)))]
async fn sign_in_by_recovery_code(
    State(site): State<Site>,
    caller: Caller,
    Body(typed): Body<TypedCode>,
) -> Result<Response, Problem> {
    let known = waiting(&caller)?;
    let counted = begin_try(&site, &caller, known.name.as_str()).await?;
    let actor = Actor::user(&known.name, Some(caller.source));
    let user = known.user.to_string();
    let used = site
        .store()
        .use_recovery_code(&actor, caller.now, &user, &typed.code);
    if !used.await? {
        return Err(failed(&site, &caller, known.name.as_str(), "wrong_recovery_code").await);
    }
    complete(&site, &caller, known.id, &counted, "password+recovery").await
}

async fn complete(
    site: &Site,
    caller: &Caller,
    id: i64,
    counted: &CountedTry,
    method: &'static str,
) -> Result<Response, Problem> {
    let secret = site.store().complete_sign_in(caller.now, id, method).await?;
    site.store().try_succeeded(counted).await?;
    signed_in(site, caller, &secret).await
}
