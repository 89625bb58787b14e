//! Query strings, whose wrong parameters are named.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// A request's query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read_query(parts).map(Self)
    }
}

/// Reads the query string. Parameters that nobody reads are passed over, because lists have several readers.
pub(crate) fn read_query<T: DeserializeOwned>(parts: &Parts) -> Result<T, Problem> {
    let text = parts.uri.query().unwrap_or("");
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let field = error.path().to_string();
        Problem::invalid(field, error.into_inner().to_string())
    })
}
