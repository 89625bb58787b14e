//! The command line from outside, on a store of its own: help, audit, JSON, refusals.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails is a test that fails"
)]

mod audited;
mod help;
mod refusals;
mod requests;
mod shapes;
mod site;
