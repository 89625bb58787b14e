//! Rights within a session, and where forwards may lead.

use gatehouse_model::{
    DestinationRule, ForwardDestination, HostRule, PolicyId, PortRange, Protocol, Right, ServerId,
    SourceAddr, TargetHost, Timestamp,
};

use crate::decide::decide;
use crate::decision::{Decision, Destination, Grant, Request};
use crate::directory::{Directory, printable};
use crate::rows::ServerRow;

/// Rights of a session, with the forwarding rules of each policy kept apart, because a forward must be allowed by
/// one of them alone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rights {
    /// One entry for each allowing policy that carries rights, and one without limits for rights of the user and
    /// its groups.
    pub sets: Vec<RightSet>,
}

/// The rights of one policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RightSet {
    /// The policy; `None`: rights set on the user or a group.
    pub policy: Option<PolicyId>,
    /// The rights.
    pub rights: Vec<Right>,
    /// Where local forwards may lead; empty: anywhere.
    pub destinations: Vec<DestinationRule>,
    /// Ports where forwards may not lead.
    pub blocked_ports: Vec<PortRange>,
}

/// Why a forward is refused, in a sentence for the person.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ForwardRefusal {
    /// No policy carries the right.
    #[error(
        "forwarding to {to} is refused: none of your grants for this server carries the right forward_local"
    )]
    NoRight {
        /// Where it would have led.
        to: String,
    },
    /// A policy allows the host and blocks the port.
    #[error("forwarding to {to} is refused: grant #{policy} blocks port {port}")]
    BlockedPort {
        /// Where it would have led.
        to: String,
        /// The port.
        port: u16,
        /// The policy that came nearest.
        policy: PolicyId,
    },
    /// The destination is on no list.
    #[error("forwarding to {to} is refused: grant #{policy} allows forwards to {allowed} only{hint}")]
    NotListed {
        /// Where it would have led.
        to: String,
        /// One of the policies with a list.
        policy: PolicyId,
        /// Its list.
        allowed: String,
        /// What to do, where that can be said.
        hint: &'static str,
    },
    /// It is a port of a registered server that the person may not reach now.
    #[error("forwarding to {to} is refused: that is {protocol} of the server {server}, which you may not reach now", protocol = .protocol.label())]
    Server {
        /// Where it would have led.
        to: String,
        /// The server's name.
        server: String,
        /// The protocol behind the port.
        protocol: Protocol,
    },
}

/// A forward that is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ForwardPermit {
    /// The policy that allows it alone; `None`: a right of the user or a group.
    pub policy: Option<PolicyId>,
    /// When to ask again, apart from each time the session is decided again: the end of the person's access to
    /// the registered server behind the destination.
    pub ask_again: Option<Timestamp>,
}

impl Rights {
    /// Whether any policy, or the user or a group, carries the right.
    pub fn allows(&self, right: Right) -> bool {
        self.sets.iter().any(|set| set.rights.contains(&right))
    }

    /// Whether the lists of one policy alone permit the destination and its port. Registered servers are not looked
    /// at: [`decide_forward`] does that too and is what a gate asks.
    ///
    /// # Errors
    /// No policy permits it; the error names the rule.
    pub fn forward_local(&self, to: &ForwardDestination) -> Result<Option<PolicyId>, ForwardRefusal> {
        let mut refusal = None;
        for set in self
            .sets
            .iter()
            .filter(|set| set.rights.contains(&Right::ForwardLocal))
        {
            match set.refuses(to) {
                None => return Ok(set.policy),
                // A blocked port says more than a missing entry.
                Some(nearer @ ForwardRefusal::BlockedPort { .. }) => refusal = Some(nearer),
                Some(other) => refusal = refusal.or(Some(other)),
            }
        }
        Err(refusal.unwrap_or_else(|| ForwardRefusal::NoRight { to: shown(to) }))
    }
}

impl RightSet {
    fn refuses(&self, to: &ForwardDestination) -> Option<ForwardRefusal> {
        // A set without a policy has neither list nor blocked ports.
        let policy = self.policy?;
        let listed = self.destinations.is_empty() || self.destinations.iter().any(|rule| rule.matches(to));
        if !listed {
            let allowed = self
                .destinations
                .iter()
                .take(5)
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            let more = if self.destinations.len() > 5 { ", …" } else { "" };
            let by_name = matches!(to, ForwardDestination::Name(..));
            let has_address = self
                .destinations
                .iter()
                .any(|rule| matches!(rule.host, HostRule::Range(_)));
            let hint = if by_name && has_address {
                "; give the address instead of a name"
            } else {
                ""
            };
            return Some(ForwardRefusal::NotListed {
                to: shown(to),
                policy,
                allowed: allowed + more,
                hint,
            });
        }
        let blocked = self.blocked_ports.iter().any(|ports| ports.contains(to.port()));
        blocked.then(|| ForwardRefusal::BlockedPort {
            to: shown(to),
            port: to.port(),
            policy,
        })
    }
}

/// Whether a local forward (`-L`, `-D`, `-W`) of a running session may lead to `to`: one policy alone permits it,
/// and if it is a port of a registered server, the person may reach that server now. The server's own loopback
/// counts as the server.
///
/// Names that the server resolves to addresses which the directory does not know by that name cannot be seen
/// through.
///
/// # Errors
/// It may not; the error names the rule.
pub fn decide_forward(
    directory: &Directory,
    grant: &Grant,
    source: SourceAddr,
    to: &ForwardDestination,
    at: Timestamp,
) -> Result<ForwardPermit, ForwardRefusal> {
    let policy = grant.rights.forward_local(to)?;
    let mut ask_again: Option<Timestamp> = None;
    for meaning in services_behind(directory, grant.server, to) {
        let Some((server, protocol)) = meaning.first().copied() else {
            continue;
        };
        let reached = meaning.iter().find_map(|(server, protocol)| {
            let destination = Destination::Server(server.id);
            let request = Request {
                source,
                destination,
                protocol: *protocol,
                login: None,
                at,
            };
            match decide(directory, &request) {
                Decision::Allow(reach) => Some(reach.until),
                Decision::Deny(_) => None,
            }
        });
        let Some(until) = reached else {
            return Err(ForwardRefusal::Server {
                to: shown(to),
                server: server.name.to_string(),
                protocol,
            });
        };
        ask_again = match (ask_again, until) {
            (Some(earlier), Some(until)) => Some(earlier.min(until)),
            (earlier, until) => earlier.or(until),
        };
    }
    Ok(ForwardPermit { policy, ask_again })
}

/// Whether the person behind a source address may reach a server by any protocol that it offers: the rule for the
/// proxy-address side of a remote forward.
pub fn may_reach(directory: &Directory, source: SourceAddr, server: ServerId, at: Timestamp) -> bool {
    let services = directory
        .server(server)
        .map(|row| row.services.as_slice())
        .unwrap_or_default();
    services.iter().any(|(protocol, _)| {
        let destination = Destination::Server(server);
        let request = Request {
            source,
            destination,
            protocol: *protocol,
            login: None,
            at,
        };
        matches!(decide(directory, &request), Decision::Allow(_))
    })
}

/// The services of registered servers that a destination, seen from the server `here`, leads to. A destination can
/// have several meanings (a loopback address is the server's own and may be another's too): the person must reach
/// one service of each.
fn services_behind<'d>(
    directory: &'d Directory,
    here: ServerId,
    to: &ForwardDestination,
) -> [Vec<(&'d ServerRow, Protocol)>; 3] {
    let (host, proxied, named, own) = match to {
        ForwardDestination::Address(ip, _) => {
            let proxied = directory
                .allocations
                .get(ip)
                .map(|(_, allocation)| allocation.server);
            (
                TargetHost::Ip(*ip),
                proxied,
                None,
                ip.is_loopback() || ip.is_unspecified(),
            )
        }
        ForwardDestination::Name(name, _) => (
            TargetHost::Name(name.clone()),
            None,
            directory.server_by_name(name),
            is_own_name(name),
        ),
    };
    let offered = |server: &'d ServerRow| {
        let at_port = server.services.iter().filter(|(_, port)| *port == to.port());
        at_port.map(move |(protocol, _)| (server, *protocol))
    };
    let places = directory
        .server_addresses
        .get(&host)
        .map_or(&[][..], Vec::as_slice);
    let addressed = places
        .iter()
        .filter_map(|place| directory.servers.at(*place))
        .chain(named);
    let by_id = |id: Option<ServerId>| {
        id.and_then(|id| directory.server(id))
            .into_iter()
            .flat_map(offered)
            .collect()
    };
    [
        addressed.flat_map(offered).collect(),
        by_id(proxied),
        by_id(own.then_some(here)),
    ]
}

/// Names that mean the machine itself: RFC 6761 section 6.3, and those of common `hosts` files.
fn is_own_name(name: &str) -> bool {
    matches!(
        name,
        "localhost" | "localhost.localdomain" | "ip6-localhost" | "ip6-loopback"
    ) || name.ends_with(".localhost")
}

/// A destination for a sentence: it comes from the client.
fn shown(to: &ForwardDestination) -> String {
    printable(&to.to_string(), 100)
}
