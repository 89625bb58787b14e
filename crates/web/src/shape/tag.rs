//! `ETag` and `If-Match`: two people do not overwrite each other's changes.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use gatehouse_store::{StoreError, Tag};
use serde::Serialize;

use crate::problem::{Code, Problem};

/// The tag of a thing, as the store makes it.
fn tag_of(value: &impl Serialize) -> Result<Tag, Problem> {
    Ok(Tag::of(value)?)
}

/// One thing, with its `ETag`.
pub(crate) struct Tagged<T>(pub(crate) T);

/// One thing in another form than the store has it, with the `ETag` of the store's form: that is what a change is
/// checked against.
pub(crate) struct TaggedAs<V, T> {
    /// What is answered.
    pub(crate) shown: V,
    /// What is tagged.
    pub(crate) stored: T,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        with_tag(&self.0, &self.0)
    }
}

impl<V: Serialize, T: Serialize> IntoResponse for TaggedAs<V, T> {
    fn into_response(self) -> Response {
        with_tag(&self.shown, &self.stored)
    }
}

fn with_tag(shown: &impl Serialize, stored: &impl Serialize) -> Response {
    match tag_of(stored) {
        Ok(tag) => {
            let mut response = Json(shown).into_response();
            if let Ok(value) = HeaderValue::from_str(&format!("\"{tag}\"")) {
                response.headers_mut().insert(header::ETAG, value);
            }
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// What `If-Match` says that the thing must still be; `None`: nothing, or `*`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Expected(Option<Tag>);

impl<S: Sync> FromRequestParts<S> for Expected {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or("").trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let tag = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|tag| !tag.contains('"'))
            .ok_or_else(|| {
                Problem::new(
                    Code::Malformed,
                    "If-Match takes the one ETag that came with the thing, in its quotes",
                )
            })?;
        // What is no tag of ours is none that the thing has.
        match tag.parse() {
            Ok(tag) => Ok(Self(Some(tag))),
            Err(_) => Err(StoreError::Changed.into()),
        }
    }
}

impl Expected {
    /// The tag, for the store to check within the change.
    pub(crate) fn tag(&self) -> Option<Tag> {
        self.0
    }
}
