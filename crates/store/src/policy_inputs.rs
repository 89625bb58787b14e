//! Grants as they are asked for, changed and filtered.

use gatehouse_model::{
    AddressRange, BinaryMode, DestinationRule, ForwardCapture, InputMode, Login, PortRange, Protocol,
    RecordMode, Right, SpanSeconds, Timestamp,
};
use gatehouse_policy::{PolicyRules, Schedule};
use serde::Serialize;

use crate::{Edit, PolicySort, PolicyState, Sort, Tag};

/// Who a grant is for, by name or id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectRef {
    /// One person.
    User(String),
    /// A group of people.
    Group(String),
}

/// What a grant is for, by name or id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetRef {
    /// One server.
    Server(String),
    /// A group of servers.
    Group(String),
}

/// A grant to be made.
#[derive(Clone, Debug)]
pub struct NewPolicy {
    /// Who.
    pub subject: SubjectRef,
    /// What.
    pub target: TargetRef,
    /// The terms.
    pub rules: PolicyRules,
    /// Why, for people.
    pub reason: Option<String>,
}

/// Changes to a grant; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct PolicyEdit {
    /// Another subject.
    pub subject: Option<SubjectRef>,
    /// Another target.
    pub target: Option<TargetRef>,
    /// The one protocol it is for; cleared: every protocol.
    pub protocol: Edit<Protocol>,
    /// The source addresses it is bound to; cleared: any.
    pub from: Edit<AddressRange>,
    /// The logins it allows; empty: any.
    pub logins: Option<Vec<Login>>,
    /// From when.
    pub start: Option<Timestamp>,
    /// Until when; cleared: no end.
    pub end: Edit<Timestamp>,
    /// Recurring windows; empty: always.
    pub schedules: Option<Vec<Schedule>>,
    /// Whether the schedules count.
    pub use_schedules: Option<bool>,
    /// Rights it carries.
    pub rights: Option<Vec<Right>>,
    /// Destinations that local forwards may have; empty: any.
    pub destinations: Option<Vec<DestinationRule>>,
    /// Ports that forwards may not have.
    pub blocked_ports: Option<Vec<PortRange>>,
    /// Strict or best effort; cleared: as configured.
    pub record_mode: Edit<RecordMode>,
    /// What of binary runs is kept; cleared: as configured.
    pub record_binary: Edit<BinaryMode>,
    /// What of typed input is kept; cleared: as configured.
    pub record_input: Edit<InputMode>,
    /// Whether the bytes of forwards are kept; cleared: as configured.
    pub record_forwards: Edit<ForwardCapture>,
    /// Idle time after which a session ends; cleared: none.
    pub idle: Edit<SpanSeconds>,
    /// Longest session; cleared: none.
    pub max_length: Edit<SpanSeconds>,
    /// Why, for people.
    pub reason: Edit<String>,
    /// The state that the change is meant for; `None`: any.
    pub expected: Option<Tag>,
}

/// Which grants to list. Subject and target are those that the grant itself names.
#[derive(Clone, Debug, Default)]
pub struct PolicyFilter {
    /// Those of this person, by name or id.
    pub user: Option<String>,
    /// Those of this group of people.
    pub group: Option<String>,
    /// Those for this server.
    pub server: Option<String>,
    /// Those for this group of servers.
    pub server_group: Option<String>,
    /// Those for this protocol, and those for every protocol.
    pub protocol: Option<Protocol>,
    /// Those whose reason, or whose person, group or server, contains this, in any case.
    pub text: Option<String>,
    /// Those in this state, whatever `past` says.
    pub state: Option<PolicyState>,
    /// In which order.
    pub sort: Sort<PolicySort>,
    /// Whether those that have ended or were revoked are listed too.
    pub past: Past,
}

/// Whether what is over is listed too.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Past {
    /// No.
    #[default]
    Omit,
    /// Yes.
    Include,
}

impl PolicyEdit {
    /// The terms after the edit.
    pub(crate) fn apply(self, rules: PolicyRules) -> PolicyRules {
        PolicyRules {
            protocol: self.protocol.apply(rules.protocol),
            from: self.from.apply(rules.from),
            logins: self.logins.unwrap_or(rules.logins),
            start: self.start.unwrap_or(rules.start),
            end: self.end.apply(rules.end),
            schedules: self.schedules.unwrap_or(rules.schedules),
            use_schedules: self.use_schedules.unwrap_or(rules.use_schedules),
            rights: self.rights.unwrap_or(rules.rights),
            destinations: self.destinations.unwrap_or(rules.destinations),
            blocked_ports: self.blocked_ports.unwrap_or(rules.blocked_ports),
            record_mode: self.record_mode.apply(rules.record_mode),
            record_binary: self.record_binary.apply(rules.record_binary),
            record_input: self.record_input.apply(rules.record_input),
            record_forwards: self.record_forwards.apply(rules.record_forwards),
            idle: self.idle.apply(rules.idle),
            max_length: self.max_length.apply(rules.max_length),
        }
    }
}
