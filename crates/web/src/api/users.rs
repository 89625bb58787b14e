//! People.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatehouse_model::{AddressRange, Name, Role};
use gatehouse_store::{Activity, Edit, Inside, NewUser, User, UserEdit, UserFilter, Wanted};
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
        .routes(routes!(list_users, add_user))
        .routes(routes!(show_user, edit_user, remove_user))
}

/// Which people.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those whose name, full name or mail address contains this.
    text: Option<String>,
    /// Those directly in this group.
    group: Option<String>,
    /// Those with this role.
    role: Option<Role>,
    /// Those in use, or those not.
    active: Option<bool>,
    /// Those that are locked, or those not.
    locked: Option<bool>,
}

/// Lists people.
#[utoipa::path(get, path = "/users", tag = "users", params(ListQuery, Which),
    responses((status = 200, body = Listed<User>)))]
async fn list_users(
    State(site): State<Site>,
    list: ListQuery,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let filter = UserFilter {
        text: which.text,
        group: which.group,
        active: which.active,
        role: which.role,
        locked: which.locked,
        sort: list.sort()?.unwrap_or_default(),
    };
    let now = site.now();
    list.answer((site, filter), move |(site, filter), page| async move {
        site.store().users(now, &filter, &page).await
    })
    .await
}

/// A person to be entered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPerson {
    /// The name.
    name: Name,
    /// The name in full.
    full_name: Option<String>,
    /// The mail address.
    email: Option<String>,
    /// The role; `user` if absent.
    role: Option<Role>,
    /// The first source addresses.
    #[serde(default)]
    addresses: Vec<AddressRange>,
    /// Whether an address may lie inside another person's range, or around one.
    #[serde(default)]
    inside: bool,
}

/// Enters a person.
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewPerson,
    responses((status = 201, body = User)))]
async fn add_user(
    State(site): State<Site>,
    caller: Caller,
    Body(new): Body<NewPerson>,
) -> Result<(StatusCode, Tagged<User>), Problem> {
    let inside = if new.inside { Inside::Allow } else { Inside::Refuse };
    let user = NewUser {
        name: new.name,
        full_name: new.full_name,
        email: new.email,
        role: new.role.unwrap_or(Role::User),
        addresses: new.addresses,
    };
    let added = site
        .store()
        .add_user(&caller.actor()?, site.now(), user, inside)
        .await;
    Ok((StatusCode::CREATED, Tagged(added.map_err(Problem::of_input)?)))
}

/// One person.
#[utoipa::path(get, path = "/users/{user}", tag = "users", params(("user" = String, Path, description = "Name or id")),
    responses((status = 200, body = User)))]
async fn show_user(State(site): State<Site>, Path(user): Path<String>) -> Result<Tagged<User>, Problem> {
    Ok(Tagged(site.store().user(site.now(), &user).await?))
}

/// Changes to a person; what is absent stays, `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonEdit {
    /// A new name.
    name: Option<Name>,
    /// The name in full.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<String>)]
    full_name: Edit<String>,
    /// The mail address.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<String>)]
    email: Edit<String>,
    /// Another role.
    role: Option<Role>,
    /// Whether the account is in use.
    active: Option<bool>,
}

/// Changes a person's entry.
#[utoipa::path(patch, path = "/users/{user}", tag = "users", params(("user" = String, Path, description = "Name or id")),
    request_body = PersonEdit, responses((status = 200, body = User)))]
async fn edit_user(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
    expected: Expected,
    Body(change): Body<PersonEdit>,
) -> Result<Tagged<User>, Problem> {
    let (store, now, actor) = (site.store(), site.now(), caller.actor()?);
    let edits = UserEdit {
        name: change.name,
        full_name: change.full_name,
        email: change.email,
        role: change.role,
        activity: change.active.map(Activity::from_switch),
        expected: expected.tag(),
    };
    Ok(Tagged(store.edit_user(&actor, now, &user, edits).await?))
}

/// Deletes a person. Sessions and the audit book stay.
#[utoipa::path(delete, path = "/users/{user}", tag = "users", params(("user" = String, Path, description = "Name or id")),
    responses((status = 204)))]
async fn remove_user(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
    expected: Expected,
) -> Result<StatusCode, Problem> {
    let now = site.now();
    let wanted = Wanted::unchanged(user.as_str(), expected.tag());
    site.store().remove_user(&caller.actor()?, now, wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
