//! Confirming that it is still the same person, before something dangerous.

use axum::extract::State;
use axum::response::Response;
use gatehouse_model::Secret;
use gatehouse_store::PasswordCheck;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{begin_try, confirmed, failed};
use super::describe::Session;
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(confirm_session))
}

/// What proves that it is still the same person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Proof {
    /// The password; where codes are set up it is not enough.
    password: Option<String>,
    /// A code of an authenticator.
    code: Option<String>,
}

/// Confirms that it is still the same person, before something dangerous.
#[utoipa::path(post, path = "/session/confirm", tag = "session", request_body = Proof,
    responses((status = 200, body = Session)))]
async fn confirm_session(
    State(site): State<Site>,
    caller: Caller,
    Body(proof): Body<Proof>,
) -> Result<Response, Problem> {
    let store = site.store();
    let person = caller.person()?.clone();
    let Some(known) = caller.sign_in.as_ref().map(|found| found.signed_in.id) else {
        return Err(Problem::new(
            Code::Conflict,
            "a token needs no confirmation; only a sign-in does",
        ));
    };
    let user = person.id.to_string();
    let totp = store.factors(&user).await?.totp;
    let counted = begin_try(&site, &caller, person.name.as_str()).await?;
    let (right, method) = match (proof.code, proof.password) {
        (Some(code), _) if totp => (store.check_totp(caller.now, &user, &code).await?, "totp"),
        (_, Some(password)) if !totp => {
            let checked = store.check_user_password(&user, Secret::from(password)).await?;
            (checked == PasswordCheck::Right, "password")
        }
        _ => {
            let field = if totp { "code" } else { "password" };
            return Err(Problem::invalid(
                field,
                format!("{field} is missing; it proves that it is you"),
            ));
        }
    };
    if !right {
        return Err(failed(&site, &caller, person.name.as_str(), "wrong_confirmation").await);
    }
    store.try_succeeded(&counted).await?;
    store
        .confirm_sign_in(&caller.actor()?, caller.now, known, method)
        .await?;
    confirmed(&site, &caller).await
}
