//! Grants.

use gatehouse_audit::{Action, Actor};
use gatehouse_model::{PolicyId, SpanSeconds, Timestamp, format_time};
use gatehouse_policy::PolicyRules;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder,
};

use crate::change::{Change, Scope};
use crate::entity::{policy, policy_term};
use crate::instant::{from_db, to_db};
use crate::keyset::count;
use crate::policy_find::{order, wanted};
use crate::policy_rows::{Columns, insert_terms, row_of, rules_of, terms_of};
use crate::policy_view::{view_all, view_one};
use crate::resolve::free_text;
use crate::{
    Count, Kind, NewPolicy, Page, PageRequest, Policy, PolicyEdit, PolicyFilter, Store, StoreError, Tag,
    Wanted,
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
    /// There is no such grant, subject or target, the terms contradict each other, or it is no longer in the state
    /// that was expected.
    pub async fn edit_policy(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: PolicyId,
        edit: PolicyEdit,
    ) -> Result<Policy, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let before = view_one(change.db(), now, id).await?;
        Tag::ensure(edit.expected, &before)?;
        let row = find_policy(change.db(), id).await?;
        let columns = edited_columns(change.db(), &row, &edit).await?;
        let reason = free_text("reason", edit.reason.clone().apply(row.reason.clone()))?;
        let rules = edit.apply(before.rules.clone());
        ensure_sound(&rules)?;
        let mut after = row_of(&columns, &rules, reason);
        after.id = Set(id.0);
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

    /// Lists grants, in the order in which they were made unless another is asked for.
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
        let query = policy::Entity::find().filter(wanted(&db, now, filter).await?);
        let rows = order(filter.sort).page(&db, query, page).await?;
        Ok(Page {
            items: view_all(&db, now, rows.items).await?,
            next: rows.next,
        })
    }

    /// How many grants a filter leaves.
    ///
    /// # Errors
    /// The database cannot be read, or a name in the filter is not known.
    pub async fn count_policies(&self, now: Timestamp, filter: &PolicyFilter) -> Result<Count, StoreError> {
        let db = self.snapshot().await?;
        count(
            &db,
            policy::Entity::find().filter(wanted(&db, now, filter).await?),
        )
        .await
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
    /// There is no such grant, it has no end, or it is no longer in the state that was expected.
    pub async fn renew_policy(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: impl Into<Wanted<PolicyId>>,
        span: SpanSeconds,
    ) -> Result<Policy, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let renewed = renew(&mut change, actor, now, id.into(), span).await?;
        change.commit().await?;
        Ok(renewed)
    }

    /// Takes a grant back, for a reason if one is given; it stays in the store, and can be renewed. Sessions that depend
    /// on it end.
    ///
    /// # Errors
    /// There is no such grant, it is revoked already, or it is no longer in the state that was expected.
    pub async fn revoke_policy(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: impl Into<Wanted<PolicyId>>,
        reason: Option<String>,
    ) -> Result<Policy, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let revoked = revoke(&mut change, actor, now, id.into(), reason).await?;
        change.commit().await?;
        Ok(revoked)
    }

    /// Deletes a grant. Sessions that depend on it end.
    ///
    /// # Errors
    /// There is no such grant, or it is no longer in the state that was expected.
    pub async fn remove_policy(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: impl Into<Wanted<PolicyId>>,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        remove(&mut change, actor, now, id.into()).await?;
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

/// Gives a grant a later end within a change of the directory, with its event.
pub(crate) async fn renew(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    wanted: Wanted<PolicyId>,
    span: SpanSeconds,
) -> Result<Policy, StoreError> {
    let (id, row) = find_wanted(change.db(), now, wanted).await?;
    let Some(before) = row.end_at.map(from_db) else {
        return Err(StoreError::Conflict(format!(
            "policy {id} is permanent, so there is nothing to renew; clone it if it was revoked"
        )));
    };
    let end = before
        .max(now)
        .checked_add(span.signed())
        .map_err(|_| StoreError::invalid("for", format!("{span} reaches beyond the last date there is")))?;
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
    Ok(renewed)
}

/// Takes a grant back within a change of the directory, with its event.
pub(crate) async fn revoke(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    wanted: Wanted<PolicyId>,
    reason: Option<String>,
) -> Result<Policy, StoreError> {
    let reason = free_text("reason", reason)?;
    let (id, row) = find_wanted(change.db(), now, wanted).await?;
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
    let event = revoked.event(Action::PolicyRevoked, actor, now);
    change.record(match reason {
        Some(reason) => event.reason(reason),
        None => event,
    });
    Ok(revoked)
}

/// Deletes a grant within a change of the directory, with its event.
pub(crate) async fn remove(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    wanted: Wanted<PolicyId>,
) -> Result<(), StoreError> {
    let (id, _) = find_wanted(change.db(), now, wanted).await?;
    remove_policies_of(change, actor, now, policy::Column::Id.eq(id.0)).await
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
    let mut row = row_of(columns, rules, free_text("reason", reason)?);
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

/// The grant that is wanted, which must be in the state that is expected.
async fn find_wanted(
    db: &impl ConnectionTrait,
    now: Timestamp,
    wanted: Wanted<PolicyId>,
) -> Result<(PolicyId, policy::Model), StoreError> {
    let id = wanted.what;
    let row = find_policy(db, id).await?;
    if wanted.expected.is_some() {
        Tag::ensure(wanted.expected, &view_one(db, now, id).await?)?;
    }
    Ok((id, row))
}

async fn find_policy(db: &impl ConnectionTrait, id: PolicyId) -> Result<policy::Model, StoreError> {
    policy::Entity::find_by_id(id.0)
        .one(db)
        .await?
        .ok_or_else(|| StoreError::absent(Kind::Policy, id))
}
