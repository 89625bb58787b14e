//! The life of a session, written once for every protocol: listeners, who and what, the decision, the recording
//! before the first byte, warnings and the end, and the rows.
//!
//! ```text
//! Accepted ── decide ──► Decided ── record ──► Recording ── activate ──► Live ── close
//! ```
//!
//! Invariants:
//! - **Stages are types.** A [`Decided`] comes only from [`Accepted::decide`], a [`Recording`] only from
//!   [`Decided::record`], a [`Live`] session only from [`Recording::activate`]. The target's address and its
//!   credentials can be had from a `Recording` only, so no byte reaches a target before the manifest and the row
//!   `opening` exist.
//! - **The decision reads memory.** Between accept and decision there is no SQL; the directory is an immutable
//!   snapshot behind a pointer that is swapped.
//! - **Decided again.** A live session is decided again at each change of the directory and at each instant its
//!   grant names; what is no longer covered is closed with a sentence.
//! - **Record, then relay.** Every event goes through [`Tap::push`] before it is relayed; when that fails, nothing
//!   more is relayed.
//! - **Closed exactly once.** Whatever happens, panic included, a session's recording is sealed and its row closed
//!   once, with one reason. Nothing but this crate writes session rows.
//! - **Supervised or ended.** A session whose supervision is lost by a fault of the gate is ended.
//! - **A database may fall silent.** Running sessions do not need it; whoever opens one waits for a bounded time; rows are completed
//!   when it is back.
//! - **Guarded.** Connections, denials and failed logins are bounded in all and per source (`guard`, `limits`), so that
//!   no stranger keeps a known person out; an address counts only where the socket or a listed proxy says it.
//! - **Bounded.** Every queue here has a
//!   bound, and a peer that does not take what it is sent is cut off rather than waited for.
//!
//! Order of operations, opening: decide → manifest durable → row `opening` → connect → login → row `active` and
//! `session.opened`. Closing: relays stopped → recording sealed and signed → row closed and `session.closed`, with the
//! digest of the manifest. A crash between any two is mended at the node's next start ([`Gate::start`]).

mod accept;
mod accepted;
mod clock;
mod control;
mod doing;
mod finding;
mod forward;
mod guard;
mod housekeeping;
mod lanes;
mod limits;
mod listen;
mod live;
mod mend;
mod meters;
mod node;
mod nodes;
mod outage;
pub mod proxy_protocol;
mod recording_keys;
mod refresh;
mod registry;
mod session;
mod settings;
mod start;
mod supervise;
#[cfg(test)]
mod tests;
mod transfers;
mod utmp;
mod watching;
mod witness;
mod words;

pub use accept::{Acceptor, Entrance, Proxies};
pub use accepted::{Accepted, Decided, FirstLook};
pub use clock::Clock;
pub use control::{ControlError, Viewer, Watch, WatchLine, watch};
pub use finding::{Anchor, RecordingFinding, RecordingVerifier, VerifyError};
pub use forward::{
    CLIENT, ForwardAsk, ForwardConnection, ForwardError, Incoming, ListenRefusal, OpenForward,
    RemoteListener, Way,
};
pub use guard::{FailedLogin, GuardSettings, Rate, RateError, Standing, Visitor};
pub use lanes::Lanes;
pub use limits::{ConnectionLimits, Door};
pub use listen::{ListenError, ListenerName, bind};
pub use live::{Close, Live, Tap, TapError};
pub use node::{NodeError, NodeHome, control_socket, make_private_dir, node_id_in};
pub use nodes::{AuthorityError, NodeListen, NodeListenError, ReachError};
pub use recording_keys::{RecordingEncryption, RecordingKeyError, make_recording_key, recording_keyring};
pub use refresh::DirectoryError;
pub use session::{Credential, FirstKey, HostKeyVerdict, LoginMethod, OpenError, Proof, Recording};
pub use settings::GateSettings;
pub use start::{Gate, StartError};
pub use supervise::{Command, Ending};
pub use utmp::LoginRecords;

pub use gatehouse_policy::{Denial, Reason, Rights};
pub use gatehouse_store::{CredentialKind, GateHostKey};
