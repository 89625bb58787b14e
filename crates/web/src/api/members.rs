//! Who and what is directly in a group.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatehouse_store::{GroupKind, Server, ServerFilter, User, UserFilter};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::{ListQuery, Listed};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_user_group_members))
        .routes(routes!(put_user_into_group, take_user_out_of_group))
        .routes(routes!(list_server_group_members))
        .routes(routes!(put_server_into_group, take_server_out_of_group))
}

/// The people who are directly in a group.
#[utoipa::path(get, path = "/user-groups/{group}/members", tag = "user-groups",
    params(("group" = String, Path, description = "Name or id"), ListQuery),
    responses((status = 200, body = Listed<User>)))]
async fn list_user_group_members(
    State(site): State<Site>,
    Path(group): Path<String>,
    list: ListQuery,
) -> Result<Response, Problem> {
    // What is not known here is what the path names.
    site.store().group(GroupKind::User, &group).await?;
    let now = site.now();
    let filter = UserFilter {
        group: Some(group),
        ..UserFilter::default()
    };
    list.answer((site, filter), move |(site, filter), page| async move {
        site.store().users(now, &filter, &page).await
    })
    .await
}

/// Puts a person into a group; one who is there stays.
#[utoipa::path(put, path = "/user-groups/{group}/members/{user}", tag = "user-groups",
    params(("group" = String, Path, description = "Name or id"), ("user" = String, Path, description = "Name or id")),
    responses((status = 204)))]
async fn put_user_into_group(
    State(site): State<Site>,
    caller: Caller,
    Path((group, user)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let found = site.store().group(GroupKind::User, &group).await?;
    let name = site.store().user(site.now(), &user).await?.name;
    put(
        &site,
        &caller,
        (GroupKind::User, &found.members),
        &group,
        name.as_str(),
    )
    .await
}

/// Takes a person out of a group.
#[utoipa::path(delete, path = "/user-groups/{group}/members/{user}", tag = "user-groups",
    params(("group" = String, Path, description = "Name or id"), ("user" = String, Path, description = "Name or id")),
    responses((status = 204)))]
async fn take_user_out_of_group(
    State(site): State<Site>,
    caller: Caller,
    Path((group, user)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    take_out(&site, &caller, GroupKind::User, &group, &user).await
}

/// The servers that are directly in a group.
#[utoipa::path(get, path = "/server-groups/{group}/members", tag = "server-groups",
    params(("group" = String, Path, description = "Name or id"), ListQuery),
    responses((status = 200, body = Listed<Server>)))]
async fn list_server_group_members(
    State(site): State<Site>,
    Path(group): Path<String>,
    list: ListQuery,
) -> Result<Response, Problem> {
    site.store().group(GroupKind::Server, &group).await?;
    let now = site.now();
    let filter = ServerFilter {
        group: Some(group),
        ..ServerFilter::default()
    };
    list.answer((site, filter), move |(site, filter), page| async move {
        site.store().servers(now, &filter, &page).await
    })
    .await
}

/// Puts a server into a group; one that is there stays.
#[utoipa::path(put, path = "/server-groups/{group}/members/{server}", tag = "server-groups",
    params(("group" = String, Path, description = "Name or id"), ("server" = String, Path, description = "Name or id")),
    responses((status = 204)))]
async fn put_server_into_group(
    State(site): State<Site>,
    caller: Caller,
    Path((group, server)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let found = site.store().group(GroupKind::Server, &group).await?;
    let name = site.store().server(site.now(), &server).await?.name;
    put(
        &site,
        &caller,
        (GroupKind::Server, &found.members),
        &group,
        name.as_str(),
    )
    .await
}

/// Takes a server out of a group.
#[utoipa::path(delete, path = "/server-groups/{group}/members/{server}", tag = "server-groups",
    params(("group" = String, Path, description = "Name or id"), ("server" = String, Path, description = "Name or id")),
    responses((status = 204)))]
async fn take_server_out_of_group(
    State(site): State<Site>,
    caller: Caller,
    Path((group, server)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    take_out(&site, &caller, GroupKind::Server, &group, &server).await
}

async fn put(
    site: &Site,
    caller: &Caller,
    (kind, members): (GroupKind, &[String]),
    group: &str,
    member: &str,
) -> Result<StatusCode, Problem> {
    if !members.iter().any(|known| known == member) {
        site.store()
            .add_group_member(&caller.actor()?, site.now(), kind, group, member)
            .await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn take_out(
    site: &Site,
    caller: &Caller,
    kind: GroupKind,
    group: &str,
    member: &str,
) -> Result<StatusCode, Problem> {
    site.store()
        .remove_group_member(&caller.actor()?, site.now(), kind, group, member)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
