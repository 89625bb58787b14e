//! What the end-to-end tests stand on: a running node, real OpenSSH servers and clients, PostgreSQL.
//!
//! - Nothing here links the product: it is driven as its users do, by its command line and over the network.
//! - Every wait has a deadline, and a test that runs into one fails with the logs of everybody involved.
//! - Addresses are of 127.0.0.0/8, a network of its own for each test; ports are free ones.
//! - What a test started ends with it.
//!
//! The binary under test is `$GATEHOUSE_BIN`, or `gatehouse` in the folder that cargo builds into.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness fails the test where it stands"
)]

mod account;
mod agent;
mod asciinema;
mod client;
mod echo;
mod faults;
mod haproxy;
mod mailbox;
mod net;
mod node;
mod overheard;
mod postgres;
mod process;
mod receiver;
mod run;
mod scene;
mod scrape;
mod server;
mod site;
mod sshd;
mod terminal;
mod tools;
mod tshark;
mod wait;
mod web;
mod wire;

pub use account::Account;
pub use asciinema::asciinema_cat;
pub use client::{Client, Target};
pub use echo::{Echo, answers, connect, talk, talk_on_socket};
pub use faults::require_fault_points;
pub use haproxy::Haproxy;
pub use mailbox::{Letter, Mailbox};
pub use net::{Net, connect_from, free_port};
pub use node::Node;
pub use overheard::{Agreed, Overheard};
pub use postgres::{Cluster, database, sql};
pub use receiver::{Received, Receiver};
pub use run::{Done, Run, Running};
pub use scene::{Scene, Setup, add_server, add_server_at};
pub use scrape::{Answer, Scrape, ask};
pub use server::Server;
pub use site::{Database, Site, program};
pub use sshd::{HostKey, Sshd, SshdSetup};
pub use terminal::Terminal;
pub use tools::{client_file, go_client, node_modules, noise, python};
pub use tshark::{Stream, tshark, tshark_streams};
pub use wait::{LIMIT, wait_for};
pub use web::{Browsing, curl, screenshots, web_lines, web_site};
pub use wire::{Towards, Trouble, Wire};

/// Whether the tests run as root. Those that need accounts or mounts call this first.
pub fn require_root(what: &str) {
    assert!(
        nix::unistd::geteuid().is_root(),
        "this test makes {what}: run ./test as root, as CI does"
    );
}

/// The account that the tests run as; OpenSSH servers run as it and so let only it in.
pub fn this_login() -> String {
    nix::unistd::User::from_uid(nix::unistd::geteuid())
        .ok()
        .flatten()
        .map(|user| user.name)
        .expect("the account of this process has a name")
}
