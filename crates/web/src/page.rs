//! The page for browsers: files of `ui/dist` that were built into the binary.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::Problem;

/// The built UI. It may be missing: a binary made without it says so.
#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Files;

/// Files under here have a digest in their names, so a browser need never ask again.
const NAMED_BY_CONTENT: &str = "assets/";
const INDEX: &str = "index.html";
/// The encodings that files were compressed with when they were built, the better one first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Any path that is no other page's: a file, or the application itself, which reads the path.
pub(crate) async fn page(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::not_found("there is no such page").into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    if path.starts_with("api/") {
        return Problem::not_found("there is no such operation; see /api/v1/openapi.json").into_response();
    }
    let compressed = ENCODINGS.iter().any(|(_, ending)| path.ends_with(ending));
    if let Some(file) = Files::get(path).filter(|_| !path.is_empty() && !compressed) {
        return file_answer(path, file, request.headers());
    }
    // A file that is not there is no page of the application.
    if path.starts_with(NAMED_BY_CONTENT) || path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return Problem::not_found("there is no such file").into_response();
    }
    match Files::get(INDEX) {
        Some(file) => file_answer(INDEX, file, request.headers()),
        None => index(),
    }
}

/// The application, whatever the path.
pub(crate) fn index() -> Response {
    match Files::get(INDEX) {
        Some(file) => file_answer(INDEX, file, &HeaderMap::new()),
        None => (
            StatusCode::NOT_FOUND,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            "UI not built: this binary was made without the page; the API and the pages for curl work.\n",
        )
            .into_response(),
    }
}

fn file_answer(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let same = asked
        .get(header::IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let (encoding, data) = best(path, file.data, asked);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        data.into_response()
    };
    let headers = response.headers_mut();
    let media_type = if path == INDEX {
        "text/html; charset=utf-8"
    } else {
        file.metadata.mimetype()
    };
    let caching = if path.starts_with(NAMED_BY_CONTENT) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, caching),
        (header::ETAG, &tag),
        (header::VARY, "accept-encoding"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

type Data = std::borrow::Cow<'static, [u8]>;

/// The file compressed, if the browser takes that and the build has it.
fn best(path: &str, plain: Data, asked: &HeaderMap) -> (Option<&'static str>, Data) {
    let takes = asked.get(header::ACCEPT_ENCODING);
    let takes = takes.and_then(|value| value.to_str().ok()).unwrap_or("");
    for (encoding, ending) in ENCODINGS {
        let wanted = takes.split(',').map(str::trim).any(|word| word == encoding);
        if let Some(file) = Files::get(&format!("{path}{ending}")).filter(|_| wanted) {
            return (Some(encoding), file.data);
        }
    }
    (None, plain)
}
