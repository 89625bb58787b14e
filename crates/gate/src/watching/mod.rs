//! Running sessions watched live: one stream a session, shared by any number of watchers.
//!
//! Invariants:
//! - **Never in the session's way.** The stream follows the recording's files, as they are on disk anyway; the session
//!   knows nothing of it. A session that nobody watches has no stream.
//! - **One follower a session.** Whatever the number of watchers, the files are read and the lines put into the wire's
//!   form once. A watcher reads the files itself only for what lies before its coming, at most [`HISTORY`] a channel.
//! - **Bounded.** What waits for watchers is [`ring::KEPT`] a session; the stream shows at most [`pace::RATE`] bytes a
//!   second. What is more is passed over and told as such: a live view stays live, the recording has everything.
//! - **Each line once.** A line's place in its cast says whether a watcher had it and what lies between.

mod lines;
mod pace;
mod ring;

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Instant;

use bytes::Bytes;
use futures::FutureExt;
use gatehouse_archive::{FollowFrom, FollowedLine, Follower};
use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::live::Core;
use lines::{Batch, Encoder};
use pace::Pace;
use ring::{Ring, Taken};

/// What a watcher is shown of a channel's past.
const HISTORY: u64 = 1024 * 1024;
/// What a watcher is shown of the past of all channels; after that only the newest of each.
const HISTORY_ALL: usize = 4 * 1024 * 1024;
/// What is left of each channel when something is passed over.
const NEWEST: u64 = 64 * 1024;
/// About how much goes to watchers at a time.
const BATCH: usize = 64 * 1024;

/// Where a session keeps its stream, while it is watched.
#[derive(Default)]
pub(crate) struct Slot(Mutex<Weak<Stream>>);

/// A session's stream. It ends with its last watcher.
struct Stream {
    ring: Arc<Ring>,
    _ends: DropGuard,
}

/// What a watcher gets.
pub(crate) enum Shown {
    /// Answers in the wire's form, whole lines.
    Lines(Bytes),
    /// The session has ended.
    Ended,
    /// The recording cannot be read; why.
    Failed(String),
}

/// One who watches.
pub(crate) struct Watcher {
    stream: Arc<Stream>,
    next: u64,
    /// How far this watcher has come.
    encoder: Encoder,
    /// What was before it came, until that was shown.
    past: Option<Follower>,
    shown: usize,
}

/// Begins to watch a session: first its past, then what comes.
pub(crate) fn join(core: &Core) -> Watcher {
    let stream = {
        let mut slot = core.watched.0.lock();
        slot.upgrade().unwrap_or_else(|| {
            let stream = begin(core);
            *slot = Arc::downgrade(&stream);
            stream
        })
    };
    Watcher {
        // Before the past is read: the two overlap, and places tell what was had.
        next: stream.ring.end(),
        stream,
        encoder: Encoder::default(),
        past: Some(core.recorder.follow(FollowFrom::Last(HISTORY))),
        shown: 0,
    }
}

fn begin(core: &Core) -> Arc<Stream> {
    let mut follower = core.recorder.follow(FollowFrom::Now);
    // Read once here, so that the stream begins at this moment and not when its task does.
    let first = follower.next().now_or_never();
    let (ring, stop) = (Arc::new(Ring::default()), CancellationToken::new());
    let stream = Stream {
        ring: Arc::clone(&ring),
        _ends: stop.clone().drop_guard(),
    };
    core.spawn(async move {
        tokio::select! {
            () = pump(&ring, follower, first) => {}
            () = stop.cancelled() => {}
        }
    });
    Arc::new(stream)
}

type Next = Option<Result<FollowedLine, gatehouse_archive::ArchiveError>>;

/// Carries lines from the files to the ring until the recording is closed.
async fn pump(ring: &Ring, mut follower: Follower, first: Option<Next>) {
    let mut waiting: VecDeque<Next> = first.into_iter().collect();
    let mut encoder = Encoder::default();
    let mut pace = Pace::new(Instant::now());
    loop {
        let mut next = match waiting.pop_front() {
            Some(next) => next,
            None => follower.next().await,
        };
        let mut batch = Batch::begin(&encoder);
        let over = loop {
            match next {
                Some(Ok(line)) => encoder.add(&line, &mut batch),
                Some(Err(error)) => break Some(Err(error.to_string())),
                None => break Some(Ok(())),
            }
            if batch.size() >= BATCH {
                break None;
            }
            match follower.next().now_or_never() {
                Some(more) => next = more,
                None => break None,
            }
        };
        let size = batch.size();
        ring.push(batch);
        if let Some(outcome) = over {
            return ring.close(outcome);
        }
        if let Some(pause) = pace.spent(size, Instant::now()) {
            tokio::time::sleep(pause).await;
            if let Err(error) = follower.skip_to_last(NEWEST) {
                return ring.close(Err(error.to_string()));
            }
        }
    }
}

impl Watcher {
    /// What comes next. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Shown {
        match self.past() {
            Ok(Some(bytes)) => return Shown::Lines(bytes),
            Ok(None) => {}
            Err(why) => return Shown::Failed(why),
        }
        loop {
            match self.stream.ring.next(&mut self.next).await {
                Taken::Batch(batch) => {
                    let bytes = self.encoder.take(&batch);
                    if !bytes.is_empty() {
                        return Shown::Lines(bytes);
                    }
                }
                Taken::Over(Ok(())) => return Shown::Ended,
                Taken::Over(Err(why)) => return Shown::Failed(why),
            }
        }
    }

    /// The next piece of what was before this watcher came; `None`: it was all shown.
    fn past(&mut self) -> Result<Option<Bytes>, String> {
        let Some(follower) = &mut self.past else {
            return Ok(None);
        };
        let mut batch = Batch::begin(&self.encoder);
        while batch.size() < BATCH {
            match follower.next().now_or_never() {
                Some(Some(Ok(line))) => self.encoder.add(&line, &mut batch),
                Some(Some(Err(error))) => return Err(error.to_string()),
                Some(None) | None => {
                    self.past = None;
                    break;
                }
            }
        }
        self.shown += batch.size();
        if let Some(follower) = self.past.as_mut().filter(|_| self.shown > HISTORY_ALL) {
            self.shown = 0;
            follower.skip_to_last(NEWEST).map_err(|error| error.to_string())?;
        }
        Ok(Some(batch.into_bytes()).filter(|bytes| !bytes.is_empty()))
    }
}
