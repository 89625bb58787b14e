//! All of a site's pages as one router.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};

use crate::gatekeeping::gatekeep;
use crate::page::page;
use crate::site::Site;
use crate::{api, text};

/// The API, the plain-text pages and the page for browsers.
pub fn pages(site: &Site) -> Router {
    Router::new()
        .merge(api::routes(site))
        .merge(text::routes())
        .fallback(page)
        .layer(from_fn_with_state(site.clone(), gatekeep))
        .with_state(site.clone())
}

/// The plain-text pages alone, for listeners without TLS; all else is sent to the public address.
pub fn plain_pages(site: &Site) -> Router {
    Router::new()
        .merge(text::routes())
        .fallback(elsewhere)
        .layer(from_fn_with_state(site.clone(), gatekeep))
        .with_state(site.clone())
}

async fn elsewhere(State(site): State<Site>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let address = format!("{}{path}", site.settings().public_url.as_str());
    match HeaderValue::from_str(&address) {
        Ok(address) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, address)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
