//! Machines behind the gate.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatehouse_model::{LegacyAlgorithms, Name, Protocol, ServerOs, TargetHost};
use gatehouse_store::{
    Activity, Edit, NewServer, ProxyChoice, Server, ServerEdit, ServerFilter, Service, Wanted,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::{Body, Expected, ListQuery, Listed, Query, Tagged, edit};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_servers, add_server))
        .routes(routes!(show_server, edit_server, remove_server))
}

/// Which servers.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WhichServers {
    /// Those whose name, address or description contains this.
    text: Option<String>,
    /// Those directly in this group.
    group: Option<String>,
    /// Those that offer this protocol.
    protocol: Option<Protocol>,
    /// Those in use, or those not.
    active: Option<bool>,
    /// Those on which this runs.
    os: Option<ServerOs>,
    /// Those that are locked, or those not.
    locked: Option<bool>,
}

/// Lists servers.
#[utoipa::path(get, path = "/servers", tag = "servers", params(ListQuery, WhichServers),
    responses((status = 200, body = Listed<Server>)))]
async fn list_servers(
    State(site): State<Site>,
    list: ListQuery,
    Query(which): Query<WhichServers>,
) -> Result<Response, Problem> {
    let now = site.now();
    let filter = ServerFilter {
        text: which.text,
        group: which.group,
        active: which.active,
        protocol: which.protocol,
        os: which.os,
        locked: which.locked,
        sort: list.sort()?.unwrap_or_default(),
    };
    list.answer((site, filter), move |(site, filter), page| async move {
        site.store().servers(now, &filter, &page).await
    })
    .await
}

/// A protocol that a server is to offer.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Offer {
    /// The protocol.
    protocol: Protocol,
    /// The port; the protocol's own if absent.
    port: Option<u16>,
}

impl Offer {
    fn pair(self) -> (Protocol, u16) {
        (self.protocol, self.port.unwrap_or(self.protocol.default_port()))
    }
}

/// A server to be entered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ServerToAdd {
    /// The name.
    name: Name,
    /// Where it is.
    address: TargetHost,
    /// The protocols it offers, at least one.
    services: Vec<Offer>,
    /// What runs on it.
    os: Option<ServerOs>,
    /// A note.
    description: Option<String>,
    /// Its proxy address: `auto`, `none`, or an address of the pool. If absent, a free one if there is one.
    proxy: Option<String>,
    /// Whether it may be spoken to with outdated algorithms; `off` if absent.
    legacy_algorithms: Option<LegacyAlgorithms>,
    /// Whether it is in use; it is if absent.
    active: Option<bool>,
}

/// Enters a server.
#[utoipa::path(post, path = "/servers", tag = "servers", request_body = ServerToAdd,
    responses((status = 201, body = Server)))]
async fn add_server(
    State(site): State<Site>,
    caller: Caller,
    Body(new): Body<ServerToAdd>,
) -> Result<(StatusCode, Tagged<Server>), Problem> {
    let (store, now, actor) = (site.store(), site.now(), caller.actor()?);
    ensure_once(&new.services)?;
    let server = NewServer {
        name: new.name,
        address: new.address,
        services: new.services.into_iter().map(Offer::pair).collect(),
        os: new.os,
        description: new.description,
        legacy_algorithms: new.legacy_algorithms.unwrap_or(LegacyAlgorithms::Off),
        proxy: proxy_choice(new.proxy.as_deref())?,
    };
    let mut added = store.add_server(&actor, now, server).await?;
    if new.active == Some(false) {
        added = store
            .set_server_activity(&actor, now, &added.id.to_string(), Activity::Disabled)
            .await?;
    }
    Ok((StatusCode::CREATED, Tagged(added)))
}

fn proxy_choice(text: Option<&str>) -> Result<ProxyChoice, Problem> {
    match text {
        None => Ok(ProxyChoice::IfAvailable),
        Some("auto") => Ok(ProxyChoice::Auto),
        Some("none") => Ok(ProxyChoice::None),
        Some(address) => address.parse().map(ProxyChoice::Address).map_err(|_| {
            Problem::invalid(
                "proxy",
                format!("{address:?} is no proxy address; give auto, none or an address of the pool"),
            )
        }),
    }
}

fn ensure_once(services: &[Offer]) -> Result<(), Problem> {
    let twice = services.iter().enumerate().find(|(at, offer)| {
        let before = services.iter().take(*at);
        before.into_iter().any(|other| other.protocol == offer.protocol)
    });
    match twice {
        Some((_, offer)) => Err(Problem::invalid(
            "services",
            format!("{} is there twice; give each protocol one port", offer.protocol),
        )),
        None => Ok(()),
    }
}

/// One server.
#[utoipa::path(get, path = "/servers/{server}", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), responses((status = 200, body = Server)))]
async fn show_server(
    State(site): State<Site>,
    Path(server): Path<String>,
) -> Result<Tagged<Server>, Problem> {
    Ok(Tagged(site.store().server(site.now(), &server).await?))
}

/// Changes to a server; what is absent stays, `null` clears. Its proxy address is `/servers/{server}/proxy`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ServerChange {
    /// A new name.
    name: Option<Name>,
    /// Where it is.
    address: Option<TargetHost>,
    /// The protocols it offers from now on; others are offered no more.
    services: Option<Vec<Offer>>,
    /// What runs on it.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<ServerOs>)]
    os: Edit<ServerOs>,
    /// A note.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<String>)]
    description: Edit<String>,
    /// Whether it may be spoken to with outdated algorithms.
    legacy_algorithms: Option<LegacyAlgorithms>,
    /// Whether it is in use.
    active: Option<bool>,
}

/// Changes a server's entry.
#[utoipa::path(patch, path = "/servers/{server}", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), request_body = ServerChange,
    responses((status = 200, body = Server)))]
async fn edit_server(
    State(site): State<Site>,
    caller: Caller,
    Path(server): Path<String>,
    expected: Expected,
    Body(change): Body<ServerChange>,
) -> Result<Tagged<Server>, Problem> {
    let (store, now, actor) = (site.store(), site.now(), caller.actor()?);
    let before = store.server(now, &server).await?;
    ensure_once(change.services.as_deref().unwrap_or_default())?;
    let (offer, withdraw) = services_after(&before.services, change.services.as_deref());
    let edits = ServerEdit {
        name: change.name,
        address: change.address,
        offer,
        withdraw,
        os: change.os,
        description: change.description,
        legacy_algorithms: change.legacy_algorithms,
        activity: change.active.map(Activity::from_switch),
        expected: expected.tag(),
    };
    let id = before.id.to_string();
    Ok(Tagged(store.edit_server(&actor, now, &id, edits).await?))
}

/// What is to be offered, and what no more, so that a server offers `wanted`.
fn services_after(present: &[Service], wanted: Option<&[Offer]>) -> (Vec<(Protocol, u16)>, Vec<Protocol>) {
    let Some(wanted) = wanted else {
        return (Vec::new(), Vec::new());
    };
    let offer: Vec<_> = wanted.iter().map(|offer| offer.pair()).collect();
    let withdraw = present
        .iter()
        .map(|service| service.protocol)
        .filter(|protocol| !offer.iter().any(|(offered, _)| offered == protocol))
        .collect();
    (offer, withdraw)
}

/// Deletes a server with its grants, keys and credentials. Sessions and the audit book stay.
#[utoipa::path(delete, path = "/servers/{server}", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), responses((status = 204)))]
async fn remove_server(
    State(site): State<Site>,
    caller: Caller,
    Path(server): Path<String>,
    expected: Expected,
) -> Result<StatusCode, Problem> {
    let now = site.now();
    let wanted = Wanted::unchanged(server.as_str(), expected.tag());
    site.store().remove_server(&caller.actor()?, now, wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
