//! What can be configured about the guard.

use gatehouse_model::{AddressRange, SpanSeconds};

use super::Rate;

/// The rates, and how long a source is blocked that exceeds those of denials or failed logins.
#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// New connections of one source; those beyond are closed.
    pub connection_rate: Rate,
    /// New connections of all strangers together; those beyond are closed.
    pub stranger_rate: Rate,
    /// Denials of one known source, before it is blocked.
    pub denials: Rate,
    /// Denials of one stranger, before it is blocked.
    pub stranger_denials: Rate,
    /// Denials of all sources together; while there are more, strangers are closed at once.
    pub denials_in_all: Rate,
    /// Failed logins of one source, before it is blocked.
    pub failed_logins: Rate,
    /// Failed logins of all sources together; each one beyond is answered slowly.
    pub failed_logins_in_all: Rate,
    /// How long a source is blocked, by repetition. Empty: nodes do not block.
    pub block: Vec<SpanSeconds>,
    /// For how long after its end a block makes the next one longer.
    pub block_memory: SpanSeconds,
    /// Sources that are neither counted nor blocked by nodes. Blocks of administrators hold for them too.
    pub exempt: Vec<AddressRange>,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            connection_rate: built_in("6000/1m"),
            stranger_rate: built_in("3000/1m"),
            denials: built_in("600/10m"),
            stranger_denials: built_in("30/10m"),
            denials_in_all: built_in("6000/10m"),
            failed_logins: built_in("30/10m"),
            failed_logins_in_all: built_in("300/10m"),
            block: ["1m", "5m", "30m", "2h", "1d"].map(built_in).to_vec(),
            block_memory: built_in("1d"),
            exempt: Vec::new(),
        }
    }
}

#[expect(clippy::expect_used, reason = "built-in values are read by a test")]
fn built_in<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a built-in value")
}
