//! From rows to indexes.

use std::net::IpAddr;

use gatehouse_model::{Right, ServerGroupId, ServerId, Timestamp, UserGroupId, UserId};

use super::{
    Directory, DirectorySettings, GroupError, Groups, Lists, Map, Policies, RangeMap, Set, Source, Table,
    lists,
};
use crate::rows::{
    AllocationRow, BlockReach, BlockRow, DirectoryRows, PolicyRow, PolicyTarget, ServerRow, SourceRow,
    Subject, UserRow,
};
use crate::schedule::{UnknownZone, find_zone};

/// Rows that contradict each other. The store's constraints keep such rows out, so this means a damaged store.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BuildError {
    /// Groups of people that do not nest properly.
    #[error("user groups: {0}")]
    UserGroups(GroupError),
    /// Groups of servers that do not nest properly.
    #[error("server groups: {0}")]
    ServerGroups(GroupError),
    /// A row names another that there is not.
    #[error("{row} refers to {missing}, which does not exist; the store is damaged")]
    Dangling {
        /// The row.
        row: String,
        /// What it names.
        missing: String,
    },
    /// Two rows that exclude each other.
    #[error("{0} is there twice; the store is damaged")]
    Twice(String),
    /// A zone that there is not.
    #[error("{0}")]
    Zone(#[from] UnknownZone),
}

impl Directory {
    /// Builds the directory from rows.
    ///
    /// # Errors
    /// The rows contradict each other, or the default zone does not exist. The directory in force should then deny
    /// rather than grow old.
    pub fn build(rows: DirectoryRows, settings: DirectorySettings) -> Result<Self, BuildError> {
        let default_zone = find_zone(&settings.default_zone)?;
        let user_groups = Groups::build(rows.user_groups).map_err(BuildError::UserGroups)?;
        let server_groups = Groups::build(rows.server_groups).map_err(BuildError::ServerGroups)?;
        let users = user_table(rows.users)?;
        let servers = server_table(rows.servers)?;

        let user_members = members(&users, &user_groups, rows.user_members, "user")?;
        let server_members = members(&servers, &server_groups, rows.server_members, "server")?;
        let subjects = closures(&user_members, users.rows.len(), &user_groups);
        let targets = closures(&server_members, servers.rows.len(), &server_groups);

        let own_rights = own_rights(
            &users,
            &user_groups,
            &subjects,
            &rows.user_rights,
            &rows.group_rights,
        )?;
        let keys = pairs(
            &users,
            rows.keys.into_iter().map(|key| (key.user, key.openssh)),
            "a public key",
        )?;
        let (allocations, proxies_of) = allocations(&servers, rows.allocations)?;
        let subject_count = users.rows.len() + user_groups.rows().len();
        let parties = |row: &PolicyRow| parties(&users, &user_groups, &servers, &server_groups, row);
        let policies = Policies::build(rows.policies, parties, subject_count, &default_zone)?;

        let mut server_addresses: Map<_, Vec<u32>> = Map::default();
        for (place, server) in servers.placed() {
            server_addresses
                .entry(server.address.clone())
                .or_default()
                .push(place);
        }
        let (mut blocks, mut total_blocks) = (RangeMap::default(), RangeMap::default());
        for block in &rows.blocks {
            insert_longer(&mut blocks, block);
            if block.reach == BlockReach::Everything {
                insert_longer(&mut total_blocks, block);
            }
        }
        let divided = divided(&rows.sources);
        let (sources, sources_of) = sources(&users, rows.sources)?;
        Ok(Self {
            revision: rows.revision,
            settings: settings.printable(),
            policies,
            default_zone,
            subjects,
            targets,
            direct_user_groups: user_members,
            direct_server_groups: server_members,
            own_rights,
            sources,
            sources_of,
            keys_of: Lists::grouped(users.rows.len(), keys),
            pool: rows.pool,
            allocations,
            proxies_of,
            server_addresses,
            blocks,
            total_blocks,
            divided,
            users,
            user_groups,
            servers,
            server_groups,
        })
    }
}

fn user_table(rows: Vec<UserRow>) -> Result<Table<UserId, UserRow>, BuildError> {
    let (mut by_id, mut by_name) = (Map::default(), Map::default());
    for (place, row) in (0u32..).zip(&rows) {
        let twice =
            by_id.insert(row.id, place).is_some() || by_name.insert(row.name.folded(), place).is_some();
        if twice {
            return Err(BuildError::Twice(format!("user {} ({})", row.id, row.name)));
        }
    }
    Ok(Table { rows, by_id, by_name })
}

fn server_table(rows: Vec<ServerRow>) -> Result<Table<ServerId, ServerRow>, BuildError> {
    let (mut by_id, mut by_name) = (Map::default(), Map::default());
    for (place, row) in (0u32..).zip(&rows) {
        let twice =
            by_id.insert(row.id, place).is_some() || by_name.insert(row.name.folded(), place).is_some();
        if twice {
            return Err(BuildError::Twice(format!("server {} ({})", row.id, row.name)));
        }
    }
    Ok(Table { rows, by_id, by_name })
}

fn dangling(row: impl ToString, missing: String) -> BuildError {
    BuildError::Dangling {
        row: row.to_string(),
        missing,
    }
}

/// For each member the places of the groups that it is directly in.
fn members<MemberId, Row, GroupId>(
    table: &Table<MemberId, Row>,
    groups: &Groups<GroupId>,
    pairs: Vec<(GroupId, MemberId)>,
    what: &str,
) -> Result<Lists<u32>, BuildError>
where
    MemberId: Copy + Eq + std::hash::Hash + std::fmt::Display,
    GroupId: Copy + Eq + std::hash::Hash + std::fmt::Display,
{
    let mut placed = Vec::with_capacity(pairs.len());
    for (group, member) in pairs {
        let at = table
            .place(member)
            .ok_or_else(|| dangling("a membership", format!("{what} {member}")))?;
        let group = groups
            .place(group)
            .ok_or_else(|| dangling("a membership", format!("{what} group {group}")))?;
        placed.push((at, group));
    }
    Ok(Lists::grouped(table.rows.len(), placed))
}

/// For each member itself and every group above it, as subjects or targets: members first, groups after them.
fn closures<Id>(direct: &Lists<u32>, count: usize, groups: &Groups<Id>) -> Lists<u32>
where
    Id: Copy + Eq + std::hash::Hash + std::fmt::Display,
{
    let mut lists = Lists::default();
    let offset = lists::place(count);
    let mut closure = Vec::new();
    for member in 0..offset {
        closure.clear();
        closure.extend(
            direct
                .of(member)
                .iter()
                .flat_map(|group| groups.above(*group))
                .map(|group| offset + group),
        );
        closure.sort_unstable();
        closure.dedup();
        lists.push(std::iter::once(member).chain(closure.iter().copied()));
    }
    lists
}

fn own_rights(
    users: &Table<UserId, UserRow>,
    groups: &Groups<UserGroupId>,
    subjects: &Lists<u32>,
    user_rights: &[(UserId, Right)],
    group_rights: &[(UserGroupId, Right)],
) -> Result<Lists<Right>, BuildError> {
    let count = lists::place(users.rows.len());
    let mut by_subject: Map<u32, Vec<Right>> = Map::default();
    for (user, right) in user_rights {
        let place = users
            .place(*user)
            .ok_or_else(|| dangling("a right", format!("user {user}")))?;
        by_subject.entry(place).or_default().push(*right);
    }
    for (group, right) in group_rights {
        let place = groups
            .place(*group)
            .ok_or_else(|| dangling("a right", format!("user group {group}")))?;
        by_subject.entry(count + place).or_default().push(*right);
    }
    let mut lists = Lists::default();
    for user in 0..count {
        let rights = subjects
            .of(user)
            .iter()
            .filter_map(|subject| by_subject.get(subject))
            .flatten()
            .copied();
        let mut rights: Vec<Right> = rights.collect();
        rights.sort_unstable();
        rights.dedup();
        lists.push(rights);
    }
    Ok(lists)
}

fn sources(
    users: &Table<UserId, UserRow>,
    rows: Vec<SourceRow>,
) -> Result<(RangeMap<Source>, Lists<SourceRow>), BuildError> {
    let mut sources = RangeMap::default();
    for row in &rows {
        let place = users.place(row.user);
        let user =
            place.ok_or_else(|| dangling(format!("address {}", row.range), format!("user {}", row.user)))?;
        if sources
            .insert(
                row.range,
                Source {
                    user,
                    range: row.range,
                    active: row.active,
                },
            )
            .is_some()
        {
            return Err(BuildError::Twice(format!("address {}", row.range)));
        }
    }
    let placed = pairs(users, rows.into_iter().map(|row| (row.user, row)), "an address")?;
    Ok((sources, Lists::grouped(users.rows.len(), placed)))
}

/// Of two blocks of one range the longer one counts.
fn insert_longer(blocks: &mut RangeMap<Option<Timestamp>>, block: &BlockRow) {
    let longer = match (blocks.insert(block.range, block.until), block.until) {
        (Some(Some(earlier)), Some(until)) => Some(earlier.max(until)),
        (Some(None), _) | (_, None) => None,
        (None, until) => until,
    };
    blocks.insert(block.range, longer);
}

/// The upper halves of the IPv6 networks of 64 bits within which a narrower range is registered.
fn divided(sources: &[SourceRow]) -> Set<u64> {
    let narrow = sources.iter().filter(|row| row.range.prefix_len() > 64);
    narrow.filter_map(|row| upper_half(row.range.network())).collect()
}

/// The first 64 bits of an IPv6 address.
pub(super) fn upper_half(address: IpAddr) -> Option<u64> {
    match address {
        IpAddr::V6(ip) => u64::try_from(ip.to_bits() >> 64).ok(),
        IpAddr::V4(_) => None,
    }
}

/// Pairs of user and item with the users' places.
fn pairs<T>(
    users: &Table<UserId, UserRow>,
    rows: impl Iterator<Item = (UserId, T)>,
    what: &str,
) -> Result<Vec<(u32, T)>, BuildError> {
    let place = |user| {
        users
            .place(user)
            .ok_or_else(|| dangling(what, format!("user {user}")))
    };
    rows.map(|(user, item)| Ok((place(user)?, item))).collect()
}

type Allocations = (Map<IpAddr, (u32, AllocationRow)>, Lists<IpAddr>);

fn allocations(
    servers: &Table<ServerId, ServerRow>,
    rows: Vec<AllocationRow>,
) -> Result<Allocations, BuildError> {
    let mut by_server = Vec::with_capacity(rows.len());
    let mut by_address = Map::default();
    for row in rows {
        let (proxy, server) = (row.proxy, row.server);
        let what = || format!("proxy address {proxy}");
        let place = servers
            .place(server)
            .ok_or_else(|| dangling(what(), format!("server {server}")))?;
        by_server.push((place, proxy.ip()));
        if by_address.insert(proxy.ip(), (place, row)).is_some() {
            return Err(BuildError::Twice(what()));
        }
    }
    Ok((by_address, Lists::grouped(servers.rows.len(), by_server)))
}

/// The places under which a policy's subject and target are indexed: people and servers first, groups after them.
fn parties(
    users: &Table<UserId, UserRow>,
    user_groups: &Groups<UserGroupId>,
    servers: &Table<ServerId, ServerRow>,
    server_groups: &Groups<ServerGroupId>,
    row: &PolicyRow,
) -> Result<(u32, u32), BuildError> {
    let missing = |what: String| dangling(format!("policy {}", row.id), what);
    let after = |count: usize, place: u32| lists::place(count) + place;
    let subject = match row.subject {
        Subject::User(user) => users.place(user).ok_or_else(|| missing(format!("user {user}")))?,
        Subject::Group(group) => {
            let place = user_groups.place(group);
            after(
                users.rows.len(),
                place.ok_or_else(|| missing(format!("user group {group}")))?,
            )
        }
    };
    let target = match row.target {
        PolicyTarget::Server(server) => servers
            .place(server)
            .ok_or_else(|| missing(format!("server {server}")))?,
        PolicyTarget::Group(group) => {
            let place = server_groups.place(group);
            after(
                servers.rows.len(),
                place.ok_or_else(|| missing(format!("server group {group}")))?,
            )
        }
    };
    Ok((subject, target))
}
