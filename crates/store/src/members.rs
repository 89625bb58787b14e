//! Who is directly in which group.

use std::collections::HashMap;

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::Timestamp;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

use crate::change::Scope;
use crate::chunks::in_chunks;
use crate::entity::{server, server_member, user, user_member};
use crate::resolve::{find_group, find_server, find_user, not_found};
use crate::{GroupKind, Kind, Store, StoreError};

impl Store {
    /// Puts a person or a server into a group.
    ///
    /// # Errors
    /// There is no such group or member, or it is in the group already.
    pub async fn add_group_member(
        &self,
        actor: &Actor,
        now: Timestamp,
        kind: GroupKind,
        group: &str,
        member: &str,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let group = find_group(change.db(), kind, group).await?;
        let (id, name) = find_member(change.db(), kind, member).await?;
        if member_names(change.db(), kind, &[group.id])
            .await?
            .remove(&group.id)
            .unwrap_or_default()
            .contains(&name)
        {
            return Err(StoreError::Conflict(format!(
                "{name} is in the group {:?} already",
                group.name
            )));
        }
        match kind {
            GroupKind::User => {
                let row = user_member::ActiveModel {
                    group_id: Set(group.id),
                    user_id: Set(id),
                };
                user_member::Entity::insert(row)
                    .exec_without_returning(change.db())
                    .await?;
            }
            GroupKind::Server => {
                let row = server_member::ActiveModel {
                    group_id: Set(group.id),
                    server_id: Set(id),
                };
                server_member::Entity::insert(row)
                    .exec_without_returning(change.db())
                    .await?;
            }
        }
        change.record(event(
            kind,
            [Action::GroupMemberAdded, Action::ServerGroupMemberAdded],
            actor,
            now,
            &name,
            &group.name,
        ));
        change.commit().await?;
        Ok(())
    }

    /// Takes a person or a server out of a group.
    ///
    /// # Errors
    /// There is no such group, or it has no such member.
    pub async fn remove_group_member(
        &self,
        actor: &Actor,
        now: Timestamp,
        kind: GroupKind,
        group: &str,
        member: &str,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let group = find_group(change.db(), kind, group).await?;
        let (id, name) = find_member(change.db(), kind, member).await?;
        let deleted = match kind {
            GroupKind::User => {
                user_member::Entity::delete_by_id((group.id, id))
                    .exec(change.db())
                    .await?
            }
            GroupKind::Server => {
                server_member::Entity::delete_by_id((group.id, id))
                    .exec(change.db())
                    .await?
            }
        };
        if deleted.rows_affected == 0 {
            let known = member_names(change.db(), kind, &[group.id])
                .await?
                .remove(&group.id)
                .unwrap_or_default();
            return Err(not_found(Kind::Member, &name, known));
        }
        change.record(event(
            kind,
            [Action::GroupMemberRemoved, Action::ServerGroupMemberRemoved],
            actor,
            now,
            &name,
            &group.name,
        ));
        change.commit().await?;
        Ok(())
    }
}

fn event(
    kind: GroupKind,
    [of_users, of_servers]: [Action; 2],
    actor: &Actor,
    now: Timestamp,
    member: &str,
    group: &str,
) -> Draft {
    match kind {
        GroupKind::User => Draft::new(of_users, actor, now).user(member),
        GroupKind::Server => Draft::new(of_servers, actor, now).server(member),
    }
    .detail("group", group)
}

async fn find_member(
    db: &impl ConnectionTrait,
    kind: GroupKind,
    member: &str,
) -> Result<(i64, String), StoreError> {
    Ok(match kind {
        GroupKind::User => find_user(db, member).await.map(|row| (row.id, row.name))?,
        GroupKind::Server => find_server(db, member).await.map(|row| (row.id, row.name))?,
    })
}

/// The sorted names of those directly in groups, by the groups' ids.
pub(crate) async fn member_names(
    db: &impl ConnectionTrait,
    kind: GroupKind,
    groups: &[i64],
) -> Result<HashMap<i64, Vec<String>>, StoreError> {
    let pairs: Vec<(i64, i64)> = match kind {
        GroupKind::User => in_chunks::<user_member::Entity>(db, user_member::Column::GroupId, groups)
            .await?
            .into_iter()
            .map(|row| (row.group_id, row.user_id))
            .collect(),
        GroupKind::Server => in_chunks::<server_member::Entity>(db, server_member::Column::GroupId, groups)
            .await?
            .into_iter()
            .map(|row| (row.group_id, row.server_id))
            .collect(),
    };
    let ids: Vec<i64> = pairs.iter().map(|(_, member)| *member).collect();
    let names: HashMap<i64, String> = match kind {
        GroupKind::User => {
            let rows = in_chunks::<user::Entity>(db, user::Column::Id, &ids).await?;
            rows.into_iter().map(|row| (row.id, row.name)).collect()
        }
        GroupKind::Server => {
            let rows = in_chunks::<server::Entity>(db, server::Column::Id, &ids).await?;
            rows.into_iter().map(|row| (row.id, row.name)).collect()
        }
    };
    let mut result: HashMap<i64, Vec<String>> = HashMap::new();
    for (group, member) in pairs {
        result
            .entry(group)
            .or_default()
            .extend(names.get(&member).cloned());
    }
    result.values_mut().for_each(|names| names.sort());
    Ok(result)
}

/// The pairs (group, member) of these members.
pub(crate) async fn memberships(
    db: &impl ConnectionTrait,
    kind: GroupKind,
    members: &[i64],
) -> Result<Vec<(i64, i64)>, StoreError> {
    Ok(match kind {
        GroupKind::User => in_chunks::<user_member::Entity>(db, user_member::Column::UserId, members)
            .await?
            .into_iter()
            .map(|row| (row.group_id, row.user_id))
            .collect(),
        GroupKind::Server => in_chunks::<server_member::Entity>(db, server_member::Column::ServerId, members)
            .await?
            .into_iter()
            .map(|row| (row.group_id, row.server_id))
            .collect(),
    })
}
