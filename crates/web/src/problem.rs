//! Refusals and faults as HTTP answers (RFC 9457). The one place that maps an error to a status.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatehouse_store::{DatabaseError, Kind, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, for programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    /// The request is not understood.
    Malformed,
    /// Nobody is signed in.
    Unauthenticated,
    /// Not with this role.
    Forbidden,
    /// Sign in again first.
    Confirm,
    /// There is no such thing.
    NotFound,
    /// Not with this method.
    Method,
    /// It contradicts what is there.
    Conflict,
    /// Something else needs it.
    InUse,
    /// A field is wrong.
    Invalid,
    /// It was changed meanwhile.
    Changed,
    /// The body is too long.
    TooLong,
    /// The body is of another type.
    MediaType,
    /// The request was made to another host.
    Misdirected,
    /// Too often.
    RateLimited,
    /// The database or the disk cannot be used now.
    Unavailable,
    /// A fault of the gate.
    Internal,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Confirm => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict | Self::InUse => StatusCode::CONFLICT,
            Self::Changed => StatusCode::PRECONDITION_FAILED,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A wrong field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Its name in the request.
    pub(crate) field: String,
    /// What is wrong and what to do.
    pub(crate) detail: String,
}

/// A refusal or a fault, one sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: `code` tells them apart.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: &'static str,
    /// The status in words.
    #[schema(value_type = String)]
    title: &'static str,
    /// The status.
    status: u16,
    /// What is wrong and what to do.
    pub(crate) detail: String,
    /// What went wrong, for programs.
    pub(crate) code: Code,
    /// The wrong field, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    /// All wrong fields, if several are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<FieldError>,
    /// Seconds until it may be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u32>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let status = code.status();
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("error"),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            field: None,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// A field is wrong.
    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(Code::Invalid, detail)
        }
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Code::NotFound, detail)
    }

    /// It may be tried again after so many seconds.
    #[must_use]
    pub(crate) fn after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
            ..self
        }
    }

    /// The same, for something that the request's body names: what is not known there is a wrong field.
    pub(crate) fn of_input(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { kind, .. } => Self::invalid(field_of(*kind), error.to_string()),
            _ => error.into(),
        }
    }

    /// The same where the path names one thing and the body another: what is not known is a wrong field if it is of
    /// this kind.
    pub(crate) fn of_field(error: StoreError, wrong: Kind, field: &'static str) -> Self {
        match &error {
            StoreError::NotFound { kind, .. } if *kind == wrong => Self::invalid(field, error.to_string()),
            _ => error.into(),
        }
    }

    /// Several fields are wrong.
    pub(crate) fn invalid_fields(mut errors: Vec<FieldError>) -> Self {
        match errors.len() {
            0 => Self::new(Code::Invalid, "a field is wrong"),
            1 => {
                let FieldError { field, detail } = errors.remove(0);
                Self::invalid(field, detail)
            }
            several => Self {
                errors,
                ..Self::new(
                    Code::Invalid,
                    format!("{several} fields are wrong; see each of them"),
                )
            },
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// A fault of ours: logged in full, told in general.
    pub(crate) fn fault(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "{what}");
        Self::new(
            Code::Internal,
            "this is a fault of the gate; its log says more, so tell an administrator",
        )
    }
}

/// The field of a request that names such a thing.
fn field_of(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Group => "group",
        Kind::Server => "server",
        Kind::ServerGroup => "server_group",
        Kind::Address => "address",
        Kind::PoolRange => "range",
        Kind::Policy => "policies",
        Kind::Right => "right",
        _ => "id",
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = || error.to_string();
        match &error {
            StoreError::NotFound { .. } => Self::new(Code::NotFound, detail()),
            StoreError::Conflict(_) => Self::new(Code::Conflict, detail()),
            StoreError::InUse(_) => Self::new(Code::InUse, detail()),
            StoreError::Changed => Self::new(Code::Changed, detail()),
            StoreError::Invalid { field, .. } => Self::invalid(*field, detail()),
            StoreError::Database(
                DatabaseError::Unreachable(_) | DatabaseError::Locked | DatabaseError::Full,
            ) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the store could not be used"
                );
                Self::new(
                    Code::Unavailable,
                    "the database cannot be used now; try again in a moment, and tell an administrator if this goes on",
                )
                .after(5)
            }
            _ => Self::fault("the store failed", &error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after;
        let mut response = (self.status(), Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
