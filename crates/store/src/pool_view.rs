//! The pool at a glance: what is given, what rests, and how much is free.

use std::net::IpAddr;

use gatehouse_model::{AddressRange, ProxyAddr, Timestamp};
use jiff::SignedDuration;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use crate::entity::released_address;
use crate::instant::{from_db, to_db};
use crate::pool::QUARANTINE_DAYS;
use crate::resolve::stored;
use crate::{Allocation, Store, StoreError};

/// The largest number that every JSON reader keeps exactly (RFC 8259 section 6).
const LARGEST: u128 = (1 << 53) - 1;

/// The pool at a moment.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct PoolView {
    /// Its ranges, ascending.
    pub ranges: Vec<PoolRangeView>,
    /// The addresses given to servers, ascending.
    pub allocations: Vec<Allocation>,
    /// Those that were released and go to no other server yet unless they are named, ascending.
    pub quarantine: Vec<Resting>,
    /// How many addresses are free for any server, at most 2⁵³ − 1.
    pub free: u64,
}

/// A range of the pool.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct PoolRangeView {
    /// The range.
    pub range: AddressRange,
    /// The interface that its addresses belong on.
    pub interface: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// An address that was released not long ago.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Resting {
    /// The address.
    pub address: ProxyAddr,
    /// The server that had it.
    pub server: String,
    /// Until when it rests.
    pub until: Timestamp,
}

impl Store {
    /// The pool with its allocations, what rests, and how much is free.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn pool_view(&self, now: Timestamp) -> Result<PoolView, StoreError> {
        let ranges = self.pool(now).await?;
        let quarantine = resting(&self.snapshot().await?, now).await?;
        let mut allocations = Vec::new();
        let mut shown = Vec::new();
        let mut size: u128 = 0;
        for range in ranges {
            size = size.saturating_add(hosts(range.range));
            let used = range.allocations.len()
                + quarantine
                    .iter()
                    .filter(|it| range.range.contains(it.address.ip()))
                    .count();
            size = size.saturating_sub(used as u128);
            allocations.extend(range.allocations);
            shown.push(PoolRangeView {
                range: range.range,
                interface: range.interface,
                created_at: range.created_at,
            });
        }
        Ok(PoolView {
            ranges: shown,
            allocations,
            quarantine,
            free: u64::try_from(size.min(LARGEST)).unwrap_or(u64::MAX),
        })
    }
}

/// How many addresses of a range can be given: without those of network and broadcast.
fn hosts(range: AddressRange) -> u128 {
    let bits = match range.network() {
        IpAddr::V4(_) => 32 - range.prefix_len(),
        IpAddr::V6(_) => 128 - range.prefix_len(),
    };
    let all = 1u128.checked_shl(u32::from(bits)).unwrap_or(u128::MAX);
    match range.network() {
        IpAddr::V4(_) if bits >= 2 => all - 2,
        _ => all,
    }
}

async fn resting(db: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<Resting>, StoreError> {
    let length = SignedDuration::from_hours(24 * QUARANTINE_DAYS);
    let since = now.checked_sub(length).unwrap_or(Timestamp::MIN);
    let rows = released_address::Entity::find()
        .filter(released_address::Column::ReleasedAt.gt(to_db(since)))
        .order_by_asc(released_address::Column::Id)
        .all(db)
        .await?;
    let mut resting = rows
        .into_iter()
        .map(|row| {
            Ok(Resting {
                address: stored("a proxy address", &row.address)?,
                server: row.server_name,
                until: from_db(row.released_at)
                    .checked_add(length)
                    .unwrap_or(Timestamp::MAX),
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    resting.sort_by_key(|it| it.address);
    Ok(resting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_given_is_counted_as_it_is_given() {
        for text in [
            "10.0.0.0/28",
            "10.0.0.0/30",
            "10.0.0.0/31",
            "10.0.0.7",
            "fd00::/120",
            "fd00::1",
        ] {
            let range: AddressRange = text.parse().unwrap();
            assert_eq!(hosts(range), range.net().hosts().count() as u128, "{text}");
        }
        assert_eq!(hosts("::/0".parse().unwrap()), u128::MAX);
    }
}
