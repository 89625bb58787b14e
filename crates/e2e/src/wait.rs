//! Waiting for something to become true, the only way tests wait.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a test waits for what ought to happen at once. Long, because the machine may be busy; a test that
/// promises a time measures it.
pub const LIMIT: Duration = Duration::from_secs(30);

const STEP: Duration = Duration::from_millis(20);

/// Asks until the answer is there.
///
/// # Panics
/// When it is not there in time; the message says what was awaited.
pub fn wait_for<T>(what: &str, limit: Duration, mut answer: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = answer() {
            return value;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for: {what}");
        sleep(STEP);
    }
}
