//! Rules by which requests are approved by themselves.
//!
//! INVARIANT **wholly covered**: a rule approves a request for access whose person, server, protocol, logins and
//! length it covers, all of them. A request for any login is covered by a rule for any login alone.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{ApprovalRuleId, Login, Protocol, RequestKind, SpanSeconds, Timestamp};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, ModelTrait, QueryFilter, QueryOrder,
};
use serde::Serialize;

use crate::change::{REQUEST_LOCK, Scope};
use crate::chunks::in_chunks;
use crate::entity::{approval_rule, group, request, server, user};
use crate::instant::{from_db, to_db};
use crate::request_view::{logins_of, logins_text, seconds, span};
use crate::resolve::{find_group, find_server, find_user, stored_opt};
use crate::standing::groups_around;
use crate::{Activity, Edit, GroupKind, Kind, Store, StoreError, SubjectRef, TargetRef};

/// A rule to be made.
#[derive(Clone, Debug)]
pub struct NewApprovalRule {
    /// Whose requests.
    pub subject: SubjectRef,
    /// For what.
    pub target: TargetRef,
    /// By which protocol; `None`: any.
    pub protocol: Option<Protocol>,
    /// For which logins; empty: any.
    pub logins: Vec<Login>,
    /// For how long at most.
    pub max_for: SpanSeconds,
}

/// Changes to a rule; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct ApprovalRuleEdit {
    /// Another subject.
    pub subject: Option<SubjectRef>,
    /// Another target.
    pub target: Option<TargetRef>,
    /// Another protocol; cleared: any.
    pub protocol: Edit<Protocol>,
    /// Other logins; empty: any.
    pub logins: Option<Vec<Login>>,
    /// Another longest time.
    pub max_for: Option<SpanSeconds>,
    /// Whether it is in use.
    pub activity: Option<Activity>,
}

/// A rule by which requests are approved by themselves.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct ApprovalRule {
    /// Its number.
    pub id: ApprovalRuleId,
    /// Whose requests, by name.
    pub subject: SubjectRef,
    /// For what, by name.
    pub target: TargetRef,
    /// By which protocol; `None`: any.
    pub protocol: Option<Protocol>,
    /// For which logins; empty: any.
    pub logins: Vec<Login>,
    /// For how long at most.
    pub max_for: SpanSeconds,
    /// Whether it is in use.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
}

impl Store {
    /// Makes a rule.
    ///
    /// # Errors
    /// Subject or target are not known.
    pub async fn add_approval_rule(
        &self,
        actor: &Actor,
        now: Timestamp,
        new: NewApprovalRule,
    ) -> Result<ApprovalRule, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let row = approval_rule::ActiveModel {
            protocol: Set(new.protocol.map(|protocol| protocol.to_string())),
            logins: Set(logins_text(&new.logins)),
            seconds: Set(seconds(new.max_for)),
            active: Set(true),
            created_at: Set(to_db(now)),
            created_by: Set(actor.name().to_owned()),
            ..Default::default()
        };
        let row = with_subject(change.db(), row, &new.subject).await?;
        let row = with_target(change.db(), row, &new.target).await?;
        let rule = view_one(change.db(), row.insert(change.db()).await?).await?;
        let event = rule.event(Action::ApprovalRuleAdded, actor, now);
        change.record(event.detail("terms", rule.terms()));
        change.commit().await?;
        Ok(rule)
    }

    /// Changes a rule.
    ///
    /// # Errors
    /// There is no such rule, or subject or target are not known.
    pub async fn edit_approval_rule(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: ApprovalRuleId,
        edit: ApprovalRuleEdit,
    ) -> Result<ApprovalRule, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let row = find(change.db(), id).await?;
        let before = view_one(change.db(), row.clone()).await?;
        let mut row = row.into_active_model();
        if let Some(subject) = &edit.subject {
            row = with_subject(change.db(), row, subject).await?;
        }
        if let Some(target) = &edit.target {
            row = with_target(change.db(), row, target).await?;
        }
        let protocol = edit.protocol.apply(before.protocol);
        row.protocol = Set(protocol.map(|protocol| protocol.to_string()));
        row.logins = Set(logins_text(&edit.logins.unwrap_or_else(|| before.logins.clone())));
        row.seconds = Set(seconds(edit.max_for.unwrap_or(before.max_for)));
        row.active = Set(edit.activity.map_or(before.active, Activity::is_enabled));
        let after = view_one(change.db(), row.update(change.db()).await?).await?;
        change.record(
            after
                .event(Action::ApprovalRuleEdited, actor, now)
                .detail("before", before.terms())
                .detail("after", after.terms()),
        );
        change.commit().await?;
        Ok(after)
    }

    /// Deletes a rule. Grants that were made by it stay.
    ///
    /// # Errors
    /// There is no such rule.
    pub async fn remove_approval_rule(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: ApprovalRuleId,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let row = find(change.db(), id).await?;
        let rule = view_one(change.db(), row.clone()).await?;
        row.delete(change.db()).await?;
        let event = rule.event(Action::ApprovalRuleRemoved, actor, now);
        change.record(event.detail("terms", rule.terms()));
        change.commit().await?;
        Ok(())
    }

    /// All rules, in the order in which they were made.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn approval_rules(&self) -> Result<Vec<ApprovalRule>, StoreError> {
        let db = self.snapshot().await?;
        let rows = approval_rule::Entity::find()
            .order_by_asc(approval_rule::Column::Id)
            .all(&db)
            .await?;
        view_all(&db, rows).await
    }

    /// One rule.
    ///
    /// # Errors
    /// There is no such rule, or the database cannot be read.
    pub async fn approval_rule(&self, id: ApprovalRuleId) -> Result<ApprovalRule, StoreError> {
        let db = self.snapshot().await?;
        let row = find(&db, id).await?;
        view_one(&db, row).await
    }
}

/// The first rule in use that covers a request wholly.
pub(crate) async fn covering_rule(
    db: &impl ConnectionTrait,
    wanted: &request::Model,
) -> Result<Option<i64>, StoreError> {
    let (Some(server), Some(length)) = (wanted.server_id, wanted.seconds) else {
        return Ok(None);
    };
    if wanted.kind != RequestKind::Access.as_str() {
        return Ok(None);
    }
    let around_person = groups_around(db, GroupKind::User, wanted.user_id).await?;
    let around_server = groups_around(db, GroupKind::Server, server).await?;
    let subject = Condition::any()
        .add(approval_rule::Column::UserId.eq(wanted.user_id))
        .add(approval_rule::Column::UserGroupId.is_in(around_person));
    let target = Condition::any()
        .add(approval_rule::Column::ServerId.eq(server))
        .add(approval_rule::Column::ServerGroupId.is_in(around_server));
    let protocol = Condition::any()
        .add(approval_rule::Column::Protocol.is_null())
        .add(approval_rule::Column::Protocol.eq(wanted.protocol.clone()));
    let rows = approval_rule::Entity::find()
        .filter(approval_rule::Column::Active.eq(true))
        .filter(approval_rule::Column::Seconds.gte(length))
        .filter(subject)
        .filter(target)
        .filter(protocol)
        .order_by_asc(approval_rule::Column::Id)
        .all(db)
        .await?;
    let asked = logins_of(&wanted.logins)?;
    for row in rows {
        let allowed = logins_of(&row.logins)?;
        let some = !asked.is_empty() && asked.iter().all(|login| allowed.contains(login));
        if allowed.is_empty() || some {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

impl ApprovalRule {
    fn event(&self, action: Action, actor: &Actor, now: Timestamp) -> Draft {
        Draft::new(action, actor, now).detail("rule", self.id.0)
    }

    fn terms(&self) -> serde_json::Value {
        serde_json::json!({
            "subject": self.subject,
            "target": self.target,
            "protocol": self.protocol,
            "logins": self.logins,
            "max_for": self.max_for,
            "active": self.active,
        })
    }
}

async fn find(db: &impl ConnectionTrait, id: ApprovalRuleId) -> Result<approval_rule::Model, StoreError> {
    let row = approval_rule::Entity::find_by_id(id.0).one(db).await?;
    row.ok_or_else(|| StoreError::absent(Kind::ApprovalRule, id))
}

async fn with_subject(
    db: &impl ConnectionTrait,
    mut row: approval_rule::ActiveModel,
    subject: &SubjectRef,
) -> Result<approval_rule::ActiveModel, StoreError> {
    let (user, group) = match subject {
        SubjectRef::User(user) => (Some(find_user(db, user).await?.id), None),
        SubjectRef::Group(group) => (None, Some(find_group(db, GroupKind::User, group).await?.id)),
    };
    row.user_id = Set(user);
    row.user_group_id = Set(group);
    Ok(row)
}

async fn with_target(
    db: &impl ConnectionTrait,
    mut row: approval_rule::ActiveModel,
    target: &TargetRef,
) -> Result<approval_rule::ActiveModel, StoreError> {
    let (server, group) = match target {
        TargetRef::Server(server) => (Some(find_server(db, server).await?.id), None),
        TargetRef::Group(group) => (None, Some(find_group(db, GroupKind::Server, group).await?.id)),
    };
    row.server_id = Set(server);
    row.server_group_id = Set(group);
    Ok(row)
}

async fn view_one(db: &impl ConnectionTrait, row: approval_rule::Model) -> Result<ApprovalRule, StoreError> {
    let id = row.id;
    let rule = view_all(db, vec![row]).await?.pop();
    rule.ok_or_else(|| StoreError::absent(Kind::ApprovalRule, id))
}

async fn view_all(
    db: &impl ConnectionTrait,
    rows: Vec<approval_rule::Model>,
) -> Result<Vec<ApprovalRule>, StoreError> {
    let users: Vec<i64> = rows.iter().filter_map(|row| row.user_id).collect();
    let servers: Vec<i64> = rows.iter().filter_map(|row| row.server_id).collect();
    let both = |row: &approval_rule::Model| [row.user_group_id, row.server_group_id];
    let groups: Vec<i64> = rows.iter().flat_map(both).flatten().collect();
    let users = in_chunks::<user::Entity>(db, user::Column::Id, &users).await?;
    let servers = in_chunks::<server::Entity>(db, server::Column::Id, &servers).await?;
    let groups = in_chunks::<group::Entity>(db, group::Column::Id, &groups).await?;
    let user = |id: i64| users.iter().find(|row| row.id == id).map(|row| row.name.clone());
    let server = |id: i64| {
        servers
            .iter()
            .find(|row| row.id == id)
            .map(|row| row.name.clone())
    };
    let group = |id: i64| groups.iter().find(|row| row.id == id).map(|row| row.name.clone());
    let damaged = || StoreError::corrupt("an approval rule", "it is not for exactly one subject and target");
    rows.into_iter()
        .map(|row| {
            let subject = match (row.user_id, row.user_group_id) {
                (Some(id), None) => user(id).map(SubjectRef::User),
                (None, Some(id)) => group(id).map(SubjectRef::Group),
                _ => None,
            };
            let target = match (row.server_id, row.server_group_id) {
                (Some(id), None) => server(id).map(TargetRef::Server),
                (None, Some(id)) => group(id).map(TargetRef::Group),
                _ => None,
            };
            Ok(ApprovalRule {
                id: ApprovalRuleId(row.id),
                subject: subject.ok_or_else(damaged)?,
                target: target.ok_or_else(damaged)?,
                protocol: stored_opt("a protocol", row.protocol.as_deref())?,
                logins: logins_of(&row.logins)?,
                max_for: span(row.seconds)?,
                active: row.active,
                created_at: from_db(row.created_at),
                created_by: row.created_by,
            })
        })
        .collect()
}
