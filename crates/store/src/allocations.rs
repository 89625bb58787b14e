//! Giving proxy addresses and taking them back, within a change.

use std::collections::{HashMap, HashSet};

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{AddressRange, ProxyAddr, Timestamp, format_time};
use jiff::SignedDuration;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    ModelTrait, QueryFilter, QueryOrder,
};

use crate::change::Change;
use crate::chunks::in_chunks;
use crate::entity::{allocation, pool_range, released_address, server};
use crate::instant::{from_db, to_db};
use crate::pool::QUARANTINE_DAYS;
use crate::resolve::stored;
use crate::{Allocation, ProxyChoice, ServerProxy, StoreError};

/// Gives a new server the proxy address that was chosen for it.
pub(crate) async fn give_first(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    server: &server::Model,
    choice: ProxyChoice,
) -> Result<(), StoreError> {
    if choice == ProxyChoice::None {
        return Ok(());
    }
    sweep(change, now).await?;
    let state = PoolState::read(change.db(), now).await?;
    let address = match choice {
        ProxyChoice::Address(address) => Some(state.ensure_assignable(change.db(), address, server).await?),
        _ => state.first_free(server.id),
    };
    match address {
        Some(address) => give(change, actor, now, server, address, None).await.map(|_| ()),
        None if choice == ProxyChoice::Auto => Err(no_free_address()),
        None => Ok(()),
    }
}

pub(crate) fn no_free_address() -> StoreError {
    StoreError::Conflict("the pool has no free address; add a range, or name an address or none".to_owned())
}

/// Takes all proxy addresses of a server back, within a change.
pub(crate) async fn release_all(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    server: &server::Model,
) -> Result<Vec<ProxyAddr>, StoreError> {
    let rows = allocation::Entity::find()
        .filter(allocation::Column::ServerId.eq(server.id))
        .order_by_asc(allocation::Column::Id)
        .all(change.db())
        .await?;
    let mut released = Vec::new();
    for row in rows {
        released.push(stored("a proxy address", &row.address)?);
        release(change, actor, now, row, &server.name, now).await?;
    }
    Ok(released)
}

/// Takes back what was given until a time that has come.
pub(crate) async fn sweep(change: &mut Change<'_>, now: Timestamp) -> Result<(), StoreError> {
    let over = allocation::Entity::find()
        .filter(allocation::Column::Until.lte(to_db(now)))
        .all(change.db())
        .await?;
    for row in over {
        let server = server::Entity::find_by_id(row.server_id).one(change.db()).await?;
        let name = server.map(|server| server.name).unwrap_or_default();
        let since = row.until.map_or(now, from_db);
        release(change, &Actor::system(), now, row, &name, since).await?;
    }
    Ok(())
}

async fn release(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    row: allocation::Model,
    server: &str,
    since: Timestamp,
) -> Result<(), StoreError> {
    forget_release(change.db(), &row.address).await?;
    let kept = released_address::ActiveModel {
        address: Set(row.address.clone()),
        server_id: Set(row.server_id),
        server_name: Set(server.to_owned()),
        released_at: Set(to_db(since)),
        ..Default::default()
    };
    kept.insert(change.db()).await?;
    let event = Draft::new(Action::PoolReleased, actor, now).server(server);
    change.record(event.detail("address", row.address.as_str()));
    row.delete(change.db()).await?;
    Ok(())
}

async fn forget_release(db: &impl ConnectionTrait, address: &str) -> Result<(), StoreError> {
    released_address::Entity::delete_many()
        .filter(released_address::Column::Address.eq(address))
        .exec(db)
        .await?;
    Ok(())
}

pub(crate) async fn give(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    server: &server::Model,
    address: ProxyAddr,
    until: Option<Timestamp>,
) -> Result<Given, StoreError> {
    let text = address.to_string();
    forget_release(change.db(), &text).await?;
    let known = allocation::Entity::find()
        .filter(allocation::Column::Address.eq(&text))
        .one(change.db())
        .await?;
    let row = match known {
        Some(row) => {
            let mut row = row.into_active_model();
            row.until = Set(until.map(to_db));
            row.update(change.db()).await?
        }
        None => {
            let row = allocation::ActiveModel {
                address: Set(text.clone()),
                server_id: Set(server.id),
                until: Set(until.map(to_db)),
                created_at: Set(to_db(now)),
                ..Default::default()
            };
            row.insert(change.db()).await?
        }
    };
    change.record(
        Draft::new(Action::PoolAssigned, actor, now)
            .server(&server.name)
            .detail("address", text)
            .detail("until", until.map(format_time)),
    );
    Ok(Given { address, row })
}

/// The proxy addresses of servers, by the servers' ids.
pub(crate) async fn proxies_of(
    db: &impl ConnectionTrait,
    now: Timestamp,
    servers: &[i64],
) -> Result<HashMap<i64, Vec<ServerProxy>>, StoreError> {
    let mut result: HashMap<i64, Vec<ServerProxy>> = HashMap::new();
    for row in in_chunks::<allocation::Entity>(db, allocation::Column::ServerId, servers).await? {
        let given = Given {
            address: stored("a proxy address", &row.address)?,
            row,
        };
        if !given.is_over(now) {
            let until = given.row.until.map(from_db);
            result.entry(given.row.server_id).or_default().push(ServerProxy {
                address: given.address,
                until,
            });
        }
    }
    Ok(result)
}

/// An address that a server has.
pub(crate) struct Given {
    pub(crate) address: ProxyAddr,
    pub(crate) row: allocation::Model,
}

impl Given {
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.row.until.is_some_and(|until| from_db(until) <= now)
    }

    pub(crate) fn view(&self, server: String) -> Allocation {
        Allocation {
            address: self.address,
            server,
            until: self.row.until.map(from_db),
            since: from_db(self.row.created_at),
        }
    }
}

/// The pool as it is at a moment.
pub(crate) struct PoolState {
    pub(crate) ranges: Vec<(AddressRange, pool_range::Model)>,
    pub(crate) given: Vec<Given>,
    /// Released not long ago, and by which server.
    resting: HashMap<ProxyAddr, i64>,
}

impl PoolState {
    pub(crate) async fn read(db: &impl ConnectionTrait, now: Timestamp) -> Result<Self, StoreError> {
        let rows = pool_range::Entity::find()
            .order_by_asc(pool_range::Column::Id)
            .all(db)
            .await?;
        let ranges = rows
            .into_iter()
            .map(|row| Ok((stored("a pool range", &row.range)?, row)));
        let rows = allocation::Entity::find().all(db).await?;
        let given = rows.into_iter().map(|row| {
            Ok(Given {
                address: stored("a proxy address", &row.address)?,
                row,
            })
        });
        let since = now
            .checked_sub(SignedDuration::from_hours(24 * QUARANTINE_DAYS))
            .unwrap_or(Timestamp::MIN);
        let rows = released_address::Entity::find()
            .filter(released_address::Column::ReleasedAt.gt(to_db(since)))
            .all(db)
            .await?;
        let resting = rows
            .into_iter()
            .map(|row| Ok((stored("a proxy address", &row.address)?, row.server_id)));
        Ok(Self {
            ranges: ranges.collect::<Result<_, StoreError>>()?,
            given: given.collect::<Result<_, StoreError>>()?,
            resting: resting.collect::<Result<_, StoreError>>()?,
        })
    }

    /// The first address that no server has, and that none but this one had lately.
    pub(crate) fn first_free(&self, server: i64) -> Option<ProxyAddr> {
        let taken: HashSet<ProxyAddr> = self.given.iter().map(|given| given.address).collect();
        self.ranges
            .iter()
            .flat_map(|(range, _)| range.net().hosts())
            .map(ProxyAddr::new)
            .find(|address| {
                !taken.contains(address) && self.resting.get(address).is_none_or(|had| *had == server)
            })
    }

    pub(crate) async fn ensure_assignable(
        &self,
        db: &impl ConnectionTrait,
        address: ProxyAddr,
        server: &server::Model,
    ) -> Result<ProxyAddr, StoreError> {
        if !self.ranges.iter().any(|(range, _)| range.contains(address.ip())) {
            return Err(StoreError::invalid(
                "proxy",
                format!("{address} is not in the pool; add its range first (gatehouse pool add)"),
            ));
        }
        let holder = self
            .given
            .iter()
            .find(|given| given.address == address)
            .map(|given| given.row.server_id);
        match holder {
            Some(holder) if holder != server.id => {
                let holder = server::Entity::find_by_id(holder).one(db).await?;
                let holder = holder.map(|holder| holder.name).unwrap_or_default();
                Err(StoreError::Conflict(format!(
                    "{address} is given to {holder}; release it first"
                )))
            }
            _ => Ok(address),
        }
    }
}
