//! The words every other crate speaks: ids, names, typed addresses, instants, durations and secrets.
//!
//! Invariants:
//! - **No I/O.** Nothing here reads a clock, a file, the network or randomness.
//! - **Parse, don't validate.** A value of a type from here is valid; text from outside becomes one through
//!   `FromStr`, whose error is one sentence that names what is wrong and what would be right.
//! - **Addresses have roles.** A source, a proxy and a target address are different types, so that one can
//!   never be passed for another. An IPv4 address in IPv6 clothes is the IPv4 address.
//! - **Secrets do not print.** [`Secret`] shows itself as `[secret]` and is wiped when dropped.

mod address;
mod duration;
mod forwarding;
mod id;
mod name;
mod recording;
mod request;
mod rights;
mod role;
mod schema;
mod scope;
mod secret;
mod session;
mod time;

pub use address::{AddressError, AddressRange, ProxyAddr, SourceAddr, Target, TargetHost};
pub use duration::{AccessDuration, DurationError, SpanSeconds, parse_access_duration, parse_span};
pub use forwarding::{DestinationRule, ForwardDestination, HostRule, PortRange, RuleError};
pub use id::{
    AddressId, ApprovalRuleId, CredentialId, NodeId, PolicyId, RequestId, ScheduleId, ServerGroupId,
    ServerId, SessionId, SessionIdError, UserGroupId, UserId,
};
pub use name::{Login, Name, NameError};
pub use recording::{BinaryMode, ForwardCapture, InputMode, RecordMode};
pub use request::{RequestKind, RequestState, ReviewVerdict};
pub use rights::{Right, UnknownRight};
pub use role::{LegacyAlgorithms, Protocol, Role, ServerOs, UnknownWord};
pub use scope::TokenScope;
pub use secret::Secret;
pub use session::{EndReason, ForwardKind, SessionState, TransferDirection};
pub use time::{TimeError, format_time, parse_time, to_micros};

/// An instant in UTC. Kept at microsecond precision wherever it is stored; see [`to_micros`].
pub use jiff::Timestamp;
