//! Locks on people and servers.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::{SpanSeconds, Timestamp};
use gatehouse_store::{LockState, LockTarget};
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
        .routes(routes!(lock_user, unlock_user))
        .routes(routes!(lock_server, unlock_server))
}

/// A lock.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLock {
    /// How long; without it, until lifted.
    #[serde(rename = "for")]
    length: Option<SpanSeconds>,
    /// Why, for whoever is refused.
    reason: Option<String>,
}

/// Locks a person: running sessions, sign-ins and tokens end. A lock that is there gets the new end and reason.
#[utoipa::path(put, path = "/users/{user}/lock", tag = "users",
    params(("user" = String, Path, description = "Name or id")), request_body = NewLock,
    responses((status = 200, body = LockState)))]
async fn lock_user(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
    Body(lock): Body<NewLock>,
) -> Result<Json<LockState>, Problem> {
    set(&site, &caller, LockTarget::User(user), lock).await
}

/// Lifts the lock on a person.
#[utoipa::path(delete, path = "/users/{user}/lock", tag = "users",
    params(("user" = String, Path, description = "Name or id")), responses((status = 204)))]
async fn unlock_user(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<StatusCode, Problem> {
    lift(&site, &caller, LockTarget::User(user)).await
}

/// Locks a server: running sessions end. A lock that is there gets the new end and reason.
#[utoipa::path(put, path = "/servers/{server}/lock", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), request_body = NewLock,
    responses((status = 200, body = LockState)))]
async fn lock_server(
    State(site): State<Site>,
    caller: Caller,
    Path(server): Path<String>,
    Body(lock): Body<NewLock>,
) -> Result<Json<LockState>, Problem> {
    set(&site, &caller, LockTarget::Server(server), lock).await
}

/// Lifts the lock on a server.
#[utoipa::path(delete, path = "/servers/{server}/lock", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), responses((status = 204)))]
async fn unlock_server(
    State(site): State<Site>,
    caller: Caller,
    Path(server): Path<String>,
) -> Result<StatusCode, Problem> {
    lift(&site, &caller, LockTarget::Server(server)).await
}

async fn set(
    site: &Site,
    caller: &Caller,
    target: LockTarget,
    lock: NewLock,
) -> Result<Json<LockState>, Problem> {
    let now = site.now();
    let until = lock.length.map(|span| until(now, span)).transpose()?;
    site.store()
        .lock(&caller.actor()?, now, &target, until, lock.reason)
        .await?;
    let state = match &target {
        LockTarget::User(user) => site.store().user(now, user).await?.lock,
        LockTarget::Server(server) => site.store().server(now, server).await?.lock,
    };
    state
        .map(Json)
        .ok_or_else(|| Problem::not_found("the lock was lifted meanwhile"))
}

async fn lift(site: &Site, caller: &Caller, target: LockTarget) -> Result<StatusCode, Problem> {
    site.store().unlock(&caller.actor()?, site.now(), &target).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The instant so long after now.
pub(super) fn until(now: Timestamp, span: SpanSeconds) -> Result<Timestamp, Problem> {
    now.checked_add(span.signed()).map_err(|_| {
        Problem::invalid(
            "for",
            format!("{span} from now is beyond the calendar; give a shorter duration"),
        )
    })
}
