//! JSON bodies, whose wrong fields are named.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};

/// Largest body that is read, in bytes.
pub(crate) const BODY_MAX: usize = 1024 * 1024;

/// A request's body as JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let media_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let media_type = media_type
            .and_then(|value| value.split(';').next())
            .map(str::trim);
        // A form of another site can send text, but not this type.
        if media_type != Some("application/json") {
            return Err(Problem::new(
                Code::MediaType,
                "the body must be JSON; send it with Content-Type: application/json",
            ));
        }
        let bytes = to_bytes(request.into_body(), BODY_MAX).await.map_err(|_| {
            Problem::new(
                Code::TooLong,
                format!("the body is longer than {BODY_MAX} bytes or broke off; send less"),
            )
        })?;
        read(&bytes).map(Self)
    }
}

/// Reads JSON; the field of the first thing that is wrong is named.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            wrong_field(path, &plain(&inner))
        } else {
            Problem::new(
                Code::Malformed,
                format!("the body is not JSON: {}", plain(&inner)),
            )
        }
    })?;
    reader
        .end()
        .map_err(|_| Problem::new(Code::Malformed, "the body holds more than one JSON value"))?;
    Ok(value)
}

fn wrong_field(path: String, sentence: &str) -> Problem {
    // A missing or unknown field is told by its parent's path; its name stands in the sentence.
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|words| sentence.strip_prefix(words))
        .and_then(|rest| rest.split('`').next());
    let field = match (path.as_str(), named) {
        (".", Some(name)) => name.to_owned(),
        (path, Some(name)) if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        (_, Some(name)) => format!("{path}.{name}"),
        _ => path,
    };
    let detail = match (sentence.starts_with("missing field"), named) {
        (true, Some(name)) => format!("{name} is missing"),
        (false, Some(name)) => format!("{name} is not known here; see /api/v1/openapi.json"),
        _ => sentence.to_owned(),
    };
    if field == "." {
        Problem::new(Code::Malformed, detail)
    } else {
        Problem::invalid(field, detail)
    }
}

/// serde_json's sentence without the place in the text.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Example {
        name: gatehouse_model::Name,
        port: Option<u16>,
    }

    #[test]
    fn the_wrong_field_is_named() {
        let problem = |text: &str| read::<Example>(text.as_bytes()).unwrap_err();
        for (text, field, words) in [
            (r#"{"port": 1}"#, Some("name"), "name is missing"),
            (r#"{"name": "a", "prot": 1}"#, Some("prot"), "prot is not known"),
            (r#"{"name": "a b c\n"}"#, Some("name"), "name"),
            (r#"{"name": "a", "port": 70000}"#, Some("port"), "70000"),
            ("{", None, "not JSON"),
            (r#"{"name": "a"} {}"#, None, "more than one"),
        ] {
            let got = problem(text);
            assert_eq!(got.field.as_deref(), field, "{text}: {got:?}");
            assert!(got.detail.contains(words), "{text}: {got:?}");
        }
        assert_eq!(problem("").field.as_deref(), Some("name"));
    }
}
