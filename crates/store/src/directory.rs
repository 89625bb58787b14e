//! The directory for decisions, read as one state of the database.

use chrono::{DateTime, Utc};
use gatehouse_model::{PolicyId, ServerGroupId, ServerId, UserGroupId, UserId};
use gatehouse_policy::{
    AllocationRow, BlockRow, DirectoryRows, GroupRow, KeyRow, Lock, PolicyRow, ServerRow, SourceRow, UserRow,
};
use sea_orm::{ConnectionTrait, EntityTrait};

use crate::blocks::reach_of;
use crate::entity::{
    allocation, block, group, group_right, policy, policy_term, pool_range, server, server_member,
    server_service, user, user_address, user_key, user_member, user_right,
};
use crate::feed::read_revision;
use crate::instant::from_db;
use crate::policy_rows::{Columns, by_policy, rules_of};
use crate::resolve::stored;
use crate::server_rows::service;
use crate::{GroupKind, Store, StoreError};

impl Store {
    /// Everything that a decision depends on, as of one revision.
    ///
    /// # Errors
    /// The database cannot be read, or holds what no version has written.
    pub async fn directory_rows(&self) -> Result<DirectoryRows, StoreError> {
        let db = self.snapshot().await?;
        let revision = read_revision(&db).await?;
        let mut rows = DirectoryRows {
            revision,
            ..DirectoryRows::default()
        };
        read_people(&db, &mut rows).await?;
        read_servers(&db, &mut rows).await?;
        read_groups(&db, &mut rows).await?;
        read_policies(&db, &mut rows).await?;
        for row in block::Entity::find().all(&db).await? {
            rows.blocks.push(BlockRow {
                range: stored("a block", &row.range)?,
                until: row.until.map(from_db),
                reach: reach_of(&row)?,
            });
        }
        Ok(rows)
    }
}

async fn read_people(db: &impl ConnectionTrait, rows: &mut DirectoryRows) -> Result<(), StoreError> {
    for row in user::Entity::find().all(db).await? {
        rows.users.push(UserRow {
            id: UserId(row.id),
            name: stored("a name", &row.name)?,
            email: row.email,
            active: row.active,
            lock: lock(row.locked, row.locked_until, row.lock_reason),
            role: stored("a role", &row.role)?,
        });
    }
    for row in user_address::Entity::find().all(db).await? {
        let range = stored("a source address", &row.range)?;
        rows.sources.push(SourceRow {
            user: UserId(row.user_id),
            range,
            active: row.active,
        });
    }
    for row in user_key::Entity::find().all(db).await? {
        rows.keys.push(KeyRow {
            user: UserId(row.user_id),
            openssh: row.openssh,
        });
    }
    for row in user_right::Entity::find().all(db).await? {
        rows.user_rights
            .push((UserId(row.user_id), stored("a right", &row.right_name)?));
    }
    Ok(())
}

async fn read_servers(db: &impl ConnectionTrait, rows: &mut DirectoryRows) -> Result<(), StoreError> {
    let mut services = std::collections::HashMap::<i64, Vec<_>>::new();
    for row in server_service::Entity::find().all(db).await? {
        let service = service(&row)?;
        services
            .entry(row.server_id)
            .or_default()
            .push((service.protocol, service.port));
    }
    for row in server::Entity::find().all(db).await? {
        rows.servers.push(ServerRow {
            id: ServerId(row.id),
            name: stored("a name", &row.name)?,
            address: stored("an address", &row.address)?,
            services: services.remove(&row.id).unwrap_or_default(),
            active: row.active,
            lock: lock(row.locked, row.locked_until, row.lock_reason),
            legacy_algorithms: stored("a setting for algorithms", &row.legacy_algorithms)?,
        });
    }
    for row in pool_range::Entity::find().all(db).await? {
        rows.pool.push(stored("a pool range", &row.range)?);
    }
    for row in allocation::Entity::find().all(db).await? {
        rows.allocations.push(AllocationRow {
            proxy: stored("a proxy address", &row.address)?,
            server: ServerId(row.server_id),
            until: row.until.map(from_db),
        });
    }
    Ok(())
}

async fn read_groups(db: &impl ConnectionTrait, rows: &mut DirectoryRows) -> Result<(), StoreError> {
    for row in group::Entity::find().all(db).await? {
        let name = stored("a name", &row.name)?;
        if row.kind == GroupKind::User.as_str() {
            let parent = row.parent_id.map(UserGroupId);
            rows.user_groups.push(GroupRow {
                id: UserGroupId(row.id),
                name,
                parent,
            });
        } else {
            let parent = row.parent_id.map(ServerGroupId);
            rows.server_groups.push(GroupRow {
                id: ServerGroupId(row.id),
                name,
                parent,
            });
        }
    }
    let members = user_member::Entity::find().all(db).await?;
    rows.user_members = members
        .into_iter()
        .map(|row| (UserGroupId(row.group_id), UserId(row.user_id)))
        .collect();
    let members = server_member::Entity::find().all(db).await?;
    rows.server_members = members
        .into_iter()
        .map(|row| (ServerGroupId(row.group_id), ServerId(row.server_id)))
        .collect();
    for row in group_right::Entity::find().all(db).await? {
        rows.group_rights
            .push((UserGroupId(row.group_id), stored("a right", &row.right_name)?));
    }
    Ok(())
}

async fn read_policies(db: &impl ConnectionTrait, rows: &mut DirectoryRows) -> Result<(), StoreError> {
    let mut terms = by_policy(policy_term::Entity::find().all(db).await?);
    for row in policy::Entity::find().all(db).await? {
        let columns = Columns::of(&row);
        rows.policies.push(PolicyRow {
            id: PolicyId(row.id),
            subject: columns.subject()?,
            target: columns.target()?,
            revoked_at: row.revoked_at.map(from_db),
            rules: rules_of(&row, terms.remove(&row.id).unwrap_or_default())?,
        });
    }
    Ok(())
}

fn lock(locked: bool, until: Option<DateTime<Utc>>, reason: Option<String>) -> Option<Lock> {
    locked.then(|| Lock {
        until: until.map(from_db),
        reason,
    })
}
