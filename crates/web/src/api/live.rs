//! `GET /sessions/{id}/live`: what happens on a channel, page by page or as it happens.

use axum::Json;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Path, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use gatehouse_archive::{ArchiveError, Recording};
use gatehouse_audit::Action;
use gatehouse_model::SessionState;
use gatehouse_recording::Offset;
use gatehouse_recording::cast::CastHeader;
use gatehouse_recording::manifest::ManifestState;
use gatehouse_store::Session;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::recording::{Found, blocking, find, look_once};
use crate::caller::{Caller, Standing};
use crate::live::{ChannelPlace, ChannelReader, EventPage, Told, Watching};
use crate::problem::{Code, Problem};
use crate::shape::Query;
use crate::site::Site;

/// Of an instant so close to now, more may still come.
const UNFINISHED: u64 = 250_000;
/// Largest message that a viewer may send: there is nothing to say.
const MESSAGE_MAX: usize = 1_024;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(live_session))
}

/// Which events.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those after so many seconds: `next` of the page before. All if absent.
    after: Option<f64>,
    /// Those of this channel. If absent: of the first, or of all where they are pushed.
    channel: Option<u32>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
struct LivePage {
    /// The channel.
    channel: u32,
    /// What its cast begins with; `null` while it is not written.
    #[schema(value_type = Option<Object>)]
    header: Option<CastHeader>,
    /// `[seconds, code, text]`, safe for a terminal; `o` output, `i` input, `r` resize, `m` marker.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Told>,
    /// What `after` of the next page is.
    #[schema(value_type = f64)]
    next: Offset,
    /// Whether the session has ended, and all was given.
    ended: bool,
}

/// What happens on a channel. With `Upgrade: websocket` it is pushed while the session runs; without, a page of at most
/// 1 MiB is answered, of running and closed sessions alike. Audited.
#[utoipa::path(get, path = "/sessions/{id}/live", tag = "recordings",
    params(("id" = String, Path, description = "Id, or a unique prefix of it"), Which),
    responses((status = 200, body = LivePage), (status = 101, description = "Text frames, see docs/design/web.md.")))]
async fn live_session(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Query(which): Query<Which>,
    mut parts: Parts,
) -> Result<Response, Problem> {
    if !parts.headers.contains_key(header::UPGRADE) {
        return Ok(Json(poll(&site, &caller, &id, &which).await?).into_response());
    }
    let standing = Standing::of(&parts, &caller)?;
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.max_message_size(MESSAGE_MAX),
        Err(refused) => {
            return Err(Problem::new(
                Code::Malformed,
                format!("this is no WebSocket: {}", refused.body_text()),
            ));
        }
    };
    let watching = begin(&site, &caller, &id, which.channel, standing).await?;
    Ok(upgrade.on_upgrade(move |socket| watching.run(socket)))
}

/// Makes ready to push. Who looks is written into the book by the node that carries the session, before it shows anything.
async fn begin(
    site: &Site,
    caller: &Caller,
    id: &str,
    channel: Option<u32>,
    standing: Standing,
) -> Result<Watching, Problem> {
    let session = site.store().session(site.now(), id).await?;
    if session.state != SessionState::Active {
        return Err(Problem::new(
            Code::Conflict,
            format!(
                "session {} is not running; ask for its recording without Upgrade",
                session.id
            ),
        ));
    }
    let person = caller.person()?;
    let place = site.live().places.take(person.id).ok_or_else(|| {
        Problem::new(
            Code::RateLimited,
            "you have as many streams open as a person may; close some of them",
        )
        .after(10)
    })?;
    Ok(Watching {
        site: site.clone(),
        session,
        channel,
        viewer: gatehouse_gate::Viewer::Person {
            user: person.name.clone(),
            source: caller.source,
        },
        standing,
        place,
    })
}

async fn poll(site: &Site, caller: &Caller, id: &str, which: &Which) -> Result<LivePage, Problem> {
    // The row first: if it is closed, what is read after it is all there is.
    let Found { session, recording } = find(site, id).await?;
    recording.readable()?;
    let closed = session.state == SessionState::Closed || recording.manifest().state == ManifestState::Sealed;
    let channel = channel_of(&recording, which.channel, closed)?;
    let look = if session.state == SessionState::Closed {
        (Action::RecordingViewed, "play")
    } else {
        (Action::SessionWatched, "poll")
    };
    look_once(site, caller, &session, look).await?;
    let after = which.after.map(Offset::from_seconds);
    let place = |at| ChannelPlace {
        session: session.id,
        channel,
        at,
    };
    let there = recording.channels().contains(&channel);
    let (page, reader) = if there {
        let marked = after.and_then(|at| site.live().channels.take(&place(at)));
        let now = (!closed).then(|| offset_of(site, &session));
        let read = move || read_page(&recording, channel, marked, after, now);
        let (page, reader) = blocking(read).await??;
        (page, Some(reader))
    } else {
        (nothing(after), None)
    };
    let next = page.last.unwrap_or_default();
    let ended = closed && page.at_end;
    if let (Some(reader), false) = (reader, ended) {
        site.live().channels.put(place(next), reader);
    }
    Ok(LivePage {
        channel,
        header: page.header,
        events: page.events,
        next,
        ended,
    })
}

fn nothing(after: Option<Offset>) -> EventPage {
    EventPage {
        header: None,
        events: Vec::new(),
        last: after,
        at_end: true,
    }
}

/// The channel that is meant. One that is not there yet may come while the session runs.
fn channel_of(recording: &Recording, wanted: Option<u32>, closed: bool) -> Result<u32, Problem> {
    match recording.choose(wanted) {
        Ok(channels) => Ok(channels.first().copied().unwrap_or_default()),
        Err(_) if !closed => Ok(wanted.unwrap_or_default()),
        Err(error) => Err(Problem::not_found(error.to_string())),
    }
}

/// How long the session has lasted.
fn offset_of(site: &Site, session: &Session) -> Offset {
    let lasted = site.now().duration_since(session.started_at);
    Offset::from_duration(lasted.try_into().unwrap_or_default())
}

/// Waits for the disk. `now`: how long the session has lasted, if it runs.
fn read_page(
    recording: &Recording,
    channel: u32,
    marked: Option<ChannelReader>,
    after: Option<Offset>,
    now: Option<Offset>,
) -> Result<(EventPage, ChannelReader), ArchiveError> {
    let mut reader = match marked {
        Some(reader) => reader,
        None => ChannelReader::open(recording, channel)?,
    };
    // A clock that was set must not hold anything back for long.
    let unfinished = |at: Offset| now.is_some_and(|now| now.micros().abs_diff(at.micros()) < UNFINISHED);
    let page = reader.page(after, unfinished)?;
    Ok((page, reader))
}
