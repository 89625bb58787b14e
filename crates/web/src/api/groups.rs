//! Groups of people and of servers: the same operations under two paths.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatehouse_model::{Name, Timestamp};
use gatehouse_store::{Edit, Group, GroupEdit, GroupKind, Kind, NewGroup, Page, StoreError, Wanted};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::{Body, Expected, ListQuery, Listed, TaggedAs, edit};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_user_groups, add_user_group))
        .routes(routes!(show_user_group, edit_user_group, remove_user_group))
        .routes(routes!(list_server_groups, add_server_group))
        .routes(routes!(show_server_group, edit_server_group, remove_server_group))
}

/// A group. Who is in it is a list of its own.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Group)]
struct Shown {
    /// The id.
    id: i64,
    /// The name.
    name: Name,
    /// The name of the group above.
    parent: Option<String>,
    /// The chain of names from the topmost group down to this one.
    path: Vec<String>,
    /// What it is for.
    description: Option<String>,
    /// How many are directly in it.
    members_count: usize,
    /// The names of the groups directly below, sorted.
    children: Vec<String>,
    /// When it was made.
    created_at: Timestamp,
}

impl From<&Group> for Shown {
    fn from(group: &Group) -> Self {
        Self {
            id: group.id,
            name: group.name.clone(),
            parent: group.parent.clone(),
            path: group.path.clone(),
            description: group.description.clone(),
            members_count: group.members.len(),
            children: group.children.clone(),
            created_at: group.created_at,
        }
    }
}

type OneGroup = TaggedAs<Shown, Group>;

fn tagged(group: Group) -> OneGroup {
    OneGroup {
        shown: Shown::from(&group),
        stored: group,
    }
}

/// A group to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupToAdd {
    /// The name.
    name: Name,
    /// The group above, by name or id.
    parent: Option<String>,
    /// What it is for.
    description: Option<String>,
}

/// Changes to a group; what is absent stays, `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupChange {
    /// A new name.
    name: Option<Name>,
    /// The group above, by name or id.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<String>)]
    parent: Edit<String>,
    /// What it is for.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<String>)]
    description: Edit<String>,
}

/// Lists the groups of people.
#[utoipa::path(get, path = "/user-groups", tag = "user-groups", params(ListQuery),
    responses((status = 200, body = Listed<Shown>)))]
async fn list_user_groups(State(site): State<Site>, list: ListQuery) -> Result<Response, Problem> {
    groups(site, list, GroupKind::User).await
}

/// Makes a group of people.
#[utoipa::path(post, path = "/user-groups", tag = "user-groups", request_body = GroupToAdd,
    responses((status = 201, body = Shown)))]
async fn add_user_group(
    State(site): State<Site>,
    caller: Caller,
    Body(new): Body<GroupToAdd>,
) -> Result<(StatusCode, OneGroup), Problem> {
    add(&site, &caller, GroupKind::User, new).await
}

/// One group of people.
#[utoipa::path(get, path = "/user-groups/{group}", tag = "user-groups",
    params(("group" = String, Path, description = "Name or id")), responses((status = 200, body = Shown)))]
async fn show_user_group(State(site): State<Site>, Path(group): Path<String>) -> Result<OneGroup, Problem> {
    Ok(tagged(site.store().group(GroupKind::User, &group).await?))
}

/// Changes a group of people.
#[utoipa::path(patch, path = "/user-groups/{group}", tag = "user-groups",
    params(("group" = String, Path, description = "Name or id")), request_body = GroupChange,
    responses((status = 200, body = Shown)))]
async fn edit_user_group(
    State(site): State<Site>,
    caller: Caller,
    Path(group): Path<String>,
    expected: Expected,
    Body(change): Body<GroupChange>,
) -> Result<OneGroup, Problem> {
    change_group(&site, &caller, (GroupKind::User, &group), expected, change).await
}

/// Deletes a group of people with its memberships and grants.
#[utoipa::path(delete, path = "/user-groups/{group}", tag = "user-groups",
    params(("group" = String, Path, description = "Name or id")), responses((status = 204)))]
async fn remove_user_group(
    State(site): State<Site>,
    caller: Caller,
    Path(group): Path<String>,
    expected: Expected,
) -> Result<StatusCode, Problem> {
    remove(&site, &caller, (GroupKind::User, &group), expected).await
}

/// Lists the groups of servers.
#[utoipa::path(get, path = "/server-groups", tag = "server-groups", params(ListQuery),
    responses((status = 200, body = Listed<Shown>)))]
async fn list_server_groups(State(site): State<Site>, list: ListQuery) -> Result<Response, Problem> {
    groups(site, list, GroupKind::Server).await
}

/// Makes a group of servers.
#[utoipa::path(post, path = "/server-groups", tag = "server-groups", request_body = GroupToAdd,
    responses((status = 201, body = Shown)))]
async fn add_server_group(
    State(site): State<Site>,
    caller: Caller,
    Body(new): Body<GroupToAdd>,
) -> Result<(StatusCode, OneGroup), Problem> {
    add(&site, &caller, GroupKind::Server, new).await
}

/// One group of servers.
#[utoipa::path(get, path = "/server-groups/{group}", tag = "server-groups",
    params(("group" = String, Path, description = "Name or id")), responses((status = 200, body = Shown)))]
async fn show_server_group(State(site): State<Site>, Path(group): Path<String>) -> Result<OneGroup, Problem> {
    Ok(tagged(site.store().group(GroupKind::Server, &group).await?))
}

/// Changes a group of servers.
#[utoipa::path(patch, path = "/server-groups/{group}", tag = "server-groups",
    params(("group" = String, Path, description = "Name or id")), request_body = GroupChange,
    responses((status = 200, body = Shown)))]
async fn edit_server_group(
    State(site): State<Site>,
    caller: Caller,
    Path(group): Path<String>,
    expected: Expected,
    Body(change): Body<GroupChange>,
) -> Result<OneGroup, Problem> {
    change_group(&site, &caller, (GroupKind::Server, &group), expected, change).await
}

/// Deletes a group of servers with its memberships and grants.
#[utoipa::path(delete, path = "/server-groups/{group}", tag = "server-groups",
    params(("group" = String, Path, description = "Name or id")), responses((status = 204)))]
async fn remove_server_group(
    State(site): State<Site>,
    caller: Caller,
    Path(group): Path<String>,
    expected: Expected,
) -> Result<StatusCode, Problem> {
    remove(&site, &caller, (GroupKind::Server, &group), expected).await
}

async fn groups(site: Site, list: ListQuery, kind: GroupKind) -> Result<Response, Problem> {
    list.answer(site, move |site, page| async move {
        let page = site.store().groups(kind, &page).await?;
        Ok(Page {
            items: page.items.iter().map(Shown::from).collect(),
            next: page.next,
        })
    })
    .await
}

async fn add(
    site: &Site,
    caller: &Caller,
    kind: GroupKind,
    new: GroupToAdd,
) -> Result<(StatusCode, OneGroup), Problem> {
    let group = NewGroup {
        name: new.name,
        parent: new.parent,
        description: new.description,
    };
    let added = site
        .store()
        .add_group(&caller.actor()?, site.now(), kind, group)
        .await;
    let added = added.map_err(|error| wrong_parent(error, kind))?;
    Ok((StatusCode::CREATED, tagged(added)))
}

async fn change_group(
    site: &Site,
    caller: &Caller,
    (kind, group): (GroupKind, &str),
    expected: Expected,
    change: GroupChange,
) -> Result<OneGroup, Problem> {
    // What is not there is told from a parent that is not.
    site.store().group(kind, group).await?;
    let edits = GroupEdit {
        name: change.name,
        parent: change.parent,
        description: change.description,
        expected: expected.tag(),
    };
    let after = site
        .store()
        .edit_group(&caller.actor()?, site.now(), kind, group, edits)
        .await;
    Ok(tagged(after.map_err(|error| wrong_parent(error, kind))?))
}

async fn remove(
    site: &Site,
    caller: &Caller,
    (kind, group): (GroupKind, &str),
    expected: Expected,
) -> Result<StatusCode, Problem> {
    let wanted = Wanted::unchanged(group, expected.tag());
    site.store()
        .remove_group(&caller.actor()?, site.now(), kind, wanted)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The group that the path names was found before, so that one that is not is the parent.
fn wrong_parent(error: StoreError, kind: GroupKind) -> Problem {
    let kind = match kind {
        GroupKind::User => Kind::Group,
        GroupKind::Server => Kind::ServerGroup,
    };
    Problem::of_field(error, kind, "parent")
}
