//! The `gatehouse` program: configuration, command line, demo, and the wiring of a node.
//!
//! Invariants:
//! - **One sentence.** Whatever fails is told as one line on standard error, `gatehouse: …`; standard output then
//!   holds nothing. The exit status is 0 when done, 1 when refused or failed, 2 for a wrong command line.
//! - **One answer.** A verb makes its whole answer before any of it is written, as text or as one JSON document.
//! - **Clean terminal.** Text from people and targets reaches a terminal only after `terminal::clean`, or
//!   through the screen model of recordings.
//! - **Seen is audited.** The event that a recording was viewed stands in the book before any of it is shown.
//! - **No logic.** What is valid, allowed or audited is decided by the store and the policy, never here.

mod cli;
mod config;
mod demo;
mod failure;
mod hooks;
mod logging;
mod operations;
mod pages;
mod process;
mod serve;
mod terminal;

pub use cli::{command, run};
