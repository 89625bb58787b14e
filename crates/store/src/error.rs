//! What can go wrong, one sentence each.

use std::fmt;
use std::path::PathBuf;

use gatehouse_telemetry::words::OTHER;

/// What kind of thing was looked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A person.
    User,
    /// A group of people.
    Group,
    /// A machine behind the gate.
    Server,
    /// A group of servers.
    ServerGroup,
    /// A source address of a person.
    Address,
    /// A registered public key.
    Key,
    /// A member of a group.
    Member,
    /// A backend's host key.
    HostKey,
    /// A stored credential.
    Credential,
    /// A range of proxy addresses.
    PoolRange,
    /// A proxy address given to a server.
    Allocation,
    /// A grant.
    Policy,
    /// A right of a user or a group.
    Right,
    /// A lock.
    Lock,
    /// A block.
    Block,
    /// A session.
    Session,
    /// A forward.
    Forward,
    /// A node.
    Node,
    /// A sign-in to the pages.
    SignIn,
    /// A token.
    Token,
    /// A passkey.
    Passkey,
    /// A kept view of a list.
    View,
    /// A request for access.
    Request,
    /// An approver of a group of servers.
    Approver,
    /// A rule by which requests are approved by themselves.
    ApprovalRule,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Server => "server",
            Self::ServerGroup => "server group",
            Self::Address => "address",
            Self::Key => "key",
            Self::Member => "member",
            Self::HostKey => "host key",
            Self::Credential => "credential",
            Self::PoolRange => "pool range",
            Self::Allocation => "proxy address",
            Self::Policy => "policy",
            Self::Right => "right",
            Self::Lock => "lock",
            Self::Block => "block",
            Self::Session => "session",
            Self::Forward => "forward",
            Self::Node => "node",
            Self::SignIn => "sign-in",
            Self::Token => "token",
            Self::Passkey => "passkey",
            Self::View => "view",
            Self::Request => "request",
            Self::Approver => "approver",
            Self::ApprovalRule => "approval rule",
        })
    }
}

/// Why the store did not do what it was asked for. Each is one sentence for the person who asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such thing.
    #[error("there is no {kind} {name:?}{}", suggestion(did_you_mean))]
    NotFound {
        /// What was looked for.
        kind: Kind,
        /// Under which name.
        name: String,
        /// Known names that are close to it, the closest first.
        did_you_mean: Vec<String>,
    },
    /// It contradicts what is there already.
    #[error("{0}")]
    Conflict(String),
    /// This person may not do it.
    #[error("{0}")]
    Forbidden(String),
    /// It cannot go because something else needs it.
    #[error("{0}")]
    InUse(String),
    /// The input is wrong.
    #[error("{sentence}")]
    Invalid {
        /// Which field, by its name in the API.
        field: &'static str,
        /// What is wrong and what to do.
        sentence: String,
    },
    /// The change was meant for another state of the thing.
    #[error("somebody else changed it meanwhile; look again and repeat the change")]
    Changed,
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The sealing key cannot be used, or is not the right one.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file of the data directory cannot be used.
    #[error("{} cannot be {what}: {source}; check the directory and its permissions", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried, such as "written".
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The store holds something that no version of Gatehouse wrote.
    #[error(
        "the database holds {what} that cannot be understood ({detail}); it may have been edited by hand"
    )]
    Corrupt {
        /// What.
        what: &'static str,
        /// How it cannot be understood.
        detail: String,
    },
}

impl StoreError {
    /// The input field that is wrong, for answers that name it (RFC 9457).
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            _ => None,
        }
    }

    pub(crate) fn invalid(field: &'static str, sentence: impl fmt::Display) -> Self {
        Self::Invalid {
            field,
            sentence: sentence.to_string(),
        }
    }

    pub(crate) fn corrupt(what: &'static str, detail: impl fmt::Display) -> Self {
        Self::Corrupt {
            what,
            detail: detail.to_string(),
        }
    }

    pub(crate) fn absent(kind: Kind, name: impl fmt::Display) -> Self {
        Self::NotFound {
            kind,
            name: name.to_string(),
            did_you_mean: Vec::new(),
        }
    }
}

fn suggestion(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        [rest @ .., last] => format!("; did you mean {} or {last}?", rest.join(", ")),
    }
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// `database_url` is not one that is known.
    #[error(
        "database_url {0:?} is not understood; write \"sqlite\", \"sqlite:PATH\" or \"postgres://USER:PASSWORD@HOST/NAME\""
    )]
    Url(String),
    /// It cannot be reached, or went away.
    #[error("the database cannot be reached: {0}; check that it runs and that database_url is right")]
    Unreachable(String),
    /// Another process holds it for too long.
    #[error(
        "the database is locked by another process; try again, and see which process holds it if this goes on"
    )]
    Locked,
    /// It may not be read or written.
    #[error(
        "the database refuses access: {0}; check the permissions of the file, or the database's user and password"
    )]
    NoPermission(String),
    /// There is no room for it.
    #[error("the database cannot be written because the disk is full; make room and try again")]
    Full,
    /// It was written by a newer Gatehouse.
    #[error(
        "the database is of a newer version (form {found}, this program knows up to {known}); use the newer program"
    )]
    Newer {
        /// The form of the database.
        found: i32,
        /// The newest form that is known here.
        known: i32,
    },
    /// Anything else; the text is the database's.
    #[error("the database failed: {0}")]
    Other(String),
}

impl DatabaseError {
    /// The word for metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Locked => "locked",
            Self::NoPermission(_) => "permission",
            Self::Full => "disk_full",
            Self::Url(_) | Self::Newer { .. } | Self::Other(_) => OTHER,
        }
    }
}

/// Why the sealing key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file does not hold a key.
    #[error("{0} does not hold a sealing key of 64 hexadecimal digits; restore it from a backup")]
    Malformed(String),
    /// Others can read the key.
    #[error("{} can be read by others; run chmod 600 on it", path.display())]
    Exposed {
        /// The key's file.
        path: PathBuf,
    },
    /// The database was sealed with another key.
    #[error(
        "the sealing key does not belong to this database; copy store.key from the data directory of the node that made it, or set GATEHOUSE_STORE_KEY"
    )]
    Wrong,
    /// A sealed value is damaged, or was moved from another row.
    #[error("a sealed {0} cannot be opened; it was damaged or moved, so store it anew")]
    Damaged(&'static str),
}
