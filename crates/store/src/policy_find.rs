//! How grants are found and in which order they are listed.

use gatehouse_model::Timestamp;
use sea_orm::sea_query::{Expr, IntoCondition};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
    Select,
};

use crate::entity::{group, policy, server, user};
use crate::instant::to_db;
use crate::keyset::{KeyOf, Keyset};
use crate::resolve::{contains_pattern, find_group, find_server, find_user};
use crate::sort::KeyValue;
use crate::{GroupKind, Past, PolicyFilter, PolicySort, PolicyState, Sort, StoreError};

pub(crate) async fn wanted(
    db: &impl ConnectionTrait,
    now: Timestamp,
    filter: &PolicyFilter,
) -> Result<Condition, StoreError> {
    let mut wanted = Condition::all();
    if let Some(user) = &filter.user {
        wanted = wanted.add(policy::Column::UserId.eq(find_user(db, user).await?.id));
    }
    if let Some(group) = &filter.group {
        let group = find_group(db, GroupKind::User, group).await?;
        wanted = wanted.add(policy::Column::UserGroupId.eq(group.id));
    }
    if let Some(server) = &filter.server {
        wanted = wanted.add(policy::Column::ServerId.eq(find_server(db, server).await?.id));
    }
    if let Some(group) = &filter.server_group {
        let group = find_group(db, GroupKind::Server, group).await?;
        wanted = wanted.add(policy::Column::ServerGroupId.eq(group.id));
    }
    if let Some(protocol) = filter.protocol {
        let every = policy::Column::Protocol.is_null();
        wanted = wanted.add(every.or(policy::Column::Protocol.eq(protocol.as_str())));
    }
    if let Some(text) = &filter.text {
        wanted = wanted.add(speaks_of(text));
    }
    Ok(match (filter.state, filter.past) {
        (Some(state), _) => wanted.add(in_state(state, now)),
        (None, Past::Omit) => wanted.add(not_over(now)),
        (None, Past::Include) => wanted,
    })
}

/// Grants that are in force or will be.
fn not_over(now: Timestamp) -> Condition {
    Condition::all().add(policy::Column::RevokedAt.is_null()).add(
        policy::Column::EndAt
            .is_null()
            .or(policy::Column::EndAt.gt(to_db(now))),
    )
}

/// As [`PolicyState`] is told of a row.
pub(crate) fn in_state(state: PolicyState, now: Timestamp) -> Condition {
    let begun = policy::Column::StartAt.lte(to_db(now));
    match state {
        PolicyState::Active => not_over(now).add(begun),
        PolicyState::Scheduled => not_over(now).add(begun.not()),
        PolicyState::Expired => Condition::all()
            .add(policy::Column::RevokedAt.is_null())
            .add(policy::Column::EndAt.lte(to_db(now))),
        PolicyState::Revoked => policy::Column::RevokedAt.is_not_null().into_condition(),
    }
}

fn speaks_of(text: &str) -> Condition {
    fn ids<E: EntityTrait>(id: E::Column, name: E::Column, text: &str) -> Select<E> {
        E::find()
            .select_only()
            .column(id)
            .filter(Expr::col(name).like(contains_pattern(text)))
    }
    let users = ids::<user::Entity>(user::Column::Id, user::Column::Search, text);
    let servers = ids::<server::Entity>(server::Column::Id, server::Column::Search, text);
    let groups = ids::<group::Entity>(group::Column::Id, group::Column::Folded, text);
    Condition::any()
        .add(Expr::col(policy::Column::Search).like(contains_pattern(text)))
        .add(policy::Column::UserId.in_subquery(users.into_query()))
        .add(policy::Column::ServerId.in_subquery(servers.into_query()))
        .add(policy::Column::UserGroupId.in_subquery(groups.clone().into_query()))
        .add(policy::Column::ServerGroupId.in_subquery(groups.into_query()))
}

pub(crate) fn order(sort: Sort<PolicySort>) -> Keyset<policy::Model, i64> {
    let key: Option<KeyOf<policy::Model>> = match sort.key {
        PolicySort::CreatedAt => None,
        PolicySort::Start => Some(KeyOf::instant(
            Expr::col(policy::Column::StartAt),
            |row: &policy::Model| KeyValue::Number(row.start_at.timestamp_micros()),
        )),
        PolicySort::End => {
            let end = Expr::col(policy::Column::EndAt).if_null(to_db(Timestamp::MAX));
            Some(KeyOf::instant(end, |row| {
                let end = row.end_at.unwrap_or_else(|| to_db(Timestamp::MAX));
                KeyValue::Number(end.timestamp_micros())
            }))
        }
    };
    Keyset::new(sort, key, Expr::col(policy::Column::Id), |row| row.id)
}
