//! How servers are found and in which order they are listed.

use gatehouse_model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
};

use crate::entity::{server, server_member, server_service};
use crate::keyset::{KeyOf, Keyset};
use crate::locks::lock_in_force;
use crate::resolve::{contains_pattern, find_group};
use crate::sort::KeyValue;
use crate::{GroupKind, ServerFilter, ServerSort, Sort, StoreError};

pub(crate) async fn wanted(
    db: &impl ConnectionTrait,
    now: Timestamp,
    filter: &ServerFilter,
) -> Result<Condition, StoreError> {
    let mut wanted = Condition::all();
    if let Some(text) = &filter.text {
        wanted = wanted.add(Expr::col(server::Column::Search).like(contains_pattern(text)));
    }
    if let Some(group) = &filter.group {
        let group = find_group(db, GroupKind::Server, group).await?;
        let members = server_member::Entity::find()
            .select_only()
            .column(server_member::Column::ServerId)
            .filter(server_member::Column::GroupId.eq(group.id));
        wanted = wanted.add(server::Column::Id.in_subquery(members.into_query()));
    }
    if let Some(protocol) = filter.protocol {
        let offering = server_service::Entity::find()
            .select_only()
            .column(server_service::Column::ServerId)
            .filter(server_service::Column::Protocol.eq(protocol.as_str()));
        wanted = wanted.add(server::Column::Id.in_subquery(offering.into_query()));
    }
    Ok(wanted
        .add_option(filter.active.map(|active| server::Column::Active.eq(active)))
        .add_option(filter.os.map(|os| server::Column::Os.eq(os.as_str())))
        .add_option(
            filter.locked.map(|locked| {
                lock_in_force(server::Column::Locked, server::Column::LockedUntil, now, locked)
            }),
        ))
}

pub(crate) fn order(sort: Sort<ServerSort>) -> Keyset<server::Model, i64> {
    let key: Option<KeyOf<server::Model>> = match sort.key {
        ServerSort::CreatedAt => None,
        ServerSort::Name => Some(KeyOf::text(
            Expr::col(server::Column::Folded),
            |row: &server::Model| KeyValue::Text(row.folded.clone()),
        )),
        ServerSort::Address => Some(KeyOf::text(Expr::col(server::Column::Address), |row| {
            KeyValue::Text(row.address.clone())
        })),
        ServerSort::Os => {
            let os = Expr::col(server::Column::Os).if_null("");
            Some(KeyOf::text(os, |row| {
                KeyValue::Text(row.os.clone().unwrap_or_default())
            }))
        }
    };
    Keyset::new(sort, key, Expr::col(server::Column::Id), |row| row.id)
}
