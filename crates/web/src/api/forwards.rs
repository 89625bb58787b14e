//! Forwards of all sessions.

use axum::Json;
use axum::extract::State;
use gatehouse_store::{Past, SessionForward};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::shape::{ListQuery, Listed, Query};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(list_forwards))
}

/// Which forwards.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only running ones; `false` or absent: all there were.
    #[serde(default)]
    active: bool,
}

/// Lists forwards, the newest first.
#[utoipa::path(get, path = "/forwards", tag = "sessions", params(ListQuery, Which),
    responses((status = 200, body = Listed<SessionForward>)))]
async fn list_forwards(
    State(site): State<Site>,
    list: ListQuery,
    Query(which): Query<Which>,
) -> Result<Json<Listed<SessionForward>>, Problem> {
    let past = if which.active { Past::Omit } else { Past::Include };
    Ok(Json(site.store().forwards(past, &list.page()?).await?.into()))
}
