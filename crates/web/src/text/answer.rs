//! One answer in the form that was asked for.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::page::index;
use crate::problem::Problem;

/// How a page is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// As text, in colour if asked for.
    Text {
        /// Whether escape sequences are wanted.
        colour: bool,
    },
    /// As JSON.
    Json,
    /// As the page for browsers.
    Page,
}

impl Form {
    /// What the headers and the query ask for: JSON if named, text for `curl`, `wget` and whoever asks for it, the page
    /// for whoever takes HTML.
    fn of(headers: &HeaderMap, query: &str) -> Self {
        let text = |name| {
            let value: Option<&HeaderValue> = headers.get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or("")
                .to_ascii_lowercase()
        };
        let (accept, agent) = (text(header::ACCEPT), text(header::USER_AGENT));
        let colour = query
            .split('&')
            .any(|word| matches!(word, "colour" | "colour=1" | "color" | "color=1"));
        if accept.contains("application/json") {
            Self::Json
        } else if accept.contains("text/html") && !agent.starts_with("curl/") && !agent.starts_with("wget/") {
            Self::Page
        } else {
            Self::Text { colour }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers, parts.uri.query().unwrap_or("")))
    }
}

/// What is answered, in each form.
pub(crate) struct Answer {
    /// The form.
    pub(crate) form: Form,
    /// The status.
    pub(crate) status: StatusCode,
    /// As text, line by line; a line is a label and what belongs to it, or a text of its own.
    pub(crate) lines: Vec<Line>,
    /// As JSON.
    pub(crate) value: Value,
}

/// A line of text.
pub(crate) enum Line {
    /// `Label: what`.
    Field(&'static str, String),
    /// A text of its own.
    Plain(String),
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self.form {
            Form::Json => (self.status, Json(self.value)).into_response(),
            Form::Page => index(),
            Form::Text { colour } => {
                let mut text = String::new();
                for line in &self.lines {
                    line.write(&mut text, colour);
                }
                plain(self.status, text)
            }
        }
    }
}

impl Line {
    fn write(&self, text: &mut String, colour: bool) {
        let (label, rest) = match self {
            Self::Field(label, rest) => (Some(*label), rest),
            Self::Plain(rest) => (None, rest),
        };
        match label {
            Some(label) if colour => text.push_str(&format!("\x1b[1m{label}:\x1b[0m ")),
            Some(label) => text.push_str(&format!("{label}: ")),
            None => {}
        }
        // Names come from people; nothing of them moves a cursor.
        text.extend(
            rest.chars()
                .map(|c| if c.is_control() && c != '\n' { ' ' } else { c }),
        );
        text.push('\n');
    }
}

fn plain(status: StatusCode, text: String) -> Response {
    let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
    let no_store = HeaderValue::from_static("no-store");
    (
        status,
        [
            (header::CONTENT_TYPE, media_type),
            (header::CACHE_CONTROL, no_store),
        ],
        text,
    )
        .into_response()
}

/// A refusal in the form that was asked for.
pub(crate) fn refused(form: Form, problem: Problem) -> Response {
    match form {
        Form::Json => problem.into_response(),
        Form::Page => index(),
        Form::Text { .. } => plain(problem.status(), format!("{}\n", problem.detail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_follows_who_asks() {
        let form = |accept: &str, agent: &str, query: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            headers.insert(header::USER_AGENT, agent.parse().unwrap());
            Form::of(&headers, query)
        };
        let text = Form::Text { colour: false };
        assert_eq!(form("*/*", "curl/8.1", ""), text);
        assert_eq!(form("text/html,*/*", "Mozilla/5.0", ""), Form::Page);
        assert_eq!(form("text/html", "curl/8.1", ""), text);
        assert_eq!(form("application/json", "Mozilla/5.0", ""), Form::Json);
        assert_eq!(form("text/plain", "Mozilla/5.0", ""), text);
        assert_eq!(
            form("*/*", "Wget/1.21", "a=b&colour=1"),
            Form::Text { colour: true }
        );
    }
}
