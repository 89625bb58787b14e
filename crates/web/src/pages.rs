//! All of a site's pages as one router.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};

use crate::api;
use crate::gatekeeping::gatekeep;
use crate::problem::Problem;
use crate::site::Site;

/// The API, the plain-text pages and the page for browsers.
pub fn pages(site: &Site) -> Router {
    Router::new()
        .merge(api::routes(site))
        .fallback(nothing)
        .layer(from_fn_with_state(site.clone(), gatekeep))
        .with_state(site.clone())
}

async fn nothing() -> Response {
    Problem::not_found("there is no such page").into_response()
}
