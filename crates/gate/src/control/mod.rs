//! How a node is asked about its running sessions: by the command line of its own machine through a socket, by other
//! nodes and command lines through mutual TLS. Both speak the same lines.
//!
//! One request a connection, one JSON object a line. The request:
//! `{"watch": "SESSION", "login": "root", "host": "jump"}` from a command line, `{"watch": "SESSION", "user": "alice",
//! "source": "10.0.0.7"}` for a person whom a node's web has made sure of: in whose name it is audited. The answers:
//!
//! | answer | meaning |
//! | --- | --- |
//! | `{"channel": 0, "line": "…"}` | A line of a cast: its header first, then its events |
//! | `{"channel": 0, "skipped": 4096}` | So many bytes of the cast are not shown, because there is too much to show |
//! | `{"alive": true}` | Nothing happens, and the node is there |
//! | `{"ended": true}` | The session has ended; the last line |
//! | `{"error": "…"}` | It cannot be shown; the last line |
//!
//! Bounds: a request has at most 4 KiB and five seconds; a line of an answer has at most [`LINE_MAX`]; an answer comes
//! at least every ten seconds, and a watcher that does not take one within thirty is dropped.
//!
//! The socket is in the data directory with mode 0600: who can open it owns the node. Who may ask from elsewhere is
//! said in [`crate::nodes`].

mod client;
mod converse;
mod socket;
mod wire;

pub use client::{ControlError, Viewer, Watch, WatchLine, watch};
pub(crate) use converse::{From, converse};
pub(crate) use socket::serve;
pub(crate) use wire::{Answer, LINE_MAX};
