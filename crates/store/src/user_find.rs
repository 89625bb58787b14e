//! How people are found and in which order they are listed.

use gatehouse_model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
};

use crate::entity::{user, user_member};
use crate::keyset::{KeyOf, Keyset};
use crate::locks::lock_in_force;
use crate::resolve::{contains_pattern, find_group};
use crate::sort::KeyValue;
use crate::{GroupKind, Sort, StoreError, UserFilter, UserSort};

pub(crate) async fn wanted(
    db: &impl ConnectionTrait,
    now: Timestamp,
    filter: &UserFilter,
) -> Result<Condition, StoreError> {
    let mut wanted = Condition::all();
    if let Some(text) = &filter.text {
        wanted = wanted.add(Expr::col(user::Column::Search).like(contains_pattern(text)));
    }
    if let Some(group) = &filter.group {
        let group = find_group(db, GroupKind::User, group).await?;
        let members = user_member::Entity::find()
            .select_only()
            .column(user_member::Column::UserId)
            .filter(user_member::Column::GroupId.eq(group.id));
        wanted = wanted.add(user::Column::Id.in_subquery(members.into_query()));
    }
    Ok(wanted
        .add_option(filter.active.map(|active| user::Column::Active.eq(active)))
        .add_option(filter.role.map(|role| user::Column::Role.eq(role.as_str())))
        .add_option(
            filter
                .locked
                .map(|locked| lock_in_force(user::Column::Locked, user::Column::LockedUntil, now, locked)),
        ))
}

pub(crate) fn order(sort: Sort<UserSort>) -> Keyset<user::Model, i64> {
    let key: Option<KeyOf<user::Model>> = match sort.key {
        UserSort::CreatedAt => None,
        UserSort::Name => Some(KeyOf::text(
            Expr::col(user::Column::Folded),
            |row: &user::Model| KeyValue::Text(row.folded.clone()),
        )),
        UserSort::FullName => {
            let name = Expr::col(user::Column::FullName).if_null("");
            Some(KeyOf::text(name, |row| {
                KeyValue::Text(row.full_name.clone().unwrap_or_default())
            }))
        }
        UserSort::Email => {
            let email = Expr::col(user::Column::Email).if_null("");
            Some(KeyOf::text(email, |row| {
                KeyValue::Text(row.email.clone().unwrap_or_default())
            }))
        }
        UserSort::Role => Some(KeyOf::text(Expr::col(user::Column::Role), |row| {
            KeyValue::Text(row.role.clone())
        })),
    };
    Keyset::new(sort, key, Expr::col(user::Column::Id), |row| row.id)
}
