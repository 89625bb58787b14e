//! One-time links by which a person sets up how they sign in.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use gatehouse_model::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{ensure_private, new_sign_in, signed_in, state_after_first, wrong};
use super::describe::Session;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(look_at_setup_link))
        .routes(routes!(use_setup_link))
}

/// A one-time link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    /// What follows `#` in it.
    link: String,
}

/// Whose a one-time link is.
#[derive(Serialize, ToSchema)]
struct LinkOwner {
    /// The person.
    user: String,
    /// Until when it may be used.
    expires_at: Timestamp,
}

fn no_link() -> Problem {
    Problem::not_found("this link was used, is too old or was never made; ask an administrator for a new one")
}

/// Tells whose a one-time link is, before it is used.
#[utoipa::path(post, path = "/session/setup/look", tag = "session", request_body = Link,
    responses((status = 200, body = LinkOwner)))]
async fn look_at_setup_link(
    State(site): State<Site>,
    caller: Caller,
    Body(link): Body<Link>,
) -> Result<Json<LinkOwner>, Problem> {
    ensure_private(&caller)?;
    let owner = site
        .store()
        .setup_link_owner(caller.now, &Secret::from(link.link))
        .await?
        .ok_or_else(no_link)?;
    Ok(Json(LinkOwner {
        user: owner.name,
        expires_at: owner.expires_at,
    }))
}

/// A one-time link, and what it is used for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UsedLink {
    /// What follows `#` in it.
    link: String,
    /// The new password; without one the person stays signed in to register a passkey.
    password: Option<String>,
}

/// Uses a one-time link: sets the password and signs in.
#[utoipa::path(post, path = "/session/setup", tag = "session", request_body = UsedLink,
    responses((status = 200, body = Session)))]
async fn use_setup_link(
    State(site): State<Site>,
    caller: Caller,
    Body(used): Body<UsedLink>,
) -> Result<Response, Problem> {
    ensure_private(&caller)?;
    let store = site.store();
    let link = Secret::from(used.link);
    let password = used.password.map(Secret::from);
    let owner = store
        .use_setup_link(caller.now, &link, password)
        .await?
        .ok_or_else(no_link)?;
    // A link stands in for the password, not for the second factor.
    let factors = store.factors(&owner.user.to_string()).await?;
    let state = state_after_first(&factors);
    let new = new_sign_in(&caller, owner.user, "setup link", state);
    let (_, secret) = store.open_sign_in(caller.now, new).await?.ok_or_else(wrong)?;
    signed_in(&site, &caller, &secret).await
}
