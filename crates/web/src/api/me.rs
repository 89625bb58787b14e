//! One's own pages: profile, what one may reach, sessions, sign-ins, kept views.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::{PolicyId, Protocol, ProxyAddr, Right, TargetHost, Timestamp};
use gatehouse_policy::{Directory, Reach, reach};
use gatehouse_store::{Edit, SavedView, Session, SessionFilter, SignIn, User, UserEdit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::{Caller, limits};
use crate::problem::Problem;
use crate::shape::{Body, Expected, ListQuery, Listed, Tagged, edit};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(show_me, edit_me))
        .routes(routes!(list_my_grants))
        .routes(routes!(list_my_sessions))
        .routes(routes!(list_my_sign_ins, end_my_other_sign_ins))
        .routes(routes!(end_my_sign_in))
        .routes(routes!(list_my_views))
        .routes(routes!(keep_my_view, remove_my_view))
}

/// The own entry.
#[utoipa::path(get, path = "/me", tag = "me", responses((status = 200, body = User)))]
async fn show_me(State(site): State<Site>, caller: Caller) -> Result<Tagged<User>, Problem> {
    let id = caller.person()?.id.to_string();
    Ok(Tagged(site.store().user(caller.now, &id).await?))
}

/// Changes to the own entry; what is absent stays, `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnEdit {
    /// The name in full.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<String>)]
    full_name: Edit<String>,
    /// The mail address.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<String>)]
    email: Edit<String>,
}

/// Changes the own entry.
#[utoipa::path(patch, path = "/me", tag = "me", request_body = OwnEdit, responses((status = 200, body = User)))]
async fn edit_me(
    State(site): State<Site>,
    caller: Caller,
    expected: Expected,
    Body(change): Body<OwnEdit>,
) -> Result<Tagged<User>, Problem> {
    let id = caller.person()?.id.to_string();
    let edits = UserEdit {
        full_name: change.full_name,
        email: change.email,
        expected: expected.tag(),
        ..UserEdit::default()
    };
    let edited = site
        .store()
        .edit_user(&caller.actor()?, caller.now, &id, edits)
        .await?;
    Ok(Tagged(edited))
}

/// A server that one may reach.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct OwnGrant {
    /// The server.
    server: String,
    /// Where it is.
    address: TargetHost,
    /// By which protocol.
    protocol: Protocol,
    /// The proxy address that leads to it.
    proxy: Option<ProxyAddr>,
    /// Until when; `null`: without end.
    allowed_until: Option<Timestamp>,
    /// The grants that say so.
    policies: Vec<PolicyId>,
    /// What may be done beyond the session.
    rights: Vec<Right>,
    /// What to type.
    command: Option<String>,
}

/// What one may reach now.
#[utoipa::path(get, path = "/me/grants", tag = "me", responses((status = 200, body = Vec<OwnGrant>)))]
async fn list_my_grants(State(site): State<Site>, caller: Caller) -> Result<Json<Vec<OwnGrant>>, Problem> {
    let person = caller.person()?;
    let directory = site.gate().directory();
    let host = site.settings().public_url.host().to_owned();
    let reached = reach(&directory, person.id, caller.now);
    let grants = reached
        .iter()
        .filter_map(|reached| own_grant(&directory, reached, &host, caller.now));
    Ok(Json(grants.collect()))
}

fn own_grant(directory: &Directory, reached: &Reach, host: &str, now: Timestamp) -> Option<OwnGrant> {
    let grant = &reached.grant;
    let server = directory.server(grant.server)?;
    let allocations = directory.allocations_of(server.id);
    let proxy = allocations
        .iter()
        .find(|allocation| allocation.until.is_none_or(|until| until > now))
        .map(|allocation| allocation.proxy);
    let command = match (reached.protocol, proxy) {
        (Protocol::Ssh, Some(proxy)) => Some(format!("ssh -A LOGIN@{proxy}")),
        (Protocol::Ssh, None) => Some(format!("ssh -A LOGIN@{}@{host}", server.name)),
        (Protocol::Rdp, Some(proxy)) => Some(format!("mstsc /v:{proxy}")),
        (Protocol::Rdp, None) => None,
    };
    Some(OwnGrant {
        server: server.name.to_string(),
        address: server.address.clone(),
        protocol: reached.protocol,
        proxy,
        allowed_until: grant.until,
        policies: grant.policies.clone(),
        rights: Right::ALL
            .iter()
            .copied()
            .filter(|right| grant.rights.allows(*right))
            .collect(),
        command,
    })
}

/// The own sessions, the newest first; without recordings.
#[utoipa::path(get, path = "/me/sessions", tag = "me", params(ListQuery),
    responses((status = 200, body = Listed<Session>)))]
async fn list_my_sessions(
    State(site): State<Site>,
    caller: Caller,
    list: ListQuery,
) -> Result<Json<Listed<Session>>, Problem> {
    let filter = SessionFilter {
        user: Some(caller.person()?.id.to_string()),
        ..SessionFilter::default()
    };
    let page = site.store().sessions(caller.now, &filter, &list.page()?).await?;
    let mut listed = Listed::from(page);
    for session in &mut listed.items {
        session.recording = None;
    }
    Ok(Json(listed))
}

/// A sign-in of one's own.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct OwnSignIn {
    /// It.
    #[serde(flatten)]
    sign_in: SignIn,
    /// Whether it is the one that asks.
    current: bool,
}

/// Where one is signed in.
#[utoipa::path(get, path = "/me/sign-ins", tag = "me", responses((status = 200, body = Vec<OwnSignIn>)))]
async fn list_my_sign_ins(State(site): State<Site>, caller: Caller) -> Result<Json<Vec<OwnSignIn>>, Problem> {
    let id = caller.person()?.id.to_string();
    let limits = limits(site.settings());
    let current = current(&caller);
    let sign_ins = site.store().sign_ins(caller.now, &id, limits).await?;
    let own = sign_ins.into_iter().map(|sign_in| OwnSignIn {
        current: Some(sign_in.id) == current,
        sign_in,
    });
    Ok(Json(own.collect()))
}

/// The sign-in that asks.
pub(super) fn current(caller: &Caller) -> Option<i64> {
    caller.sign_in.as_ref().map(|found| found.signed_in.id)
}

/// Ends one of one's own sign-ins.
#[utoipa::path(delete, path = "/me/sign-ins/{id}", tag = "me", params(("id" = i64, Path)),
    responses((status = 204)))]
async fn end_my_sign_in(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    let user = caller.person()?.id.to_string();
    site.store()
        .end_sign_in(&caller.actor()?, caller.now, &user, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all of one's own sign-ins but the one that asks.
#[utoipa::path(delete, path = "/me/sign-ins", tag = "me", responses((status = 204)))]
async fn end_my_other_sign_ins(State(site): State<Site>, caller: Caller) -> Result<StatusCode, Problem> {
    let user = caller.person()?.id.to_string();
    let but = current(&caller);
    site.store()
        .end_sign_ins(&caller.actor()?, caller.now, &user, but)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The kept views of lists.
#[utoipa::path(get, path = "/me/views", tag = "me", responses((status = 200, body = Vec<SavedView>)))]
async fn list_my_views(State(site): State<Site>, caller: Caller) -> Result<Json<Vec<SavedView>>, Problem> {
    let user = caller.person()?.id.to_string();
    Ok(Json(site.store().saved_views(&user).await?))
}

/// The filters of a view.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeptQuery {
    /// The query of the page's address.
    query: String,
}

/// Keeps a view of a list; one of the same name is replaced.
#[utoipa::path(put, path = "/me/views/{list}/{name}", tag = "me", request_body = KeptQuery,
    params(("list" = String, Path), ("name" = String, Path)), responses((status = 204)))]
async fn keep_my_view(
    State(site): State<Site>,
    caller: Caller,
    Path((list, name)): Path<(String, String)>,
    Body(kept): Body<KeptQuery>,
) -> Result<StatusCode, Problem> {
    let user = caller.person()?.id.to_string();
    let view = SavedView {
        list,
        name,
        query: kept.query,
    };
    site.store().save_view(&user, view).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a kept view.
#[utoipa::path(delete, path = "/me/views/{list}/{name}", tag = "me",
    params(("list" = String, Path), ("name" = String, Path)), responses((status = 204)))]
async fn remove_my_view(
    State(site): State<Site>,
    caller: Caller,
    Path((list, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let user = caller.person()?.id.to_string();
    site.store().remove_view(&user, &list, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
