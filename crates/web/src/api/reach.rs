//! What a person can reach, and who can reach a server: the engine's own answers.

use axum::Json;
use axum::extract::{Path, State};
use gatehouse_model::{AddressRange, PolicyId, Protocol, ProxyAddr, Timestamp, to_micros};
use gatehouse_policy::{reach, who_can};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::check::instant;
use crate::problem::Problem;
use crate::shape::Query;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(show_reach))
        .routes(routes!(show_who_can))
}

/// At which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Moment {
    /// The moment; now if absent.
    #[serde(default, deserialize_with = "instant")]
    at: Option<Timestamp>,
}

/// A server that a person could connect to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
struct Reachable {
    /// The server's name.
    server: String,
    /// By which protocol.
    protocol: Protocol,
    /// The grants that say so, ascending.
    policies: Vec<PolicyId>,
    /// Until when; `null`: no end within sight.
    allowed_until: Option<Timestamp>,
    /// The proxy address to connect to; `null`: the server is reached as `LOGIN@SERVER@GATE`.
    proxy: Option<ProxyAddr>,
}

/// What a person could connect to, from any of their addresses.
#[utoipa::path(get, path = "/users/{user}/reach", tag = "users",
    params(("user" = String, Path, description = "Name or id"), Moment),
    responses((status = 200, body = Vec<Reachable>)))]
async fn show_reach(
    State(site): State<Site>,
    Path(user): Path<String>,
    Query(moment): Query<Moment>,
) -> Result<Json<Vec<Reachable>>, Problem> {
    let now = site.now();
    let user = site.store().user(now, &user).await?.id;
    let at = to_micros(moment.at.unwrap_or(now));
    let directory = site.directory().await;
    // Looks at every server.
    let found = move || {
        let reached = reach(&directory, user, at);
        let shown = reached.into_iter().filter_map(|it| {
            let server = directory.server(it.grant.server)?;
            let proxies = directory.allocations_of(server.id);
            let proxy = proxies
                .iter()
                .find(|given| given.until.is_none_or(|until| until > at));
            Some(Reachable {
                server: server.name.to_string(),
                protocol: it.protocol,
                policies: it.grant.policies,
                allowed_until: it.grant.until,
                proxy: proxy.map(|given| given.proxy),
            })
        });
        shown.collect::<Vec<_>>()
    };
    Ok(Json(computed(found).await?))
}

/// By which protocol and at which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WayAndMoment {
    /// Only by this protocol.
    protocol: Option<Protocol>,
    /// The moment; now if absent.
    #[serde(default, deserialize_with = "instant")]
    at: Option<Timestamp>,
}

/// A person who could connect to a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
struct Able {
    /// The person's name.
    user: String,
    /// By which protocol.
    protocol: Protocol,
    /// The grants that say so, ascending.
    policies: Vec<PolicyId>,
    /// From where.
    sources: Vec<AddressRange>,
    /// Until when; `null`: no end within sight.
    allowed_until: Option<Timestamp>,
}

/// Everyone who could connect to a server, with the grants that say so.
#[utoipa::path(get, path = "/servers/{server}/who-can", tag = "servers",
    params(("server" = String, Path, description = "Name or id"), WayAndMoment),
    responses((status = 200, body = Vec<Able>)))]
async fn show_who_can(
    State(site): State<Site>,
    Path(server): Path<String>,
    Query(which): Query<WayAndMoment>,
) -> Result<Json<Vec<Able>>, Problem> {
    let now = site.now();
    let server = site.store().server(now, &server).await?.id;
    let at = to_micros(which.at.unwrap_or(now));
    let directory = site.directory().await;
    // Looks at everybody.
    let found = move || {
        let able = who_can(&directory, server, which.protocol, at);
        let shown = able.into_iter().filter_map(|it| {
            Some(Able {
                user: directory.user(it.user)?.name.to_string(),
                protocol: it.protocol,
                policies: it.policies,
                sources: it.sources,
                allowed_until: it.until,
            })
        });
        shown.collect::<Vec<_>>()
    };
    Ok(Json(computed(found).await?))
}

/// What takes long is worked out apart from the threads that serve.
pub(super) async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::fault("an answer could not be worked out", &error))
}
