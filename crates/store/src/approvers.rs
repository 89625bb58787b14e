//! Who decides requests for the servers of a group: people, and groups of people with all below them. An approver of
//! a group decides for the servers in it and in every group below.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::Timestamp;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter,
};
use serde::Serialize;

use crate::change::{Change, REQUEST_LOCK, Scope};
use crate::chunks::in_chunks;
use crate::entity::{approver, group, user};
use crate::resolve::{find_group, find_user, not_found};
use crate::{GroupKind, Kind, Store, StoreError, SubjectRef};

/// The approvers of a group of servers, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Approvers {
    /// People.
    pub users: Vec<String>,
    /// Groups of people.
    pub groups: Vec<String>,
}

impl Store {
    /// Makes a person or a group approvers of a group of servers.
    ///
    /// # Errors
    /// There is no such group or approver, or it is one already.
    pub async fn add_approver(
        &self,
        actor: &Actor,
        now: Timestamp,
        group: &str,
        who: &SubjectRef,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let group = find_group(change.db(), GroupKind::Server, group).await?;
        let who = Named::find(change.db(), who).await?;
        if who.row(change.db(), group.id).await?.is_some() {
            return Err(StoreError::Conflict(format!(
                "{} is an approver of {:?} already",
                who.name, group.name
            )));
        }
        add(&mut change, actor, now, &group, &who).await?;
        change.commit().await?;
        Ok(())
    }

    /// Takes an approver of a group of servers away.
    ///
    /// # Errors
    /// There is no such group, or it has no such approver.
    pub async fn remove_approver(
        &self,
        actor: &Actor,
        now: Timestamp,
        group: &str,
        who: &SubjectRef,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let group = find_group(change.db(), GroupKind::Server, group).await?;
        let who = Named::find(change.db(), who).await?;
        let Some(row) = who.row(change.db(), group.id).await? else {
            let known = read(change.db(), group.id).await?;
            let known = known.into_iter().map(|(named, _)| named.name).collect();
            return Err(not_found(Kind::Approver, &who.name, known));
        };
        remove(&mut change, actor, now, &group, &who, row).await?;
        change.commit().await?;
        Ok(())
    }

    /// Gives a group of servers exactly these approvers.
    ///
    /// # Errors
    /// There is no such group or approver.
    pub async fn set_approvers(
        &self,
        actor: &Actor,
        now: Timestamp,
        group: &str,
        approvers: &[SubjectRef],
    ) -> Result<Approvers, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.lock(REQUEST_LOCK).await?;
        let group = find_group(change.db(), GroupKind::Server, group).await?;
        let mut wanted = Vec::new();
        for who in approvers {
            let who = Named::find(change.db(), who).await?;
            if !wanted.contains(&who) {
                wanted.push(who);
            }
        }
        let mut present = Vec::new();
        for (who, row) in read(change.db(), group.id).await? {
            if wanted.contains(&who) {
                present.push(who);
            } else {
                remove(&mut change, actor, now, &group, &who, row).await?;
            }
        }
        for who in wanted.iter().filter(|who| !present.contains(who)) {
            add(&mut change, actor, now, &group, who).await?;
        }
        let approvers = listed(read(change.db(), group.id).await?);
        change.commit().await?;
        Ok(approvers)
    }

    /// The approvers that a group of servers names itself, sorted by name.
    ///
    /// # Errors
    /// There is no such group.
    pub async fn approvers(&self, group: &str) -> Result<Approvers, StoreError> {
        let db = self.snapshot().await?;
        let group = find_group(&db, GroupKind::Server, group).await?;
        Ok(listed(read(&db, group.id).await?))
    }
}

/// A person or a group of people.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Named {
    user: Option<i64>,
    group: Option<i64>,
    name: String,
}

impl Named {
    async fn find(db: &impl ConnectionTrait, who: &SubjectRef) -> Result<Self, StoreError> {
        Ok(match who {
            SubjectRef::User(user) => {
                let row = find_user(db, user).await?;
                Self {
                    user: Some(row.id),
                    group: None,
                    name: row.name,
                }
            }
            SubjectRef::Group(group) => {
                let row = find_group(db, GroupKind::User, group).await?;
                Self {
                    user: None,
                    group: Some(row.id),
                    name: row.name,
                }
            }
        })
    }

    async fn row(
        &self,
        db: &impl ConnectionTrait,
        server_group: i64,
    ) -> Result<Option<approver::Model>, StoreError> {
        let who = match (self.user, self.group) {
            (Some(user), _) => approver::Column::UserId.eq(user),
            (None, group) => approver::Column::UserGroupId.eq(group),
        };
        let of_group = approver::Column::ServerGroupId.eq(server_group);
        Ok(approver::Entity::find()
            .filter(of_group)
            .filter(who)
            .one(db)
            .await?)
    }

    fn event(&self, action: Action, actor: &Actor, now: Timestamp, server_group: &str) -> Draft {
        let event = Draft::new(action, actor, now).detail("server_group", server_group);
        match self.user {
            Some(_) => event.user(&self.name),
            None => event.detail("group", self.name.as_str()),
        }
    }
}

async fn add(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    group: &group::Model,
    who: &Named,
) -> Result<(), StoreError> {
    let row = approver::ActiveModel {
        server_group_id: Set(group.id),
        user_id: Set(who.user),
        user_group_id: Set(who.group),
        ..Default::default()
    };
    row.insert(change.db()).await?;
    change.record(who.event(Action::ApproverAdded, actor, now, &group.name));
    Ok(())
}

async fn remove(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    group: &group::Model,
    who: &Named,
    row: approver::Model,
) -> Result<(), StoreError> {
    row.delete(change.db()).await?;
    change.record(who.event(Action::ApproverRemoved, actor, now, &group.name));
    Ok(())
}

async fn read(
    db: &impl ConnectionTrait,
    server_group: i64,
) -> Result<Vec<(Named, approver::Model)>, StoreError> {
    let rows = approver::Entity::find()
        .filter(approver::Column::ServerGroupId.eq(server_group))
        .all(db)
        .await?;
    let users: Vec<i64> = rows.iter().filter_map(|row| row.user_id).collect();
    let groups: Vec<i64> = rows.iter().filter_map(|row| row.user_group_id).collect();
    let users = in_chunks::<user::Entity>(db, user::Column::Id, &users).await?;
    let groups = in_chunks::<group::Entity>(db, group::Column::Id, &groups).await?;
    let name = |row: &approver::Model| {
        let user = users.iter().find(|user| Some(user.id) == row.user_id);
        let group = groups.iter().find(|group| Some(group.id) == row.user_group_id);
        user.map(|user| &user.name)
            .or(group.map(|group| &group.name))
            .cloned()
    };
    let mut named: Vec<_> = rows
        .into_iter()
        .filter_map(|row| {
            let name = name(&row)?;
            Some((
                Named {
                    user: row.user_id,
                    group: row.user_group_id,
                    name,
                },
                row,
            ))
        })
        .collect();
    named.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(named)
}

fn listed(named: Vec<(Named, approver::Model)>) -> Approvers {
    let mut approvers = Approvers::default();
    for (who, _) in named {
        match who.user {
            Some(_) => approvers.users.push(who.name),
            None => approvers.groups.push(who.name),
        }
    }
    approvers
}
