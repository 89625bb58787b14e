//! What the directory is built from: plain rows, as the store holds them.

use gatehouse_model::{
    AddressRange, BinaryMode, DestinationRule, ForwardCapture, InputMode, LegacyAlgorithms, Login, Name,
    PolicyId, PortRange, Protocol, ProxyAddr, RecordMode, Right, Role, ServerGroupId, ServerId, SpanSeconds,
    TargetHost, Timestamp, UserGroupId, UserId,
};

use crate::Schedule;

/// Everything that a decision depends on, read from the store in one transaction.
#[derive(Clone, Debug, Default)]
pub struct DirectoryRows {
    /// The store's revision that these rows show; grows with each change.
    pub revision: i64,
    /// People.
    pub users: Vec<UserRow>,
    /// Their source addresses.
    pub sources: Vec<SourceRow>,
    /// Their registered public keys.
    pub keys: Vec<KeyRow>,
    /// Groups of people.
    pub user_groups: Vec<GroupRow<UserGroupId>>,
    /// Who is directly in which group of people.
    pub user_members: Vec<(UserGroupId, UserId)>,
    /// Machines.
    pub servers: Vec<ServerRow>,
    /// Groups of servers.
    pub server_groups: Vec<GroupRow<ServerGroupId>>,
    /// Which server is directly in which group.
    pub server_members: Vec<(ServerGroupId, ServerId)>,
    /// Ranges of proxy addresses.
    pub pool: Vec<AddressRange>,
    /// Which proxy address belongs to which server.
    pub allocations: Vec<AllocationRow>,
    /// Grants, revoked ones included (for explanations; they count as absent).
    pub policies: Vec<PolicyRow>,
    /// Rights of a user apart from any policy.
    pub user_rights: Vec<(UserId, Right)>,
    /// Rights of a user group, inherited by all below.
    pub group_rights: Vec<(UserGroupId, Right)>,
    /// Blocked sources.
    pub blocks: Vec<BlockRow>,
}

/// A ban on a person or a server, for a time or until lifted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lock {
    /// When it ends by itself; `None`: when lifted.
    pub until: Option<Timestamp>,
    /// Why, for the person.
    pub reason: Option<String>,
}

impl Lock {
    /// Whether it holds at the instant.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| until > at)
    }
}

/// A person.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub name: Name,
    /// Mail address, for pages.
    pub email: Option<String>,
    /// Whether the account is in use.
    pub active: bool,
    /// A lock in force or once in force.
    pub lock: Option<Lock>,
    /// Role within Gatehouse.
    pub role: Role,
}

/// One source address or range of a person.
#[derive(Clone, Debug)]
pub struct SourceRow {
    /// Whose.
    pub user: UserId,
    /// The range; no two rows hold the same one.
    pub range: AddressRange,
    /// Whether it is in use. An inactive one still hides wider ranges.
    pub active: bool,
}

/// A registered public key.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// Whose.
    pub user: UserId,
    /// The key in OpenSSH's one-line form, without comment.
    pub openssh: String,
}

/// A group of people or of servers.
#[derive(Clone, Debug)]
pub struct GroupRow<Id> {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: Name,
    /// The group above.
    pub parent: Option<Id>,
}

/// A machine behind the gate.
#[derive(Clone, Debug)]
pub struct ServerRow {
    /// Its id.
    pub id: ServerId,
    /// Its name.
    pub name: Name,
    /// Where it is.
    pub address: TargetHost,
    /// The protocols it offers, each with its port.
    pub services: Vec<(Protocol, u16)>,
    /// Whether it is in use.
    pub active: bool,
    /// A lock in force or once in force.
    pub lock: Option<Lock>,
    /// Whether it may be spoken to with outdated algorithms. No decision depends on it; the gate needs it at hand.
    pub legacy_algorithms: LegacyAlgorithms,
}

/// A proxy address given to a server.
#[derive(Clone, Debug)]
pub struct AllocationRow {
    /// The address.
    pub proxy: ProxyAddr,
    /// The server.
    pub server: ServerId,
    /// When it is given back; `None`: kept for good.
    pub until: Option<Timestamp>,
}

/// A blocked source.
#[derive(Clone, Debug)]
pub struct BlockRow {
    /// The range.
    pub range: AddressRange,
    /// When it ends; `None`: when lifted.
    pub until: Option<Timestamp>,
    /// What it refuses.
    pub reach: BlockReach,
}

/// What a block of a source refuses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum BlockReach {
    /// What was let in before goes on.
    NewConnections,
    /// Running sessions end as well.
    Everything,
}

/// Who a policy is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// One person.
    User(UserId),
    /// The members of a group and of every group below it.
    Group(UserGroupId),
}

/// What a policy is for. With a protocol in [`PolicyRules`] and a server it has the scope `service`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PolicyTarget {
    /// One server.
    Server(ServerId),
    /// The servers of a group and of every group below it.
    Group(ServerGroupId),
}

/// A grant.
#[derive(Clone, Debug)]
pub struct PolicyRow {
    /// Its id.
    pub id: PolicyId,
    /// Who.
    pub subject: Subject,
    /// What.
    pub target: PolicyTarget,
    /// When it was revoked, if it was. A revoked policy counts as absent.
    pub revoked_at: Option<Timestamp>,
    /// The terms.
    pub rules: PolicyRules,
}

/// The terms of a grant: everything but who and what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyRules {
    /// The one protocol it is for; `None`: every protocol.
    pub protocol: Option<Protocol>,
    /// The source addresses it is bound to; `None`: any of the person's.
    pub from: Option<AddressRange>,
    /// The logins it allows; empty: any.
    pub logins: Vec<Login>,
    /// From when.
    pub start: Timestamp,
    /// Until when, exclusive; `None`: no end.
    pub end: Option<Timestamp>,
    /// Recurring windows; empty: always within start and end.
    pub schedules: Vec<Schedule>,
    /// Whether the schedules count; if not, they are kept and ignored.
    pub use_schedules: bool,
    /// Rights it carries.
    pub rights: Vec<Right>,
    /// Destinations that local forwards may have; empty: any.
    pub destinations: Vec<DestinationRule>,
    /// Destination ports that forwards may not have.
    pub blocked_ports: Vec<PortRange>,
    /// Strict or best effort; `None`: as configured.
    pub record_mode: Option<RecordMode>,
    /// What of binary runs is kept; `None`: as configured.
    pub record_binary: Option<BinaryMode>,
    /// What of typed input is kept; `None`: as configured.
    pub record_input: Option<InputMode>,
    /// Whether the bytes of forwards are kept; `None`: as configured.
    pub record_forwards: Option<ForwardCapture>,
    /// Idle time after which a session ends.
    pub idle: Option<SpanSeconds>,
    /// Longest session.
    pub max_length: Option<SpanSeconds>,
}

impl PolicyRules {
    /// Terms without any limit but the start.
    pub fn unlimited(start: Timestamp) -> Self {
        Self {
            protocol: None,
            from: None,
            logins: Vec::new(),
            start,
            end: None,
            schedules: Vec::new(),
            use_schedules: true,
            rights: Vec::new(),
            destinations: Vec::new(),
            blocked_ports: Vec::new(),
            record_mode: None,
            record_binary: None,
            record_input: None,
            record_forwards: None,
            idle: None,
            max_length: None,
        }
    }
}
