//! Between servers and the rows that hold them.

use std::collections::HashMap;

use gatehouse_model::{Protocol, ServerId, Timestamp};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::allocations::proxies_of;
use crate::chunks::in_chunks;
use crate::entity::{server, server_service};
use crate::groups::groups_of;
use crate::instant::from_db;
use crate::resolve::{find_server, stored, stored_opt};
use crate::{GroupKind, Kind, LockState, StoreError, Tag, Wanted};
use crate::{Server, Service};

pub(crate) async fn write_services(
    db: &impl ConnectionTrait,
    server: i64,
    services: &HashMap<Protocol, u16>,
) -> Result<(), StoreError> {
    server_service::Entity::delete_many()
        .filter(server_service::Column::ServerId.eq(server))
        .exec(db)
        .await?;
    let rows = services
        .iter()
        .map(|(protocol, port)| server_service::ActiveModel {
            server_id: Set(server),
            protocol: Set(protocol.to_string()),
            port: Set(i32::from(*port)),
        });
    server_service::Entity::insert_many(rows)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// The services of servers, by the servers' ids.
pub(crate) async fn services_of(
    db: &impl ConnectionTrait,
    servers: &[i64],
) -> Result<HashMap<i64, Vec<Service>>, StoreError> {
    let mut result: HashMap<i64, Vec<Service>> = HashMap::new();
    for row in in_chunks::<server_service::Entity>(db, server_service::Column::ServerId, servers).await? {
        result.entry(row.server_id).or_default().push(service(&row)?);
    }
    result
        .values_mut()
        .for_each(|services| services.sort_by_key(|service| service.protocol));
    Ok(result)
}

pub(crate) fn service(row: &server_service::Model) -> Result<Service, StoreError> {
    let port = u16::try_from(row.port).map_err(|error| StoreError::corrupt("a port", error))?;
    Ok(Service {
        protocol: stored("a protocol", &row.protocol)?,
        port,
    })
}

/// The server that is wanted, which must be in the state that is expected.
pub(crate) async fn find_wanted(
    db: &impl ConnectionTrait,
    now: Timestamp,
    server: Wanted<&str>,
) -> Result<server::Model, StoreError> {
    let row = find_server(db, server.what).await?;
    ensure_unchanged(db, now, &row, server.expected).await?;
    Ok(row)
}

pub(crate) async fn ensure_unchanged(
    db: &impl ConnectionTrait,
    now: Timestamp,
    row: &server::Model,
    expected: Option<Tag>,
) -> Result<(), StoreError> {
    match expected {
        Some(_) => Tag::ensure(expected, &view_one(db, now, row.clone()).await?),
        None => Ok(()),
    }
}

pub(crate) async fn view_one(
    db: &impl ConnectionTrait,
    now: Timestamp,
    row: server::Model,
) -> Result<Server, StoreError> {
    let id = row.id;
    view_all(db, now, vec![row])
        .await?
        .pop()
        .ok_or_else(|| StoreError::absent(Kind::Server, id))
}

pub(crate) async fn view_all(
    db: &impl ConnectionTrait,
    now: Timestamp,
    rows: Vec<server::Model>,
) -> Result<Vec<Server>, StoreError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut services = services_of(db, &ids).await?;
    let mut proxies = proxies_of(db, now, &ids).await?;
    let mut groups = groups_of(db, GroupKind::Server, &ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Server {
                id: ServerId(row.id),
                name: stored("a name", &row.name)?,
                address: stored("an address", &row.address)?,
                services: services.remove(&row.id).unwrap_or_default(),
                os: stored_opt("an operating system", row.os.as_deref())?,
                description: row.description,
                legacy_algorithms: stored("a setting for algorithms", &row.legacy_algorithms)?,
                active: row.active,
                lock: LockState::in_force(row.locked, row.locked_until, row.lock_reason, now),
                proxies: proxies.remove(&row.id).unwrap_or_default(),
                groups: groups.remove(&row.id).unwrap_or_default(),
                created_at: from_db(row.created_at),
            })
        })
        .collect()
}

pub(crate) fn ensure_offer(services: &HashMap<Protocol, u16>) -> Result<(), StoreError> {
    if services.is_empty() {
        return Err(StoreError::invalid(
            "services",
            "a server has to offer at least one protocol; say --ssh or --rdp",
        ));
    }
    match services.iter().find(|(_, port)| **port == 0) {
        Some((protocol, _)) => Err(StoreError::invalid(
            "services",
            format!("0 is not a port for {protocol}; give one from 1 to 65535"),
        )),
        None => Ok(()),
    }
}

pub(crate) fn service_words(services: &HashMap<Protocol, u16>) -> Vec<String> {
    let mut words: Vec<_> = services
        .iter()
        .map(|(protocol, port)| format!("{protocol}:{port}"))
        .collect();
    words.sort();
    words
}
