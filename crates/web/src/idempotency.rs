//! `Idempotency-Key`: a creation that is sent twice is made once.
//!
//! The key belongs to the person who sends it. The answer of the first time is kept for a day, sealed; it is given again
//! for the same request, and refused for another one. What failed by a fault of the gate may be tried again.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gatehouse_store::Repetition;
use sha2::{Digest, Sha256};

use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::shape::BODY_MAX;
use crate::site::Site;

const KEY: &str = "idempotency-key";
/// Longest key, in characters.
const KEY_MAX: usize = 100;

/// The layer behind the table of authority: who may not do it has no answer to be kept.
pub(crate) async fn once(State(site): State<Site>, request: Request, next: Next) -> Response {
    let key = match key_of(&request) {
        Ok(Some(key)) => key,
        Ok(None) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    match made_once(&site, &key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

fn key_of(request: &Request) -> Result<Option<String>, Problem> {
    let Some(value) = request
        .headers()
        .get(KEY)
        .filter(|_| request.method() == Method::POST)
    else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .ok()
        .filter(|text| (1..=KEY_MAX).contains(&text.len()));
    match text {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Problem::new(
            Code::Malformed,
            format!("Idempotency-Key has 1 to {KEY_MAX} printable characters"),
        )),
    }
}

async fn made_once(site: &Site, key: &str, request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = parts.extensions.get::<Caller>().map(named).unwrap_or_default();
    let bytes = to_bytes(body, BODY_MAX).await.map_err(|_| {
        Problem::new(
            Code::TooLong,
            format!("the body is longer than {BODY_MAX} bytes or broke off; send less"),
        )
    })?;
    let mut digest = Sha256::new();
    digest.update(parts.uri.path_and_query().map_or("", |path| path.as_str()));
    digest.update([0]);
    digest.update(&bytes);
    let id = (caller.as_str(), key);
    let begun = site
        .store()
        .begin_idempotent(site.now(), id, digest.finalize().into())
        .await?;
    match begun {
        Repetition::Same(status, body) => return Ok(answer(status, body)),
        Repetition::Running => {
            return Err(Problem::new(
                Code::Conflict,
                "the first request with this Idempotency-Key is still under way; ask again in a moment",
            )
            .after(1));
        }
        Repetition::Different => {
            return Err(Problem::invalid(
                "Idempotency-Key",
                "this Idempotency-Key was used for another request; take a new one",
            ));
        }
        Repetition::First => {}
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    keep(site, id, response).await
}

/// Keeps what was answered, unless it may be tried again.
async fn keep(site: &Site, id: (&str, &str), response: Response) -> Result<Response, Problem> {
    let status = response.status();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, BODY_MAX).await;
    let kept = match &body {
        Ok(body) if !again(status) => Some((status.as_u16(), body.as_ref())),
        _ => None,
    };
    site.store().finish_idempotent(id, kept).await?;
    let body = body.map_err(|error| Problem::fault("an answer could not be kept", &error))?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Whether a request with this answer may be made again with the same key.
fn again(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
        )
}

fn answer(status: u16, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let media_type = if status.is_success() {
        "application/json"
    } else {
        "application/problem+json"
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

/// Whose a key is: a person's, or, where nobody is known, an address's.
fn named(caller: &Caller) -> String {
    match &caller.known {
        Some((person, _)) => format!("user:{}", person.id),
        None => format!("source:{}", caller.source),
    }
}
