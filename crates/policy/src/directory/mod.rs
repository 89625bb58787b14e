//! The directory: everything that a decision reads, immutable and indexed.

mod build;
mod groups;
mod lists;
mod lookups;
mod policies;
mod ranges;
mod settings;

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::FixedState;
use gatehouse_model::{AddressRange, ServerGroupId, ServerId, Timestamp, UserGroupId, UserId};
use jiff::tz::TimeZone;

use crate::rows::{AllocationRow, ServerRow, SourceRow, UserRow};

pub use build::BuildError;
pub use groups::{GroupError, MAX_GROUP_LEVELS, check_parent};
pub use lookups::SourceOwner;
pub use settings::DirectorySettings;

pub(crate) use groups::Groups;
pub(crate) use lists::{Lists, place};
pub(crate) use policies::{Policies, Policy, Terms};
pub(crate) use ranges::RangeMap;
pub(crate) use settings::printable;

/// A map whose keys come from administrators only, so that a fast hash without a secret will do.
pub(crate) type Map<K, V> = HashMap<K, V, FixedState>;
pub(crate) type Set<K> = HashSet<K, FixedState>;

/// An immutable picture of people, servers and policies, with the indexes that a decision needs. Built anew from
/// rows whenever the store changes, and shared behind a pointer that is swapped.
pub struct Directory {
    pub(crate) revision: i64,
    pub(crate) settings: DirectorySettings,
    pub(crate) default_zone: TimeZone,
    pub(crate) users: Table<UserId, UserRow>,
    pub(crate) user_groups: Groups<UserGroupId>,
    pub(crate) servers: Table<ServerId, ServerRow>,
    pub(crate) server_groups: Groups<ServerGroupId>,
    /// For each user the subjects under which policies may name it: itself and every group above.
    pub(crate) subjects: Lists<u32>,
    /// For each server the targets under which policies may name it.
    pub(crate) targets: Lists<u32>,
    /// For each user and server the groups it is a direct member of.
    pub(crate) direct_user_groups: Lists<u32>,
    pub(crate) direct_server_groups: Lists<u32>,
    /// For each user the rights that it and the groups above have apart from any policy.
    pub(crate) own_rights: Lists<gatehouse_model::Right>,
    pub(crate) sources: RangeMap<Source>,
    pub(crate) sources_of: Lists<SourceRow>,
    pub(crate) keys_of: Lists<String>,
    pub(crate) pool: Vec<AddressRange>,
    /// Proxy addresses, each with the place of its server.
    pub(crate) allocations: Map<IpAddr, (u32, AllocationRow)>,
    pub(crate) proxies_of: Lists<IpAddr>,
    /// Servers by address; `None` where several share one.
    pub(crate) server_addresses: Map<gatehouse_model::TargetHost, Vec<u32>>,
    /// Ranges from which nothing is let in, each with its end (`None`: until lifted).
    pub(crate) blocks: RangeMap<Option<Timestamp>>,
    /// Those whose blocks end running sessions as well.
    pub(crate) total_blocks: RangeMap<Option<Timestamp>>,
    /// IPv6 networks of 64 bits, by their upper half, within which a narrower range is registered.
    pub(crate) divided: Set<u64>,
    pub(crate) policies: Policies,
}

/// Whose a range of source addresses is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) user: u32,
    pub(crate) range: AddressRange,
    pub(crate) active: bool,
}

/// Rows by place, by id and by folded name.
pub(crate) struct Table<Id, Row> {
    rows: Vec<Row>,
    by_id: Map<Id, u32>,
    by_name: Map<String, u32>,
}

impl<Id: Copy + Eq + Hash, Row> Table<Id, Row> {
    pub(crate) fn at(&self, place: u32) -> Option<&Row> {
        self.rows.get(place as usize)
    }

    pub(crate) fn place(&self, id: Id) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    pub(crate) fn by_id(&self, id: Id) -> Option<&Row> {
        self.at(self.place(id)?)
    }

    /// The place of the row with this name, in any case.
    pub(crate) fn place_of_name(&self, name: &str) -> Option<u32> {
        self.by_name.get(&name.to_lowercase()).copied()
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Rows with their places.
    pub(crate) fn placed(&self) -> impl Iterator<Item = (u32, &Row)> {
        (0u32..).zip(&self.rows)
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory")
            .field("revision", &self.revision)
            .field("users", &self.users.rows.len())
            .field("servers", &self.servers.rows.len())
            .field("policies", &self.policies.len())
            .finish_non_exhaustive()
    }
}
