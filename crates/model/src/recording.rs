//! How a session is to be recorded.

use serde::{Deserialize, Serialize};

use crate::role::words;

words! {
    /// What happens when a session cannot be recorded.
    RecordMode ("recording mode") {
        /// No recording, no session.
        Strict = "strict",
        /// The session goes on, and the gap is audited.
        BestEffort = "best_effort",
    }
}

words! {
    /// What is kept of long runs without a pty that are no text.
    BinaryMode ("binary recording mode") {
        /// Time, direction, length and digest, and the first 64 KiB each way.
        Digest = "digest",
        /// All bytes, compressed.
        Full = "full",
        /// Nothing: the channel is ended when such a run begins.
        Refuse = "refuse",
    }
}

words! {
    /// What is kept of typed input.
    InputMode ("input recording mode") {
        /// What the output repeats within a second; of the rest only the length.
        Echoed = "echoed",
        /// All of it, passwords typed at prompts included.
        All = "all",
        /// Only lengths.
        None = "none",
    }
}

words! {
    /// Whether the bytes of forwards are kept.
    ForwardCapture ("forward capture mode") {
        /// Not: a forward leaves its row, its events and its counters.
        Off = "off",
        /// All of them, as packets that Wireshark reads.
        On = "on",
    }
}
