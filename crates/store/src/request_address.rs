//! Which addresses can be asked for: one host address that is nobody's, neither of the pool nor of the gate.

use std::net::IpAddr;

use gatehouse_model::AddressRange;
use sea_orm::{ConnectionTrait, EntityTrait};

use crate::entity::{pool_range, request, user};
use crate::resolve::stored;
use crate::sources::overlapping;
use crate::{Holder, RequestLimits, StoreError};

/// Makes sure that an address can become a source address of a person.
pub(crate) async fn ensure_requestable(
    db: &impl ConnectionTrait,
    person: &user::Model,
    address: IpAddr,
    limits: &RequestLimits,
) -> Result<AddressRange, StoreError> {
    let address = address.to_canonical();
    let refused = |why: &str| {
        let sentence = format!("{address} {why}; ask for the address that you connect from");
        Err(StoreError::invalid("address", sentence))
    };
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || broadcast {
        return refused("is not the address of one machine");
    }
    if limits.reserved.iter().any(|range| range.contains(address)) {
        return refused("is an address of the gate or of a proxy that it trusts");
    }
    for row in pool_range::Entity::find().all(db).await? {
        let range: AddressRange = stored("a pool range", &row.range)?;
        if range.contains(address) {
            return refused("is in the pool of proxy addresses");
        }
    }
    let range = AddressRange::host(address);
    // Who holds it is not for the person who asks.
    match overlapping(db, person, range).await {
        Ok(_) => Ok(range),
        Err(StoreError::Conflict(_)) => {
            let own = crate::sources::holds(db, person, range).await?;
            Err(StoreError::Conflict(if own {
                format!("{} has {range} already", person.name)
            } else {
                format!("{range} belongs to somebody else; ask an administrator")
            }))
        }
        Err(error) => Err(error),
    }
}

/// What the person who asks for an address should know.
pub(crate) async fn address_remarks(
    db: &impl ConnectionTrait,
    row: &request::Model,
) -> Result<Vec<String>, StoreError> {
    let others = overlaps(db, row).await?;
    Ok(others
        .first()
        .map(|_| {
            format!(
                "{} lies inside a range of somebody else; whoever approves has to say that this is meant",
                row.address.as_deref().unwrap_or_default()
            )
        })
        .into_iter()
        .collect())
}

/// Ranges of other people around the address that a request asks for, the closest first.
pub(crate) async fn overlaps(
    db: &impl ConnectionTrait,
    row: &request::Model,
) -> Result<Vec<Holder>, StoreError> {
    let Some(address) = &row.address else {
        return Ok(Vec::new());
    };
    let Some(person) = user::Entity::find_by_id(row.user_id).one(db).await? else {
        return Ok(Vec::new());
    };
    match overlapping(db, &person, stored("an address", address)?).await {
        // Held by now: the decision says so.
        Err(StoreError::Conflict(_)) => Ok(Vec::new()),
        others => others,
    }
}
