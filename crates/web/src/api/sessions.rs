//! Sessions: rows, what the book says of them, and ending them.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use gatehouse_audit::{Action, Event};
use gatehouse_model::{
    AddressRange, EndReason, PolicyId, Protocol, Role, SessionId, SessionState, SpanSeconds, Timestamp,
};
use gatehouse_store::{
    AuditFilter, AuditOrder, KillTarget, PageRequest, SearchFilter, Session, SessionFilter, StoreError,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::search;
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::shape::{Body, ListQuery, Listed, Moment, Query, Tagged};
use crate::site::Site;

/// Most events of the book that come with a session.
const EVENTS: u64 = 500;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_sessions))
        .routes(routes!(describe_session))
        .routes(routes!(kill_session))
        .routes(routes!(kill_sessions))
}

/// Which sessions.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those in this state; without it, all but those still opening.
    state: Option<SessionState>,
    /// Those of this person, by name or id.
    user: Option<String>,
    /// Those at this server, by name or id.
    server: Option<String>,
    /// Those over this protocol.
    protocol: Option<Protocol>,
    /// Those with this login at the server, to the letter.
    login: Option<String>,
    /// Those from this address or range.
    source: Option<AddressRange>,
    /// Those carried by this node, by id.
    node: Option<String>,
    /// Those that ended for this reason.
    reason: Option<EndReason>,
    /// Those that this grant has allowed, at any time of them.
    policy: Option<i64>,
    /// Those that began at or after this: an instant, or a duration before now.
    #[param(value_type = Option<String>)]
    since: Option<Moment>,
    /// Those that began before this.
    #[param(value_type = Option<String>)]
    until: Option<Moment>,
    /// Those that lasted, or have lasted so far, at least this long.
    min_duration: Option<SpanSeconds>,
    /// Those in which these words were seen, started or moved, as `GET /search` finds them; for auditors.
    text: Option<String>,
}

impl Which {
    fn filter(self, list: &ListQuery, now: Timestamp) -> Result<SessionFilter, Problem> {
        let node = self.node.map(|node| node.parse()).transpose();
        let node =
            node.map_err(|_| Problem::invalid("node", "this is no id of a node; GET /nodes lists them"))?;
        Ok(SessionFilter {
            state: self.state,
            user: self.user,
            server: self.server,
            protocol: self.protocol,
            node,
            since: self.since.map(|since| since.instant(now)),
            until: self.until.map(|until| until.instant(now)),
            login: self.login,
            source: self.source,
            reason: self.reason,
            policy: self.policy.map(PolicyId),
            min_duration: self.min_duration,
            ids: None,
            sort: list.sort()?.unwrap_or_default(),
        })
    }
}

/// Lists sessions, the newest first. Who is no auditor sees their own, without recordings.
#[utoipa::path(get, path = "/sessions", tag = "sessions", params(ListQuery, Which),
    responses((status = 200, body = Listed<Session>)))]
async fn list_sessions(
    State(site): State<Site>,
    caller: Caller,
    list: ListQuery,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let sees_all = caller.is_at_least(Role::Auditor);
    let words = which.text.clone().filter(|words| !words.trim().is_empty());
    let mut filter = which.filter(&list, caller.now)?;
    if let Some(words) = words {
        filter.ids = Some(found_by(&site, &caller, &words, &list).await?);
    }
    if !sees_all {
        let person = caller.person()?;
        let own = [person.id.to_string(), person.name.folded()];
        if filter
            .user
            .is_some_and(|user| !own.contains(&user.to_lowercase()))
        {
            return Ok(Json(Listed::<Session>::empty()).into_response());
        }
        filter.user = Some(person.id.to_string());
    }
    let now = caller.now;
    list.answer(
        (site, filter),
        move |(site, filter), page| async move {
            let mut page = site.store().sessions(now, &filter, &page).await?;
            if !sees_all {
                page.items.iter_mut().for_each(without_recording);
            }
            Ok(page)
        },
        |(site, filter)| async move { site.store().count_sessions(now, &filter).await },
    )
    .await
}

/// The sessions in which words are found.
async fn found_by(
    site: &Site,
    caller: &Caller,
    words: &str,
    list: &ListQuery,
) -> Result<Vec<SessionId>, Problem> {
    if !caller.is_at_least(Role::Auditor) {
        return Err(Problem::new(
            Code::Forbidden,
            "what is in recordings can be looked for by auditors alone; leave text out",
        ));
    }
    let found = site
        .store()
        .search_sessions(words, &SearchFilter::default())
        .await;
    let found = found.map_err(Problem::of_input)?;
    search::note(site, caller, words, list.cursor.is_some()).await?;
    Ok(found)
}

/// What was recorded is not for those who are recorded.
fn without_recording(session: &mut Session) {
    session.recording = None;
}

/// A session, and what the book says of it.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct SessionDetail {
    #[serde(flatten)]
    session: Session,
    /// The events of the book about it, the oldest first; without who looked at it for those who are no auditors.
    events: Vec<Event>,
}

/// One session, with what the book says of it. Any prefix of its id that no other has will do.
#[utoipa::path(get, path = "/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Id, or a unique prefix of it")),
    responses((status = 200, body = SessionDetail)))]
async fn describe_session(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Tagged<SessionDetail>, Problem> {
    let mut session = visible(&site, &caller, &id).await?;
    let filter = AuditFilter {
        session: Some(session.id.to_string()),
        order: AuditOrder::OldestFirst,
        ..AuditFilter::default()
    };
    let page = PageRequest::first(EVENTS);
    let mut events = site.store().audit_events(&filter, &page).await?.items;
    if !caller.is_at_least(Role::Auditor) {
        events.retain(|event| !tells_of_viewers(&event.action));
        without_recording(&mut session);
    }
    Ok(Tagged(SessionDetail { session, events }))
}

/// The session, if the caller may know of it.
async fn visible(site: &Site, caller: &Caller, id: &str) -> Result<Session, Problem> {
    let found = site.store().session(site.now(), id).await;
    if caller.is_at_least(Role::Auditor) {
        return Ok(found?);
    }
    let absent = || Problem::not_found(format!("no session {id:?} of yours is known"));
    let session = match found {
        // That several begin so would tell of those of others.
        Err(StoreError::NotFound { .. } | StoreError::Invalid { .. }) => return Err(absent()),
        found => found?,
    };
    let owner = site.store().session_owner(session.id).await?;
    if owner != Some(caller.person()?.id) {
        return Err(absent());
    }
    Ok(session)
}

/// Whether an event of the book is about somebody who looks at sessions, which is not for those who are looked at.
pub(crate) fn tells_of_viewers(action: &str) -> bool {
    const LOOKING: [Action; 4] = [
        Action::SessionWatched,
        Action::RecordingViewed,
        Action::RecordingExported,
        Action::RecordingVerified,
    ];
    LOOKING.iter().any(|looking| looking.code() == action)
}

/// Why a session is ended.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Kill {
    /// The person reads it.
    reason: Option<String>,
}

/// Which sessions are ended, and why. Exactly one of `user`, `server` and `all`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KillMany {
    /// Those of this person, by name or id.
    user: Option<String>,
    /// Those at this server, by name or id.
    server: Option<String>,
    /// All.
    #[serde(default)]
    all: bool,
    /// The people read it.
    reason: Option<String>,
}

/// Which sessions were ordered to end. Their nodes follow within a second.
#[derive(Debug, Serialize, ToSchema)]
struct Ordered {
    /// Their ids.
    #[schema(value_type = Vec<String>)]
    ordered: Vec<SessionId>,
}

/// Ends a running session; the person reads why.
#[utoipa::path(post, path = "/sessions/{id}/kill", tag = "sessions",
    params(("id" = String, Path, description = "Id, or a unique prefix of it")),
    request_body = Kill, responses((status = 200, body = Ordered)))]
async fn kill_session(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Body(kill): Body<Kill>,
) -> Result<Json<Ordered>, Problem> {
    let now = site.now();
    let session = site.store().session(now, &id).await?;
    let target = KillTarget::Session(session.id);
    let ordered = site
        .store()
        .request_kill(&caller.actor()?, now, &target, kill.reason)
        .await?;
    Ok(Json(Ordered { ordered }))
}

/// Ends the running sessions of a person, at a server, or all; the people read why.
#[utoipa::path(post, path = "/sessions/kill", tag = "sessions", request_body = KillMany,
    responses((status = 200, body = Ordered)))]
async fn kill_sessions(
    State(site): State<Site>,
    caller: Caller,
    Body(kill): Body<KillMany>,
) -> Result<Json<Ordered>, Problem> {
    let target = match (kill.user, kill.server, kill.all) {
        (Some(user), None, false) => KillTarget::User(user),
        (None, Some(server), false) => KillTarget::Server(server),
        (None, None, true) => KillTarget::All,
        _ => {
            return Err(Problem::invalid(
                "all",
                "say whose sessions are to end: one of user, server and \"all\": true",
            ));
        }
    };
    let ordered = site
        .store()
        .request_kill(&caller.actor()?, site.now(), &target, kill.reason)
        .await
        .map_err(Problem::of_input)?;
    Ok(Json(Ordered { ordered }))
}
