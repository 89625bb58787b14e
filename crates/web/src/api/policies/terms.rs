//! What a grant is for and how, as bodies say it.

use gatehouse_model::{
    AccessDuration, AddressRange, BinaryMode, DestinationRule, ForwardCapture, InputMode, Login, PortRange,
    Protocol, RecordMode, Right, SpanSeconds, Timestamp, parse_time,
};
use gatehouse_policy::{PolicyRules, Schedule};
use gatehouse_store::{Edit, NewPolicy, Policy, PolicyEdit, SubjectRef, TargetRef};
use serde_json::{Map, Value};

use super::fields::{Fields, number_or_word, word};
use crate::problem::FieldError;

/// Terms that were read.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    user: Edit<String>,
    group: Edit<String>,
    server: Edit<String>,
    server_group: Edit<String>,
    protocol: Edit<Protocol>,
    from: Edit<AddressRange>,
    logins: Edit<Vec<Login>>,
    start: Edit<Timestamp>,
    end: Edit<Timestamp>,
    length: Edit<AccessDuration>,
    schedules: Edit<Vec<Schedule>>,
    use_schedules: Edit<bool>,
    forwarding: Edit<Forwarding>,
    rights: Edit<Vec<Right>>,
    record_mode: Edit<RecordMode>,
    record_binary: Edit<BinaryMode>,
    record_input: Edit<InputMode>,
    record_forwards: Edit<ForwardCapture>,
    idle: Edit<SpanSeconds>,
    max_length: Edit<SpanSeconds>,
    reason: Edit<String>,
}

#[derive(Clone, Debug)]
struct Forwarding {
    flags: [(Right, Edit<bool>); 3],
    destinations: Edit<Vec<DestinationRule>>,
    blocked_ports: Edit<Vec<PortRange>>,
}

impl Terms {
    /// Reads the terms. What is wrong is added to `errors`, and left out.
    pub(super) fn read(body: Map<String, Value>, errors: &mut Vec<FieldError>) -> Self {
        let mut inner = Vec::new();
        let mut fields = Fields::new(body, "", errors);
        let forwarding = match fields.object("forwarding") {
            Edit::Keep => Edit::Keep,
            Edit::Clear => Edit::Clear,
            Edit::Set(map) => Edit::Set(Forwarding::read(map, &mut inner)),
        };
        let terms = Self {
            user: fields.read("user", number_or_word),
            group: fields.read("group", number_or_word),
            server: fields.read("server", number_or_word),
            server_group: fields.read("server_group", number_or_word),
            protocol: fields.word("protocol"),
            from: fields.word("from"),
            logins: fields.list("logins", word),
            start: fields.read("start", instant),
            end: fields.read("end", instant),
            length: fields.word("for"),
            schedules: fields.list("schedules", schedule),
            use_schedules: fields.switch("use_schedules"),
            forwarding,
            rights: fields.list("rights", word),
            record_mode: fields.word("record_mode"),
            record_binary: fields.word("record_binary"),
            record_input: fields.word("record_input"),
            record_forwards: fields.word("record_forwards"),
            idle: fields.word("idle"),
            max_length: fields.word("max_length"),
            reason: fields.word("reason"),
        };
        fields.finish();
        errors.append(&mut inner);
        terms
    }

    /// The terms of a new grant. What is wrong is added to `errors`; then there is none.
    pub(super) fn new_policy(self, now: Timestamp, errors: &mut Vec<FieldError>) -> Option<NewPolicy> {
        let known = errors.len();
        let subject = self.subject(None, errors);
        let target = self.target(None, errors);
        let rules = self.rules(now, errors);
        if errors.len() > known {
            return None;
        }
        Some(NewPolicy {
            subject: subject?,
            target: target?,
            rules,
            reason: self.reason.apply(None),
        })
    }

    /// The rules of a new grant.
    pub(super) fn rules(&self, now: Timestamp, errors: &mut Vec<FieldError>) -> PolicyRules {
        let start = self.start.clone().apply(None).unwrap_or(now);
        let end = self.end_from(start, errors).apply(None);
        if end.is_some_and(|end| end <= start) {
            let field = if matches!(self.end, Edit::Set(_)) {
                "end"
            } else {
                "for"
            };
            push(
                errors,
                field,
                "this ends before it begins, so no access would ever be granted",
            );
        }
        let (destinations, blocked_ports) = self.forwarding_lists();
        PolicyRules {
            protocol: self.protocol.clone().apply(None),
            from: self.from.clone().apply(None),
            logins: self.logins.clone().apply(None).unwrap_or_default(),
            start,
            end,
            schedules: self.schedules.clone().apply(None).unwrap_or_default(),
            use_schedules: self.use_schedules.clone().apply(None).unwrap_or(true),
            rights: self.rights_after(&[]).unwrap_or_default(),
            destinations: destinations.unwrap_or_default(),
            blocked_ports: blocked_ports.unwrap_or_default(),
            record_mode: self.record_mode.clone().apply(None),
            record_binary: self.record_binary.clone().apply(None),
            record_input: self.record_input.clone().apply(None),
            record_forwards: self.record_forwards.clone().apply(None),
            idle: self.idle.clone().apply(None),
            max_length: self.max_length.clone().apply(None),
        }
    }

    /// What changes in a grant.
    pub(super) fn edit(self, present: &Policy, now: Timestamp, errors: &mut Vec<FieldError>) -> PolicyEdit {
        let subject = self.subject(Some(present), errors);
        let target = self.target(Some(present), errors);
        if self.start == Edit::Clear {
            push(
                errors,
                "start",
                "a grant begins at some time; give it, or leave the field out",
            );
        }
        let start = self.start.clone().apply(None);
        let base = start.unwrap_or_else(|| present.rules.start.max(now));
        let end = self.end_from(base, errors);
        let rights = self.rights_after(&present.rules.rights);
        let (destinations, blocked_ports) = self.forwarding_lists();
        PolicyEdit {
            subject,
            target,
            protocol: self.protocol,
            from: self.from,
            logins: list_after(self.logins),
            start,
            end,
            schedules: list_after(self.schedules),
            use_schedules: match self.use_schedules {
                Edit::Keep => None,
                Edit::Clear => Some(true),
                Edit::Set(counts) => Some(counts),
            },
            rights,
            destinations,
            blocked_ports,
            record_mode: self.record_mode,
            record_binary: self.record_binary,
            record_input: self.record_input,
            record_forwards: self.record_forwards,
            idle: self.idle,
            max_length: self.max_length,
            reason: self.reason,
            expected: None,
        }
    }

    /// Who a grant is for; `None`: as it was, or nobody was named.
    pub(super) fn subject(
        &self,
        present: Option<&Policy>,
        errors: &mut Vec<FieldError>,
    ) -> Option<SubjectRef> {
        let kept = present.is_some_and(|present| {
            (present.user.is_some() && self.user == Edit::Keep)
                || (present.group.is_some() && self.group == Edit::Keep)
        });
        match (&self.user, &self.group) {
            (Edit::Set(_), Edit::Set(_)) => {
                push(
                    errors,
                    "group",
                    "a grant is for a user or for a group, not for both",
                );
                None
            }
            (Edit::Set(user), _) => Some(SubjectRef::User(user.clone())),
            (_, Edit::Set(group)) => Some(SubjectRef::Group(group.clone())),
            _ => {
                if !kept && !named(errors, &["user", "group"]) {
                    push(errors, "user", "say for whom it is: a user or a group");
                }
                None
            }
        }
    }

    /// What a grant is for; `None`: as it was, or nothing was named.
    pub(super) fn target(&self, present: Option<&Policy>, errors: &mut Vec<FieldError>) -> Option<TargetRef> {
        let kept = present.is_some_and(|present| {
            (present.server.is_some() && self.server == Edit::Keep)
                || (present.server_group.is_some() && self.server_group == Edit::Keep)
        });
        match (&self.server, &self.server_group) {
            (Edit::Set(_), Edit::Set(_)) => {
                push(
                    errors,
                    "server_group",
                    "a grant is for a server or for a group of servers, not for both",
                );
                None
            }
            (Edit::Set(server), _) => Some(TargetRef::Server(server.clone())),
            (_, Edit::Set(group)) => Some(TargetRef::Group(group.clone())),
            _ => {
                if !kept && !named(errors, &["server", "server_group"]) {
                    push(errors, "server", "say for what it is: a server or a server_group");
                }
                None
            }
        }
    }

    fn end_from(&self, base: Timestamp, errors: &mut Vec<FieldError>) -> Edit<Timestamp> {
        match (&self.length, &self.end) {
            (Edit::Set(_), Edit::Set(_)) => {
                push(errors, "for", "say when it ends or for how long it is, not both");
                Edit::Keep
            }
            (Edit::Set(AccessDuration::Permanent), _) | (Edit::Keep | Edit::Clear, Edit::Clear) => {
                Edit::Clear
            }
            (Edit::Set(AccessDuration::For(span)), _) => match base.checked_add(span.signed()) {
                Ok(end) => Edit::Set(end),
                Err(_) => {
                    push(
                        errors,
                        "for",
                        "this is beyond the calendar; give a shorter duration",
                    );
                    Edit::Keep
                }
            },
            (_, end) => end.clone(),
        }
    }

    /// The rights after the change, if anything is said of them.
    fn rights_after(&self, present: &[Right]) -> Option<Vec<Right>> {
        let mut rights = match &self.rights {
            Edit::Keep if self.forwarding == Edit::Keep => return None,
            Edit::Keep => present.to_vec(),
            Edit::Clear => Vec::new(),
            Edit::Set(rights) => rights.clone(),
        };
        match &self.forwarding {
            Edit::Keep => {}
            Edit::Clear => rights.retain(|right| !FORWARDING.contains(right)),
            Edit::Set(forwarding) => {
                for (right, allowed) in &forwarding.flags {
                    match allowed {
                        Edit::Keep => {}
                        Edit::Set(true) => rights.push(*right),
                        Edit::Set(false) | Edit::Clear => rights.retain(|other| other != right),
                    }
                }
            }
        }
        rights.sort_unstable();
        rights.dedup();
        Some(rights)
    }

    fn forwarding_lists(&self) -> (Option<Vec<DestinationRule>>, Option<Vec<PortRange>>) {
        match &self.forwarding {
            Edit::Keep => (None, None),
            Edit::Clear => (Some(Vec::new()), Some(Vec::new())),
            Edit::Set(forwarding) => (
                list_after(forwarding.destinations.clone()),
                list_after(forwarding.blocked_ports.clone()),
            ),
        }
    }
}

const FORWARDING: [Right; 3] = [Right::ForwardLocal, Right::ForwardRemote, Right::ForwardUnix];

impl PartialEq for Forwarding {
    fn eq(&self, other: &Self) -> bool {
        self.flags == other.flags
            && self.destinations == other.destinations
            && self.blocked_ports == other.blocked_ports
    }
}

impl Forwarding {
    fn read(map: Map<String, Value>, errors: &mut Vec<FieldError>) -> Self {
        let mut fields = Fields::new(map, "forwarding.", errors);
        let read = Self {
            flags: [
                (Right::ForwardLocal, fields.switch("local")),
                (Right::ForwardRemote, fields.switch("remote")),
                (Right::ForwardUnix, fields.switch("unix")),
            ],
            destinations: fields.list("destinations", word),
            blocked_ports: fields.list("blocked_ports", number_or_word),
        };
        fields.finish();
        read
    }
}

fn list_after<T>(list: Edit<Vec<T>>) -> Option<Vec<T>> {
    match list {
        Edit::Keep => None,
        Edit::Clear => Some(Vec::new()),
        Edit::Set(items) => Some(items),
    }
}

fn instant(value: Value) -> Result<Timestamp, String> {
    match value {
        Value::String(text) => parse_time(&text).map_err(|error| error.to_string()),
        _ => Err("this must be an instant such as \"2026-01-31 15:00\"".to_owned()),
    }
}

/// A schedule in words or as an object.
pub(in crate::api) fn schedule(value: Value) -> Result<Schedule, String> {
    match value {
        Value::String(text) => text
            .parse()
            .map_err(|error: gatehouse_policy::ScheduleError| error.to_string()),
        Value::Object(_) => serde_json::from_value(value).map_err(|error| error.to_string()),
        _ => Err("a schedule is text such as \"Mon-Fri 08:00-16:00\", or an object".to_owned()),
    }
}

fn named(errors: &[FieldError], fields: &[&str]) -> bool {
    errors.iter().any(|error| fields.contains(&error.field.as_str()))
}

fn push(errors: &mut Vec<FieldError>, field: &str, detail: &str) {
    errors.push(FieldError {
        field: field.to_owned(),
        detail: detail.to_owned(),
    });
}
