//! The only HTTP server: metrics in Prometheus' text format, and whether the node serves.
//!
//! Invariants:
//! - **Only here.** No other crate knows a status code.
//! - **Bounded.** So many connections at a time, one request on each, so long for each, a head of so many bytes; a body
//!   is not read.
//! - **Nothing else is answered.** `GET` of two paths; anything else is 404 or 405.

mod exporter;
mod routes;
mod serve;

pub use exporter::{Exporter, ExporterError};
pub use routes::{Health, Observe, operations};
pub use serve::serve;
