//! The cookie of a sign-in.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time};
use gatehouse_model::SpanSeconds;
use gatehouse_store::SignedIn;
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::site::Transport;

/// With TLS: the prefix has browsers refuse the cookie from anywhere but this very host, over TLS.
const NAME_TLS: &str = "__Host-gatehouse";
const NAME_PLAIN: &str = "gatehouse";

/// The sign-in that a request's cookie names.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct CookieSignIn {
    /// It.
    pub(crate) signed_in: SignedIn,
    /// What has to come with everything that changes something.
    pub(crate) csrf: String,
}

fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::Tls => NAME_TLS,
        Transport::Plain => NAME_PLAIN,
    }
}

/// The secret in a request's cookie.
pub(super) fn secret_of(headers: &HeaderMap, transport: Transport) -> Option<String> {
    let lines = headers.get_all(header::COOKIE);
    let texts = lines.iter().filter_map(|line| line.to_str().ok());
    let mut cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
    let found = cookies.find(|cookie| cookie.name() == name(transport))?;
    Some(found.value().to_owned())
}

/// What has to come with everything that changes something: only who has the secret can work it out.
pub(crate) fn csrf_of(secret: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(b"gatehouse csrf\0");
    digest.update(secret);
    hex::encode(digest.finalize())
}

/// A header that gives the browser the secret.
pub(crate) fn set_cookie(
    secret: &str,
    transport: Transport,
    length: SpanSeconds,
) -> Result<HeaderValue, Problem> {
    let seconds = i64::try_from(length.seconds()).unwrap_or(i64::MAX);
    line(secret, transport, time::Duration::seconds(seconds))
}

/// A header that takes it away.
pub(crate) fn clear_cookie(transport: Transport) -> Result<HeaderValue, Problem> {
    line("", transport, time::Duration::ZERO)
}

fn line(value: &str, transport: Transport, age: time::Duration) -> Result<HeaderValue, Problem> {
    let cookie = Cookie::build((name(transport), value.to_owned()))
        .path("/")
        .http_only(true)
        .secure(transport == Transport::Tls)
        .same_site(SameSite::Strict)
        .max_age(age)
        .build();
    HeaderValue::from_str(&cookie.to_string())
        .map_err(|error| Problem::fault("a cookie cannot be written", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_for_this_host_alone_and_no_script_sees_it() {
        let hour = SpanSeconds::new(3_600).unwrap();
        let line = set_cookie("abc", Transport::Tls, hour).unwrap();
        assert_eq!(
            line,
            "__Host-gatehouse=abc; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=3600"
        );
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=b; __Host-gatehouse=abc".parse().unwrap());
        assert_eq!(secret_of(&headers, Transport::Tls).as_deref(), Some("abc"));
        assert_eq!(secret_of(&headers, Transport::Plain), None);
        assert_ne!(csrf_of("abc"), csrf_of("abd"));
    }
}
