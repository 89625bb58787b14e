//! Machines behind the gate.

use std::collections::HashMap;

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{
    LegacyAlgorithms, Name, Protocol, ProxyAddr, ServerId, ServerOs, TargetHost, Timestamp,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter,
};
use serde::Serialize;

use crate::allocations::{give_first, release_all};
use crate::change::Scope;
use crate::diff::changed;
use crate::entity::{gate_key, policy, server};
use crate::instant::to_db;
use crate::keyset::count;
use crate::policies::remove_policies_of;
use crate::resolve::{find_server, fold, free_text, stored, stored_opt};
use crate::server_find::{order, wanted};
use crate::server_rows::{
    ensure_offer, ensure_unchanged, find_wanted, service_words, services_of, view_all, view_one,
    write_services,
};
use crate::{
    Activity, Count, Edit, LockState, Page, PageRequest, ServerSort, Sort, Store, StoreError, Tag, Wanted,
};

/// A server to be entered.
#[derive(Clone, Debug)]
pub struct NewServer {
    /// The name.
    pub name: Name,
    /// Where it is.
    pub address: TargetHost,
    /// The protocols it offers, each with its port; at least one.
    pub services: Vec<(Protocol, u16)>,
    /// What runs on it.
    pub os: Option<ServerOs>,
    /// A note.
    pub description: Option<String>,
    /// Whether it may be spoken to with outdated algorithms.
    pub legacy_algorithms: LegacyAlgorithms,
    /// Its proxy address.
    pub proxy: ProxyChoice,
}

/// Which proxy address a new server gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ProxyChoice {
    /// The first free one; none if the pool has none.
    #[default]
    IfAvailable,
    /// The first free one; an error if the pool has none.
    Auto,
    /// None.
    None,
    /// This one.
    Address(ProxyAddr),
}

/// Changes to a server.
#[derive(Clone, Debug, Default)]
pub struct ServerEdit {
    /// A new name.
    pub name: Option<Name>,
    /// Where it is.
    pub address: Option<TargetHost>,
    /// Protocols to offer from now on, or on another port.
    pub offer: Vec<(Protocol, u16)>,
    /// Protocols to offer no more.
    pub withdraw: Vec<Protocol>,
    /// What runs on it.
    pub os: Edit<ServerOs>,
    /// A note.
    pub description: Edit<String>,
    /// Whether it may be spoken to with outdated algorithms; `None`: as it was.
    pub legacy_algorithms: Option<LegacyAlgorithms>,
    /// Switched on or off.
    pub activity: Option<Activity>,
    /// The state that the change is meant for; `None`: any.
    pub expected: Option<Tag>,
}

/// A server.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Server {
    /// The id.
    pub id: ServerId,
    /// The name.
    pub name: Name,
    /// Where it is.
    pub address: TargetHost,
    /// The protocols it offers.
    pub services: Vec<Service>,
    /// What runs on it.
    pub os: Option<ServerOs>,
    /// A note.
    pub description: Option<String>,
    /// Whether it may be spoken to with outdated algorithms.
    pub legacy_algorithms: LegacyAlgorithms,
    /// Whether it is in use.
    pub active: bool,
    /// The lock in force.
    pub lock: Option<LockState>,
    /// Its proxy addresses.
    pub proxies: Vec<ServerProxy>,
    /// The names of the groups it is directly in.
    pub groups: Vec<String>,
    /// When it was entered.
    pub created_at: Timestamp,
}

/// A protocol that a server offers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Service {
    /// The protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
}

/// A proxy address of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct ServerProxy {
    /// The address.
    pub address: ProxyAddr,
    /// When it is given back by itself.
    pub until: Option<Timestamp>,
}

/// Which servers to list.
#[derive(Clone, Debug, Default)]
pub struct ServerFilter {
    /// Those whose name, address or description contains this, in any case.
    pub text: Option<String>,
    /// Those directly in this group, by name or id.
    pub group: Option<String>,
    /// Those in use, or those not.
    pub active: Option<bool>,
    /// Those that offer this protocol.
    pub protocol: Option<Protocol>,
    /// Those that run this.
    pub os: Option<ServerOs>,
    /// Those with a lock in force, or those without.
    pub locked: Option<bool>,
    /// In which order.
    pub sort: Sort<ServerSort>,
}

impl Store {
    /// Enters a server, with its proxy address.
    ///
    /// # Errors
    /// The name is taken, it offers nothing, or it cannot have the proxy address.
    pub async fn add_server(
        &self,
        actor: &Actor,
        now: Timestamp,
        new: NewServer,
    ) -> Result<Server, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        ensure_free(change.db(), &new.name, None).await?;
        let services: HashMap<Protocol, u16> = new.services.into_iter().collect();
        ensure_offer(&services)?;
        let description = free_text("description", new.description)?;
        let row = server::ActiveModel {
            name: Set(new.name.to_string()),
            folded: Set(new.name.folded()),
            address: Set(new.address.to_string()),
            os: Set(new.os.map(|os| os.to_string())),
            search: Set(search_text(&new.name, &new.address, description.as_deref())),
            description: Set(description),
            legacy_algorithms: Set(new.legacy_algorithms.to_string()),
            active: Set(true),
            locked: Set(false),
            created_at: Set(to_db(now)),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        write_services(change.db(), row.id, &services).await?;
        let mut event = Draft::new(Action::ServerAdded, actor, now)
            .server(&new.name)
            .detail("address", row.address.as_str())
            .detail("services", service_words(&services));
        if new.legacy_algorithms == LegacyAlgorithms::On {
            event = event.detail("legacy_algorithms", row.legacy_algorithms.as_str());
        }
        change.record(event);
        give_first(&mut change, actor, now, &row, new.proxy).await?;
        let added = view_one(change.db(), now, row).await?;
        change.commit().await?;
        Ok(added)
    }

    /// Lists servers, in the order in which they were entered unless another is asked for.
    ///
    /// # Errors
    /// The database cannot be read, the cursor is none, or the group is not known.
    pub async fn servers(
        &self,
        now: Timestamp,
        filter: &ServerFilter,
        page: &PageRequest,
    ) -> Result<Page<Server>, StoreError> {
        let db = self.snapshot().await?;
        let query = server::Entity::find().filter(wanted(&db, now, filter).await?);
        let rows = order(filter.sort).page(&db, query, page).await?;
        Ok(Page {
            items: view_all(&db, now, rows.items).await?,
            next: rows.next,
        })
    }

    /// How many servers a filter leaves.
    ///
    /// # Errors
    /// The database cannot be read, or the group is not known.
    pub async fn count_servers(&self, now: Timestamp, filter: &ServerFilter) -> Result<Count, StoreError> {
        let db = self.snapshot().await?;
        count(
            &db,
            server::Entity::find().filter(wanted(&db, now, filter).await?),
        )
        .await
    }

    /// One server, by name or id.
    ///
    /// # Errors
    /// There is none, or the database cannot be read.
    pub async fn server(&self, now: Timestamp, server: &str) -> Result<Server, StoreError> {
        let db = self.snapshot().await?;
        let row = find_server(&db, server).await?;
        view_one(&db, now, row).await
    }

    /// Changes a server's entry.
    ///
    /// # Errors
    /// There is no such server, the new name is taken, nothing would be offered any more, or it is no longer in the
    /// state that was expected.
    pub async fn edit_server(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: &str,
        edit: ServerEdit,
    ) -> Result<Server, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let before = find_server(change.db(), server).await?;
        ensure_unchanged(change.db(), now, &before, edit.expected).await?;
        let name = edit.name.unwrap_or(stored("a name", &before.name)?);
        ensure_free(change.db(), &name, Some(before.id)).await?;
        let address = edit.address.unwrap_or(stored("an address", &before.address)?);
        let offered = services_of(change.db(), &[before.id])
            .await?
            .remove(&before.id)
            .unwrap_or_default();
        let offered: HashMap<_, _> = offered
            .into_iter()
            .map(|service| (service.protocol, service.port))
            .collect();
        let mut services = offered.clone();
        services.retain(|protocol, _| !edit.withdraw.contains(protocol));
        services.extend(edit.offer);
        ensure_offer(&services)?;
        let mut after = before.clone();
        after.os = edit
            .os
            .apply(stored_opt("an operating system", before.os.as_deref())?)
            .map(|os| os.to_string());
        after.description = free_text("description", edit.description.apply(before.description.clone()))?;
        if let Some(legacy) = edit.legacy_algorithms {
            after.legacy_algorithms = legacy.to_string();
        }
        let activity = edit
            .activity
            .filter(|activity| activity.is_enabled() != before.active);
        after.active = activity.map_or(before.active, Activity::is_enabled);
        after.search = search_text(&name, &address, after.description.as_deref());
        (after.folded, after.name, after.address) = (name.folded(), name.to_string(), address.to_string());
        change.record(
            Draft::new(Action::ServerEdited, actor, now)
                .server(&before.name)
                .detail("name", changed(&before.name, &after.name))
                .detail("address", changed(&before.address, &after.address))
                .detail(
                    "services",
                    changed(&service_words(&offered), &service_words(&services)),
                )
                .detail("os", changed(&before.os, &after.os))
                .detail("description", changed(&before.description, &after.description))
                .detail(
                    "legacy_algorithms",
                    changed(&before.legacy_algorithms, &after.legacy_algorithms),
                ),
        );
        write_services(change.db(), before.id, &services).await?;
        let after = after.into_active_model().reset_all().update(change.db()).await?;
        if let Some(activity) = activity {
            change.record(Draft::new(switched(activity), actor, now).server(&after.name));
        }
        let edited = view_one(change.db(), now, after).await?;
        change.commit().await?;
        Ok(edited)
    }

    /// Switches a server on or off. One that is off is denied, to running sessions too.
    ///
    /// # Errors
    /// There is no such server, or it is no longer in the state that was expected.
    pub async fn set_server_activity<'w>(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: impl Into<Wanted<&'w str>>,
        activity: Activity,
    ) -> Result<Server, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let row = find_wanted(change.db(), now, server.into()).await?;
        let mut row = row.into_active_model();
        row.active = Set(activity.is_enabled());
        let row = row.update(change.db()).await?;
        change.record(Draft::new(switched(activity), actor, now).server(&row.name));
        let server = view_one(change.db(), now, row).await?;
        change.commit().await?;
        Ok(server)
    }

    /// Deletes a server with its grants, keys and credentials, and releases its proxy addresses. Sessions and the
    /// audit book stay.
    ///
    /// # Errors
    /// There is no such server, or it is no longer in the state that was expected.
    pub async fn remove_server<'w>(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: impl Into<Wanted<&'w str>>,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let row = find_wanted(change.db(), now, server.into()).await?;
        remove_policies_of(&mut change, actor, now, policy::Column::ServerId.eq(row.id)).await?;
        release_all(&mut change, actor, now, &row).await?;
        let event = Draft::new(Action::ServerRemoved, actor, now).server(&row.name);
        change.record(event.detail("address", row.address.as_str()));
        gate_key::Entity::delete_many()
            .filter(gate_key::Column::ServerId.eq(row.id))
            .exec(change.db())
            .await?;
        // Services, memberships, host keys and credentials go with the row (`ON DELETE CASCADE`).
        server::Entity::delete_by_id(row.id).exec(change.db()).await?;
        change.commit().await?;
        Ok(())
    }
}

fn switched(activity: Activity) -> Action {
    match activity {
        Activity::Enabled => Action::ServerEnabled,
        Activity::Disabled => Action::ServerDisabled,
    }
}

async fn ensure_free(db: &impl ConnectionTrait, name: &Name, own: Option<i64>) -> Result<(), StoreError> {
    let holder = server::Entity::find()
        .filter(server::Column::Folded.eq(name.folded()))
        .one(db)
        .await?;
    match holder {
        Some(holder) if own != Some(holder.id) => Err(StoreError::Conflict(format!(
            "there is a server {:?} already; choose another name",
            holder.name
        ))),
        _ => Ok(()),
    }
}

fn search_text(name: &Name, address: &TargetHost, description: Option<&str>) -> String {
    fold(
        &[
            name.as_str(),
            &address.to_string(),
            description.unwrap_or_default(),
        ]
        .join("\n"),
    )
}
