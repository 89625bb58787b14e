//! What the store promises, on SQLite and on PostgreSQL with the same code.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed unwrap here is a failed test"
)]
#![expect(
    clippy::too_many_lines,
    reason = "a test tells one story from its beginning to its end"
)]

mod support;

mod alerts;
mod blocks;
mod book;
mod break_glass;
mod ceremonies;
mod deciding;
mod denials;
mod directory;
mod feed;
mod forwards;
mod groups;
mod host_keys;
mod lists;
mod long_history;
mod notices;
mod opening;
mod people;
mod policies;
mod pool;
mod recordings;
mod requests;
mod search;
mod secrets;
mod servers;
mod session_lists;
mod sessions;
mod sign_ins;
mod stats;
mod tags;
