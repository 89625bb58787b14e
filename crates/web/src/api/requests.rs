//! Requests for access: asking, deciding, opening in an emergency, reviewing.
//!
//! Who may decide what is decided by the store, within the transaction of the decision.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::{
    Login, Protocol, RequestId, RequestKind, RequestState, ReviewVerdict, Role, SpanSeconds,
};
use gatehouse_policy::Schedule;
use gatehouse_store::{
    AccessRequest, Approval, Asked, AutoApproval, COUNT_MAX, Count, Decider, Inside, NewBreakGlass,
    NewRequest, Reader, RequestDetail, RequestFilter, RequestTarget,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::{Body, ListQuery, Listed, Query};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_requests, create_request))
        .routes(routes!(show_request, withdraw_request))
        .routes(routes!(approve_request))
        .routes(routes!(deny_request))
        .routes(routes!(review_request))
        .routes(routes!(open_break_glass))
}

/// Who reads, with no more than the role that they showed.
pub(crate) fn reader(caller: &Caller) -> Result<Reader, Problem> {
    let person = caller.person()?;
    Ok(Reader::UserAtMost(person.id.to_string(), person.role))
}

fn decider(caller: &Caller) -> Result<Decider, Problem> {
    let person = caller.person()?;
    Ok(Decider::UserAtMost(person.id.to_string(), person.role))
}

/// Which requests.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WhichRequests {
    /// Those in this state.
    state: Option<RequestState>,
    /// Those of this person.
    user: Option<String>,
    /// Those for this server.
    server: Option<String>,
    /// Those of this kind.
    kind: Option<RequestKind>,
    /// One's own.
    #[serde(default)]
    mine: bool,
    /// Those that wait and that one may decide.
    #[serde(default)]
    to_decide: bool,
    /// What was opened by break-glass and is not reviewed.
    #[serde(default)]
    unreviewed: bool,
}

/// Lists requests, the newest first: one's own and those that one may decide; for auditors all.
#[utoipa::path(get, path = "/requests", tag = "requests", params(ListQuery, WhichRequests),
    responses((status = 200, body = Listed<AccessRequest>)))]
async fn list_requests(
    State(site): State<Site>,
    caller: Caller,
    list: ListQuery,
    Query(which): Query<WhichRequests>,
) -> Result<axum::response::Response, Problem> {
    let (now, reader, own) = (caller.now, reader(&caller)?, caller.person()?.id.to_string());
    let filter = RequestFilter {
        state: which.state,
        user: if which.mine { Some(own.clone()) } else { which.user },
        server: which.server,
        kind: which.kind,
        to_decide: which.to_decide.then_some(own),
        unreviewed: which.unreviewed,
    };
    list.answer(
        (site, reader, filter),
        move |(site, reader, filter), page| async move {
            site.store().requests(now, &reader, &filter, &page).await
        },
        |(site, reader, filter)| async move {
            let counted = site
                .store()
                .count_requests(now, &reader, &filter, COUNT_MAX + 1)
                .await?;
            Ok(Count {
                total: counted.min(COUNT_MAX),
                total_is_more: counted > COUNT_MAX,
            })
        },
    )
    .await
}

/// A request to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestToMake {
    /// `access` (what is asked for if nothing is said) or `address`.
    kind: Option<RequestKind>,
    /// The server.
    server: Option<String>,
    /// The protocol; `ssh` if absent.
    protocol: Option<Protocol>,
    /// The login; any if absent.
    login: Option<Login>,
    /// For how long.
    r#for: Option<SpanSeconds>,
    /// Why.
    reason: Option<String>,
    /// The source address that is asked for.
    #[schema(value_type = Option<String>)]
    address: Option<std::net::IpAddr>,
}

/// Asks for access to a server, or for a further source address.
#[utoipa::path(post, path = "/requests", tag = "requests", request_body = RequestToMake,
    responses((status = 201, body = Asked), (status = 200, body = Asked, description = "An equal one waits already")))]
async fn create_request(
    State(site): State<Site>,
    caller: Caller,
    Body(asked): Body<RequestToMake>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let missing = |field: &'static str| Problem::invalid(field, format!("{field} is missing"));
    let wanted = match asked.kind.unwrap_or(RequestKind::Access) {
        RequestKind::Access => RequestTarget::Access {
            server: asked.server.ok_or_else(|| missing("server"))?,
            protocol: asked.protocol.unwrap_or(Protocol::Ssh),
            logins: asked.login.into_iter().collect(),
            length: asked.r#for,
        },
        RequestKind::Address => RequestTarget::Address(asked.address.ok_or_else(|| missing("address"))?),
        RequestKind::BreakGlass => {
            return Err(Problem::invalid(
                "kind",
                "break-glass is no request; it opens access at once, with POST /api/v1/break-glass",
            ));
        }
    };
    let made = ask(&site, &caller, wanted, asked.reason, AutoApproval::Allowed).await?;
    let status = if made.existing {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(made)))
}

/// Makes a request of the caller's.
pub(crate) async fn ask(
    site: &Site,
    caller: &Caller,
    wanted: RequestTarget,
    reason: Option<String>,
    auto: AutoApproval,
) -> Result<Asked, Problem> {
    let new = NewRequest {
        user: caller.person()?.id.to_string(),
        wanted,
        reason,
        source: Some(caller.source),
    };
    let limits = &site.settings().requests;
    site.store()
        .create_request(&caller.actor()?, caller.now, new, auto, limits)
        .await
        .map_err(Problem::of_input)
}

/// One request, with the grant made by it and the sessions that followed.
#[utoipa::path(get, path = "/requests/{id}", tag = "requests", params(("id" = i64, Path)),
    responses((status = 200, body = RequestDetail)))]
async fn show_request(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RequestDetail>, Problem> {
    let reader = reader(&caller)?;
    let mut detail = site.store().request(caller.now, &reader, RequestId(id)).await?;
    if !caller.is_at_least(Role::Auditor) {
        for session in &mut detail.sessions {
            session.recording = None;
        }
    }
    Ok(Json(detail))
}

/// Withdraws a request of one's own.
#[utoipa::path(delete, path = "/requests/{id}", tag = "requests", params(("id" = i64, Path)),
    responses((status = 200, body = AccessRequest)))]
async fn withdraw_request(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<AccessRequest>, Problem> {
    let user = caller.person()?.id.to_string();
    let withdrawn = site
        .store()
        .withdraw_request(&caller.actor()?, caller.now, RequestId(id), &user)
        .await?;
    Ok(Json(withdrawn))
}

/// How a request is approved; what is absent is as it was asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HowApproved {
    /// Another length.
    r#for: Option<SpanSeconds>,
    /// Recurring windows, in words or as JSON; empty: always.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    schedules: Vec<Schedule>,
    /// Another login.
    login: Option<Login>,
    /// Other logins; empty: any.
    logins: Option<Vec<Login>>,
    /// A word to the person who asked.
    note: Option<String>,
    /// Whether an address may lie inside, or around, one of another person.
    #[serde(default)]
    inside: bool,
}

/// Approves a request, which makes the grant.
#[utoipa::path(post, path = "/requests/{id}/approve", tag = "requests", params(("id" = i64, Path)),
    request_body = HowApproved, responses((status = 200, body = AccessRequest)))]
async fn approve_request(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(how): Body<HowApproved>,
) -> Result<Json<AccessRequest>, Problem> {
    let approval = Approval {
        length: how.r#for,
        logins: how.logins.or_else(|| how.login.map(|login| vec![login])),
        schedules: how.schedules,
        note: how.note,
        inside: if how.inside { Inside::Allow } else { Inside::Refuse },
    };
    let (actor, decider, limits) = (caller.actor()?, decider(&caller)?, &site.settings().requests);
    let approved = site
        .store()
        .approve_request(&actor, caller.now, RequestId(id), &decider, approval, limits)
        .await?;
    Ok(Json(approved))
}

/// A word to the person who asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WhyDenied {
    /// The word.
    note: Option<String>,
}

/// Denies a request.
#[utoipa::path(post, path = "/requests/{id}/deny", tag = "requests", params(("id" = i64, Path)),
    request_body = WhyDenied, responses((status = 200, body = AccessRequest)))]
async fn deny_request(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(why): Body<WhyDenied>,
) -> Result<Json<AccessRequest>, Problem> {
    let (actor, decider) = (caller.actor()?, decider(&caller)?);
    let denied = site
        .store()
        .deny_request(&actor, caller.now, RequestId(id), &decider, why.note)
        .await?;
    Ok(Json(denied))
}

/// What a review came to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    /// The verdict.
    verdict: ReviewVerdict,
    /// More on it.
    note: Option<String>,
}

/// Reviews access that was opened by break-glass, once.
#[utoipa::path(post, path = "/requests/{id}/review", tag = "requests", params(("id" = i64, Path)),
    request_body = Reviewed, responses((status = 200, body = AccessRequest)))]
async fn review_request(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(reviewed): Body<Reviewed>,
) -> Result<Json<AccessRequest>, Problem> {
    let (actor, decider, id) = (caller.actor()?, decider(&caller)?, RequestId(id));
    let (verdict, note) = (reviewed.verdict, reviewed.note);
    let reviewed = site
        .store()
        .review_request(&actor, caller.now, id, &decider, verdict, note)
        .await?;
    Ok(Json(reviewed))
}

/// Access to be opened in an emergency.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Emergency {
    /// The server.
    server: String,
    /// The protocol; `ssh` if absent.
    protocol: Option<Protocol>,
    /// Why, at least 10 characters; everybody is told.
    reason: String,
    /// For how long.
    r#for: Option<SpanSeconds>,
}

/// Opens access at once, for who has the right `break_glass`: short, told to everybody, reviewed afterwards.
#[utoipa::path(post, path = "/break-glass", tag = "requests", request_body = Emergency,
    responses((status = 201, body = AccessRequest)))]
async fn open_break_glass(
    State(site): State<Site>,
    caller: Caller,
    Body(emergency): Body<Emergency>,
) -> Result<(StatusCode, Json<AccessRequest>), Problem> {
    let new = NewBreakGlass {
        user: caller.person()?.id.to_string(),
        server: emergency.server,
        protocol: emergency.protocol.unwrap_or(Protocol::Ssh),
        reason: emergency.reason,
        source: Some(caller.source),
        length: emergency.r#for,
    };
    let limits = &site.settings().requests;
    let opened = site
        .store()
        .open_break_glass(&caller.actor()?, caller.now, new, limits)
        .await
        .map_err(Problem::of_input)?;
    Ok((StatusCode::CREATED, Json(opened)))
}
