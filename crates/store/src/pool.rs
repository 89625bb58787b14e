//! Proxy addresses: ranges of the pool, and which server has which address.

use std::collections::HashMap;

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{AddressRange, ProxyAddr, Timestamp};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ModelTrait};
use serde::Serialize;

use crate::allocations::{PoolState, give, no_free_address, release_all, sweep};
use crate::change::Scope;
use crate::chunks::in_chunks;
use crate::entity::{pool_range, server};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_server, free_text, not_found};
use crate::{Kind, Store, StoreError};

/// For how long a released address is kept from other servers, in days.
pub const QUARANTINE_DAYS: i64 = 30;

/// A range of the pool, with what is given out of it.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct PoolRange {
    /// The range.
    pub range: AddressRange,
    /// The interface its addresses belong on.
    pub interface: Option<String>,
    /// The addresses given to servers, ascending.
    pub allocations: Vec<Allocation>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A proxy address given to a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Allocation {
    /// The address.
    pub address: ProxyAddr,
    /// The server's name.
    pub server: String,
    /// When it is given back by itself.
    pub until: Option<Timestamp>,
    /// Since when the server has it.
    pub since: Timestamp,
}

impl Store {
    /// The ranges of the pool with what is given out of them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn pool(&self, now: Timestamp) -> Result<Vec<PoolRange>, StoreError> {
        let db = self.snapshot().await?;
        let state = PoolState::read(&db, now).await?;
        let servers: Vec<i64> = state.given.iter().map(|given| given.row.server_id).collect();
        let servers = in_chunks::<server::Entity>(&db, server::Column::Id, &servers).await?;
        let names: HashMap<i64, String> = servers.into_iter().map(|row| (row.id, row.name)).collect();
        let mut ranges: Vec<PoolRange> = state
            .ranges
            .into_iter()
            .map(|(range, row)| {
                let mut allocations: Vec<Allocation> = state
                    .given
                    .iter()
                    .filter(|given| !given.is_over(now) && range.contains(given.address.ip()))
                    .map(|given| given.view(names.get(&given.row.server_id).cloned().unwrap_or_default()))
                    .collect();
                allocations.sort_by_key(|allocation| allocation.address);
                PoolRange {
                    range,
                    interface: row.interface,
                    allocations,
                    created_at: from_db(row.created_at),
                }
            })
            .collect();
        ranges.sort_by_key(|range| range.range);
        Ok(ranges)
    }

    /// Adds a range of proxy addresses.
    ///
    /// # Errors
    /// It overlaps a range that is there.
    pub async fn add_pool_range(
        &self,
        actor: &Actor,
        now: Timestamp,
        range: AddressRange,
        interface: Option<String>,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let interface = free_text("interface", interface)?;
        let state = PoolState::read(change.db(), now).await?;
        if let Some((other, _)) = state.ranges.iter().find(|(other, _)| other.overlaps(&range)) {
            return Err(StoreError::Conflict(format!(
                "{range} overlaps {other}, which is in the pool already"
            )));
        }
        let row = pool_range::ActiveModel {
            range: Set(range.to_string()),
            interface: Set(interface.clone()),
            created_at: Set(to_db(now)),
            ..Default::default()
        };
        row.insert(change.db()).await?;
        let event = Draft::new(Action::PoolAdded, actor, now).detail("range", range.to_string());
        change.record(event.detail("interface", interface));
        change.commit().await?;
        Ok(())
    }

    /// Removes a range from the pool.
    ///
    /// # Errors
    /// There is no such range, or an address of it is given to a server.
    pub async fn remove_pool_range(
        &self,
        actor: &Actor,
        now: Timestamp,
        range: AddressRange,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        sweep(&mut change, now).await?;
        let state = PoolState::read(change.db(), now).await?;
        let known = state.ranges.iter().map(|(range, _)| range.to_string()).collect();
        let Some((_, row)) = state.ranges.into_iter().find(|(other, _)| *other == range) else {
            return Err(not_found(Kind::PoolRange, &range.to_string(), known));
        };
        let used: Vec<String> = state
            .given
            .iter()
            .filter(|given| range.contains(given.address.ip()))
            .map(|given| given.address.to_string())
            .collect();
        if !used.is_empty() {
            return Err(StoreError::InUse(format!(
                "addresses of {range} are given to servers ({}); release them first",
                shortened(&used)
            )));
        }
        row.delete(change.db()).await?;
        change.record(Draft::new(Action::PoolRemoved, actor, now).detail("range", range.to_string()));
        change.commit().await?;
        Ok(())
    }

    /// Gives a proxy address to a server: this one, or the first that is free. A named address that the server has
    /// already gets the new `until`.
    ///
    /// # Errors
    /// There is no such server, none is free, or the named one is another server's or not of the pool.
    pub async fn assign_proxy(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: &str,
        address: Option<ProxyAddr>,
        until: Option<Timestamp>,
    ) -> Result<Allocation, StoreError> {
        if until.is_some_and(|until| until <= now) {
            return Err(StoreError::invalid(
                "until",
                "the moment at which the address is given back has passed",
            ));
        }
        let mut change = self.change(Scope::Directory).await?;
        let row = find_server(change.db(), server).await?;
        sweep(&mut change, now).await?;
        let state = PoolState::read(change.db(), now).await?;
        let address = match address {
            Some(address) => state.ensure_assignable(change.db(), address, &row).await?,
            None => {
                if let Some(given) = state.given.iter().find(|given| given.row.server_id == row.id) {
                    return Err(StoreError::Conflict(format!(
                        "{} has the proxy address {} already; name another one to add it",
                        row.name, given.address
                    )));
                }
                state.first_free(row.id).ok_or_else(no_free_address)?
            }
        };
        let given = give(&mut change, actor, now, &row, address, until).await?;
        change.commit().await?;
        Ok(given.view(row.name))
    }

    /// Takes all proxy addresses of a server back. Sessions on them end. No other server gets them for
    /// [`QUARANTINE_DAYS`] days unless they are named.
    ///
    /// # Errors
    /// There is no such server, or it has none.
    pub async fn release_proxies(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: &str,
    ) -> Result<Vec<ProxyAddr>, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let row = find_server(change.db(), server).await?;
        sweep(&mut change, now).await?;
        let released = release_all(&mut change, actor, now, &row).await?;
        if released.is_empty() {
            return Err(StoreError::Conflict(format!("{} has no proxy address", row.name)));
        }
        change.commit().await?;
        Ok(released)
    }
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
