//! `ETag` and `If-Match`: two people do not overwrite each other's changes.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::{Code, Problem};

/// Bytes of a tag: enough that no two forms of one thing share it.
const TAG_BYTES: usize = 16;

/// The tag of a thing: a digest of its JSON.
pub(crate) fn tag_of(value: &impl Serialize) -> Result<String, Problem> {
    let json = serde_json::to_vec(value)
        .map_err(|error| Problem::fault("an answer cannot be written as JSON", &error))?;
    let digest = Sha256::digest(&json);
    Ok(hex::encode(
        digest.iter().take(TAG_BYTES).copied().collect::<Vec<_>>(),
    ))
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
pub(crate) struct Expected(pub(crate) Option<String>);

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
        Ok(Self(Some(tag.to_owned())))
    }
}

impl Expected {
    /// Whether the thing is still what was expected.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn check(&self, now: &impl Serialize) -> Result<(), Problem> {
        match &self.0 {
            Some(expected) if *expected != tag_of(now)? => Err(Problem::new(
                Code::Changed,
                "somebody else changed it meanwhile; look again and repeat the change",
            )),
            _ => Ok(()),
        }
    }
}
