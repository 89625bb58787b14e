//! Who is to be told of a request by mail.

use std::collections::BTreeSet;

use gatehouse_audit::AlertKind;
use gatehouse_model::{Role, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::Value;

use crate::chunks::in_chunks;
use crate::entity::{approver, request, user, user_member};
use crate::standing::{acting_role, groups_around, groups_within};
use crate::{DueAlert, GroupKind, Store, StoreError};

impl Store {
    /// The mail addresses of the people whom an alert concerns, sorted: for a new request the approvers of its server,
    /// for a decided one the person who asked, for access opened by break-glass every administrator; for any other
    /// alert nobody. People who are switched off or locked are told nothing, and nobody of an own request that is new.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn notice_addresses(
        &self,
        now: Timestamp,
        alert: &DueAlert,
    ) -> Result<Vec<String>, StoreError> {
        let db = self.snapshot().await?;
        let people = match alert.kind {
            AlertKind::RequestCreated | AlertKind::RequestDecided => {
                let Some(row) = request_of(&db, alert).await? else {
                    return Ok(Vec::new());
                };
                if alert.kind == AlertKind::RequestDecided {
                    user::Entity::find_by_id(row.user_id).all(&db).await?
                } else {
                    let mut people = approvers_for(&db, &row).await?;
                    people.retain(|person| person.id != row.user_id);
                    people
                }
            }
            AlertKind::BreakGlass => {
                let admins = user::Column::Role.eq(Role::Admin.as_str());
                user::Entity::find().filter(admins).all(&db).await?
            }
            _ => Vec::new(),
        };
        let mut addresses = BTreeSet::new();
        for person in people {
            if acting_role(&person, now)?.is_some() {
                addresses.extend(person.email);
            }
        }
        Ok(addresses.into_iter().collect())
    }
}

/// The request that an alert tells of.
async fn request_of(
    db: &impl ConnectionTrait,
    alert: &DueAlert,
) -> Result<Option<request::Model>, StoreError> {
    let number = alert.event.pointer("/detail/request").and_then(Value::as_i64);
    Ok(match number {
        Some(number) => request::Entity::find_by_id(number).one(db).await?,
        None => None,
    })
}

/// The approvers of the groups around a request's server: people, and the members of groups of people and of all
/// below them.
async fn approvers_for(
    db: &impl ConnectionTrait,
    row: &request::Model,
) -> Result<Vec<user::Model>, StoreError> {
    let Some(server) = row.server_id else {
        return Ok(Vec::new());
    };
    let around = groups_around(db, GroupKind::Server, server).await?;
    let rows = in_chunks::<approver::Entity>(db, approver::Column::ServerGroupId, &around).await?;
    let groups: Vec<i64> = rows.iter().filter_map(|row| row.user_group_id).collect();
    let groups = groups_within(db, GroupKind::User, &groups).await?;
    let members = in_chunks::<user_member::Entity>(db, user_member::Column::GroupId, &groups).await?;
    let mut people: Vec<i64> = rows.iter().filter_map(|row| row.user_id).collect();
    people.extend(members.into_iter().map(|member| member.user_id));
    people.sort_unstable();
    people.dedup();
    in_chunks::<user::Entity>(db, user::Column::Id, &people).await
}
