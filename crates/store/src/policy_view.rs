//! How a grant is shown.

use std::collections::HashMap;

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{PolicyId, Right, Timestamp, format_time};
use gatehouse_policy::PolicyRules;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::chunks::in_chunks;
use crate::entity::{group, policy, server, user};
use crate::instant::from_db;
use crate::policy_rows::{rules_of, terms_of};
use crate::{Kind, StoreError};

/// Where a grant is in its life, at the moment it was read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PolicyState {
    /// Within start and end.
    Active,
    /// Still to begin.
    Scheduled,
    /// Its end has passed.
    Expired,
    /// Taken back.
    Revoked,
}

/// A grant with the names of whom and what it is for. Its JSON is that of the contract, with the rest beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// The id.
    pub id: PolicyId,
    /// The person's name, if it is for one.
    pub user: Option<String>,
    /// The group's name, if it is for one.
    pub group: Option<String>,
    /// The server's name, if it is for one.
    pub server: Option<String>,
    /// The server group's name, if it is for one.
    pub server_group: Option<String>,
    /// The terms.
    pub rules: PolicyRules,
    /// Where it is in its life.
    pub state: PolicyState,
    /// Why it was made.
    pub reason: Option<String>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

impl PolicyState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Scheduled => "scheduled",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    fn of(rules: &PolicyRules, revoked: bool, now: Timestamp) -> Self {
        if revoked {
            Self::Revoked
        } else if rules.end.is_some_and(|end| end <= now) {
            Self::Expired
        } else if rules.start > now {
            Self::Scheduled
        } else {
            Self::Active
        }
    }
}

impl Policy {
    /// Begins an event about this grant.
    pub(crate) fn event(&self, action: Action, actor: &Actor, now: Timestamp) -> Draft {
        let mut event = Draft::new(action, actor, now).detail("policy", self.id.0);
        if let Some(user) = &self.user {
            event = event.user(user);
        }
        if let Some(server) = &self.server {
            event = event.server(server);
        }
        event
            .detail("group", self.group.clone())
            .detail("server_group", self.server_group.clone())
    }

    /// The grant as JSON without what changes by itself, for the audit book.
    pub(crate) fn terms(&self) -> Value {
        let mut fields = self.fields();
        for key in ["id", "state", "revoked_at", "created_at", "created_by"] {
            fields.remove(key);
        }
        fields.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()));
        Value::Object(fields)
    }

    fn fields(&self) -> Map<String, Value> {
        let rules = &self.rules;
        let has = |right| rules.rights.contains(&right);
        let words =
            |items: &[gatehouse_policy::Schedule]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
        let fields = json!({
            "id": self.id,
            "user": self.user,
            "group": self.group,
            "server": self.server,
            "server_group": self.server_group,
            "protocol": rules.protocol,
            "from": rules.from,
            "logins": rules.logins,
            "start": format_time(rules.start),
            "end": rules.end.map(format_time),
            "schedules": words(&rules.schedules),
            "use_schedules": rules.use_schedules,
            "forwarding": {
                "local": has(Right::ForwardLocal),
                "remote": has(Right::ForwardRemote),
                "unix": has(Right::ForwardUnix),
                "destinations": rules.destinations,
                "blocked_ports": rules.blocked_ports,
            },
            "rights": rules.rights,
            "record_mode": rules.record_mode,
            "record_binary": rules.record_binary,
            "record_input": rules.record_input,
            "record_forwards": rules.record_forwards,
            "idle": rules.idle,
            "max_length": rules.max_length,
            "state": self.state,
            "reason": self.reason,
            "revoked_at": self.revoked_at.map(format_time),
            "created_at": format_time(self.created_at),
            "created_by": self.created_by,
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}

impl Serialize for Policy {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.fields().serialize(to)
    }
}

pub(crate) async fn view_one(
    db: &impl ConnectionTrait,
    now: Timestamp,
    id: PolicyId,
) -> Result<Policy, StoreError> {
    let rows = policy::Entity::find_by_id(id.0).all(db).await?;
    view_all(db, now, rows)
        .await?
        .pop()
        .ok_or_else(|| StoreError::absent(Kind::Policy, id))
}

pub(crate) async fn view_all(
    db: &impl ConnectionTrait,
    now: Timestamp,
    rows: Vec<policy::Model>,
) -> Result<Vec<Policy>, StoreError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut terms = terms_of(db, &ids).await?;
    let names = Names::read(db, &rows).await?;
    rows.into_iter()
        .map(|row| {
            let rules = rules_of(&row, terms.remove(&row.id).unwrap_or_default())?;
            Ok(Policy {
                id: PolicyId(row.id),
                user: name_of(&names.users, row.user_id),
                group: name_of(&names.groups, row.user_group_id),
                server: name_of(&names.servers, row.server_id),
                server_group: name_of(&names.groups, row.server_group_id),
                state: PolicyState::of(&rules, row.revoked_at.is_some(), now),
                rules,
                reason: row.reason,
                revoked_at: row.revoked_at.map(from_db),
                created_at: from_db(row.created_at),
                created_by: row.created_by,
            })
        })
        .collect()
}

/// The names of whatever grants speak of.
struct Names {
    users: HashMap<i64, String>,
    groups: HashMap<i64, String>,
    servers: HashMap<i64, String>,
}

impl Names {
    async fn read(db: &impl ConnectionTrait, rows: &[policy::Model]) -> Result<Self, StoreError> {
        let users = distinct(rows.iter().filter_map(|row| row.user_id));
        let servers = distinct(rows.iter().filter_map(|row| row.server_id));
        let groups = distinct(
            rows.iter()
                .flat_map(|row| [row.user_group_id, row.server_group_id])
                .flatten(),
        );
        let users = in_chunks::<user::Entity>(db, user::Column::Id, &users).await?;
        let servers = in_chunks::<server::Entity>(db, server::Column::Id, &servers).await?;
        let groups = in_chunks::<group::Entity>(db, group::Column::Id, &groups).await?;
        Ok(Self {
            users: users.into_iter().map(|row| (row.id, row.name)).collect(),
            groups: groups.into_iter().map(|row| (row.id, row.name)).collect(),
            servers: servers.into_iter().map(|row| (row.id, row.name)).collect(),
        })
    }
}

fn name_of(names: &HashMap<i64, String>, id: Option<i64>) -> Option<String> {
    names.get(&id?).cloned()
}

fn distinct(ids: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
