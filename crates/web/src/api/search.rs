//! `GET /search`: lines of what was seen, commands, and names of files.

use axum::Json;
use axum::extract::State;
use gatehouse_audit::{Action, Draft};
use gatehouse_model::{SessionId, Timestamp};
use gatehouse_store::{LineKind, SearchFilter, SearchHit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::{ListQuery, Listed, Moment, Query};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(search_lines))
}

/// What is looked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Words, all of which a line has to have; `"words in quotes"` follow each other; `*` ends a word that begins so.
    q: String,
    /// Those of this kind: `output`, `command` or `file`.
    kind: Option<String>,
    /// Those in sessions of this person, by name or id.
    user: Option<String>,
    /// Those in sessions at this server, by name or id.
    server: Option<String>,
    /// Those of this moment or later: an instant, or a duration before now.
    #[param(value_type = Option<String>)]
    since: Option<Moment>,
    /// Those before this.
    #[param(value_type = Option<String>)]
    until: Option<Moment>,
}

/// A line that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Hit {
    /// The session.
    session: SessionId,
    /// The channel.
    channel: u32,
    /// Seconds since the session's start.
    t: f64,
    /// What it is.
    kind: String,
    /// The line.
    text: String,
    /// The person's name at the time.
    user: String,
    /// The server's name at the time.
    server: String,
    /// When the session began.
    started_at: Timestamp,
}

impl From<SearchHit> for Hit {
    fn from(hit: SearchHit) -> Self {
        Self {
            session: hit.session,
            channel: hit.channel,
            t: hit.t,
            kind: hit.kind.as_str().to_owned(),
            text: hit.text,
            user: hit.user,
            server: hit.server,
            started_at: hit.started_at,
        }
    }
}

/// Notes in the book who searched for what; further pages of one search are one search.
pub(super) async fn note(site: &Site, caller: &Caller, words: &str, further: bool) -> Result<(), Problem> {
    if further {
        return Ok(());
    }
    let event = Draft::new(Action::RecordingSearched, &caller.actor()?, caller.now).detail("words", words);
    site.store().record(event).await?;
    Ok(())
}

/// Finds lines of what was seen, commands and names of files, the newest first.
#[utoipa::path(get, path = "/search", tag = "sessions", params(ListQuery, Which),
    responses((status = 200, body = Listed<Hit>)))]
async fn search_lines(
    State(site): State<Site>,
    caller: Caller,
    list: ListQuery,
    Query(which): Query<Which>,
) -> Result<Json<Listed<Hit>>, Problem> {
    let kind = which.kind.map(|kind| kind.parse::<LineKind>()).transpose();
    let filter = SearchFilter {
        user: which.user,
        server: which.server,
        session: None,
        kind: kind.map_err(|error| Problem::invalid("kind", error.to_string()))?,
        since: which.since.map(|since| since.instant(caller.now)),
        until: which.until.map(|until| until.instant(caller.now)),
    };
    let page = site.store().search(&which.q, &filter, &list.page()?).await;
    let page = page.map_err(Problem::of_input)?;
    // Lines of recordings are shown only once the book says who asked for them.
    note(&site, &caller, &which.q, list.cursor.is_some()).await?;
    let mut listed = Listed::empty();
    listed.items = page.items.into_iter().map(Hit::from).collect();
    listed.next = page.next;
    if list.count {
        listed.counted(site.store().count_search(&which.q, &filter).await?);
    }
    Ok(Json(listed))
}
