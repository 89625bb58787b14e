//! The API, a file for each noun.

mod alerts;
mod audit;
mod events;
mod factors;
mod forwards;
mod live;
mod me;
mod nodes;
mod openapi;
mod palette;
mod recording;
mod session;
mod sessions;
mod settings;
mod stats;
mod tokens;
mod users;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;

use crate::authority::{PREFIX, authorize};
use crate::idempotency::once;
use crate::site::Site;

pub(crate) use recording::{Measured, TranscriptPlace, TranscriptReader};

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
}

/// The API's routes, each behind the table.
pub(crate) fn routes(site: &Site) -> Router<Site> {
    let (routes, _) = operations().split_for_parts();
    let guarded = routes
        .route_layer(from_fn_with_state(site.clone(), once))
        .route_layer(from_fn_with_state(site.clone(), authorize));
    Router::new().nest(PREFIX, guarded)
}
