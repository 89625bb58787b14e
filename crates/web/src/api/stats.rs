//! Numbers for dashboards.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::nodes::{NodeNow, nodes_now};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(show_stats))
}

/// The state of the site, in numbers. Days and hours are those of UTC.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct SiteStats {
    /// The nodes.
    nodes: Vec<NodeNow>,
    /// How many there are of what.
    counts: Counts,
    /// Sessions by the hour in which they began, the last 24, this hour last.
    per_hour: Vec<u64>,
    /// Who had most sessions in the last 7 days, the most first.
    top_users: Vec<TopPerson>,
    /// Refusals of the last 24 hours by reason, the most first.
    denials: Vec<Denials>,
    /// Of the connections of the last 24 hours the part that became sessions, from 0 to 1; `null`: there were none.
    success_rate: Option<f64>,
}

/// How many there are of what.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Counts {
    /// People.
    users: u64,
    /// People who are switched on.
    active_users: u64,
    /// Servers.
    servers: u64,
    /// Grants in force.
    policies: u64,
    /// Sessions that began today.
    sessions_today: u64,
    /// Connections that were refused today.
    denied_today: u64,
    /// Sessions that came to nothing today.
    failed_today: u64,
    /// Sessions that run.
    active_sessions: u64,
    /// Requests that wait for a decision.
    pending_requests: u64,
    /// Access opened by break-glass that waits for a review.
    unreviewed: u64,
}

/// A person with a number of sessions.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct TopPerson {
    /// The name.
    user: String,
    /// How many.
    sessions: u64,
}

/// A reason of refusals.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Denials {
    /// The reason's word.
    reason: String,
    /// How many.
    count: u64,
}

/// The state of the site, in numbers.
#[utoipa::path(get, path = "/stats", tag = "stats", responses((status = 200, body = SiteStats)))]
async fn show_stats(State(site): State<Site>, caller: Caller) -> Result<Json<SiteStats>, Problem> {
    let stats = site.store().stats(caller.now).await?;
    let requests = site.store().request_counts(caller.now).await?;
    let top_users = stats.top_users.into_iter().map(|top| TopPerson {
        user: top.user,
        sessions: top.sessions,
    });
    let denials = stats.denials.into_iter().map(|denial| Denials {
        reason: denial.reason,
        count: denial.count,
    });
    Ok(Json(SiteStats {
        nodes: nodes_now(&site).await?,
        counts: Counts {
            users: stats.users,
            active_users: stats.active_users,
            servers: stats.servers,
            policies: stats.policies,
            sessions_today: stats.sessions_today,
            denied_today: stats.denied_today,
            failed_today: stats.failed_today,
            active_sessions: stats.active_sessions,
            pending_requests: requests.pending,
            unreviewed: requests.unreviewed,
        },
        per_hour: stats.per_hour,
        top_users: top_users.collect(),
        denials: denials.collect(),
        success_rate: stats.success_rate,
    }))
}
