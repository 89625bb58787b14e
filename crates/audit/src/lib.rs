//! The audit book: what an event is, the codes of everything that is audited, and the hash chain that makes a
//! changed, missing, reordered or cut-off line show.
//!
//! Invariants:
//! - **No I/O.** Nothing here reads a clock, a file or a database; who keeps the book does.
//! - **Stable codes.** An [`Action`] once published keeps its code and its meaning.
//! - **Gapless.** Events are numbered from 1 without a gap.
//! - **Chained.** The hash of an event is SHA-256 over the hash of the event before it (32 bytes; zeros before
//!   the first) and the event's canonical form: its JSON without `hash`, the keys in the order of [`Event`], the
//!   keys inside `detail` sorted by their bytes, no spaces. Anybody can compute it again from an exported book.
//! - **Bounded.** Text from outside is cut and freed of NUL before it is chained ([`Draft`]), so that every
//!   database keeps exactly what was hashed.

mod action;
mod actor;
mod alert;
mod chain;
mod event;

pub use action::{Action, UnknownAction};
pub use actor::Actor;
pub use alert::{AlertKind, UnknownAlert};
pub use chain::{ChainVerifier, Fault, Head, HeadError, Verdict};
pub use event::{Draft, Event, Hash, HashError, Outcome};
