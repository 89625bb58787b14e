//! What every request passes before it is routed: whether it was meant for this site, who asks, and whether a browser was
//! talked into it; and what every answer carries.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::address::{host_of, is_own_host};
use crate::authority::PREFIX;
use crate::caller::{Caller, Means, Peer, find, source_of, way_of};
use crate::problem::{Code, Problem};
use crate::site::{Site, Transport};

/// What a page may load and do: nothing of another host. WebAssembly and `blob:` workers are for the player.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; \
    worker-src 'self' blob:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// What a page of this site sends with everything that changes something, and a page of another cannot know.
const CSRF: &str = "x-gatehouse-csrf";
/// A year.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// The outermost layer.
pub(crate) async fn gatekeep(State(site): State<Site>, request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with(PREFIX);
    let (mut parts, body) = request.into_parts();
    let answered = match admit(&site, &parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    };
    with_headers(answered, is_api, site.settings().transport)
}

/// Finds the caller of a request that is meant for this site.
pub(crate) async fn admit(site: &Site, request: &Parts) -> Result<Caller, Problem> {
    let peer = *request.extensions.get::<Peer>().ok_or_else(|| {
        let missing = std::io::Error::other("no peer was put into the request");
        Problem::fault("a request has no socket", &missing)
    })?;
    let settings = site.settings();
    let host = own_host(request, site, peer)?;
    let source = source_of(peer, &request.headers, &settings.trusted_proxies);
    let now = site.now();
    if site.gate().directory().is_blocked(source, now) {
        return Err(Problem::new(
            Code::Forbidden,
            format!(
                "requests from your address {source} are blocked; ask {}",
                contact(site)
            ),
        ));
    }
    let way = way_of(
        peer,
        &request.headers,
        &settings.trusted_proxies,
        settings.transport,
    );
    let caller = find(site, &request.headers, (source, way), now).await?;
    unforged(request, &host, &caller)?;
    Ok(caller)
}

/// The `Host` that was asked, if it is an own one.
fn own_host(request: &Parts, site: &Site, peer: Peer) -> Result<String, Problem> {
    let named = request
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    // HTTP/2 says it in the address.
    let host = named.or_else(|| request.uri.authority().map(|authority| authority.as_str()));
    let settings = site.settings();
    let host = host.unwrap_or("");
    if is_own_host(host, &settings.public_url, &settings.hosts, peer.local) {
        return Ok(host.to_ascii_lowercase());
    }
    Err(Problem::new(
        Code::Misdirected,
        format!(
            "{:?} is not a name of this site; use {}, or have the name added to web.hosts",
            host.chars().take(100).collect::<String>(),
            settings.public_url.as_str()
        ),
    ))
}

/// A browser sends cookies, and comes from its address, with requests that another site's page makes it send. Such a
/// request may read nothing that the page could see, and must change nothing.
fn unforged(request: &Parts, host: &str, caller: &Caller) -> Result<(), Problem> {
    let reads = matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let by_token = matches!(&caller.known, Some((_, Means::Token { .. })));
    // A WebSocket is a GET that no origin policy protects.
    let upgrades = request.headers.contains_key(header::UPGRADE);
    if by_token || (reads && !upgrades) {
        return Ok(());
    }
    if !reads
        && let Some(sign_in) = &caller.sign_in
        && request
            .headers
            .get(CSRF)
            .is_none_or(|value| value.as_bytes() != sign_in.csrf.as_bytes())
    {
        return Err(Problem::new(
            Code::Forbidden,
            "the header X-Gatehouse-CSRF is missing or old; take its value from GET /api/v1/session",
        ));
    }
    if is_cross_site(&request.headers, host) {
        return Err(Problem::new(
            Code::Forbidden,
            "a page of another site asked your browser for this; open this site itself and repeat it there",
        ));
    }
    Ok(())
}

/// Whether a browser says that a page of another origin asked for it. Programs say nothing.
pub(crate) fn is_cross_site(headers: &HeaderMap, host: &str) -> bool {
    let text = |value: Option<&HeaderValue>| value.map(|v| v.to_str().unwrap_or("?").to_ascii_lowercase());
    if let Some(site) = text(headers.get("sec-fetch-site"))
        && !matches!(site.as_str(), "same-origin" | "none")
    {
        return true;
    }
    match text(headers.get(header::ORIGIN)) {
        None => false,
        Some(origin) => origin
            .split_once("://")
            .is_none_or(|(_, authority)| authority != host && host_of(authority) != host),
    }
}

/// Whom to ask, as denials say it.
pub(crate) fn contact(site: &Site) -> String {
    site.gate().directory().settings().contact.clone()
}

fn with_headers(mut response: Response, is_api: bool, transport: Transport) -> Response {
    let headers = response.headers_mut();
    let mut put = |name: header::HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::REFERRER_POLICY, "no-referrer");
    put(
        header::HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    put(
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    if is_api {
        put(header::CACHE_CONTROL, "no-store");
    }
    if transport == Transport::Tls {
        put(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn pages_of_others_are_told_from_own_ones_and_from_programs() {
        for own in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://jump:5000"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!is_cross_site(&headers(own), "jump:5000"), "{own:?}");
        }
        for other in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://jump:6000")],
            &[("origin", "https://jump:5000"), ("sec-fetch-site", "cross-site")],
        ] {
            assert!(is_cross_site(&headers(other), "jump:5000"), "{other:?}");
        }
    }
}
