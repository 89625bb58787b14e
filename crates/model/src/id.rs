//! Ids. Each kind is a type of its own, so that a user's id can never select a server.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

row_id! {
    /// A person.
    UserId,
    /// A source address of a person.
    AddressId,
    /// A group of people.
    UserGroupId,
    /// A machine behind the gate.
    ServerId,
    /// A group of servers.
    ServerGroupId,
    /// A grant.
    PolicyId,
    /// A recurring window of a grant.
    ScheduleId,
    /// A stored credential.
    CredentialId,
    /// A request for access, shown as `#12`.
    RequestId,
    /// A rule by which requests are approved by themselves, shown as `#3`.
    ApprovalRuleId,
}

/// One session: a UUID of version 7, so that ids sort by the moment of opening.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

/// The text is not a session id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a session id; see `gatehouse session list`")]
pub struct SessionIdError(String);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| SessionIdError(text.to_owned()))
    }
}

/// One node: a running `gatehouse serve` and its data directory.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct NodeId(pub Uuid);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for NodeId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}
