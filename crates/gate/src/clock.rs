//! Time, as an input: the wall clock for decisions and rows, a steady one for the order of a recording's events.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gatehouse_model::{Timestamp, to_micros};

/// Where the gate reads the time from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock of the caller's making, for tests.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The instant now, in whole microseconds: what rows and recordings keep.
    pub fn now(&self) -> Timestamp {
        to_micros((self.0)())
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// A point from which a session's events are timed, untouched by jumps of the wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch(Instant);

impl Epoch {
    /// Starts counting now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Microseconds since the start.
    pub(crate) fn micros(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Longest sleep, so that a jump of the wall clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(20);

/// Resolves when the wall clock has reached `instant`; never for none.
pub(crate) async fn until(clock: &Clock, instant: Option<Timestamp>) {
    let Some(instant) = instant else {
        return std::future::pending().await;
    };
    while let Ok(left) = Duration::try_from(instant.duration_since(clock.now()))
        && !left.is_zero()
    {
        tokio::time::sleep((left + Duration::from_millis(1)).min(LONGEST_SLEEP)).await;
    }
}
