//! What the tests of the house stand on: the crate graph as cargo sees it, licence expressions, and the
//! tracked sources with the sizes of their functions.
//!
//! The tests themselves are in `tests/`, one file for each thing that is kept true.

pub mod licence;
pub mod metadata;
pub mod sources;
