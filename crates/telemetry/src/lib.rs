//! What a node counts and measures: one table of metrics, from which the rest of the house takes its handles.
//!
//! Invariants:
//! - **One table.** A metric exists by its line in [`ALL`] alone: name, kind, labels, help. `docs/reference/metrics.md`
//!   and what a node serves are compared with it by tests.
//! - **Bounded.** The values of each label are listed with it; whatever else is given is counted as `other`. No label
//!   holds a name, an address or an id.
//! - **There from the start.** [`register_all`] makes every series of the table, so that none is missing while it is
//!   zero.
//! - **Cheap.** A handle is an atomic number behind a pointer. Where something is counted often, the handle is taken
//!   once and kept. Without a recorder, as on the command line, handles do nothing.

mod metric;
mod table;
pub mod words;

pub use metric::{Kind, Label, Metric};
pub use metrics::{Counter, Gauge, Histogram};
pub use table::*;

/// Describes every metric to the recorder that is installed, and makes every series.
pub fn register_all() {
    ALL.iter().for_each(|metric| metric.register());
}
