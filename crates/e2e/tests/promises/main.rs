//! The promises, each kept by a test of its name, with real clients and servers. One module for each kind.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod alerts;
mod audit;
mod backend;
mod backends;
mod bad_days;
mod bad_input;
mod changes;
mod channel_table;
mod clients;
mod command_line;
mod crash;
mod curl;
mod denial;
mod encrypted;
mod ending;
mod files;
mod flow;
mod forwards;
mod guarding;
mod live_control;
mod login;
mod login_records;
mod logs;
mod metrics;
mod nodes;
mod page;
mod pass_through;
mod proxy_protocol;
mod recording;
mod replay;
mod requests;
mod signed;
mod start_up;
mod trial;
mod warnings;
