//! What waits to be written, and how much of it may.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use gatehouse_recording::capture::ConnectionSpec;
use gatehouse_recording::channel::Verdict;
use gatehouse_recording::{ChannelSpec, Event, Offset};
use tokio::sync::oneshot;

use crate::error::{PushError, RecordingFailed};
use crate::pool::Haste;

/// Most bytes that wait in a session's queue.
const QUEUE_BYTES: usize = 256 * 1024;
/// Longest time that anything waits there before nothing more is taken.
const QUEUE_TIME: Duration = Duration::from_millis(100);
/// From here on what waits is written at once: long before whoever pushes has to wait.
const HASTE_BYTES: usize = QUEUE_BYTES / 4;
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

    /// Somebody waits until it is written.
    fn is_awaited(&self) -> bool {
        match self {
            Self::Open(..) => false,
            Self::Event { answer, .. } => answer.is_some(),
            Self::Close { answer, .. } => answer.is_some(),
            Self::Finish { .. } => true,
        }
    }

    /// Bytes that pass with it.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Event { event, .. } => event.weight() as u64,
            _ => 0,
        }
    }
}

/// Who sees to a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Turn {
    /// Nobody: nothing waits.
    #[default]
    None,
    /// A thread will.
    Scheduled(Haste),
    /// A thread does, and looks for more when it is through.
    Working,
}

/// The events of a session that wait to be written.
#[derive(Default)]
pub(crate) struct Queue {
    /// What waits, and since when.
    pub(crate) items: VecDeque<(Instant, Item)>,
    /// Weight of the items here and of those that a thread is writing.
    pub(crate) weight: usize,
    /// Weight of the items that no thread has taken.
    untaken: usize,
    /// Bytes of the events that a thread is writing.
    pub(crate) writing: u64,
    /// Bytes that were let past while the disk did not answer (best effort), and whose they are.
    pub(crate) skipped: BTreeMap<Part, u64>,
    /// The disk has kept somebody waiting for as long as anybody waits, and has not answered since.
    pub(crate) stalled: bool,
    /// Since when the oldest of them waits.
    pub(crate) since: Option<Instant>,
    /// Whether a thread works for this session, or will.
    pub(crate) turn: Turn,
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

    /// Appends an item; says when a thread has to be told of it, if one has to.
    pub(crate) fn append(&mut self, item: Item, now: Instant) -> Option<Haste> {
        let weight = item.weight();
        self.weight += weight;
        self.untaken += weight;
        self.since.get_or_insert(now);
        let awaited = item.is_awaited();
        self.items.push_back((now, item));
        let haste = if awaited || self.untaken >= HASTE_BYTES {
            Haste::Now
        } else {
            Haste::Soon
        };
        self.hurry(haste)
    }

    /// Takes what waits, for the thread that works now. Its weight stays until it is written: see [`Self::written`].
    pub(crate) fn take(&mut self) -> Vec<Item> {
        self.turn = Turn::Working;
        self.untaken = 0;
        let batch: Vec<_> = self.items.drain(..).map(|(_, item)| item).collect();
        self.writing = batch.iter().map(Item::bytes).sum();
        batch
    }

    /// So much of what was taken is written.
    pub(crate) fn written(&mut self, weight: usize) {
        self.weight = self.weight.saturating_sub(weight);
    }

    /// The thread is through with what it took; says whether there is more.
    pub(crate) fn through(&mut self) -> Option<Haste> {
        (self.stalled, self.writing) = (false, 0);
        self.since = self.items.front().map(|(since, _)| *since);
        self.turn = Turn::None;
        let haste = if self.is_urgent() { Haste::Now } else { Haste::Soon };
        self.since.and_then(|_| self.hurry(haste))
    }

    /// Drops what waits, save an order to finish, which must still be heard; says how many bytes that were.
    pub(crate) fn drop_waiting(&mut self) -> u64 {
        let bytes = self.items.iter().map(|(_, item)| item.bytes()).sum();
        let is_order = |(_, item): &(Instant, Item)| matches!(item, Item::Finish { .. });
        self.items.retain(is_order);
        let kept: usize = self.items.iter().map(|(_, item)| item.weight()).sum();
        self.weight = self.weight.saturating_sub(self.untaken - kept);
        self.untaken = kept;
        bytes
    }

    /// Whether what waits is to be written at once.
    fn is_urgent(&self) -> bool {
        self.untaken >= HASTE_BYTES || self.items.iter().any(|(_, item)| item.is_awaited())
    }

    /// Notes that this is to be seen to; says whether a thread has to be told.
    pub(crate) fn hurry(&mut self, haste: Haste) -> Option<Haste> {
        let already = match self.turn {
            Turn::None => false,
            Turn::Scheduled(before) => before == haste || before == Haste::Now,
            Turn::Working => true,
        };
        if already {
            return None;
        }
        self.turn = Turn::Scheduled(haste);
        Some(haste)
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
