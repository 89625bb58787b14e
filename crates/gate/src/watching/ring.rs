//! What waits for the watchers of a session: the newest batches, the oldest dropped first.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::lines::{Batch, Shared};

/// Most bytes that are kept, beside the newest batch. A watcher that is further behind misses some.
pub(super) const KEPT: usize = 1024 * 1024;

/// The newest batches of one stream.
pub(super) struct Ring {
    state: Mutex<State>,
    /// The number of the next batch, or that there will be none.
    head: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Arc<Shared>>,
    /// The number of the first one.
    first: u64,
    bytes: usize,
    over: Option<Result<(), String>>,
}

/// What a watcher takes.
pub(super) enum Taken {
    Batch(Arc<Shared>),
    /// There will be no more.
    Over(Result<(), String>),
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            head: watch::Sender::new(()),
        }
    }
}

impl State {
    fn end(&self) -> u64 {
        self.first + self.batches.len() as u64
    }
}

impl Ring {
    /// The number of the batch that comes next.
    pub(super) fn end(&self) -> u64 {
        self.state.lock().end()
    }

    /// Adds a batch, if there is anything in it.
    pub(super) fn push(&self, batch: Batch) {
        let batch = Shared::from(batch);
        if batch.size() == 0 {
            return;
        }
        let mut state = self.state.lock();
        state.bytes += batch.size();
        state.batches.push_back(Arc::new(batch));
        while state.bytes > KEPT && state.batches.len() > 1 {
            if let Some(old) = state.batches.pop_front() {
                state.bytes -= old.size();
                state.first += 1;
            }
        }
        drop(state);
        self.head.send_replace(());
    }

    /// Nothing more comes.
    pub(super) fn close(&self, outcome: Result<(), String>) {
        self.state.lock().over = Some(outcome);
        self.head.send_replace(());
    }

    /// The batch of this number, or the oldest that is kept; `number` then is that of the next. Waits for it. Dropping
    /// the future loses nothing.
    pub(super) async fn next(&self, number: &mut u64) -> Taken {
        let mut head = self.head.subscribe();
        loop {
            head.borrow_and_update();
            {
                let state = self.state.lock();
                *number = (*number).max(state.first);
                let at = usize::try_from(*number - state.first).unwrap_or(usize::MAX);
                if let Some(batch) = state.batches.get(at) {
                    *number += 1;
                    return Taken::Batch(Arc::clone(batch));
                }
                if let Some(outcome) = &state.over {
                    return Taken::Over(outcome.clone());
                }
            }
            if head.changed().await.is_err() {
                return Taken::Over(Ok(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_archive::FollowedLine;
    use gatehouse_recording::Offset;

    use super::super::lines::Encoder;
    use super::*;

    fn batch(encoder: &mut Encoder, number: u64, size: usize) -> Batch {
        let mut batch = Batch::begin(encoder);
        let line = FollowedLine {
            channel: 0,
            at: Offset::ZERO,
            line: "x".repeat(size),
            begin: number * 10,
            end: number * 10 + 10,
        };
        encoder.add(&line, &mut batch);
        batch
    }

    #[tokio::test]
    async fn a_slow_watcher_misses_the_oldest_and_the_ring_stays_bounded() {
        let (ring, mut encoder) = (Ring::default(), Encoder::default());
        let mut slow = ring.end();
        for number in 0..100 {
            ring.push(batch(&mut encoder, number, 64 * 1024));
        }
        assert!(ring.state.lock().bytes <= KEPT);
        ring.close(Ok(()));
        let mut taken = 0;
        while let Taken::Batch(_) = ring.next(&mut slow).await {
            taken += 1;
        }
        assert_eq!((taken, slow), (15, 100));
    }

    #[tokio::test]
    async fn a_batch_larger_than_the_ring_is_kept_while_it_is_the_newest() {
        let (ring, mut encoder) = (Ring::default(), Encoder::default());
        let mut number = ring.end();
        ring.push(batch(&mut encoder, 0, 2 * KEPT));
        assert!(matches!(ring.next(&mut number).await, Taken::Batch(_)));
        ring.close(Err("why".to_owned()));
        assert!(matches!(ring.next(&mut number).await, Taken::Over(Err(_))));
    }
}
