//! What is answered.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::Exporter;

/// The media type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether the node serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// It does.
    Serving,
    /// It is being stopped.
    Stopping,
}

/// What the operations' pages ask of a node.
#[derive(Clone)]
pub struct Observe {
    /// Puts into gauges what is true now.
    pub gauges: Arc<dyn Fn() + Send + Sync>,
    /// Tells whether the node serves.
    pub health: Arc<dyn Fn() -> Health + Send + Sync>,
}

#[derive(Clone)]
struct Node {
    exporter: Exporter,
    observe: Observe,
}

/// `/metrics` and `/healthz`.
pub fn operations(exporter: Exporter, observe: Observe) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .with_state(Node { exporter, observe })
}

async fn metrics(State(node): State<Node>) -> Response {
    // Looks at every session and at /proc.
    let rendered = tokio::task::spawn_blocking(move || {
        (node.observe.gauges)();
        node.exporter.render()
    });
    match rendered.await {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn healthz(State(node): State<Node>) -> (StatusCode, &'static str) {
    match (node.observe.health)() {
        Health::Serving => (StatusCode::OK, "ok\n"),
        Health::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
    }
}
