//! What waits to be written, and how much of it may.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use gatehouse_recording::capture::ConnectionSpec;
use gatehouse_recording::channel::Verdict;
use gatehouse_recording::{ChannelSpec, Event, Offset};
use tokio::sync::oneshot;

use crate::error::{PushError, RecordingFailed};

/// Most bytes that wait in a session's queue.
const QUEUE_BYTES: usize = 256 * 1024;
/// Longest time that anything waits there before nothing more is taken.
const QUEUE_TIME: Duration = Duration::from_millis(100);
/// What an event weighs beyond its data.
const ITEM_BYTES: usize = 64;

/// Whose events they are, by its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Part {
    Channel(u32),
    /// A connection through a forward.
    Connection(u32),
}

/// What begins.
pub(crate) enum Beginning {
    Channel(ChannelSpec),
    Connection(u32, ConnectionSpec),
}

/// What waits in a session's queue.
pub(crate) enum Item {
    Open(Offset, Beginning),
    Event {
        part: Part,
        at: Offset,
        event: Event,
        answer: Option<oneshot::Sender<Verdict>>,
    },
    Close {
        part: Part,
        at: Offset,
        answer: Option<oneshot::Sender<()>>,
    },
    Finish {
        at: Offset,
        answer: oneshot::Sender<()>,
    },
}

impl Beginning {
    pub(crate) fn part(&self) -> Part {
        match self {
            Self::Channel(spec) => Part::Channel(spec.number),
            Self::Connection(number, _) => Part::Connection(*number),
        }
    }
}

impl Item {
    pub(crate) fn weight(&self) -> usize {
        ITEM_BYTES + usize::try_from(self.bytes()).unwrap_or(usize::MAX - ITEM_BYTES)
    }

    /// Bytes that pass with it.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Event { event, .. } => event.weight() as u64,
            _ => 0,
        }
    }
}

/// The events of a session that wait to be written.
#[derive(Default)]
pub(crate) struct Queue {
    /// What waits, and since when.
    pub(crate) items: VecDeque<(Instant, Item)>,
    /// Weight of the items here and of those that a thread is writing.
    pub(crate) weight: usize,
    /// Bytes of the events that a thread is writing.
    pub(crate) writing: u64,
    /// Bytes that were let past while the disk did not answer (best effort), and whose they are.
    pub(crate) skipped: BTreeMap<Part, u64>,
    /// The disk has kept somebody waiting for as long as anybody waits, and has not answered since.
    pub(crate) stalled: bool,
    /// Since when the oldest of them waits.
    pub(crate) since: Option<Instant>,
    /// Whether a thread works for this session, or will.
    pub(crate) scheduled: bool,
    pub(crate) alarm: Option<Instant>,
    pub(crate) channels: BTreeSet<u32>,
    /// How many connections through forwards were opened.
    pub(crate) connections: u32,
    pub(crate) closed: bool,
    pub(crate) failure: Option<RecordingFailed>,
}

impl Queue {
    /// Lets an event past that cannot be written now.
    pub(crate) fn skip(&mut self, item: &Item) {
        if let Item::Event { part, .. } = item {
            *self.skipped.entry(*part).or_default() += item.bytes();
        }
    }

    /// Whether anything is taken.
    pub(crate) fn check(&self) -> Result<(), PushError> {
        match &self.failure {
            Some(failure) => Err(PushError::Failed(failure.clone())),
            None if self.closed => Err(PushError::Closed),
            None => Ok(()),
        }
    }

    /// Whether something of this weight is taken now. Something larger than all that may wait is, when nothing does.
    pub(crate) fn has_room(&self, weight: usize) -> bool {
        let fresh = self.since.is_none_or(|since| since.elapsed() < QUEUE_TIME);
        self.weight == 0 || (fresh && self.weight + weight <= QUEUE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_bounded_in_bytes_and_in_time() {
        let of = |weight: usize, waited: Duration| {
            let since = (weight > 0).then(|| Instant::now().checked_sub(waited).unwrap());
            Queue {
                weight,
                since,
                ..Queue::default()
            }
        };
        assert!(of(0, Duration::ZERO).has_room(usize::MAX));
        assert!(of(QUEUE_BYTES - 10, Duration::ZERO).has_room(10));
        assert!(!of(QUEUE_BYTES - 10, Duration::ZERO).has_room(11));
        assert!(!of(1, QUEUE_TIME).has_room(1));
    }
}
