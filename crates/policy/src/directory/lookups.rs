//! Questions to the directory that are no decision: who, what, which.

use std::net::IpAddr;

use gatehouse_model::{
    AddressRange, PolicyId, ProxyAddr, ServerGroupId, ServerId, SourceAddr, TargetHost, Timestamp,
    UserGroupId, UserId,
};
use jiff::tz::TimeZone;

use super::build::upper_half;
use super::{Directory, DirectorySettings, Policy};
use crate::rows::{AllocationRow, GroupRow, PolicyTarget, ServerRow, SourceRow, Subject, UserRow};

/// Whose a source address is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceOwner {
    /// The person.
    pub user: UserId,
    /// The most specific range that holds the address.
    pub range: AddressRange,
    /// Whether that range is in use. If it is not, the address is nobody's for now, and no wider range counts.
    pub active: bool,
}

impl Directory {
    /// The store's revision that this directory shows.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// What the configuration added.
    pub fn settings(&self) -> &DirectorySettings {
        &self.settings
    }

    /// The zone of schedules that name none.
    pub fn default_zone(&self) -> &TimeZone {
        &self.default_zone
    }

    /// All people.
    pub fn users(&self) -> &[UserRow] {
        self.users.rows()
    }

    /// A person.
    pub fn user(&self, id: UserId) -> Option<&UserRow> {
        self.users.by_id(id)
    }

    /// The person of this name, in any case.
    pub fn user_by_name(&self, name: &str) -> Option<&UserRow> {
        self.users.at(self.users.place_of_name(name)?)
    }

    /// A person's registered public keys, in OpenSSH's one-line form.
    pub fn user_keys(&self, id: UserId) -> &[String] {
        self.users.place(id).map_or(&[], |place| self.keys_of.of(place))
    }

    /// A person's source addresses.
    pub fn sources_of(&self, id: UserId) -> &[SourceRow] {
        self.users
            .place(id)
            .map_or(&[], |place| self.sources_of.of(place))
    }

    /// Whose a source address is: that of the most specific range that holds it, in use or not.
    pub fn source_owner(&self, source: SourceAddr) -> Option<SourceOwner> {
        let found = self.sources.most_specific(source.ip())?;
        let user = self.users.at(found.user)?.id;
        Some(SourceOwner {
            user,
            range: found.range,
            active: found.active,
        })
    }

    /// Whether connections from the address are blocked at the instant.
    pub fn is_blocked(&self, source: SourceAddr, at: Timestamp) -> bool {
        self.blocks
            .containing(source.ip())
            .any(|until| until.is_none_or(|until| until > at))
    }

    /// How many ranges of sources are blocked at the instant.
    pub fn blocks_in_force(&self, at: Timestamp) -> usize {
        let ends = self.blocks.values();
        ends.filter(|until| until.is_none_or(|until| until > at)).count()
    }

    /// Whether the IPv6 network of 64 bits around the address is shared by several: a range narrower than itself is
    /// registered within it. What one address of such a network does cannot be laid at the door of all of it.
    pub fn is_divided(&self, source: SourceAddr) -> bool {
        upper_half(source.ip()).is_some_and(|half| self.divided.contains(&half))
    }

    /// A group of people.
    pub fn user_group(&self, id: UserGroupId) -> Option<&GroupRow<UserGroupId>> {
        self.user_groups.by_id(id)
    }

    /// The group of people of this name, in any case.
    pub fn user_group_by_name(&self, name: &str) -> Option<&GroupRow<UserGroupId>> {
        self.user_groups.by_name(name)
    }

    /// All groups of people.
    pub fn user_groups(&self) -> &[GroupRow<UserGroupId>] {
        self.user_groups.rows()
    }

    /// The groups that a person is a direct member of.
    pub fn groups_of_user(&self, id: UserId) -> Vec<&GroupRow<UserGroupId>> {
        let groups = self
            .users
            .place(id)
            .map_or(&[][..], |place| self.direct_user_groups.of(place));
        groups
            .iter()
            .filter_map(|place| self.user_groups.at(*place))
            .collect()
    }

    /// A group of people and every group above it, nearest first.
    pub fn user_group_ancestors(&self, id: UserGroupId) -> Vec<&GroupRow<UserGroupId>> {
        let above = self
            .user_groups
            .place(id)
            .map_or(&[][..], |place| self.user_groups.above(place));
        above
            .iter()
            .filter_map(|place| self.user_groups.at(*place))
            .collect()
    }

    /// All machines.
    pub fn servers(&self) -> &[ServerRow] {
        self.servers.rows()
    }

    /// A machine.
    pub fn server(&self, id: ServerId) -> Option<&ServerRow> {
        self.servers.by_id(id)
    }

    /// The machine of this name, in any case.
    pub fn server_by_name(&self, name: &str) -> Option<&ServerRow> {
        self.servers.at(self.servers.place_of_name(name)?)
    }

    /// The machine at this address; `None` as well if several are, because none of them is meant then.
    pub fn server_by_address(&self, address: &TargetHost) -> Option<&ServerRow> {
        match self.server_addresses.get(address)?.as_slice() {
            [one] => self.servers.at(*one),
            _ => None,
        }
    }

    /// The machine that a person names: by its name, or by its address.
    pub fn server_named(&self, text: &str) -> Option<&ServerRow> {
        self.server_by_name(text)
            .or_else(|| self.server_by_address(&text.parse().ok()?))
    }

    /// A group of servers.
    pub fn server_group(&self, id: ServerGroupId) -> Option<&GroupRow<ServerGroupId>> {
        self.server_groups.by_id(id)
    }

    /// The group of servers of this name, in any case.
    pub fn server_group_by_name(&self, name: &str) -> Option<&GroupRow<ServerGroupId>> {
        self.server_groups.by_name(name)
    }

    /// All groups of servers.
    pub fn server_groups(&self) -> &[GroupRow<ServerGroupId>] {
        self.server_groups.rows()
    }

    /// The groups that a machine is a direct member of.
    pub fn groups_of_server(&self, id: ServerId) -> Vec<&GroupRow<ServerGroupId>> {
        let groups = self
            .servers
            .place(id)
            .map_or(&[][..], |place| self.direct_server_groups.of(place));
        groups
            .iter()
            .filter_map(|place| self.server_groups.at(*place))
            .collect()
    }

    /// A group of servers and every group above it, nearest first.
    pub fn server_group_ancestors(&self, id: ServerGroupId) -> Vec<&GroupRow<ServerGroupId>> {
        let above = self
            .server_groups
            .place(id)
            .map_or(&[][..], |place| self.server_groups.above(place));
        above
            .iter()
            .filter_map(|place| self.server_groups.at(*place))
            .collect()
    }

    /// Whether an address belongs to the pool: connecting to it means connecting to a server, and a login passes
    /// unchanged there. An address that is given to a server belongs to the pool whatever the ranges say.
    pub fn is_pool_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allocations.contains_key(&address) || self.pool.iter().any(|range| range.contains(address))
    }

    /// The ranges of the pool.
    pub fn pool(&self) -> &[AddressRange] {
        &self.pool
    }

    /// To whom a proxy address is given or was given; its end may have passed ([`Directory::server_at_proxy`]).
    pub fn allocation_of(&self, proxy: ProxyAddr) -> Option<&AllocationRow> {
        self.allocations
            .get(&proxy.ip())
            .map(|(_, allocation)| allocation)
    }

    /// The server that a proxy address leads to at the instant.
    pub fn server_at_proxy(&self, proxy: ProxyAddr, at: Timestamp) -> Option<&ServerRow> {
        let allocation = self.allocation_of(proxy)?;
        allocation
            .until
            .is_none_or(|until| until > at)
            .then(|| self.server(allocation.server))
            .flatten()
    }

    /// The proxy addresses given to a server, ended ones included.
    pub fn allocations_of(&self, server: ServerId) -> Vec<&AllocationRow> {
        let addresses = self
            .servers
            .place(server)
            .map_or(&[][..], |place| self.proxies_of.of(place));
        addresses
            .iter()
            .filter_map(|address| self.allocations.get(address).map(|(_, allocation)| allocation))
            .collect()
    }

    /// Who and what a policy is for. `None`: there is no such policy, or it was revoked. Looks through all of them.
    pub fn policy_parties(&self, id: PolicyId) -> Option<(Subject, PolicyTarget)> {
        self.policies
            .all_live()
            .find(|policy| policy.id == id)
            .and_then(|policy| self.parties(policy))
    }

    /// Where policies for this subject stand.
    pub(crate) fn subject_place(&self, subject: Subject) -> Option<u32> {
        match subject {
            Subject::User(user) => self.users.place(user),
            Subject::Group(group) => {
                let users = super::lists::place(self.users.rows().len());
                Some(users + self.user_groups.place(group)?)
            }
        }
    }

    /// Where policies for this target stand.
    pub(crate) fn target_place(&self, target: PolicyTarget) -> Option<u32> {
        match target {
            PolicyTarget::Server(server) => self.servers.place(server),
            PolicyTarget::Group(group) => {
                let servers = super::lists::place(self.servers.rows().len());
                Some(servers + self.server_groups.place(group)?)
            }
        }
    }

    pub(crate) fn parties(&self, policy: &Policy) -> Option<(Subject, PolicyTarget)> {
        let users = super::lists::place(self.users.rows().len());
        let servers = super::lists::place(self.servers.rows().len());
        let subject = match policy.subject.checked_sub(users) {
            None => Subject::User(self.users.at(policy.subject)?.id),
            Some(group) => Subject::Group(self.user_groups.at(group)?.id),
        };
        let target = match policy.target.checked_sub(servers) {
            None => PolicyTarget::Server(self.servers.at(policy.target)?.id),
            Some(group) => PolicyTarget::Group(self.server_groups.at(group)?.id),
        };
        Some((subject, target))
    }
}
