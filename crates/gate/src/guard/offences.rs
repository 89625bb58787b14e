//! Sources that have given cause to be blocked, until the store has them.

use std::collections::HashMap;
use std::time::Duration;

use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_model::{AddressRange, Timestamp};
use gatehouse_store::{BlockLadder, NODE_BLOCKS_MAX, Offence, StoreError};
use gatehouse_telemetry::SOURCES_BLOCKED;
use jiff::SignedDuration;
use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};

use crate::Gate;

/// Rows are written, and refusals logged, this often.
const TICK: Duration = Duration::from_secs(1);
/// Causes that may wait. Beyond, a source is refused from its next cause on.
const WAITING_MAX: usize = 4_096;
/// Rows of one transaction.
const BATCH: usize = 256;
/// For how long a written block is held in memory as well, until the directory has it.
const BRIDGE: SignedDuration = SignedDuration::from_secs(2);
/// Between two notices that the same limit was reached.
const QUIET: SignedDuration = SignedDuration::from_mins(10);

/// What is to be written.
pub(crate) struct Offences {
    /// Nodes do not block.
    off: bool,
    waiting: Mutex<HashMap<AddressRange, Waiting>>,
    limits: Mutex<HashMap<&'static str, Limit>>,
}

struct Waiting {
    cause: String,
    /// Set when the row is written: how long to bridge.
    written_until: Option<Timestamp>,
}

struct Limit {
    told: Timestamp,
    /// Still to be written.
    sentence: Option<String>,
}

impl Offences {
    pub(crate) fn new(off: bool) -> Self {
        Self {
            off,
            waiting: Mutex::default(),
            limits: Mutex::default(),
        }
    }

    /// The source is to be blocked, for this cause.
    pub(crate) fn push(&self, range: AddressRange, cause: String) {
        if self.off {
            return;
        }
        let mut waiting = self.waiting.lock();
        if waiting.len() < WAITING_MAX || waiting.contains_key(&range) {
            let entry = Waiting {
                cause,
                written_until: None,
            };
            waiting.insert(range, entry);
        }
    }

    /// Whether the node itself refuses the source.
    pub(crate) fn holds(&self, range: AddressRange, now: Timestamp) -> bool {
        let waiting = self.waiting.lock();
        let entry = waiting.get(&range);
        entry.is_some_and(|entry| entry.written_until.is_none_or(|until| now < until))
    }

    /// A limit for all sources together was exceeded; told at most once every ten minutes.
    pub(crate) fn limit_reached(&self, limit: &'static str, sentence: String, now: Timestamp) {
        let mut limits = self.limits.lock();
        let told = limits.get(limit).map(|limit| limit.told);
        let quiet = told.is_some_and(|told| {
            let since = now.duration_since(told);
            since < QUIET && since >= SignedDuration::ZERO
        });
        if !quiet {
            let sentence = Some(sentence);
            limits.insert(limit, Limit { told: now, sentence });
        }
    }

    /// What is to be written next; entries whose bridge is over go.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Offence> {
        let mut waiting = self.waiting.lock();
        waiting.retain(|_, entry| entry.written_until.is_none_or(|until| now < until));
        let unwritten = waiting.iter().filter(|(_, entry)| entry.written_until.is_none());
        let offences = unwritten.take(BATCH).map(|(range, entry)| Offence {
            range: *range,
            cause: entry.cause.clone(),
        });
        offences.collect()
    }

    pub(super) fn written(&self, offences: &[Offence], now: Timestamp) {
        let mut waiting = self.waiting.lock();
        for offence in offences {
            if let Some(entry) = waiting.get_mut(&offence.range) {
                entry.written_until = now.checked_add(BRIDGE).ok();
            }
        }
    }

    pub(super) fn limits_due(&self) -> Vec<(&'static str, String)> {
        let limits = self.limits.lock();
        let due = limits
            .iter()
            .filter_map(|(name, limit)| Some((*name, limit.sentence.clone()?)));
        due.collect()
    }

    pub(super) fn limit_written(&self, name: &'static str) {
        if let Some(limit) = self.limits.lock().get_mut(name) {
            limit.sentence = None;
        }
    }
}

/// Writes what is due until the gate stops. While the database is gone it waits, and the sources stay refused.
pub(crate) async fn run(gate: Gate) {
    let mut ticker = interval(TICK);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut outage = false;
    loop {
        tokio::select! {
            () = gate.stopped() => return,
            _ = ticker.tick() => {}
        }
        let now = gate.clock().now();
        gate.guard().refusals.flush(now);
        match write(&gate, now).await {
            Ok(()) => outage = false,
            Err(error) if outage => tracing::debug!(%error, "blocks still cannot be written"),
            Err(error) => {
                outage = true;
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "blocks cannot be written; this node refuses the sources by itself until they are"
                );
            }
        }
    }
}

async fn write(gate: &Gate, now: Timestamp) -> Result<(), StoreError> {
    let guard = gate.guard();
    let actor = Actor::node(gate.node());
    for (name, sentence) in guard.offences.limits_due() {
        tracing::warn!(limit = name, "{sentence}");
        let draft = Draft::new(Action::LimitReached, &actor, now)
            .outcome(Outcome::Denied)
            .reason(&sentence)
            .detail("limit", name);
        gate.store().record(draft).await?;
        guard.offences.limit_written(name);
    }
    let due = guard.offences.due(now);
    if due.is_empty() {
        return Ok(());
    }
    let ladder = BlockLadder {
        steps: guard.settings.block.clone(),
        memory: guard.settings.block_memory,
    };
    let made = gate.store().block_sources(&actor, now, &due, &ladder).await?;
    guard.offences.written(&due, now);
    SOURCES_BLOCKED.add(&[], made.len() as u64);
    for block in &made {
        tracing::warn!(
            source = %block.range,
            until = block.until.map(tracing::field::display),
            repetition = block.repetition,
            reason = block.reason.as_deref(),
            "source blocked"
        );
    }
    if made.is_empty() {
        tracing::debug!(
            max = NODE_BLOCKS_MAX,
            "nothing was blocked: it was already, or there are too many blocks"
        );
    }
    Ok(())
}
