//! The gate's own decision, and how it comes about.

use axum::Json;
use axum::extract::State;
use gatehouse_model::{Login, Protocol, ProxyAddr, SourceAddr, Timestamp, parse_time, to_micros};
use gatehouse_policy::{
    CheckAnswer, Destination, Directory, ExplainedAnswer, Explanation, Request, check_answer, explain,
    explain_user, explained_answer,
};
use serde::{Deserialize, Deserializer, de};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(check))
        .routes(routes!(explain_check))
}

/// Who wants what: `source` or `user`, `destination` or `server`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Where the connection comes from.
    source: Option<SourceAddr>,
    /// The person, from any of their addresses.
    user: Option<String>,
    /// The address that is connected to.
    destination: Option<ProxyAddr>,
    /// The server, however it is reached.
    server: Option<String>,
    /// By which protocol.
    protocol: Protocol,
    /// As which login; without it, whether any would do.
    login: Option<Login>,
    /// When; now if absent.
    #[serde(default, deserialize_with = "instant")]
    at: Option<Timestamp>,
}

/// What the gate would decide.
#[utoipa::path(post, path = "/check", tag = "check", request_body = Question,
    responses((status = 200, body = CheckAnswer)))]
async fn check(
    State(site): State<Site>,
    Body(question): Body<Question>,
) -> Result<Json<CheckAnswer>, Problem> {
    let (directory, explanation) = decided(&site, &question).await?;
    Ok(Json(check_answer(&directory, &explanation.decision)))
}

/// What the gate would decide, step by step, with every grant that is considered.
#[utoipa::path(post, path = "/check/explain", tag = "check", request_body = Question,
    responses((status = 200, body = ExplainedAnswer)))]
async fn explain_check(
    State(site): State<Site>,
    Body(question): Body<Question>,
) -> Result<Json<ExplainedAnswer>, Problem> {
    let (directory, explanation) = decided(&site, &question).await?;
    let login = question.login.as_ref();
    Ok(Json(explained_answer(&directory, &explanation, login)))
}

async fn decided(site: &Site, asked: &Question) -> Result<(Arc<Directory>, Explanation), Problem> {
    let now = site.now();
    let at = to_micros(asked.at.unwrap_or(now));
    let (protocol, login) = (asked.protocol, asked.login.clone());
    let destination = match (asked.destination, &asked.server) {
        (Some(proxy), None) => Destination::Proxy(proxy),
        (None, Some(server)) => {
            let found = site
                .store()
                .server(now, server)
                .await
                .map_err(Problem::of_input)?;
            Destination::Server(found.id)
        }
        _ => {
            return Err(Problem::invalid(
                "server",
                "say what is connected to: a destination or a server, not both",
            ));
        }
    };
    let (source, user) = match (asked.source, &asked.user) {
        (Some(source), None) => (Some(source), None),
        (None, Some(user)) => {
            let found = site.store().user(now, user).await.map_err(Problem::of_input)?;
            (None, Some(found.id))
        }
        _ => {
            return Err(Problem::invalid(
                "user",
                "say who connects: a source or a user, not both",
            ));
        }
    };
    let directory = site.directory().await;
    let explanation = match (source, user) {
        (Some(source), _) => {
            let request = Request {
                source,
                destination,
                protocol,
                login,
                at,
            };
            explain(&directory, &request)
        }
        (None, Some(user)) => explain_user(&directory, user, &destination, protocol, login.as_ref(), at),
        (None, None) => return Err(Problem::invalid("user", "say who connects: a source or a user")),
    };
    Ok((directory, explanation))
}

/// An instant as people write it.
pub(super) fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.filter(|text| !text.is_empty())
        .map(|text| parse_time(&text).map_err(de::Error::custom))
        .transpose()
}
