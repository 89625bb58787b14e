//! Fuzzing for a bounded time: inputs are made out of a small corpus by a seeded generator, each is put to a target,
//! and a target that panics or takes too long fails the test with the input and the seed.
//!
//! - `GATEHOUSE_FUZZ_SECONDS`: how long each target runs, 2 by default.
//! - `GATEHOUSE_FUZZ_SEED`: the seed of a run that is to be repeated.

mod engine;
mod generator;
pub mod targets;

pub use engine::{Finding, Limits, fuzz};
pub use generator::Generator;
