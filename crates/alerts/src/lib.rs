//! Telling people of alerts: each configured hook, a command, a webhook or mail, is told of each alert of the kinds that
//! it wants. Mail tells people of requests for access too: those who may decide, and those who asked.
//!
//! What waits are rows of the store, so it survives a restart and is shared by all nodes; a hook works through it one
//! by one in a task of its own, and no session ever waits for it.
//!
//! Invariants:
//! - **At least once.** A hook may be told of an alert twice: when a node dies between telling and writing it down.
//!   The alert's number says so.
//! - **Ever slower.** After a failure the next attempt waits longer, up to ten minutes, and ends after a day. While a
//!   hook cannot be reached at all, it is tried with one alert and not with each. An alert that a hook refuses is tried
//!   five times, and does not hold up others.
//! - **Told once.** An outage is logged when it begins and when it ends.
//! - **Nothing leaks.** The secret and the path of a webhook's address (which is often a secret too), and the password of mail, appear in no
//!   `Debug`, no error and no log; a command gets none of the node's environment but `PATH` and `LANG`.
//! - **Bounded.** Each attempt has a deadline, answers and error output are read up to a bound, and a command that
//!   takes too long is killed with all of its process group.

mod address;
mod command;
mod mail;
#[cfg(test)]
mod mail_tests;
mod message;
mod payload;
mod run;
mod schedule;
mod webhook;

pub use address::{WebhookAddress, WebhookError};
pub use command::CommandHook;
pub use mail::{MailEncryption, MailError, MailHook, MailServer};
pub use message::MailAddress;
pub use run::{Hook, run};
pub use webhook::Webhook;

/// Why a hook was not told. The text is for the log and for `gatehouse alert list`; it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    /// The hook cannot be reached now: it would be the same with any alert.
    Unreachable(String),
    /// The hook does not want this alert.
    Refused(String),
}

impl Failure {
    fn text(&self) -> &str {
        match self {
            Self::Unreachable(text) | Self::Refused(text) => text,
        }
    }
}
