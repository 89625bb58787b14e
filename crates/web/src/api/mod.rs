//! The API, a file for each noun.

mod alerts;
mod audit;
mod events;
mod forwards;
mod live;
mod nodes;
mod openapi;
mod palette;
mod recording;
mod session;
mod sessions;
mod settings;
mod users;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;

use crate::authority::{PREFIX, authorize};
use crate::site::Site;

pub(crate) use openapi::document;
pub(crate) use recording::{Measured, TranscriptPlace, TranscriptReader};

/// Every operation, described.
fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .merge(openapi::operations())
        .merge(session::operations())
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
}

/// The API's routes, each behind the table.
pub(crate) fn routes(site: &Site) -> Router<Site> {
    let (routes, _) = operations().split_for_parts();
    let guarded = routes.route_layer(from_fn_with_state(site.clone(), authorize));
    Router::new().nest(PREFIX, guarded)
}
