//! Whether who opened a stream may still have it: asked again while it is open.

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Request};

use super::find::BACKGROUND;
use super::{Caller, Peer};
use crate::authority::permitted;
use crate::gatekeeping::admit;
use crate::problem::{Code, Problem};
use crate::site::Site;

/// A request that began a stream, as far as it says who asks.
pub(crate) struct Standing {
    request: Parts,
    path: MatchedPath,
    caller: Caller,
}

impl Standing {
    /// Of this request.
    ///
    /// # Errors
    /// It came past the layers that find callers and paths.
    pub(crate) fn of(request: &Parts, caller: &Caller) -> Result<Self, Problem> {
        let missing = || {
            let missing = std::io::Error::other("no socket or path was put into the request");
            Problem::fault("a stream cannot be opened", &missing)
        };
        let peer = *request.extensions.get::<Peer>().ok_or_else(missing)?;
        let path = request
            .extensions
            .get::<MatchedPath>()
            .cloned()
            .ok_or_else(missing)?;
        let (mut kept, ()) = Request::new(()).into_parts();
        kept.method = request.method.clone();
        kept.uri = request.uri.clone();
        kept.headers = request.headers.clone();
        // A stream that is open is no activity of the person.
        kept.headers
            .insert(HeaderName::from_static(BACKGROUND), HeaderValue::from_static("1"));
        kept.extensions.insert(peer);
        Ok(Self {
            request: kept,
            path,
            caller: caller.clone(),
        })
    }

    /// Finds the caller anew, and whether they may still have it.
    ///
    /// # Errors
    /// They may not, or the store does not answer.
    pub(crate) async fn again(&self, site: &Site) -> Result<Caller, Problem> {
        let now = admit(site, &self.request).await?;
        permitted(site, &self.request.method, self.path.as_str(), &now)?;
        let person = |caller: &Caller| caller.known.as_ref().map(|(person, _)| person.id);
        if person(&now) != person(&self.caller) {
            return Err(Problem::new(
                Code::Unauthenticated,
                "somebody else is signed in now; open the page again",
            ));
        }
        Ok(now)
    }
}
