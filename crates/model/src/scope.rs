//! What a token may do at most.

use serde::{Deserialize, Serialize};

use crate::Role;
use crate::role::words;

words! {
    /// How far a token reaches: never further than its person's role.
    TokenScope ("scope of a token") {
        /// The person's own pages.
        Own = "own",
        /// Reading everything.
        Read = "read",
        /// Reading, ending sessions, locks, blocks, requests.
        Operate = "operate",
        /// Everything.
        Admin = "admin",
    }
}

impl TokenScope {
    /// The highest role that it gives.
    pub fn role(self) -> Role {
        match self {
            Self::Own => Role::User,
            Self::Read => Role::Auditor,
            Self::Operate => Role::Operator,
            Self::Admin => Role::Admin,
        }
    }
}
