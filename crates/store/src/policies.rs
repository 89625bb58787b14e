//! Grants.

use gatehouse_audit::{Action, Actor};
use gatehouse_model::{PolicyId, SpanSeconds, Timestamp, format_time};
use gatehouse_policy::PolicyRules;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::change::{Change, Scope};
use crate::entity::{policy, policy_term};
use crate::instant::{from_db, to_db};
use crate::policy_rows::{Columns, insert_terms, row_of, rules_of, terms_of};
use crate::policy_view::{view_all, view_one};
use crate::resolve::{find_group, find_server, find_user, free_text};
use crate::{
    GroupKind, Kind, NewPolicy, Page, PageRequest, Past, Policy, PolicyEdit, PolicyFilter, Store, StoreError,
};

impl Store {
    /// Grants access.
    ///
    /// # Errors
    /// Subject or target are not known, or the terms contradict each other.
    pub async fn grant_policy(
        &self,
        actor: &Actor,
        now: Timestamp,
        new: NewPolicy,
    ) -> Result<Policy, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let granted = grant(&mut change, actor, now, new).await?;
        change.commit().await?;
        Ok(granted)
    }

    /// Changes a grant. What is not named stays.
    ///
    /// # Errors
    /// There is no such grant, subject or target, or the terms contradict each other.
    pub async fn edit_policy(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: PolicyId,
        edit: PolicyEdit,
    ) -> Result<Policy, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let before = view_one(change.db(), now, id).await?;
        let row = find_policy(change.db(), id).await?;
        let columns = edited_columns(change.db(), &row, &edit).await?;
        let reason = free_text("reason", edit.reason.clone().apply(row.reason.clone()))?;
        let rules = edit.apply(before.rules.clone());
        ensure_sound(&rules)?;
        let mut after = row_of(&columns, &rules);
        after.id = Set(id.0);
        after.reason = Set(reason);
        after.update(change.db()).await?;
        policy_term::Entity::delete_many()
            .filter(policy_term::Column::PolicyId.eq(id.0))
            .exec(change.db())
            .await?;
        insert_terms(change.db(), id.0, &rules).await?;
        let after = view_one(change.db(), now, id).await?;
        change.record(
            after
                .event(Action::PolicyEdited, actor, now)
                .detail("before", before.terms())
                .detail("after", after.terms()),
        );
        change.commit().await?;
        Ok(after)
    }

    /// Makes a grant from another one, with changes.
    ///
    /// # Errors
    /// There is no such grant, subject or target, or the terms contradict each other.
    pub async fn clone_policy(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: PolicyId,
        edit: PolicyEdit,
    ) -> Result<Policy, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let row = find_policy(change.db(), id).await?;
        let columns = edited_columns(change.db(), &row, &edit).await?;
        let reason = edit.reason.clone().apply(row.reason.clone());
        let terms = terms_of(change.db(), &[id.0])
            .await?
            .remove(&id.0)
            .unwrap_or_default();
        let rules = edit.apply(rules_of(&row, terms)?);
        let new = insert(&change, actor, now, &columns, &rules, reason).await?;
        let cloned = view_one(change.db(), now, new).await?;
        change.record(
            cloned
                .event(Action::PolicyCloned, actor, now)
                .detail("from", id.0)
                .detail("terms", cloned.terms()),
        );
        change.commit().await?;
        Ok(cloned)
    }

    /// Lists grants, in the order in which they were made.
    ///
    /// # Errors
    /// The database cannot be read, the cursor is none, or a name in the filter is not known.
    pub async fn policies(
        &self,
        now: Timestamp,
        filter: &PolicyFilter,
        page: &PageRequest,
    ) -> Result<Page<Policy>, StoreError> {
        let db = self.snapshot().await?;
        let mut condition = Condition::all();
        if let Some(user) = &filter.user {
            condition = condition.add(policy::Column::UserId.eq(find_user(&db, user).await?.id));
        }
        if let Some(group) = &filter.group {
            let group = find_group(&db, GroupKind::User, group).await?;
            condition = condition.add(policy::Column::UserGroupId.eq(group.id));
        }
        if let Some(server) = &filter.server {
            condition = condition.add(policy::Column::ServerId.eq(find_server(&db, server).await?.id));
        }
        if let Some(group) = &filter.server_group {
            let group = find_group(&db, GroupKind::Server, group).await?;
            condition = condition.add(policy::Column::ServerGroupId.eq(group.id));
        }
        if filter.past == Past::Omit {
            let endless = policy::Column::EndAt.is_null();
            condition = condition.add(policy::Column::RevokedAt.is_null()).add(
                Condition::any()
                    .add(endless)
                    .add(policy::Column::EndAt.gt(to_db(now))),
            );
        }
        condition = condition.add_option(page.after_number()?.map(|after| policy::Column::Id.gt(after)));
        let query = policy::Entity::find()
            .filter(condition)
            .order_by_asc(policy::Column::Id);
        let rows = query.limit(page.limit_and_one()).all(&db).await?;
        let policies = view_all(&db, now, rows).await?;
        Ok(Page::cut(policies, page.limit, |policy| policy.id.to_string()))
    }

    /// One grant.
    ///
    /// # Errors
    /// There is none with this id, or the database cannot be read.
    pub async fn policy(&self, now: Timestamp, id: PolicyId) -> Result<Policy, StoreError> {
        view_one(&self.snapshot().await?, now, id).await
    }

    /// Gives a grant a later end: `span` after its end, or after now if that has passed. One that was revoked or has
    /// expired is in force again.
    ///
    /// # Errors
    /// There is no such grant, or it has no end.
    pub async fn renew_policy(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: PolicyId,
        span: SpanSeconds,
    ) -> Result<Policy, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let row = find_policy(change.db(), id).await?;
        let Some(before) = row.end_at.map(from_db) else {
            return Err(StoreError::Conflict(format!(
                "policy {id} is permanent, so there is nothing to renew; clone it if it was revoked"
            )));
        };
        let end = before.max(now).checked_add(span.signed()).map_err(|_| {
            StoreError::invalid("for", format!("{span} reaches beyond the last date there is"))
        })?;
        let mut row = row.into_active_model();
        row.end_at = Set(Some(to_db(end)));
        row.revoked_at = Set(None);
        row.revoked_by = Set(None);
        row.update(change.db()).await?;
        let renewed = view_one(change.db(), now, id).await?;
        change.record(
            renewed
                .event(Action::PolicyRenewed, actor, now)
                .detail("before", format_time(before))
                .detail("end", format_time(end)),
        );
        change.commit().await?;
        Ok(renewed)
    }

    /// Takes a grant back; it stays in the store, and can be renewed. Sessions that depend on it end.
    ///
    /// # Errors
    /// There is no such grant, or it is revoked already.
    pub async fn revoke_policy(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: PolicyId,
    ) -> Result<Policy, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let row = find_policy(change.db(), id).await?;
        if let Some(since) = row.revoked_at {
            let since = format_time(from_db(since));
            return Err(StoreError::Conflict(format!(
                "policy {id} is revoked already, since {since}"
            )));
        }
        let mut row = row.into_active_model();
        row.revoked_at = Set(Some(to_db(now)));
        row.revoked_by = Set(Some(actor.name().to_owned()));
        row.update(change.db()).await?;
        let revoked = view_one(change.db(), now, id).await?;
        change.record(revoked.event(Action::PolicyRevoked, actor, now));
        change.commit().await?;
        Ok(revoked)
    }

    /// Deletes a grant. Sessions that depend on it end.
    ///
    /// # Errors
    /// There is no such grant.
    pub async fn remove_policy(&self, actor: &Actor, now: Timestamp, id: PolicyId) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        find_policy(change.db(), id).await?;
        remove_policies_of(&mut change, actor, now, policy::Column::Id.eq(id.0)).await?;
        change.commit().await?;
        Ok(())
    }
}

/// Grants access within a change of the directory, with its event.
pub(crate) async fn grant(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    new: NewPolicy,
) -> Result<Policy, StoreError> {
    let columns = Columns::default().with_subject(change.db(), &new.subject).await?;
    let columns = columns.with_target(change.db(), &new.target).await?;
    let id = insert(change, actor, now, &columns, &new.rules, new.reason).await?;
    let granted = view_one(change.db(), now, id).await?;
    change.record(
        granted
            .event(Action::PolicyGranted, actor, now)
            .detail("terms", granted.terms()),
    );
    Ok(granted)
}

/// Deletes the grants that a condition on their rows selects, each with its event.
pub(crate) async fn remove_policies_of(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    which: SimpleExpr,
) -> Result<(), StoreError> {
    let rows = policy::Entity::find()
        .filter(which)
        .order_by_asc(policy::Column::Id)
        .all(change.db())
        .await?;
    for policy in view_all(change.db(), now, rows).await? {
        change.record(
            policy
                .event(Action::PolicyRemoved, actor, now)
                .detail("terms", policy.terms()),
        );
        policy::Entity::delete_by_id(policy.id.0)
            .exec(change.db())
            .await?;
    }
    Ok(())
}

async fn insert(
    change: &Change<'_>,
    actor: &Actor,
    now: Timestamp,
    columns: &Columns,
    rules: &PolicyRules,
    reason: Option<String>,
) -> Result<PolicyId, StoreError> {
    ensure_sound(rules)?;
    let mut row = row_of(columns, rules);
    row.reason = Set(free_text("reason", reason)?);
    row.created_at = Set(to_db(now));
    row.created_by = Set(actor.name().to_owned());
    let row = row.insert(change.db()).await?;
    insert_terms(change.db(), row.id, rules).await?;
    Ok(PolicyId(row.id))
}

fn ensure_sound(rules: &PolicyRules) -> Result<(), StoreError> {
    match rules.end {
        Some(end) if end <= rules.start => Err(StoreError::invalid(
            "end",
            format!(
                "the end {} is not after the start {}; no access would ever be granted",
                format_time(end),
                format_time(rules.start)
            ),
        )),
        _ => Ok(()),
    }
}

async fn edited_columns(
    db: &impl ConnectionTrait,
    row: &policy::Model,
    edit: &PolicyEdit,
) -> Result<Columns, StoreError> {
    let mut columns = Columns::of(row);
    if let Some(subject) = &edit.subject {
        columns = columns.with_subject(db, subject).await?;
    }
    if let Some(target) = &edit.target {
        columns = columns.with_target(db, target).await?;
    }
    Ok(columns)
}

async fn find_policy(db: &impl ConnectionTrait, id: PolicyId) -> Result<policy::Model, StoreError> {
    policy::Entity::find_by_id(id.0)
        .one(db)
        .await?
        .ok_or_else(|| StoreError::absent(Kind::Policy, id))
}
