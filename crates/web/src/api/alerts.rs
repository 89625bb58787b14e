//! Alerts: what somebody was told of, and whether they were.

use axum::Json;
use axum::extract::State;
use gatehouse_audit::{Action, AlertKind, Draft, Event};
use gatehouse_store::{Alert, AlertFilter};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::{ListQuery, Listed, Moment, Query};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_alerts))
        .routes(routes!(test_alert))
}

/// Which alerts.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those of this kind.
    kind: Option<AlertKind>,
    /// Those at or after this: an instant, or a duration before now.
    #[param(value_type = Option<String>)]
    since: Option<Moment>,
    /// Those before this.
    #[param(value_type = Option<String>)]
    until: Option<Moment>,
}

/// Lists alerts, the newest first, and how far the telling has come.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(ListQuery, Which),
    responses((status = 200, body = Listed<Alert>)))]
async fn list_alerts(
    State(site): State<Site>,
    caller: Caller,
    list: ListQuery,
    Query(which): Query<Which>,
) -> Result<Json<Listed<Alert>>, Problem> {
    let filter = AlertFilter {
        kind: which.kind,
        since: which.since.map(|since| since.instant(caller.now)),
        until: which.until.map(|until| until.instant(caller.now)),
        sort: list.sort()?.unwrap_or_default(),
    };
    let mut listed = Listed::from(site.store().alerts(&filter, &list.page()?).await?);
    if list.count {
        listed.counted(site.store().count_alerts(&filter).await?);
    }
    Ok(Json(listed))
}

/// Raises an alert, to see whether it arrives where it should.
#[utoipa::path(post, path = "/alerts/test", tag = "alerts", responses((status = 201, body = Event)))]
async fn test_alert(
    State(site): State<Site>,
    caller: Caller,
) -> Result<(axum::http::StatusCode, Json<Event>), Problem> {
    let draft = Draft::new(Action::AlertTested, &caller.actor()?, site.now());
    let event = site.store().record(draft).await?;
    Ok((axum::http::StatusCode::CREATED, Json(event)))
}
