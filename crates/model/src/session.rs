//! The words of a session's life and of what happens within it.

use serde::{Deserialize, Serialize};

use crate::role::words;

words! {
    /// Where a session is in its life.
    SessionState ("session state") {
        /// Decided and recording, the backend has not accepted the person yet.
        Opening = "opening",
        /// The backend has accepted the person.
        Active = "active",
        /// Over.
        Closed = "closed",
    }
}

words! {
    /// Why a session ended.
    EndReason ("end reason") {
        /// One of the two sides finished.
        Normal = "normal",
        /// A fault of the recorder, the backend or the gate.
        Error = "error",
        /// Idle for too long, or longer than the longest session.
        Timeout = "timeout",
        /// Ended by somebody.
        Killed = "killed",
        /// The access came to its end.
        Expired = "expired",
        /// The access was taken away: policy, lock, disabled person or server, released address.
        Revoked = "revoked",
        /// The node stopped or crashed.
        ServiceRestart = "service_restart",
    }
}

words! {
    /// Which way a forward runs.
    ForwardKind ("kind of forward") {
        /// `-L` and `-W`: from the client through the server.
        Local = "local",
        /// `-R`: from the server's side to the client.
        Remote = "remote",
        /// `-D`: from the client, each destination chosen as it comes.
        Dynamic = "dynamic",
        /// To or from a Unix socket.
        Unix = "unix",
        /// Windows of programs at the server, to the client's X server.
        X11 = "x11",
    }
}

words! {
    /// Which way a file went, seen from the person.
    TransferDirection ("transfer direction") {
        /// From the person to the server.
        Upload = "upload",
        /// From the server to the person.
        Download = "download",
    }
}
