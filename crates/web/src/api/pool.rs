//! Proxy addresses: the ranges of the pool, and which server has which address.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::{AddressRange, ProxyAddr, Timestamp};
use gatehouse_store::{Allocation, PoolView};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::user_addresses::range_of;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(show_pool))
        .routes(routes!(add_pool_range))
        .routes(routes!(remove_pool_range))
        .routes(routes!(assign_proxy, release_proxies))
}

/// The pool: its ranges, what is given out of it, what rests, and how much is free.
#[utoipa::path(get, path = "/pool", tag = "pool", responses((status = 200, body = PoolView)))]
async fn show_pool(State(site): State<Site>) -> Result<Json<PoolView>, Problem> {
    Ok(Json(site.store().pool_view(site.now()).await?))
}

/// A range of proxy addresses.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPoolRange {
    /// The range.
    range: AddressRange,
    /// The interface that its addresses belong on.
    interface: Option<String>,
}

/// Adds a range to the pool.
#[utoipa::path(post, path = "/pool/ranges", tag = "pool", request_body = NewPoolRange,
    responses((status = 201, body = PoolView)))]
async fn add_pool_range(
    State(site): State<Site>,
    caller: Caller,
    Body(new): Body<NewPoolRange>,
) -> Result<(StatusCode, Json<PoolView>), Problem> {
    let now = site.now();
    site.store()
        .add_pool_range(&caller.actor()?, now, new.range, new.interface)
        .await?;
    Ok((StatusCode::CREATED, Json(site.store().pool_view(now).await?)))
}

/// Removes a range whose addresses are all free.
#[utoipa::path(delete, path = "/pool/ranges/{range}", tag = "pool",
    params(("range" = AddressRange, Path, description = "The range, `/` written as `%2F`")),
    responses((status = 204)))]
async fn remove_pool_range(
    State(site): State<Site>,
    caller: Caller,
    Path(range): Path<String>,
) -> Result<StatusCode, Problem> {
    site.store()
        .remove_pool_range(&caller.actor()?, site.now(), range_of(&range)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A proxy address for a server.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProxy {
    /// The address; `null`: the first that is free.
    address: Option<ProxyAddr>,
    /// When it is given back by itself; `null`: never.
    until: Option<Timestamp>,
}

/// Gives a server a proxy address. One that it has already gets the new end.
#[utoipa::path(put, path = "/servers/{server}/proxy", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), request_body = NewProxy,
    responses((status = 200, body = Allocation)))]
async fn assign_proxy(
    State(site): State<Site>,
    caller: Caller,
    Path(server): Path<String>,
    Body(new): Body<NewProxy>,
) -> Result<Json<Allocation>, Problem> {
    let given = site
        .store()
        .assign_proxy(&caller.actor()?, site.now(), &server, new.address, new.until)
        .await;
    let given = given.map_err(|error| {
        let mut problem = Problem::from(error);
        if problem.field.as_deref() == Some("proxy") {
            problem.field = Some("address".to_owned());
        }
        problem
    })?;
    Ok(Json(given))
}

/// Takes all proxy addresses of a server back: sessions on them end, and no other server gets them for 30 days.
#[utoipa::path(delete, path = "/servers/{server}/proxy", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), responses((status = 204)))]
async fn release_proxies(
    State(site): State<Site>,
    caller: Caller,
    Path(server): Path<String>,
) -> Result<StatusCode, Problem> {
    site.store()
        .release_proxies(&caller.actor()?, site.now(), &server)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
