//! The options that say what a grant is: shared by `grant`, `edit` and `clone`.

use clap::{Args, ValueEnum};
use gatehouse_model::{
    AccessDuration, AddressRange, BinaryMode, DestinationRule, ForwardCapture, InputMode, Login, PortRange,
    Protocol, RecordMode, Right, SpanSeconds, Timestamp, parse_time,
};
use gatehouse_policy::{PolicyRules, Schedule};
use gatehouse_store::{Edit, PolicyEdit, SubjectRef, TargetRef};

use super::arguments::{after, span, word};
use crate::failure::Failure;

/// Who and what.
#[derive(Args)]
pub(super) struct Parties {
    /// The person it is for
    #[arg(long, value_name = "USER", conflicts_with = "group")]
    user: Option<String>,
    /// The group of people it is for, with every group below
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// The server it is for
    #[arg(long, value_name = "SERVER", conflicts_with = "server_group")]
    server: Option<String>,
    /// The group of servers it is for, with every group below
    #[arg(long, value_name = "GROUP")]
    server_group: Option<String>,
}

impl Parties {
    pub(super) fn subject(&self) -> Option<SubjectRef> {
        let user = self.user.clone().map(SubjectRef::User);
        user.or_else(|| self.group.clone().map(SubjectRef::Group))
    }

    pub(super) fn target(&self) -> Option<TargetRef> {
        let server = self.server.clone().map(TargetRef::Server);
        server.or_else(|| self.server_group.clone().map(TargetRef::Group))
    }
}

/// How and when.
#[derive(Args)]
pub(super) struct Terms {
    /// Only this protocol
    #[arg(long, value_parser = word::<Protocol>(), value_name = "PROTOCOL")]
    protocol: Option<Protocol>,
    /// Only from this source address or range
    #[arg(long, value_name = "IP|CIDR")]
    from: Option<AddressRange>,
    /// Only this login at the server; may be given several times
    #[arg(long = "login", value_name = "LOGIN")]
    logins: Vec<Login>,
    /// For how long: 45s, 30m, 2h, 5d, 1w, 1M (30 days), 1y, 1h30m, or permanent
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "end")]
    length: Option<AccessDuration>,
    /// From when: 2026-01-31 15:00 (UTC) or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    start: Option<Timestamp>,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    end: Option<Timestamp>,
    /// Only at these times: "Mon-Fri 08:00-16:00 Europe/Warsaw", or JSON; may be given several times
    #[arg(long = "schedule", value_name = "SPEC")]
    schedules: Vec<Schedule>,
    /// Whether the schedules count; off keeps and ignores them
    #[arg(long, value_name = "on|off")]
    use_schedules: Option<Switch>,
    /// Rights to forward ports and sockets; without a list: local,remote
    #[arg(long, value_name = "local,remote,unix", num_args = 0..=1, require_equals = true,
          value_delimiter = ',', default_missing_value = "local,remote")]
    forwarding: Option<Vec<Forwarding>>,
    /// Where local forwards may lead: 10.0.0.0/24:5432, db.example.com, *.example.com:443; may be given several times
    #[arg(long = "allow-destination", value_name = "DESTINATION")]
    destinations: Vec<DestinationRule>,
    /// A port, or a range of ports, where forwards may not lead; may be given several times
    #[arg(long = "block-port", value_name = "PORT")]
    blocked_ports: Vec<PortRange>,
    /// A further right; may be given several times
    #[arg(long = "right", value_parser = word::<Right>(), value_name = "RIGHT")]
    rights: Vec<Right>,
    /// End a session after this long without anything typed or shown
    #[arg(long, value_name = "DURATION", value_parser = span)]
    idle: Option<SpanSeconds>,
    /// End a session after this long
    #[arg(long, value_name = "DURATION", value_parser = span)]
    max_length: Option<SpanSeconds>,
    /// What happens when a session cannot be recorded [default: as configured]
    #[arg(long, value_parser = word::<RecordMode>(), value_name = "MODE")]
    record_mode: Option<RecordMode>,
    /// What is kept of long runs of binary [default: as configured]
    #[arg(long, value_parser = word::<BinaryMode>(), value_name = "MODE")]
    record_binary: Option<BinaryMode>,
    /// What is kept of typed input [default: as configured]
    #[arg(long, value_parser = word::<InputMode>(), value_name = "MODE")]
    record_input: Option<InputMode>,
    /// Whether the bytes of forwards are kept, for Wireshark [default: as configured]
    #[arg(long, value_parser = word::<ForwardCapture>(), value_name = "MODE")]
    record_forwards: Option<ForwardCapture>,
    /// Why; for people who read the list
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

/// On or off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Switch {
    /// It is
    On,
    /// It is not
    Off,
}

/// What may be forwarded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Forwarding {
    Local,
    Remote,
    Unix,
}

impl Forwarding {
    fn right(self) -> Right {
        match self {
            Self::Local => Right::ForwardLocal,
            Self::Remote => Right::ForwardRemote,
            Self::Unix => Right::ForwardUnix,
        }
    }
}

/// A term that can be taken back to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Clearable {
    /// Every protocol
    Protocol,
    /// From any address
    From,
    /// Any login
    Logins,
    /// No end
    End,
    /// At any time
    Schedules,
    /// No rights
    Rights,
    /// Forwards may lead anywhere
    Destinations,
    /// No port is blocked
    Ports,
    /// No end by idling
    Idle,
    /// No longest session
    MaxLength,
    /// As configured
    RecordMode,
    /// As configured
    RecordBinary,
    /// As configured
    RecordInput,
    /// As configured
    RecordForwards,
    /// No reason
    Reason,
}

impl Terms {
    /// The end that was asked for: `None` if nothing was said, `Some(None)` for no end.
    fn end_from(&self, base: Timestamp) -> Result<Option<Option<Timestamp>>, Failure> {
        Ok(match (self.length, self.end) {
            (Some(AccessDuration::For(span)), _) => Some(Some(after(base, span)?)),
            (Some(AccessDuration::Permanent), _) => Some(None),
            (None, Some(end)) => Some(Some(end)),
            (None, None) => None,
        })
    }

    /// All rights that were named, each once.
    fn all_rights(&self) -> Vec<Right> {
        let forwarding = self.forwarding.iter().flatten().map(|word| word.right());
        let mut rights: Vec<_> = forwarding.chain(self.rights.iter().copied()).collect();
        rights.sort_unstable();
        rights.dedup();
        rights
    }

    /// The terms of a new grant.
    pub(super) fn rules(&self, now: Timestamp) -> Result<PolicyRules, Failure> {
        let start = self.start.unwrap_or(now);
        Ok(PolicyRules {
            protocol: self.protocol,
            from: self.from,
            logins: self.logins.clone(),
            start,
            end: self.end_from(start)?.flatten(),
            schedules: self.schedules.clone(),
            use_schedules: self.use_schedules != Some(Switch::Off),
            rights: self.all_rights(),
            destinations: self.destinations.clone(),
            blocked_ports: self.blocked_ports.clone(),
            record_mode: self.record_mode,
            record_binary: self.record_binary,
            record_input: self.record_input,
            record_forwards: self.record_forwards,
            idle: self.idle,
            max_length: self.max_length,
        })
    }

    /// What changes in a grant whose terms are `present`. Lists are replaced as a whole.
    pub(super) fn edit(
        &self,
        parties: &Parties,
        clear: &[Clearable],
        present: &PolicyRules,
        now: Timestamp,
    ) -> Result<PolicyEdit, Failure> {
        let cleared = |term| clear.contains(&term);
        let empty_reason = self.reason.as_ref().is_some_and(String::is_empty);
        let base = self.start.unwrap_or_else(|| present.start.max(now));
        let end = match self.end_from(base)? {
            Some(Some(end)) => Edit::Set(end),
            Some(None) => Edit::Clear,
            None if cleared(Clearable::End) => Edit::Clear,
            None => Edit::Keep,
        };
        Ok(PolicyEdit {
            subject: parties.subject(),
            target: parties.target(),
            protocol: field(self.protocol, cleared(Clearable::Protocol)),
            from: field(self.from, cleared(Clearable::From)),
            logins: list(&self.logins, cleared(Clearable::Logins)),
            start: self.start,
            end,
            schedules: list(&self.schedules, cleared(Clearable::Schedules)),
            use_schedules: self.use_schedules.map(|switch| switch == Switch::On),
            rights: list(&self.all_rights(), cleared(Clearable::Rights)),
            destinations: list(&self.destinations, cleared(Clearable::Destinations)),
            blocked_ports: list(&self.blocked_ports, cleared(Clearable::Ports)),
            record_mode: field(self.record_mode, cleared(Clearable::RecordMode)),
            record_binary: field(self.record_binary, cleared(Clearable::RecordBinary)),
            record_input: field(self.record_input, cleared(Clearable::RecordInput)),
            record_forwards: field(self.record_forwards, cleared(Clearable::RecordForwards)),
            idle: field(self.idle, cleared(Clearable::Idle)),
            max_length: field(self.max_length, cleared(Clearable::MaxLength)),
            reason: field(
                self.reason.clone().filter(|text| !text.is_empty()),
                cleared(Clearable::Reason) || empty_reason,
            ),
            ..PolicyEdit::default()
        })
    }
}

/// A value that was given counts more than an order to clear it.
fn field<T>(given: Option<T>, cleared: bool) -> Edit<T> {
    match given {
        Some(value) => Edit::Set(value),
        None if cleared => Edit::Clear,
        None => Edit::Keep,
    }
}

fn list<T: Clone>(given: &[T], cleared: bool) -> Option<Vec<T>> {
    (cleared || !given.is_empty()).then(|| given.to_vec())
}
