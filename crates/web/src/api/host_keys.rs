//! Host keys that servers have shown.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_store::{HostKey, Kind};
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
        .routes(routes!(list_host_keys, forget_host_keys))
        .routes(routes!(accept_host_key))
}

/// The host keys that a server has shown.
#[utoipa::path(get, path = "/servers/{server}/hostkeys", tag = "servers",
    params(("server" = String, Path, description = "Name or id")),
    responses((status = 200, body = Vec<HostKey>)))]
async fn list_host_keys(
    State(site): State<Site>,
    Path(server): Path<String>,
) -> Result<Json<Vec<HostKey>>, Problem> {
    Ok(Json(site.store().host_keys(&server).await?))
}

/// Which key is accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptedKey {
    /// Its fingerprint, `SHA256:…`; may be left out if one key waits.
    fingerprint: Option<String>,
}

/// Accepts a host key that waits. Accepted ones of its algorithm go.
#[utoipa::path(post, path = "/servers/{server}/hostkeys/accept", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), request_body = AcceptedKey,
    responses((status = 200, body = HostKey)))]
async fn accept_host_key(
    State(site): State<Site>,
    caller: Caller,
    Path(server): Path<String>,
    Body(accepted): Body<AcceptedKey>,
) -> Result<Json<HostKey>, Problem> {
    let fingerprint = accepted.fingerprint.as_deref();
    let key = site
        .store()
        .accept_host_key(&caller.actor()?, site.now(), &server, fingerprint)
        .await
        .map_err(|error| Problem::of_field(error, Kind::HostKey, "fingerprint"))?;
    Ok(Json(key))
}

/// Forgets all host keys of a server: the next one that it shows is its first.
#[utoipa::path(delete, path = "/servers/{server}/hostkeys", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), responses((status = 204)))]
async fn forget_host_keys(
    State(site): State<Site>,
    caller: Caller,
    Path(server): Path<String>,
) -> Result<StatusCode, Problem> {
    site.store()
        .forget_host_keys(&caller.actor()?, site.now(), &server)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
