//! The API, a file for each noun.

mod alerts;
mod approvals;
mod audit;
mod blocks;
mod check;
mod credentials;
mod events;
mod factors;
mod forwards;
mod groups;
mod host_keys;
mod live;
mod locks;
mod me;
mod members;
mod nodes;
mod openapi;
mod palette;
mod policies;
mod pool;
mod previews;
mod reach;
mod recording;
mod requests;
mod rights;
mod search;
mod servers;
mod session;
mod sessions;
mod settings;
mod stats;
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
pub(crate) use recording::{Measured, TranscriptPlace, TranscriptReader};
pub(crate) use requests::{ask, reader};

/// Every operation, described.
fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .merge(openapi::operations())
        .merge(session::operations())
        .merge(me::operations())
        .merge(factors::operations())
        .merge(tokens::operations())
        .merge(users::operations())
        .merge(sessions::operations())
        .merge(recording::operations())
        .merge(live::operations())
        .merge(forwards::operations())
        .merge(events::operations())
        .merge(audit::operations())
        .merge(alerts::operations())
        .merge(nodes::operations())
        .merge(settings::operations())
        .merge(palette::operations())
        .merge(stats::operations())
        .merge(search::operations())
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
        .merge(requests::operations())
        .merge(approvals::operations())
}

/// The API's routes, each behind the table.
pub(crate) fn routes(site: &Site) -> Router<Site> {
    let (routes, _) = operations().split_for_parts();
    let guarded = routes
        .route_layer(from_fn_with_state(site.clone(), once))
        .route_layer(from_fn_with_state(site.clone(), authorize));
    Router::new().nest(PREFIX, guarded)
}
