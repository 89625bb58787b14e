//! The audit book, and whether it is what was written.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use gatehouse_audit::{Action, Draft, Event, Outcome};
use gatehouse_model::{SessionId, SourceAddr, Timestamp};
use gatehouse_store::{AuditFilter, AuditOrder, AuditPace, AuditReport, PageRequest, SealedHead};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::shape::{ListQuery, Listed, Moment, Query};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_audit))
        .routes(routes!(last_audit_verification))
        .routes(routes!(verify_audit))
}

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those of this action (`session.denied`), or of all actions of a noun (`session`).
    action: Option<String>,
    /// Those about this person, by the name in the book.
    user: Option<String>,
    /// Those by this actor, as the book has it.
    actor: Option<String>,
    /// Those about this server, by the name in the book.
    server: Option<String>,
    /// Those about this session, by id or a unique prefix.
    session: Option<String>,
    /// Those from this address.
    source: Option<SourceAddr>,
    /// Those with this outcome.
    outcome: Option<Outcome>,
    /// Those in which this stands, in any case. A page may hold fewer events than asked for, and still have a next one.
    text: Option<String>,
    /// Those at or after this: an instant, or a duration before now.
    #[param(value_type = Option<String>)]
    since: Option<Moment>,
    /// Those before this.
    #[param(value_type = Option<String>)]
    until: Option<Moment>,
}

/// Lists events of the audit book, the newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(ListQuery, Which),
    responses((status = 200, body = Listed<Event>)))]
async fn list_audit(
    State(site): State<Site>,
    caller: Caller,
    list: ListQuery,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let session = match which.session {
        // The book knows sessions that came to nothing and have no row.
        Some(id) if id.parse::<SessionId>().is_ok() => Some(id),
        Some(prefix) => {
            let found = site.store().session(caller.now, &prefix).await;
            let found = found.map_err(|error| Problem::invalid("session", error.to_string()))?;
            Some(found.id.to_string())
        }
        None => None,
    };
    let filter = AuditFilter {
        action: which.action,
        user: which.user,
        actor: which.actor,
        server: which.server,
        source: which.source,
        outcome: which.outcome,
        text: which.text,
        session,
        since: which.since.map(|since| since.instant(caller.now)),
        until: which.until.map(|until| until.instant(caller.now)),
        order: order(&list)?,
    };
    list.answer(
        (site, filter),
        |(site, filter), page| async move { site.store().audit_events(&filter, &page).await },
        |(site, filter)| async move { site.store().count_audit_events(&filter).await },
    )
    .await
}

/// Events are sorted by time alone.
fn order(list: &ListQuery) -> Result<AuditOrder, Problem> {
    match list.sort.as_deref() {
        None | Some("-time") => Ok(AuditOrder::NewestFirst),
        Some("time") => Ok(AuditOrder::OldestFirst),
        Some(_) => Err(Problem::invalid(
            "sort",
            "events are sorted by time; write time, or -time for the newest first",
        )),
    }
}

/// What a check of the whole book found.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
struct Verification {
    /// Whether every line is as it was written.
    ok: bool,
    /// When it was checked.
    checked_at: Timestamp,
    /// Who checked it.
    checked_by: String,
    /// How many lines were read, if that is known.
    lines: Option<u64>,
    /// `SEQ:HASH` of the last line that is right; `null` for an earlier check.
    head: Option<String>,
    /// What is wrong.
    fault: Option<String>,
}

/// The last check of the book that stands in it. Nodes check by themselves as well, and write down only what is wrong.
#[utoipa::path(get, path = "/audit/verification", tag = "audit",
    responses((status = 200, body = Option<Verification>)))]
async fn last_audit_verification(State(site): State<Site>) -> Result<Json<Option<Verification>>, Problem> {
    let mut newest: Option<Event> = None;
    for action in [Action::AuditVerified, Action::AuditBroken] {
        let filter = AuditFilter {
            action: Some(action.code().to_owned()),
            ..AuditFilter::default()
        };
        let page = site.store().audit_events(&filter, &PageRequest::first(1)).await?;
        let later = |event: &Event| newest.as_ref().is_none_or(|newest| event.seq > newest.seq);
        if let Some(event) = page.items.into_iter().next().filter(later) {
            newest = Some(event);
        }
    }
    Ok(Json(newest.map(|event| Verification {
        ok: event.outcome == Outcome::Ok && event.action == Action::AuditVerified.code(),
        checked_at: event.time,
        checked_by: event.actor,
        lines: event.detail.get("lines").and_then(serde_json::Value::as_u64),
        head: None,
        fault: event.reason,
    })))
}

/// Reads the whole book and says whether it is what was written. The check is audited.
#[utoipa::path(post, path = "/audit/verify", tag = "audit", responses((status = 200, body = Verification)))]
async fn verify_audit(State(site): State<Site>, caller: Caller) -> Result<Json<Verification>, Problem> {
    let _only = site.live().book.try_lock().map_err(|_| {
        Problem::new(
            Code::Conflict,
            "the book is being checked already; wait for that, and look at GET /audit/verification",
        )
    })?;
    let store = site.store();
    let report = store.verify_audit(None, AuditPace::Fast).await?;
    let fault = fault_of(&report);
    let (actor, now) = (caller.actor()?, site.now());
    let mut draft = Draft::new(Action::AuditVerified, &actor, now).detail("lines", report.lines);
    if let Some(fault) = &fault {
        draft = draft.outcome(Outcome::Failed).reason(fault);
    }
    store.record(draft).await?;
    if fault.is_none() {
        // Sealed anew, so that what is cut off from here on is found.
        store.write_audit_head(now).await?;
    }
    Ok(Json(Verification {
        ok: fault.is_none(),
        checked_at: now,
        checked_by: actor.name().to_owned(),
        lines: Some(report.lines),
        head: Some(report.head.to_string()),
        fault,
    }))
}

fn fault_of(report: &AuditReport) -> Option<String> {
    match (&report.fault, report.sealed) {
        (Some(fault), _) => Some(fault.to_string()),
        (None, SealedHead::Forged) => {
            Some("audit.head was not sealed with this store's key: it was forged or exchanged".to_owned())
        }
        (None, _) => None,
    }
}
