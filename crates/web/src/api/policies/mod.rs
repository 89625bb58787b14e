//! Grants.

mod body;
mod bulk;
mod fields;
mod preview;
mod terms;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatehouse_model::{PolicyId, Protocol, SpanSeconds};
use gatehouse_store::{Past, Policy, PolicyFilter, PolicyState, Wanted};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::body::PolicyTerms;
use self::terms::Terms;
use crate::caller::Caller;
use crate::problem::{FieldError, Problem};
use crate::shape::{Body, Expected, ListQuery, Listed, Query, Tagged};
use crate::site::Site;

pub(super) use terms::schedule;

/// By how much a grant is renewed where nothing is said, in seconds: 30 days.
const RENEWAL: u64 = 30 * 24 * 3_600;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_policies, add_policy))
        .routes(routes!(show_policy, edit_policy, remove_policy))
        .routes(routes!(renew_policy))
        .routes(routes!(revoke_policy))
        .routes(routes!(clone_policy))
        .merge(bulk::operations())
        .merge(preview::operations())
}

/// Which grants.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WhichPolicies {
    /// Those that name this person.
    user: Option<String>,
    /// Those that name this group of people.
    group: Option<String>,
    /// Those that name this server.
    server: Option<String>,
    /// Those that name this group of servers.
    server_group: Option<String>,
    /// Those for this protocol, and those for every protocol.
    protocol: Option<Protocol>,
    /// Those in this state; in any if absent.
    state: Option<PolicyState>,
    /// Those whose reason, or whose person, group or server, contains this.
    text: Option<String>,
}

/// Lists grants.
#[utoipa::path(get, path = "/policies", tag = "policies", params(ListQuery, WhichPolicies),
    responses((status = 200, body = Listed<Policy>)))]
async fn list_policies(
    State(site): State<Site>,
    list: ListQuery,
    Query(which): Query<WhichPolicies>,
) -> Result<Response, Problem> {
    let now = site.now();
    let filter = PolicyFilter {
        user: which.user,
        group: which.group,
        server: which.server,
        server_group: which.server_group,
        protocol: which.protocol,
        text: which.text,
        state: which.state,
        sort: list.sort()?.unwrap_or_default(),
        past: Past::Include,
    };
    list.answer(
        (site, filter),
        move |(site, filter), page| async move { site.store().policies(now, &filter, &page).await },
        move |(site, filter)| async move { site.store().count_policies(now, &filter).await },
    )
    .await
}

/// Grants access.
#[utoipa::path(post, path = "/policies", tag = "policies", request_body = PolicyTerms,
    responses((status = 201, body = Policy)))]
async fn add_policy(
    State(site): State<Site>,
    caller: Caller,
    Body(terms): Body<Map<String, Value>>,
) -> Result<(StatusCode, Tagged<Policy>), Problem> {
    let now = site.now();
    let mut errors = Vec::new();
    let new = Terms::read(terms, &mut errors).new_policy(now, &mut errors);
    let new = new.filter(|_| errors.is_empty());
    let new = new.ok_or_else(|| Problem::invalid_fields(errors))?;
    let granted = site.store().grant_policy(&caller.actor()?, now, new).await;
    Ok((StatusCode::CREATED, Tagged(granted.map_err(Problem::of_input)?)))
}

/// One grant.
#[utoipa::path(get, path = "/policies/{id}", tag = "policies",
    params(("id" = i64, Path, description = "The number")), responses((status = 200, body = Policy)))]
async fn show_policy(State(site): State<Site>, Path(id): Path<String>) -> Result<Tagged<Policy>, Problem> {
    Ok(Tagged(site.store().policy(site.now(), number(&id)?).await?))
}

/// Changes a grant; running sessions are decided anew.
#[utoipa::path(patch, path = "/policies/{id}", tag = "policies",
    params(("id" = i64, Path, description = "The number")), request_body = PolicyTerms,
    responses((status = 200, body = Policy)))]
async fn edit_policy(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    expected: Expected,
    Body(terms): Body<Map<String, Value>>,
) -> Result<Tagged<Policy>, Problem> {
    let (now, id) = (site.now(), number(&id)?);
    let present = site.store().policy(now, id).await?;
    let mut errors = Vec::new();
    let mut edit = Terms::read(terms, &mut errors).edit(&present, now, &mut errors);
    sound(errors)?;
    edit.expected = expected.tag();
    let edited = site.store().edit_policy(&caller.actor()?, now, id, edit).await;
    Ok(Tagged(edited.map_err(Problem::of_input)?))
}

/// Deletes a grant; the history stays. Sessions that only it allowed end.
#[utoipa::path(delete, path = "/policies/{id}", tag = "policies",
    params(("id" = i64, Path, description = "The number")), responses((status = 204)))]
async fn remove_policy(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    expected: Expected,
) -> Result<StatusCode, Problem> {
    let wanted = Wanted::unchanged(number(&id)?, expected.tag());
    site.store()
        .remove_policy(&caller.actor()?, site.now(), wanted)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much longer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Renewal {
    /// By how much, from its end or from now, whichever is later; 30 days if absent.
    #[serde(rename = "for")]
    length: Option<SpanSeconds>,
}

/// Gives a grant a later end, also one that has expired or was revoked.
#[utoipa::path(post, path = "/policies/{id}/renew", tag = "policies",
    params(("id" = i64, Path, description = "The number")), request_body = Renewal,
    responses((status = 200, body = Policy)))]
async fn renew_policy(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    expected: Expected,
    Body(renewal): Body<Renewal>,
) -> Result<Tagged<Policy>, Problem> {
    let wanted = Wanted::unchanged(number(&id)?, expected.tag());
    let length = renewal.length.map_or_else(usual_renewal, Ok)?;
    let renewed = site
        .store()
        .renew_policy(&caller.actor()?, site.now(), wanted, length)
        .await?;
    Ok(Tagged(renewed))
}

fn usual_renewal() -> Result<SpanSeconds, Problem> {
    SpanSeconds::new(RENEWAL).ok_or_else(|| Problem::invalid("for", "say by how much, such as 30d"))
}

/// Why a grant is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Revocation {
    /// Why, for the audit book.
    reason: Option<String>,
}

/// Takes a grant back; it can be renewed. Sessions that only it allowed end.
#[utoipa::path(post, path = "/policies/{id}/revoke", tag = "policies",
    params(("id" = i64, Path, description = "The number")), request_body = Revocation,
    responses((status = 200, body = Policy)))]
async fn revoke_policy(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    expected: Expected,
    Body(revocation): Body<Revocation>,
) -> Result<Tagged<Policy>, Problem> {
    let wanted = Wanted::unchanged(number(&id)?, expected.tag());
    let revoked = site
        .store()
        .revoke_policy(&caller.actor()?, site.now(), wanted, revocation.reason)
        .await?;
    Ok(Tagged(revoked))
}

/// Makes a grant like another one, with what the body changes.
#[utoipa::path(post, path = "/policies/{id}/clone", tag = "policies",
    params(("id" = i64, Path, description = "The number")), request_body = PolicyTerms,
    responses((status = 201, body = Policy)))]
async fn clone_policy(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Body(terms): Body<Map<String, Value>>,
) -> Result<(StatusCode, Tagged<Policy>), Problem> {
    let (now, id) = (site.now(), number(&id)?);
    let present = site.store().policy(now, id).await?;
    let mut errors = Vec::new();
    let edit = Terms::read(terms, &mut errors).edit(&present, now, &mut errors);
    sound(errors)?;
    let made = site.store().clone_policy(&caller.actor()?, now, id, edit).await;
    Ok((StatusCode::CREATED, Tagged(made.map_err(Problem::of_input)?)))
}

fn sound(errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid_fields(errors))
    }
}

/// The number of a grant that stands in a path.
fn number(text: &str) -> Result<PolicyId, Problem> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    digits
        .parse()
        .map(PolicyId)
        .map_err(|_| Problem::not_found(format!("there is no policy {text:?}")))
}
