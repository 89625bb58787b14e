//! The API, a file for each noun.

mod blocks;
mod check;
mod credentials;
mod factors;
mod groups;
mod host_keys;
mod locks;
mod me;
mod members;
mod openapi;
mod policies;
mod pool;
mod previews;
mod reach;
mod rights;
mod servers;
mod session;
mod tokens;
mod user_addresses;
mod user_keys;
mod users;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;

use crate::authority::{PREFIX, authorize};
use crate::idempotency::once;
use crate::site::Site;

pub(crate) use openapi::document;

/// Every operation, described.
fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .merge(openapi::operations())
        .merge(session::operations())
        .merge(me::operations())
        .merge(factors::operations())
        .merge(tokens::operations())
        .merge(users::operations())
        .merge(user_addresses::operations())
        .merge(user_keys::operations())
        .merge(rights::operations())
        .merge(locks::operations())
        .merge(reach::operations())
        .merge(groups::operations())
        .merge(members::operations())
        .merge(servers::operations())
        .merge(host_keys::operations())
        .merge(credentials::operations())
        .merge(pool::operations())
        .merge(blocks::operations())
        .merge(policies::operations())
        .merge(previews::operations())
        .merge(check::operations())
}

/// The API's routes, each behind the table.
pub(crate) fn routes(site: &Site) -> Router<Site> {
    let (routes, _) = operations().split_for_parts();
    let guarded = routes
        .route_layer(from_fn_with_state(site.clone(), once))
        .route_layer(from_fn_with_state(site.clone(), authorize));
    Router::new().nest(PREFIX, guarded)
}
