//! `GET /sessions/{id}/transcript`: what a person saw, as lines with their times.

use axum::Json;
use axum::extract::{Path, State};
use gatehouse_archive::{Recording, TranscriptLine, TranscriptLines};
use gatehouse_audit::Action;
use gatehouse_model::SessionId;
use gatehouse_recording::Offset;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Found, about_to_show, blocking, find, look_once, looked};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::Query;
use crate::site::Site;

/// Lines of a page when nothing is said.
const USUAL: usize = 1_000;
/// Most lines of a page; those of one instant are never cut apart.
const MOST: usize = 10_000;
/// Bytes after which a page ends, whatever the number of lines.
const BYTES: usize = 4 * 1024 * 1024;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(read_transcript))
}

/// Which lines.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those of this channel; of all if absent.
    channel: Option<u32>,
    /// Those after so many seconds: `next` of the page before.
    after: Option<f64>,
    /// About so many, 1 to 10,000; 1,000 if absent.
    limit: Option<usize>,
}

/// A line that a person saw.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
struct Line {
    /// Seconds from the session's start to the event that completed it.
    #[schema(value_type = f64)]
    t: Offset,
    /// Seconds from the session's start to when it was last written to: from then on it was seen.
    #[schema(value_type = f64)]
    seen: Offset,
    /// The channel.
    channel: u32,
    /// The line.
    text: String,
}

/// A page of a transcript.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
struct TranscriptPage {
    /// The lines.
    items: Vec<Line>,
    /// What `after` of the next page is; `null`: this is the last.
    #[schema(value_type = Option<f64>)]
    next: Option<Offset>,
    /// What of the recording is damaged, told with the last page.
    damage: Option<String>,
}

/// What a person saw, line by line. Of a running session, as far as it has come.
#[utoipa::path(get, path = "/sessions/{id}/transcript", tag = "recordings",
    params(("id" = String, Path, description = "Id, or a unique prefix of it"), Which),
    responses((status = 200, body = TranscriptPage)))]
async fn read_transcript(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<TranscriptPage>, Problem> {
    let limit = which.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::invalid(
            "limit",
            format!("{limit} is out of bounds; ask for 1 to {MOST} lines a page"),
        ));
    }
    let Found { session, recording } = find(&site, &id).await?;
    recording.readable()?;
    let channels = recording
        .choose(which.channel)
        .map_err(|error| Problem::invalid("channel", error.to_string()))?;
    let viewed = Action::RecordingViewed;
    // Its further pages are the same view.
    if which.after.is_some() {
        look_once(&site, &caller, &session, (viewed, "text")).await?;
    } else {
        about_to_show(&site, &caller, &session, (viewed, "text"), None).await?;
        looked(&site, &caller, &session, "text")?;
    }
    let after = which.after.map(Offset::from_seconds);
    let place = |at| TranscriptPlace {
        session: session.id,
        channel: which.channel,
        at,
    };
    let marked = after.and_then(|at| site.live().transcripts.take(&place(at)));
    let scan = site.live().scan().await?;
    let read = blocking(move || {
        let _scan = scan;
        page(&recording, &channels, marked, after, limit)
    });
    let (page, reader) = read.await??;
    if let (Some(at), Some(reader)) = (page.next, reader) {
        site.live().transcripts.put(place(at), reader);
    }
    Ok(Json(page))
}

/// Where a transcript is read on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TranscriptPlace {
    session: SessionId,
    channel: Option<u32>,
    at: Offset,
}

/// A transcript that is being read, and the line that comes next.
pub(crate) struct TranscriptReader {
    lines: TranscriptLines,
    next: Option<TranscriptLine>,
}

fn page(
    recording: &Recording,
    channels: &[u32],
    marked: Option<TranscriptReader>,
    after: Option<Offset>,
    limit: usize,
) -> Result<(TranscriptPage, Option<TranscriptReader>), Problem> {
    let mut reader = match marked {
        Some(reader) => reader,
        None => TranscriptReader {
            lines: recording.casts(channels)?.transcript(),
            next: None,
        },
    };
    let (mut items, mut bytes): (Vec<Line>, usize) = (Vec::new(), 0);
    let mut next = None;
    while let Some(line) = reader.next.take().or_else(|| reader.lines.next()) {
        if after.is_some_and(|after| line.at <= after) {
            continue;
        }
        let last = items.last().map(|line| line.t);
        if (items.len() >= limit || bytes >= BYTES) && last != Some(line.at) {
            next = last;
            reader.next = Some(line);
            break;
        }
        bytes += line.text.len();
        items.push(Line {
            t: line.at,
            seen: line.seen,
            channel: line.channel,
            text: line.text,
        });
    }
    let damage = reader.lines.damage().map(str::to_owned);
    let page = TranscriptPage { items, next, damage };
    let more = page.next.is_some();
    Ok((page, more.then_some(reader)))
}
