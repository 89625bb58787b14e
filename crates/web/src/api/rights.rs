//! Rights set on people and groups, apart from any grant.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::Right;
use gatehouse_store::RightHolder;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_user_rights))
        .routes(routes!(give_user_right, take_user_right))
        .routes(routes!(list_group_rights))
        .routes(routes!(give_group_right, take_group_right))
}

/// The rights set on a person.
#[utoipa::path(get, path = "/users/{user}/rights", tag = "users",
    params(("user" = String, Path, description = "Name or id")),
    responses((status = 200, body = Vec<Right>)))]
async fn list_user_rights(
    State(site): State<Site>,
    Path(user): Path<String>,
) -> Result<Json<Vec<Right>>, Problem> {
    Ok(Json(site.store().rights(&RightHolder::User(user)).await?))
}

/// Sets a right on a person; one that is set stays.
#[utoipa::path(put, path = "/users/{user}/rights/{right}", tag = "users",
    params(("user" = String, Path, description = "Name or id"), ("right" = Right, Path, description = "The right")),
    responses((status = 204)))]
async fn give_user_right(
    State(site): State<Site>,
    caller: Caller,
    Path((user, right)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    give(&site, &caller, RightHolder::User(user), &right).await
}

/// Takes a right from a person.
#[utoipa::path(delete, path = "/users/{user}/rights/{right}", tag = "users",
    params(("user" = String, Path, description = "Name or id"), ("right" = Right, Path, description = "The right")),
    responses((status = 204)))]
async fn take_user_right(
    State(site): State<Site>,
    caller: Caller,
    Path((user, right)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    take(&site, &caller, RightHolder::User(user), &right).await
}

/// The rights set on a group of people; all groups below have them as well.
#[utoipa::path(get, path = "/user-groups/{group}/rights", tag = "user-groups",
    params(("group" = String, Path, description = "Name or id")),
    responses((status = 200, body = Vec<Right>)))]
async fn list_group_rights(
    State(site): State<Site>,
    Path(group): Path<String>,
) -> Result<Json<Vec<Right>>, Problem> {
    Ok(Json(site.store().rights(&RightHolder::Group(group)).await?))
}

/// Sets a right on a group of people; one that is set stays.
#[utoipa::path(put, path = "/user-groups/{group}/rights/{right}", tag = "user-groups",
    params(("group" = String, Path, description = "Name or id"), ("right" = Right, Path, description = "The right")),
    responses((status = 204)))]
async fn give_group_right(
    State(site): State<Site>,
    caller: Caller,
    Path((group, right)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    give(&site, &caller, RightHolder::Group(group), &right).await
}

/// Takes a right from a group of people.
#[utoipa::path(delete, path = "/user-groups/{group}/rights/{right}", tag = "user-groups",
    params(("group" = String, Path, description = "Name or id"), ("right" = Right, Path, description = "The right")),
    responses((status = 204)))]
async fn take_group_right(
    State(site): State<Site>,
    caller: Caller,
    Path((group, right)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    take(&site, &caller, RightHolder::Group(group), &right).await
}

async fn give(site: &Site, caller: &Caller, holder: RightHolder, right: &str) -> Result<StatusCode, Problem> {
    let right = right_of(right)?;
    if !site.store().rights(&holder).await?.contains(&right) {
        site.store()
            .add_right(&caller.actor()?, site.now(), &holder, right)
            .await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn take(site: &Site, caller: &Caller, holder: RightHolder, right: &str) -> Result<StatusCode, Problem> {
    site.store()
        .remove_right(&caller.actor()?, site.now(), &holder, right_of(right)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn right_of(text: &str) -> Result<Right, Problem> {
    text.parse()
        .map_err(|error: gatehouse_model::UnknownRight| Problem::not_found(error.to_string()))
}
