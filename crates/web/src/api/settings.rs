//! The configuration, without secrets.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(show_settings))
}

/// The configuration that the node runs with, without secrets.
#[utoipa::path(get, path = "/settings", tag = "settings", responses((status = 200, body = Object)))]
async fn show_settings(State(site): State<Site>) -> Json<serde_json::Value> {
    Json(site.settings().configuration.clone())
}
