//! The words of requests for access.

use serde::{Deserialize, Serialize};

use crate::role::words;

words! {
    /// What a request asks for.
    RequestKind ("kind of request") {
        /// Access to a server.
        Access = "access",
        /// A source address of one's own.
        Address = "address",
        /// Access that was opened at once, and has to be reviewed.
        BreakGlass = "break_glass",
    }
}

words! {
    /// Where a request is in its life. All but the first are final.
    RequestState ("state of a request") {
        /// It waits for a decision.
        Pending = "pending",
        /// Access was given.
        Approved = "approved",
        /// Access was refused.
        Denied = "denied",
        /// The person who asked took it back.
        Withdrawn = "withdrawn",
        /// Nobody decided in time.
        Expired = "expired",
    }
}

words! {
    /// What a review of opened access comes to.
    ReviewVerdict ("verdict") {
        /// There was a need.
        Justified = "justified",
        /// There was none.
        NotJustified = "not_justified",
    }
}
