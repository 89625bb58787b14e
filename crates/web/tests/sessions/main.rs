//! Sessions, recordings, looking on and the audit book through the API, against a real node and its listener.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a step that fails is a test that fails"
)]

mod authority;
mod book;
mod http;
mod live;
mod recordings;
mod rows;
mod site;
mod stream;
