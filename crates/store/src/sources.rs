//! The source addresses of people.

use std::collections::{HashMap, HashSet};

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{AddressId, AddressRange, Timestamp};
use ipnet::IpNet;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    ModelTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::Serialize;

use crate::change::{Change, Scope};
use crate::entity::{user, user_address};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_user, free_text, not_found, stored};
use crate::{Activity, Kind, Store, StoreError};

/// Whether a range may lie inside, or around, one of another person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Inside {
    /// That is refused, and the error says who holds the other range.
    #[default]
    Refuse,
    /// That is meant.
    Allow,
}

/// A source address to be entered.
#[derive(Clone, Debug)]
pub struct NewAddress {
    /// The address or range.
    pub range: AddressRange,
    /// A note, such as "laptop".
    pub label: Option<String>,
    /// Whether it may lie inside another person's.
    pub inside: Inside,
}

/// A source address of a person.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct UserAddress {
    /// The id.
    pub id: AddressId,
    /// The address or range.
    pub range: AddressRange,
    /// A note.
    pub label: Option<String>,
    /// Whether it is in use.
    pub active: bool,
    /// Ranges of other people that contain this one.
    pub inside: Vec<Holder>,
    /// When it was entered.
    pub created_at: Timestamp,
}

/// Who holds a range.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Holder {
    /// The person's name.
    pub user: String,
    /// The range.
    pub range: AddressRange,
}

impl Store {
    /// Enters a source address of a person.
    ///
    /// # Errors
    /// Somebody holds the same range; or, unless [`Inside::Allow`], one within or around it.
    pub async fn add_user_address(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        address: NewAddress,
    ) -> Result<UserAddress, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let user = find_user(change.db(), who).await?;
        let range = address.range;
        insert_address(&mut change, actor, now, &user, address).await?;
        let mut addresses = addresses_of(change.db(), &[user.id])
            .await?
            .remove(&user.id)
            .unwrap_or_default();
        change.commit().await?;
        addresses.retain(|address| address.range == range);
        addresses
            .pop()
            .ok_or_else(|| StoreError::absent(Kind::Address, range))
    }

    /// The source addresses of a person, with whatever ranges of others contain them.
    ///
    /// # Errors
    /// There is no such person.
    pub async fn user_addresses(&self, who: &str) -> Result<Vec<UserAddress>, StoreError> {
        let db = self.snapshot().await?;
        let user = find_user(&db, who).await?;
        Ok(addresses_of(&db, &[user.id])
            .await?
            .remove(&user.id)
            .unwrap_or_default())
    }

    /// Switches a source address on or off. One that is off still hides wider ranges.
    ///
    /// # Errors
    /// The person has no such address.
    pub async fn set_user_address_activity(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        range: AddressRange,
        activity: Activity,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let user = find_user(change.db(), who).await?;
        let mut row = find_address(change.db(), &user, range).await?.into_active_model();
        row.active = Set(activity.is_enabled());
        row.update(change.db()).await?;
        let action = if activity.is_enabled() {
            Action::AddressEnabled
        } else {
            Action::AddressDisabled
        };
        change.record(
            Draft::new(action, actor, now)
                .user(&user.name)
                .detail("address", range.to_string()),
        );
        change.commit().await?;
        Ok(())
    }

    /// Deletes a source address.
    ///
    /// # Errors
    /// The person has no such address.
    pub async fn remove_user_address(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        range: AddressRange,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let user = find_user(change.db(), who).await?;
        let row = find_address(change.db(), &user, range).await?;
        row.delete(change.db()).await?;
        let event = Draft::new(Action::AddressRemoved, actor, now).user(&user.name);
        change.record(event.detail("address", range.to_string()));
        change.commit().await?;
        Ok(())
    }
}

/// Enters an address within a change, and audits it.
pub(crate) async fn insert_address(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    user: &user::Model,
    address: NewAddress,
) -> Result<(), StoreError> {
    let range = address.range;
    let others = overlapping(change.db(), user, range).await?;
    if address.inside == Inside::Refuse
        && let Some(other) = others.first()
    {
        let how = if other.range.covers(&range) {
            "lies inside"
        } else {
            "contains"
        };
        return Err(StoreError::Conflict(format!(
            "{range} {how} {}, which {} holds; say --inside if that is meant",
            other.range, other.user
        )));
    }
    let row = user_address::ActiveModel {
        user_id: Set(user.id),
        range: Set(range.to_string()),
        label: Set(free_text("label", address.label)?),
        active: Set(true),
        created_at: Set(to_db(now)),
        ..Default::default()
    };
    row.insert(change.db()).await?;
    let inside: Vec<_> = others
        .iter()
        .map(|other| format!("{} ({})", other.range, other.user))
        .collect();
    let event = Draft::new(Action::AddressAdded, actor, now)
        .user(&user.name)
        .detail("address", range.to_string());
    change.record(if inside.is_empty() {
        event
    } else {
        event.detail("overlaps", inside)
    });
    Ok(())
}

/// Ranges of other people that have an address in common with `range`.
///
/// # Errors
/// Somebody holds exactly this range.
pub(crate) async fn overlapping(
    db: &impl ConnectionTrait,
    user: &user::Model,
    range: AddressRange,
) -> Result<Vec<Holder>, StoreError> {
    let rows = user_address::Entity::find().all(db).await?;
    let names = names_by_id(db).await?;
    let mut others = Vec::new();
    for row in rows {
        let held: AddressRange = stored("a source address", &row.range)?;
        let holder_id = row.user_id;
        let holder = names.get(&holder_id).cloned().unwrap_or_default();
        if held == range {
            let sentence = if holder_id == user.id {
                format!("{} has {range} already", user.name)
            } else {
                format!("{range} belongs to {holder}; no two users may hold the same range")
            };
            return Err(StoreError::Conflict(sentence));
        }
        if holder_id != user.id && held.overlaps(&range) {
            others.push(Holder {
                user: holder,
                range: held,
            });
        }
    }
    // The closest ones first.
    others.sort_by_key(|other| std::cmp::Reverse(other.range.prefix_len()));
    Ok(others)
}

/// Whether a person holds exactly this range.
pub(crate) async fn holds(
    db: &impl ConnectionTrait,
    user: &user::Model,
    range: AddressRange,
) -> Result<bool, StoreError> {
    let held = user_address::Entity::find()
        .filter(user_address::Column::UserId.eq(user.id))
        .filter(user_address::Column::Range.eq(range.to_string()))
        .one(db)
        .await?;
    Ok(held.is_some())
}

async fn find_address(
    db: &impl ConnectionTrait,
    user: &user::Model,
    range: AddressRange,
) -> Result<user_address::Model, StoreError> {
    let of_user = user_address::Entity::find().filter(user_address::Column::UserId.eq(user.id));
    let found = of_user
        .clone()
        .filter(user_address::Column::Range.eq(range.to_string()))
        .one(db)
        .await?;
    match found {
        Some(row) => Ok(row),
        None => {
            let known = of_user.all(db).await?.into_iter().map(|row| row.range).collect();
            Err(not_found(Kind::Address, &range.to_string(), known))
        }
    }
}

/// The addresses of people, by the people's ids.
pub(crate) async fn addresses_of(
    db: &impl ConnectionTrait,
    users: &[i64],
) -> Result<HashMap<i64, Vec<UserAddress>>, StoreError> {
    let wanted: HashSet<i64> = users.iter().copied().collect();
    let rows = user_address::Entity::find()
        .order_by_asc(user_address::Column::Id)
        .all(db)
        .await?;
    let names = names_by_id(db).await?;
    let mut held = HashMap::with_capacity(rows.len());
    let mut own = Vec::new();
    for row in rows {
        let range: AddressRange = stored("a source address", &row.range)?;
        held.insert(range.net(), row.user_id);
        if wanted.contains(&row.user_id) {
            own.push((row, range));
        }
    }
    let mut result: HashMap<i64, Vec<UserAddress>> = HashMap::new();
    for (row, range) in own {
        let inside = wider(range)
            .filter_map(|net| Some((net, *held.get(&net)?)))
            .filter(|(_, holder)| *holder != row.user_id)
            .filter_map(|(net, holder)| {
                Some(Holder {
                    user: names.get(&holder)?.clone(),
                    range: net.to_string().parse().ok()?,
                })
            })
            .collect();
        result.entry(row.user_id).or_default().push(UserAddress {
            id: AddressId(row.id),
            range,
            label: row.label,
            active: row.active,
            inside,
            created_at: from_db(row.created_at),
        });
    }
    Ok(result)
}

/// Every wider range that contains `range`, the narrowest first.
fn wider(range: AddressRange) -> impl Iterator<Item = IpNet> {
    (0..range.prefix_len())
        .rev()
        .filter_map(move |prefix| Some(IpNet::new(range.network(), prefix).ok()?.trunc()))
}

async fn names_by_id(db: &impl ConnectionTrait) -> Result<HashMap<i64, String>, StoreError> {
    let names = user::Entity::find()
        .select_only()
        .columns([user::Column::Id, user::Column::Name]);
    Ok(names
        .into_tuple::<(i64, String)>()
        .all(db)
        .await?
        .into_iter()
        .collect())
}
