//! Where people and servers stand among the groups: what is set on a group holds for all below it.

use gatehouse_model::{Role, Timestamp};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::entity::{approver, user};
use crate::group_tree::Tree;
use crate::members::memberships;
use crate::resolve::stored;
use crate::{GroupKind, LockState, StoreError};

/// The groups that a person or a server is in, directly or by a group below, sorted.
pub(crate) async fn groups_around(
    db: &impl ConnectionTrait,
    kind: GroupKind,
    member: i64,
) -> Result<Vec<i64>, StoreError> {
    let tree = Tree::read(db, kind).await?;
    let direct = memberships(db, kind, &[member]).await?;
    let all = direct.iter().flat_map(|(group, _)| tree.upwards(*group));
    Ok(sorted(all.map(|group| group.id)))
}

/// These groups and all below them, sorted.
pub(crate) async fn groups_within(
    db: &impl ConnectionTrait,
    kind: GroupKind,
    roots: &[i64],
) -> Result<Vec<i64>, StoreError> {
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let tree = Tree::read(db, kind).await?;
    let within = |id: &i64| tree.upwards(*id).iter().any(|group| roots.contains(&group.id));
    Ok(sorted(tree.groups.keys().copied().filter(within)))
}

/// The groups of servers whose requests a person decides as an approver: those that name the person or a group
/// around the person, and all below them.
pub(crate) async fn approver_of(db: &impl ConnectionTrait, person: i64) -> Result<Vec<i64>, StoreError> {
    let around = groups_around(db, GroupKind::User, person).await?;
    let named = Condition::any()
        .add(approver::Column::UserId.eq(person))
        .add(approver::Column::UserGroupId.is_in(around));
    let roots: Vec<i64> = approver::Entity::find()
        .select_only()
        .column(approver::Column::ServerGroupId)
        .filter(named)
        .into_tuple()
        .all(db)
        .await?;
    groups_within(db, GroupKind::Server, &roots).await
}

/// The role of a person who may act: `None` for one who is switched off or locked.
pub(crate) fn acting_role(row: &user::Model, now: Timestamp) -> Result<Option<Role>, StoreError> {
    let lock = LockState::in_force(row.locked, row.locked_until, None, now);
    if !row.active || lock.is_some() {
        return Ok(None);
    }
    Ok(Some(stored("a role", &row.role)?))
}

fn sorted(ids: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
