//! `GET /sessions/{id}/recording/channels`: what a recording holds, and when something happened in it.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use gatehouse_archive::{ArchiveError, Recording};
use gatehouse_model::{SessionId, Timestamp};
use gatehouse_recording::cast::CastData;
use gatehouse_recording::manifest::ManifestState;
use gatehouse_recording::{FileName, Offset, Stream};
use jiff::SignedDuration;
use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Found, blocking, find};
use crate::problem::Problem;
use crate::site::Site;

/// Numbers that tell when something happened.
const BUCKETS: usize = 120;
/// Bins that are kept while the length is not known: each bucket is told within a sixty-fourth of its width.
const BINS: usize = 64 * BUCKETS;
/// Width of a bin at first, in microseconds.
const BIN_MICROS: u64 = 1_000;
/// Channels of closed recordings that are remembered.
const KEPT: usize = 4_096;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(list_channels))
}

/// A channel of a recording.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct Channel {
    /// Its number within the session.
    channel: u32,
    /// `shell`, `exec` or `subsystem`.
    kind: String,
    /// The command, or the subsystem's name.
    command: Option<String>,
    /// When its first event came.
    started_at: Timestamp,
    /// Seconds from the session's start to its first event.
    #[schema(value_type = f64)]
    begins: Offset,
    /// Seconds from its first event to its last.
    duration: f64,
    /// Columns at the start.
    width: u32,
    /// Rows at the start.
    height: u32,
    /// How many events it has.
    events: u64,
    /// Bytes of its cast on the disk.
    size: u64,
    /// Bytes that the target sent, in 120 equal parts of the duration.
    activity: Vec<u64>,
}

/// What is known of the channels of closed recordings.
#[derive(Default)]
pub(crate) struct Measured(Mutex<VecDeque<(SessionId, Arc<Vec<Channel>>)>>);

impl Measured {
    fn of(&self, session: SessionId) -> Option<Arc<Vec<Channel>>> {
        let kept = self.0.lock();
        let found = kept.iter().find(|(known, _)| *known == session);
        found.map(|(_, channels)| Arc::clone(channels))
    }

    fn keep(&self, session: SessionId, channels: Arc<Vec<Channel>>) {
        let mut kept = self.0.lock();
        kept.retain(|(known, _)| *known != session);
        kept.push_back((session, channels));
        let count = |kept: &VecDeque<(SessionId, Arc<Vec<Channel>>)>| -> usize {
            // One with no channel takes room as well.
            kept.iter().map(|(_, channels)| channels.len() + 1).sum()
        };
        while count(&kept) > KEPT {
            kept.pop_front();
        }
    }
}

/// The channels of a recording that showed something.
#[utoipa::path(get, path = "/sessions/{id}/recording/channels", tag = "recordings",
    params(("id" = String, Path, description = "Id, or a unique prefix of it")),
    responses((status = 200, body = Vec<Channel>)))]
async fn list_channels(
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Channel>>, Problem> {
    let Found { session, recording } = find(&site, &id).await?;
    let measured = &site.live().measured;
    if let Some(known) = measured.of(session.id) {
        return Ok(Json(known.to_vec()));
    }
    recording.readable()?;
    let closed = recording.manifest().state == ManifestState::Sealed;
    let scan = site.live().scan().await?;
    let channels = blocking(move || {
        let _scan = scan;
        let channels = recording.channels().iter();
        channels
            .filter_map(|channel| measure(&recording, *channel).transpose())
            .collect::<Result<Vec<_>, _>>()
    });
    let channels = Arc::new(channels.await??);
    if closed {
        measured.keep(session.id, Arc::clone(&channels));
    }
    Ok(Json(channels.to_vec()))
}

/// Reads a channel from end to end; `None`: nothing of it is written yet. The rest of a damaged cast is left out.
fn measure(recording: &Recording, channel: u32) -> Result<Option<Channel>, ArchiveError> {
    let Some(header) = recording.header(channel)? else {
        return Ok(None);
    };
    let (mut events, mut activity) = (0, Activity::default());
    for (_, event) in recording.events(&[channel])?.flatten() {
        events += 1;
        let bytes = match &event.data {
            CastData::Output(_, data) => data.bytes.len() as u64,
            CastData::Binary(Stream::Output | Stream::Error, length) => *length,
            _ => 0,
        };
        activity.add(event.at, bytes);
    }
    let file = recording.file(FileName::Cast(channel));
    let begins = activity.first.unwrap_or_default();
    let started = recording.manifest().head.started_at;
    let after_start = SignedDuration::try_from(begins.as_duration()).unwrap_or(SignedDuration::ZERO);
    Ok(Some(Channel {
        channel,
        kind: header.gatehouse.kind,
        command: header.command.or(header.gatehouse.subsystem),
        started_at: started.checked_add(after_start).unwrap_or(started),
        begins,
        duration: activity.last.since(begins).as_secs_f64(),
        width: header.width,
        height: header.height,
        events,
        size: file.metadata().map_or(0, |file| file.len()),
        activity: activity.buckets(),
    }))
}

/// How many bytes came when, while it is not known how long it all lasts.
struct Activity {
    first: Option<Offset>,
    last: Offset,
    width: u64,
    bins: Vec<u64>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            first: None,
            last: Offset::ZERO,
            width: BIN_MICROS,
            bins: vec![0; BINS],
        }
    }
}

impl Activity {
    fn add(&mut self, at: Offset, bytes: u64) {
        let first = *self.first.get_or_insert(at);
        self.last = self.last.max(at).max(first);
        let micros = at.micros().saturating_sub(first.micros());
        while micros / self.width >= BINS as u64 {
            let halved: Vec<u64> = self
                .bins
                .chunks(2)
                .map(|pair| pair.iter().fold(0, |sum: u64, bin| sum.saturating_add(*bin)))
                .collect();
            self.bins = halved;
            self.bins.resize(BINS, 0);
            self.width = self.width.saturating_mul(2);
        }
        let bin = usize::try_from(micros / self.width).unwrap_or(BINS);
        if let Some(bin) = self.bins.get_mut(bin) {
            *bin = bin.saturating_add(bytes);
        }
    }

    fn buckets(&self) -> Vec<u64> {
        let begin = self.first.unwrap_or_default().micros();
        let length = u128::from(self.last.micros().saturating_sub(begin)) + 1;
        let mut buckets = vec![0u64; BUCKETS];
        for (number, bytes) in self.bins.iter().enumerate().filter(|(_, bytes)| **bytes > 0) {
            let middle = number as u128 * u128::from(self.width) + u128::from(self.width / 2);
            let bucket = usize::try_from(middle * BUCKETS as u128 / length).unwrap_or(BUCKETS);
            if let Some(bucket) = buckets.get_mut(bucket.min(BUCKETS - 1)) {
                *bucket = bucket.saturating_add(*bytes);
            }
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activity_is_told_in_equal_parts_whatever_the_length() {
        for seconds in [1u64, 60, 3_600, 1_000_000] {
            let mut activity = Activity::default();
            let begin = 5_000_000;
            activity.add(Offset::from_micros(begin), 0);
            // Something in the middle of every fourth part.
            for part in (0..BUCKETS as u64).step_by(4) {
                let micros = seconds * 1_000_000 * (2 * part + 1) / (2 * BUCKETS as u64);
                activity.add(Offset::from_micros(begin + micros), part + 1);
            }
            activity.add(Offset::from_micros(begin + seconds * 1_000_000), 0);
            let want: Vec<u64> = (0..BUCKETS as u64)
                .map(|part| if part % 4 == 0 { part + 1 } else { 0 })
                .collect();
            assert_eq!(activity.buckets(), want, "{seconds} s");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let measured = Measured::default();
        let id = |number| SessionId(uuid::Uuid::from_u128(number));
        for number in 0..2 * KEPT as u128 {
            measured.keep(id(number), Arc::default());
        }
        assert_eq!(measured.0.lock().len(), KEPT);
        assert!(measured.of(id(0)).is_none());
        assert!(measured.of(id(2 * KEPT as u128 - 1)).is_some());
    }
}
