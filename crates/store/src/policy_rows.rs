//! Between the terms of a grant and the rows that hold them.

use std::collections::HashMap;
use std::str::FromStr;

use gatehouse_model::{ServerGroupId, ServerId, SpanSeconds, UserGroupId, UserId};
use gatehouse_policy::{PolicyRules, PolicyTarget, Subject};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

use crate::chunks::in_chunks;
use crate::entity::{policy, policy_term};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_group, find_server, find_user, fold, stored, stored_opt};
use crate::{GroupKind, StoreError, SubjectRef, TargetRef};

const LOGIN: &str = "login";
const SCHEDULE: &str = "schedule";
pub(crate) const RIGHT: &str = "right";
const DESTINATION: &str = "destination";
const BLOCKED_PORT: &str = "blocked_port";
/// Rows of one insert.
const INSERT_ROWS: usize = 1_000;

/// Whom and what a grant is for, as columns: one of the first two, and one of the last two.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    user: Option<i64>,
    user_group: Option<i64>,
    server: Option<i64>,
    server_group: Option<i64>,
}

impl Columns {
    pub(crate) fn of(row: &policy::Model) -> Self {
        Self {
            user: row.user_id,
            user_group: row.user_group_id,
            server: row.server_id,
            server_group: row.server_group_id,
        }
    }

    pub(crate) async fn with_subject(
        mut self,
        db: &impl ConnectionTrait,
        subject: &SubjectRef,
    ) -> Result<Self, StoreError> {
        (self.user, self.user_group) = match subject {
            SubjectRef::User(user) => (Some(find_user(db, user).await?.id), None),
            SubjectRef::Group(group) => (None, Some(find_group(db, GroupKind::User, group).await?.id)),
        };
        Ok(self)
    }

    pub(crate) async fn with_target(
        mut self,
        db: &impl ConnectionTrait,
        target: &TargetRef,
    ) -> Result<Self, StoreError> {
        (self.server, self.server_group) = match target {
            TargetRef::Server(server) => (Some(find_server(db, server).await?.id), None),
            TargetRef::Group(group) => (None, Some(find_group(db, GroupKind::Server, group).await?.id)),
        };
        Ok(self)
    }

    pub(crate) fn subject(&self) -> Result<Subject, StoreError> {
        match (self.user, self.user_group) {
            (Some(user), None) => Ok(Subject::User(UserId(user))),
            (None, Some(group)) => Ok(Subject::Group(UserGroupId(group))),
            _ => Err(StoreError::corrupt(
                "a policy",
                "it is not for exactly one user or group",
            )),
        }
    }

    pub(crate) fn target(&self) -> Result<PolicyTarget, StoreError> {
        match (self.server, self.server_group) {
            (Some(server), None) => Ok(PolicyTarget::Server(ServerId(server))),
            (None, Some(group)) => Ok(PolicyTarget::Group(ServerGroupId(group))),
            _ => Err(StoreError::corrupt(
                "a policy",
                "it is not for exactly one server or server group",
            )),
        }
    }
}

/// The columns that hold single terms; id, reason and the columns of its making are left open.
pub(crate) fn row_of(columns: &Columns, rules: &PolicyRules, reason: Option<String>) -> policy::ActiveModel {
    let span = |span: Option<SpanSeconds>| span.map(|span| i64::try_from(span.seconds()).unwrap_or(i64::MAX));
    policy::ActiveModel {
        user_id: Set(columns.user),
        user_group_id: Set(columns.user_group),
        server_id: Set(columns.server),
        server_group_id: Set(columns.server_group),
        protocol: Set(rules.protocol.map(|protocol| protocol.to_string())),
        source: Set(rules.from.map(|from| from.to_string())),
        start_at: Set(to_db(rules.start)),
        end_at: Set(rules.end.map(to_db)),
        use_schedules: Set(rules.use_schedules),
        record_mode: Set(rules.record_mode.map(|mode| mode.to_string())),
        record_binary: Set(rules.record_binary.map(|mode| mode.to_string())),
        record_input: Set(rules.record_input.map(|mode| mode.to_string())),
        record_forwards: Set(rules.record_forwards.map(|mode| mode.to_string())),
        idle_seconds: Set(span(rules.idle)),
        max_length_seconds: Set(span(rules.max_length)),
        search: Set(reason.as_deref().map(fold).unwrap_or_default()),
        reason: Set(reason),
        ..Default::default()
    }
}

/// Writes the terms that are lists. What is said twice is kept once.
pub(crate) async fn insert_terms(
    db: &impl ConnectionTrait,
    id: i64,
    rules: &PolicyRules,
) -> Result<(), StoreError> {
    let lists = [
        (LOGIN, words(&rules.logins)),
        (SCHEDULE, words(&rules.schedules)),
        (RIGHT, words(&rules.rights)),
        (DESTINATION, words(&rules.destinations)),
        (BLOCKED_PORT, words(&rules.blocked_ports)),
    ];
    let mut rows = Vec::new();
    for (kind, values) in lists {
        for (position, value) in (0..).zip(values) {
            rows.push(policy_term::ActiveModel {
                policy_id: Set(id),
                kind: Set(kind.to_owned()),
                position: Set(position),
                value: Set(value),
            });
        }
    }
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(INSERT_ROWS));
        policy_term::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await?;
        rows = rest;
    }
    Ok(())
}

fn words<T: ToString>(values: &[T]) -> Vec<String> {
    let mut words: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        let word = value.to_string();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// The terms of grants that are lists, by the grants' ids, in their order.
pub(crate) async fn terms_of(
    db: &impl ConnectionTrait,
    policies: &[i64],
) -> Result<HashMap<i64, Vec<policy_term::Model>>, StoreError> {
    Ok(by_policy(
        in_chunks::<policy_term::Entity>(db, policy_term::Column::PolicyId, policies).await?,
    ))
}

/// Sorts terms by the grants they belong to.
pub(crate) fn by_policy(terms: Vec<policy_term::Model>) -> HashMap<i64, Vec<policy_term::Model>> {
    let mut result: HashMap<i64, Vec<policy_term::Model>> = HashMap::new();
    for term in terms {
        result.entry(term.policy_id).or_default().push(term);
    }
    result
        .values_mut()
        .for_each(|terms| terms.sort_by_key(|term| term.position));
    result
}

/// The terms of a grant, from its row and its lists.
pub(crate) fn rules_of(
    row: &policy::Model,
    terms: Vec<policy_term::Model>,
) -> Result<PolicyRules, StoreError> {
    Ok(PolicyRules {
        protocol: stored_opt("a protocol", row.protocol.as_deref())?,
        from: stored_opt("a source address", row.source.as_deref())?,
        logins: list(&terms, LOGIN, "a login")?,
        start: from_db(row.start_at),
        end: row.end_at.map(from_db),
        schedules: list(&terms, SCHEDULE, "a schedule")?,
        use_schedules: row.use_schedules,
        rights: list(&terms, RIGHT, "a right")?,
        destinations: list(&terms, DESTINATION, "a destination")?,
        blocked_ports: list(&terms, BLOCKED_PORT, "a port range")?,
        record_mode: stored_opt("a recording mode", row.record_mode.as_deref())?,
        record_binary: stored_opt("a recording mode", row.record_binary.as_deref())?,
        record_input: stored_opt("a recording mode", row.record_input.as_deref())?,
        record_forwards: stored_opt("a recording mode", row.record_forwards.as_deref())?,
        idle: row.idle_seconds.map(span).transpose()?,
        max_length: row.max_length_seconds.map(span).transpose()?,
    })
}

fn list<T>(terms: &[policy_term::Model], kind: &str, what: &'static str) -> Result<Vec<T>, StoreError>
where
    T: FromStr<Err: std::fmt::Display>,
{
    terms
        .iter()
        .filter(|term| term.kind == kind)
        .map(|term| stored(what, &term.value))
        .collect()
}

fn span(seconds: i64) -> Result<SpanSeconds, StoreError> {
    u64::try_from(seconds)
        .ok()
        .and_then(SpanSeconds::new)
        .ok_or_else(|| StoreError::corrupt("a duration", format!("{seconds} seconds")))
}
