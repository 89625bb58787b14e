//! What a node counts of its sessions, and the gauges that are true when somebody asks.
//!
//! Gauges are taken from what is there (the registry, the directory, the pool of connections) and not kept beside it,
//! so that a task that panicked leaves nothing behind in them.

use std::collections::HashMap;
use std::time::Instant;

use gatehouse_model::{ForwardKind, Protocol};
use gatehouse_policy::Decision;
use gatehouse_recording::Transfer;
use gatehouse_recording::transfer::{Direction, STARTED};
use gatehouse_telemetry::{
    BLOCKS, Counter, DECISION_SECONDS, DIRECTORY_REVISION, FORWARD_BYTES, FORWARDS, HANDSHAKE_FAILURES,
    HANDSHAKE_SECONDS, LOGIN_FAILURES, RECORDER_QUEUE_BYTES, SESSION_BYTES, SESSIONS, TRANSFER_BYTES,
    TRANSFERS,
};

use crate::Gate;
use crate::accepted::Accepted;
use crate::forward::Way;

/// The node's counters of relayed bytes each way, taken once for each session and each forward.
pub(crate) struct ByteMeters {
    bytes_in: Counter,
    bytes_out: Counter,
}

impl ByteMeters {
    pub(crate) fn of_session(protocol: Protocol) -> Self {
        Self::of(|direction| SESSION_BYTES.counter(&[protocol.as_str(), direction]))
    }

    pub(crate) fn of_forward(kind: ForwardKind) -> Self {
        Self::of(|direction| FORWARD_BYTES.counter(&[kind.as_str(), direction]))
    }

    fn of(bytes: impl Fn(&'static str) -> Counter) -> Self {
        Self {
            bytes_in: bytes("in"),
            bytes_out: bytes("out"),
        }
    }

    pub(crate) fn add(&self, way: Way, count: u64) {
        match way {
            Way::In => self.bytes_in.increment(count),
            Way::Out => self.bytes_out.increment(count),
        }
    }
}

/// Counts a transfer that has ended.
pub(crate) fn transferred(transfer: &Transfer) {
    if transfer.result == STARTED {
        return;
    }
    let direction = match transfer.direction {
        Direction::Download => "download",
        Direction::Upload | Direction::Remote => "upload",
    };
    let result = if transfer.result == "ok" { "ok" } else { "failed" };
    TRANSFERS.count(&[direction, result]);
    TRANSFER_BYTES.add(&[direction], transfer.bytes);
}

impl Accepted {
    /// Keys have been agreed on with the client.
    pub fn handshaken(&self) {
        HANDSHAKE_SECONDS.took(&[self.protocol().as_str()], self.age());
    }

    /// The connection ended before that, for one of the reasons in [`gatehouse_telemetry::words::HANDSHAKE_FAILURES`].
    pub fn handshake_failed(&self, reason: &'static str) {
        HANDSHAKE_FAILURES.count(&[self.protocol().as_str(), reason]);
    }

    /// No login came within the grace.
    pub fn login_timed_out(&self) {
        LOGIN_FAILURES.count(&[self.protocol().as_str(), "timeout"]);
    }
}

/// Decides, and notes how long it took.
pub(crate) fn timed(protocol: Protocol, decide: impl FnOnce() -> Decision) -> Decision {
    let began = Instant::now();
    let decision = decide();
    DECISION_SECONDS.took(&[protocol.as_str()], began.elapsed());
    decision
}

impl Gate {
    /// Puts into gauges what is true now. Looks at every session; waits for nothing.
    pub fn observe(&self) {
        let (opening, live) = (self.registry().opening(), self.registry().all());
        let mut forwards = HashMap::<ForwardKind, u64>::new();
        let mut waiting = 0;
        for entry in &live {
            waiting += entry.core.recorder.waiting() as u64;
            for kind in entry.core.ledger.in_use() {
                *forwards.entry(kind).or_default() += 1;
            }
        }
        for protocol in Protocol::ALL {
            let active = live
                .iter()
                .filter(|entry| entry.core.decided.accepted().protocol() == *protocol);
            let opening = opening.iter().filter(|other| *other == protocol);
            SESSIONS.set(&[protocol.as_str(), "opening"], opening.count() as u64);
            SESSIONS.set(&[protocol.as_str(), "active"], active.count() as u64);
        }
        for kind in ForwardKind::ALL {
            FORWARDS.set(&[kind.as_str()], forwards.get(kind).copied().unwrap_or(0));
        }
        RECORDER_QUEUE_BYTES.set(&[], waiting);
        let directory = self.directory();
        BLOCKS.set(&[], directory.blocks_in_force(self.clock().now()) as u64);
        DIRECTORY_REVISION.set(&[], u64::try_from(directory.revision()).unwrap_or(0));
        self.store().observe();
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_model::{EndReason, TransferDirection};
    use gatehouse_policy::Reason;
    use gatehouse_telemetry::words;

    use super::*;

    #[test]
    fn labels_have_the_words_of_the_house() {
        let protocols: Vec<_> = Protocol::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(protocols, words::PROTOCOLS);
        let forwards: Vec<_> = ForwardKind::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(forwards, words::FORWARDS);
        let ends: Vec<_> = EndReason::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(ends, words::END_REASONS);
        let transfers: Vec<_> = TransferDirection::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(transfers, words::TRANSFERS);
        let reasons = Reason::ALL.iter().map(|word| word.as_str());
        let reasons: Vec<_> = [words::NO_REASON].into_iter().chain(reasons).collect();
        assert_eq!(reasons, words::REASONS);
    }
}
