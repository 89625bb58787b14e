//! What a schedule or a duration means, before it is used.

use axum::Json;
use axum::extract::State;
use gatehouse_model::{AccessDuration, Timestamp, parse_access_duration};
use gatehouse_policy::{Schedule, find_zone, schedule_windows};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::policies::schedule;
use crate::problem::Problem;
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(preview_schedule))
        .routes(routes!(preview_duration))
}

/// A schedule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScheduleToPreview {
    /// In words or as an object.
    #[schema(value_type = Value, example = "Mon-Fri 08:00-16:00 Europe/Warsaw")]
    schedule: Value,
    /// The zone if the schedule names none; the site's if absent.
    timezone: Option<String>,
}

/// What a schedule means.
#[derive(Debug, Serialize, ToSchema)]
struct SchedulePreview {
    /// The schedule in words.
    words: String,
    /// The same as an object.
    #[schema(value_type = Object)]
    schedule: Schedule,
    /// The next three windows, the one that is open included.
    windows: Vec<[Timestamp; 2]>,
}

/// Shows what a schedule means.
#[utoipa::path(post, path = "/schedules/preview", tag = "policies", request_body = ScheduleToPreview,
    responses((status = 200, body = SchedulePreview)))]
async fn preview_schedule(
    State(site): State<Site>,
    Body(asked): Body<ScheduleToPreview>,
) -> Result<Json<SchedulePreview>, Problem> {
    let wrong = |detail: String| Problem::invalid("schedule", detail);
    let mut read = schedule(asked.schedule).map_err(wrong)?;
    let zone = asked.timezone.filter(|zone| !zone.is_empty());
    if let (Some(zone), None) = (zone, read.timezone()) {
        find_zone(&zone).map_err(|error| Problem::invalid("timezone", error.to_string()))?;
        let mut fields = serde_json::to_value(&read)
            .map_err(|error| Problem::fault("a schedule cannot be written as JSON", &error))?;
        if let Value::Object(fields) = &mut fields {
            fields.insert("timezone".to_owned(), zone.into());
        }
        read = schedule(fields).map_err(wrong)?;
    }
    let windows = schedule_windows(&site.gate().directory(), &read, site.now())
        .map_err(|error| wrong(error.to_string()))?;
    Ok(Json(SchedulePreview {
        words: read.to_string(),
        windows: windows.into_iter().map(|(from, to)| [from, to]).collect(),
        schedule: read,
    }))
}

/// A duration.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DurationToPreview {
    /// As people write it: `45s`, `2h`, `1h30m`, `30d`, `permanent`.
    text: String,
}

/// What a duration means.
#[derive(Debug, Serialize, ToSchema)]
struct DurationPreview {
    /// Its length; `null`: no end.
    seconds: Option<u64>,
    /// The duration as it is printed.
    text: String,
    /// When it ends if it begins now; `null`: never.
    ends_at: Option<Timestamp>,
}

/// Shows what a duration means.
#[utoipa::path(post, path = "/durations/preview", tag = "policies", request_body = DurationToPreview,
    responses((status = 200, body = DurationPreview)))]
async fn preview_duration(
    State(site): State<Site>,
    Body(asked): Body<DurationToPreview>,
) -> Result<Json<DurationPreview>, Problem> {
    let read =
        parse_access_duration(&asked.text).map_err(|error| Problem::invalid("text", error.to_string()))?;
    let preview = match read {
        AccessDuration::Permanent => DurationPreview {
            seconds: None,
            text: "permanent".to_owned(),
            ends_at: None,
        },
        AccessDuration::For(span) => DurationPreview {
            seconds: Some(span.seconds()),
            text: span.to_string(),
            ends_at: site.now().checked_add(span.signed()).ok(),
        },
    };
    Ok(Json(preview))
}
