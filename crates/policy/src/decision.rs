//! The question put to the directory, and its answer.

use gatehouse_model::{
    BinaryMode, ForwardCapture, InputMode, Login, PolicyId, Protocol, ProxyAddr, RecordMode, ServerId,
    SourceAddr, SpanSeconds, Timestamp, UserId,
};

use crate::Rights;

/// What was connected to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Destination {
    /// The destination address of the connection.
    Proxy(ProxyAddr),
    /// A server named by the person (`login@server@gate`), its name or its address as written; empty if they
    /// named none.
    Named(String),
    /// A server already known, reached without a proxy address.
    Server(ServerId),
    /// A server already known, reached at a proxy address: for deciding again on a session. If the address is no
    /// longer this server's, the destination is unknown.
    ServerAt(ServerId, ProxyAddr),
}

/// Who wants what, how and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Where the connection comes from.
    pub source: SourceAddr,
    /// What was connected to.
    pub destination: Destination,
    /// By which protocol.
    pub protocol: Protocol,
    /// The login at the server, once known.
    pub login: Option<Login>,
    /// The moment.
    pub at: Timestamp,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Yes, until when and with which rights.
    Allow(Grant),
    /// No, for one precise reason.
    Deny(Denial),
}

/// What an allowed person may do, and until when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The person.
    pub user: UserId,
    /// The server.
    pub server: ServerId,
    /// The policies that say so, ascending.
    pub policies: Vec<PolicyId>,
    /// The first instant at which the same request would be refused; `None`: no end within sight. Schedules are
    /// looked through until 400 days after the next midnight (UTC): from there on a policy's own end counts, or
    /// none.
    pub until: Option<Timestamp>,
    /// The first instant at which anything in this grant differs; decide again then. Where windows go on
    /// without a break as far as is looked it is at most the next midnight, because `until` may come into sight.
    pub next_change: Option<Timestamp>,
    /// What may be done.
    pub rights: Rights,
    /// How it is recorded: the strictest of what the allowing policies say, the configured value standing in for
    /// a policy that says nothing.
    pub recording: RecordingTerms,
    /// Idle time after which the session ends: the longest that an allowing policy gives; `None` if any sets none.
    pub idle: Option<SpanSeconds>,
    /// Longest session, by the same rule.
    pub max_length: Option<SpanSeconds>,
    /// The directory's revision that was read.
    pub revision: i64,
}

/// How a session is recorded. A decision fills in all four.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecordingTerms {
    /// Strict before best effort.
    pub mode: Option<RecordMode>,
    /// Refuse before full before digest.
    pub binary: Option<BinaryMode>,
    /// All before echoed before none.
    pub input: Option<InputMode>,
    /// On before off.
    pub forwards: Option<ForwardCapture>,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// Why not. The words are those of the contract; the order is that of the steps.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $word)] $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the steps.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

reasons! {
    /// The source is blocked.
    SourceBlocked = "source_blocked",
    /// The source address belongs to nobody.
    UnknownSource = "unknown_source",
    /// The address or its user is switched off.
    UserInactive = "user_inactive",
    /// The user is locked.
    UserLocked = "user_locked",
    /// The destination is no server's.
    UnknownDestination = "unknown_destination",
    /// The server is switched off.
    ServerInactive = "server_inactive",
    /// The server is locked.
    ServerLocked = "server_locked",
    /// The server does not offer the protocol.
    ProtocolNotOffered = "protocol_not_offered",
    /// No policy covers the person and the server (from here, by this protocol).
    NoMatchingPolicy = "no_matching_policy",
    /// A policy is still to begin.
    NotYetValid = "not_yet_valid",
    /// The last policy has ended.
    Expired = "expired",
    /// No schedule matches now.
    OutsideSchedule = "outside_schedule",
    /// The login is not on any list.
    LoginNotAllowed = "login_not_allowed",
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    /// The reason of the last step reached.
    pub reason: Reason,
    /// The person, if known. Known here does not mean that the sentence may tell.
    pub user: Option<UserId>,
    /// The server, if known.
    pub server: Option<ServerId>,
    /// The policies that came as far as the last step, ascending.
    pub policies: Vec<PolicyId>,
    /// Since when it is so, where that can be told (an end that has passed).
    pub since: Option<Timestamp>,
    /// The next moment at which the same request would be allowed.
    pub next: Waiting,
    /// The sentence for the person: which rule, since or until when, the next moment, whom to ask, and how. Up to
    /// three lines separated by `\n`, no other control character; wrap each line by itself. For a stranger it
    /// holds nothing but their own address and the contact.
    pub sentence: String,
    /// The directory's revision that was read.
    pub revision: i64,
}

/// When the same request would be allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waiting {
    /// Not by waiting.
    Never,
    /// At this instant.
    Until(Timestamp),
}
