//! The public keys that people have registered.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_store::UserKey;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_user_keys, add_user_key))
        .routes(routes!(remove_user_key))
}

/// The registered keys of a person.
#[utoipa::path(get, path = "/users/{user}/keys", tag = "users",
    params(("user" = String, Path, description = "Name or id")),
    responses((status = 200, body = Vec<UserKey>)))]
async fn list_user_keys(
    State(site): State<Site>,
    Path(user): Path<String>,
) -> Result<Json<Vec<UserKey>>, Problem> {
    Ok(Json(site.store().user_keys(&user).await?))
}

/// A key to be registered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUserKey {
    /// One public key in OpenSSH's form, as in a `.pub` file.
    #[schema(example = "ssh-ed25519 AAAA… alice@laptop")]
    key: String,
}

/// Registers a public key. From then on the person needs one of the registered keys at the gate.
#[utoipa::path(post, path = "/users/{user}/keys", tag = "users",
    params(("user" = String, Path, description = "Name or id")), request_body = NewUserKey,
    responses((status = 201, body = UserKey)))]
async fn add_user_key(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
    Body(new): Body<NewUserKey>,
) -> Result<(StatusCode, Json<UserKey>), Problem> {
    let added = site
        .store()
        .add_user_key(&caller.actor()?, site.now(), &user, &new.key)
        .await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Deletes a registered key.
#[utoipa::path(delete, path = "/users/{user}/keys/{fingerprint}", tag = "users",
    params(("user" = String, Path, description = "Name or id"),
        ("fingerprint" = String, Path, description = "`SHA256:…`, `/` written as `%2F`")),
    responses((status = 204)))]
async fn remove_user_key(
    State(site): State<Site>,
    caller: Caller,
    Path((user, fingerprint)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    site.store()
        .remove_user_key(&caller.actor()?, site.now(), &user, &fingerprint)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
