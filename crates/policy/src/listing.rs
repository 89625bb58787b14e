//! Who could reach a server, and what a person could reach: the same steps, taken for everybody.

use gatehouse_model::{AddressRange, PolicyId, Protocol, ServerId, SourceAddr, Timestamp, UserId};

use crate::decide::conclude;
use crate::decision::{Decision, Destination, Grant};
use crate::directory::{Directory, Policy};
use crate::evaluate::{Question, Who, evaluate};

/// A person who could connect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WhoCan {
    /// The person.
    pub user: UserId,
    /// By which protocol.
    pub protocol: Protocol,
    /// The policies that say so, ascending.
    pub policies: Vec<PolicyId>,
    /// From where: the person's addresses in use that are not blocked, cut to those a policy is bound to.
    pub sources: Vec<AddressRange>,
    /// Until when, if from each of them; `None`: without end.
    pub until: Option<Timestamp>,
}

/// A server that a person could connect to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reach {
    /// By which protocol.
    pub protocol: Protocol,
    /// Which server, by which policies, until when, with which rights.
    pub grant: Grant,
}

/// Everyone who could connect to a server at the instant, by one protocol or by any, in the order of their names.
/// Logins are not asked for: whoever may use some login is listed.
pub fn who_can(
    directory: &Directory,
    server: ServerId,
    protocol: Option<Protocol>,
    at: Timestamp,
) -> Vec<WhoCan> {
    let Some(row) = directory.server(server) else {
        return Vec::new();
    };
    let destination = Destination::Server(server);
    let offered = row.services.iter().map(|(offered, _)| *offered);
    let protocols: Vec<Protocol> = offered
        .filter(|p| protocol.is_none_or(|wanted| wanted == *p))
        .collect();
    let mut users: Vec<_> = directory.users.placed().collect();
    users.sort_by_cached_key(|(_, user)| user.name.folded());
    let mut found = Vec::new();
    for (place, user) in users {
        for protocol in &protocols {
            let question = Question {
                who: Who::User(user.id),
                destination: &destination,
                protocol: *protocol,
                login: None,
                at,
            };
            let evaluation = evaluate(directory, &question);
            // A refusal needs no sentence here.
            if evaluation.refusal().is_some() {
                continue;
            }
            let Decision::Allow(grant) = conclude(directory, &question, &evaluation) else {
                continue;
            };
            let sources = usable_sources(directory, place, &evaluation.survivors(), at);
            if !sources.is_empty() {
                let (policies, until) = (grant.policies, grant.until);
                found.push(WhoCan {
                    user: user.id,
                    protocol: *protocol,
                    policies,
                    sources,
                    until,
                });
            }
        }
    }
    found
}

/// What a person could connect to at the instant, from any of their addresses, in the order of the servers' names.
pub fn reach(directory: &Directory, user: UserId, at: Timestamp) -> Vec<Reach> {
    reach_as(directory, Who::User(user), at)
}

/// What the person behind a source address could connect to from there at the instant.
pub fn reach_from(directory: &Directory, source: SourceAddr, at: Timestamp) -> Vec<Reach> {
    reach_as(directory, Who::Source(source), at)
}

fn reach_as(directory: &Directory, who: Who, at: Timestamp) -> Vec<Reach> {
    let mut servers: Vec<_> = directory.servers().iter().collect();
    servers.sort_by_cached_key(|server| server.name.folded());
    let mut found = Vec::new();
    for server in servers {
        let destination = Destination::Server(server.id);
        for (protocol, _) in &server.services {
            let question = Question {
                who,
                destination: &destination,
                protocol: *protocol,
                login: None,
                at,
            };
            let evaluation = evaluate(directory, &question);
            if evaluation.refusal().is_some() {
                continue;
            }
            if let Decision::Allow(grant) = conclude(directory, &question, &evaluation) {
                found.push(Reach {
                    protocol: *protocol,
                    grant,
                });
            }
        }
    }
    found
}

/// The person's ranges from which one of the policies allows, without those that are blocked as a whole.
fn usable_sources(
    directory: &Directory,
    user: u32,
    policies: &[&Policy],
    at: Timestamp,
) -> Vec<AddressRange> {
    let blocked = |range| {
        directory
            .blocks
            .covering(range)
            .any(|until| until.is_none_or(|until| until > at))
    };
    let mut usable = Vec::new();
    for row in directory.sources_of.of(user).iter().filter(|row| row.active) {
        for policy in policies {
            let cut = match directory.policies.from(policy) {
                None => Some(row.range),
                Some(from) if from.covers(&row.range) => Some(row.range),
                Some(from) if row.range.covers(&from) => Some(from),
                Some(_) => None,
            };
            usable.extend(cut.filter(|range| !blocked(*range)));
        }
    }
    usable.sort_unstable();
    usable.dedup();
    let all = usable.clone();
    usable.retain(|range| !all.iter().any(|other| other != range && other.covers(range)));
    usable
}
