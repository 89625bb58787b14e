//! The source addresses of people.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::AddressRange;
use gatehouse_store::{Activity, Inside, NewAddress, UserAddress};
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
        .routes(routes!(list_user_addresses, add_user_address))
        .routes(routes!(edit_user_address, remove_user_address))
}

/// The source addresses of a person, with the ranges of others that contain them.
#[utoipa::path(get, path = "/users/{user}/addresses", tag = "users",
    params(("user" = String, Path, description = "Name or id")),
    responses((status = 200, body = Vec<UserAddress>)))]
async fn list_user_addresses(
    State(site): State<Site>,
    Path(user): Path<String>,
) -> Result<Json<Vec<UserAddress>>, Problem> {
    Ok(Json(site.store().user_addresses(&user).await?))
}

/// A source address to be entered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUserAddress {
    /// The address or range.
    range: AddressRange,
    /// A note, such as "laptop".
    label: Option<String>,
    /// Whether it may lie inside another person's range, or around one.
    #[serde(default)]
    inside: bool,
}

/// Enters a source address of a person.
#[utoipa::path(post, path = "/users/{user}/addresses", tag = "users",
    params(("user" = String, Path, description = "Name or id")), request_body = NewUserAddress,
    responses((status = 201, body = UserAddress)))]
async fn add_user_address(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
    Body(new): Body<NewUserAddress>,
) -> Result<(StatusCode, Json<UserAddress>), Problem> {
    let address = NewAddress {
        range: new.range,
        label: new.label,
        inside: if new.inside { Inside::Allow } else { Inside::Refuse },
    };
    let added = site
        .store()
        .add_user_address(&caller.actor()?, site.now(), &user, address)
        .await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Changes to a source address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserAddressEdit {
    /// Whether it is in use. One that is not still hides wider ranges.
    active: bool,
}

/// Switches a source address of a person on or off.
#[utoipa::path(patch, path = "/users/{user}/addresses/{range}", tag = "users",
    params(("user" = String, Path, description = "Name or id"),
        ("range" = AddressRange, Path, description = "The address or range, `/` written as `%2F`")),
    request_body = UserAddressEdit, responses((status = 200, body = UserAddress)))]
async fn edit_user_address(
    State(site): State<Site>,
    caller: Caller,
    Path((user, range)): Path<(String, String)>,
    Body(change): Body<UserAddressEdit>,
) -> Result<Json<UserAddress>, Problem> {
    let range = range_of(&range)?;
    let activity = if change.active {
        Activity::Enabled
    } else {
        Activity::Disabled
    };
    site.store()
        .set_user_address_activity(&caller.actor()?, site.now(), &user, range, activity)
        .await?;
    let addresses = site.store().user_addresses(&user).await?;
    let changed = addresses.into_iter().find(|address| address.range == range);
    changed
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("{range} was removed meanwhile")))
}

/// Deletes a source address of a person.
#[utoipa::path(delete, path = "/users/{user}/addresses/{range}", tag = "users",
    params(("user" = String, Path, description = "Name or id"),
        ("range" = AddressRange, Path, description = "The address or range, `/` written as `%2F`")),
    responses((status = 204)))]
async fn remove_user_address(
    State(site): State<Site>,
    caller: Caller,
    Path((user, range)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    site.store()
        .remove_user_address(&caller.actor()?, site.now(), &user, range_of(&range)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A range that stands in a path.
///
/// # Errors
/// It is none, so there is no such thing.
pub(super) fn range_of(text: &str) -> Result<AddressRange, Problem> {
    text.parse()
        .map_err(|error: gatehouse_model::AddressError| Problem::not_found(error.to_string()))
}
