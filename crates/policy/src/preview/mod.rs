//! A grant before it is made: what will be true, whom it covers, when, and what may not be meant.

mod extent;

use std::fmt;

use gatehouse_model::{Login, PolicyId, Protocol, Right, Timestamp};

use self::extent::Extent;
use crate::directory::{BuildError, Directory, Policies, Policy};
use crate::rows::{PolicyRow, PolicyRules, PolicyTarget, ServerRow, Subject};
use crate::schedule::Schedule;
use crate::sentence::moment;
use crate::timeline;

/// How many windows are shown.
pub const WINDOWS_SHOWN: usize = 3;

/// What a grant would be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preview {
    /// What will be true, in one sentence without full stop at its end.
    pub sentence: String,
    /// How many people in use it covers.
    pub users: usize,
    /// How many servers in use it covers that offer what it is for.
    pub servers: usize,
    /// How many pairs of these.
    pub connections: usize,
    /// The next windows of its schedules within start and end; none if it has no schedules.
    pub windows: Vec<(Timestamp, Timestamp)>,
    /// When it ends; `None`: never.
    pub ends_at: Option<Timestamp>,
    /// What may not be meant.
    pub warnings: Vec<PreviewWarning>,
}

/// What may not be meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PreviewWarning {
    /// A grant that is there allows all of it.
    Covered(PolicyId),
    /// A grant for the same allows less.
    Wider(PolicyId),
    /// It has no end.
    Permanent,
    /// Every login is allowed.
    AnyLogin,
    /// Nobody in use is covered.
    Nobody,
    /// No server in use is covered.
    NoServer,
    /// No server that is covered offers the protocol.
    NotOffered(Protocol),
    /// Its schedules and its time do not meet within 400 days.
    NeverOpen,
    /// Its end has passed.
    Over,
    /// Local forwards may lead anywhere.
    AnyDestination,
}

impl fmt::Display for PreviewWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Covered(id) => write!(f, "policy #{id} allows all of this already"),
            Self::Wider(id) => {
                write!(
                    f,
                    "this is wider than policy #{id}, which is for the same and allows less"
                )
            }
            Self::Permanent => f.write_str("this has no end; access stays until somebody revokes it"),
            Self::AnyLogin => f.write_str("every login is allowed, root too"),
            Self::Nobody => f.write_str("this covers nobody now"),
            Self::NoServer => f.write_str("this covers no server now"),
            Self::NotOffered(protocol) => write!(
                f,
                "nothing that this covers offers {}, so nobody could connect",
                protocol.label()
            ),
            Self::NeverOpen => f.write_str("no window opens within the next 400 days"),
            Self::Over => f.write_str("the end has passed, so nobody could connect"),
            Self::AnyDestination => f.write_str(
                "local forwards may lead to every address that the server reaches; name destinations",
            ),
        }
    }
}

/// What a grant of these terms would be. Subject and target are of this directory.
///
/// # Errors
/// A schedule names a zone that there is not.
pub fn preview(
    directory: &Directory,
    subject: Subject,
    target: PolicyTarget,
    rules: &PolicyRules,
    now: Timestamp,
) -> Result<Preview, BuildError> {
    let proposal = Proposal::new(directory, subject, target, rules)?;
    let users = proposal.users();
    let covered = proposal.servers();
    let offering = covered
        .iter()
        .filter(|server| offers(server, rules.protocol))
        .count();
    let windows = proposal.windows(now);
    let mut warnings = proposal.compared(now);
    let mut warn = |warning, applies: bool| warnings.extend(applies.then_some(warning));
    let over = rules.end.is_some_and(|end| end <= now);
    warn(PreviewWarning::Over, over);
    warn(PreviewWarning::Permanent, rules.end.is_none());
    warn(PreviewWarning::AnyLogin, rules.logins.is_empty());
    warn(PreviewWarning::Nobody, users == 0);
    warn(PreviewWarning::NoServer, covered.is_empty());
    if let Some(protocol) = rules.protocol {
        warn(
            PreviewWarning::NotOffered(protocol),
            !covered.is_empty() && offering == 0,
        );
    }
    let scheduled = proposal.policy().is_some_and(Policy::is_scheduled);
    warn(
        PreviewWarning::NeverOpen,
        scheduled && windows.is_empty() && !over,
    );
    let anywhere = rules.rights.contains(&Right::ForwardLocal) && rules.destinations.is_empty();
    warn(PreviewWarning::AnyDestination, anywhere);
    Ok(Preview {
        sentence: proposal.sentence(now),
        users,
        servers: offering,
        connections: users.saturating_mul(offering),
        windows: if scheduled { windows } else { Vec::new() },
        ends_at: rules.end,
        warnings,
    })
}

/// The next windows of a schedule, the one that is open included, in the zone of the directory if it names none.
///
/// # Errors
/// The schedule names a zone that there is not.
pub fn schedule_windows(
    directory: &Directory,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<Vec<(Timestamp, Timestamp)>, BuildError> {
    let rules = PolicyRules {
        schedules: vec![schedule.clone()],
        ..PolicyRules::unlimited(Timestamp::MIN)
    };
    let policies = alone(directory, &rules)?;
    let policy = policies.live(0, 0).first();
    Ok(policy.map_or_else(Vec::new, |policy| windows_of(&policies, policy, now)))
}

/// The terms as the only policy of an index, so that its windows are those that a decision goes by.
fn alone(directory: &Directory, rules: &PolicyRules) -> Result<Policies, BuildError> {
    let row = PolicyRow {
        id: PolicyId(0),
        subject: Subject::User(gatehouse_model::UserId(0)),
        target: PolicyTarget::Server(gatehouse_model::ServerId(0)),
        revoked_at: None,
        rules: rules.clone(),
    };
    Policies::build(vec![row], |_| Ok((0, 0)), 1, directory.default_zone())
}

fn windows_of(policies: &Policies, policy: &Policy, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let mut windows = Vec::new();
    let mut from = now;
    while windows.len() < WINDOWS_SHOWN {
        let Some((opens, closes)) = timeline::next_window(policies, policy, from) else {
            break;
        };
        windows.push((opens, closes));
        from = closes;
    }
    windows
}

fn offers(server: &ServerRow, protocol: Option<Protocol>) -> bool {
    let mut services = server.services.iter();
    services.any(|(offered, _)| protocol.is_none_or(|wanted| wanted == *offered))
}

struct Proposal<'d> {
    directory: &'d Directory,
    subject: Subject,
    target: PolicyTarget,
    rules: &'d PolicyRules,
    /// The places of subject and target.
    places: Option<(u32, u32)>,
    policies: Policies,
}

impl<'d> Proposal<'d> {
    fn new(
        directory: &'d Directory,
        subject: Subject,
        target: PolicyTarget,
        rules: &'d PolicyRules,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            places: directory
                .subject_place(subject)
                .zip(directory.target_place(target)),
            policies: alone(directory, rules)?,
            directory,
            subject,
            target,
            rules,
        })
    }

    fn policy(&self) -> Option<&Policy> {
        self.policies.live(0, 0).first()
    }

    fn windows(&self, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        self.policy()
            .filter(|policy| policy.is_scheduled())
            .map_or_else(Vec::new, |policy| windows_of(&self.policies, policy, now))
    }

    fn users(&self) -> usize {
        let Some((subject, _)) = self.places else { return 0 };
        let users = self.directory.users.placed();
        users
            .filter(|(place, user)| user.active && self.directory.subjects.of(*place).contains(&subject))
            .count()
    }

    fn servers(&self) -> Vec<&'d ServerRow> {
        let Some((_, target)) = self.places else {
            return Vec::new();
        };
        let servers = self.directory.servers.placed();
        servers
            .filter(|(place, server)| server.active && self.directory.targets.of(*place).contains(&target))
            .map(|(_, server)| server)
            .collect()
    }

    /// How it stands to the grants that are there: what covers it, or else what it is wider than.
    fn compared(&self, now: Timestamp) -> Vec<PreviewWarning> {
        let (Some((subject, target)), Some(own), Some(own_terms)) = (
            self.places,
            self.policy(),
            self.policy().and_then(|policy| self.policies.terms(policy)),
        ) else {
            return Vec::new();
        };
        let mine = Extent::of(&self.policies, own, own_terms);
        let theirs = &self.directory.policies;
        let lasting = |policy: &&Policy| policy.end().is_none_or(|end| end > now);
        let extent = |policy| Some(Extent::of(theirs, policy, theirs.terms(policy)?));
        let above = self.subjects_above(subject).into_iter().flat_map(|subject| {
            let targets = self.targets_above(target).into_iter();
            targets.map(move |target| (subject, target))
        });
        let mut covering: Vec<_> = above
            .flat_map(|(subject, target)| theirs.live(subject, target))
            .filter(lasting)
            .filter(|policy| extent(policy).is_some_and(|theirs| theirs.covers(&mine, now)))
            .map(|policy| policy.id)
            .collect();
        covering.sort_unstable();
        if let Some(first) = covering.first() {
            return vec![PreviewWarning::Covered(*first)];
        }
        theirs
            .live(subject, target)
            .iter()
            .filter(lasting)
            .filter(|policy| extent(policy).is_some_and(|theirs| mine.covers(&theirs, now)))
            .map(|policy| PreviewWarning::Wider(policy.id))
            .collect()
    }

    /// The subjects that stand for all of this one: itself and every group above.
    fn subjects_above(&self, place: u32) -> Vec<u32> {
        match self.subject {
            Subject::User(_) => self.directory.subjects.of(place).to_vec(),
            Subject::Group(_) => {
                let first = crate::directory::place(self.directory.users.rows().len());
                let group = place.saturating_sub(first);
                let above = self.directory.user_groups.above(group);
                above.iter().map(|group| first + group).collect()
            }
        }
    }

    fn targets_above(&self, place: u32) -> Vec<u32> {
        match self.target {
            PolicyTarget::Server(_) => self.directory.targets.of(place).to_vec(),
            PolicyTarget::Group(_) => {
                let first = crate::directory::place(self.directory.servers.rows().len());
                let group = place.saturating_sub(first);
                let above = self.directory.server_groups.above(group);
                above.iter().map(|group| first + group).collect()
            }
        }
    }

    fn sentence(&self, now: Timestamp) -> String {
        let rules = self.rules;
        let mut parts = vec![format!("{} may reach {}", self.who(), self.what())];
        parts.extend(rules.protocol.map(|protocol| format!("by {}", protocol.label())));
        parts.extend(rules.from.map(|from| format!("from {from}")));
        let logins: Vec<_> = rules.logins.iter().map(Login::as_str).collect();
        parts.push(match logins.as_slice() {
            [] => "as any login".to_owned(),
            some => format!("as {}", one_of(some)),
        });
        let mut sentence = parts.join(" ");
        let schedules: Vec<_> = rules.schedules.iter().map(ToString::to_string).collect();
        if rules.use_schedules && !schedules.is_empty() {
            sentence += &format!(", {}", schedules.join(" or "));
        }
        let zone = self
            .policy()
            .and_then(|policy| self.policies.windows(policy).next())
            .map_or(self.directory.default_zone(), |windows| windows.zone());
        let at = |instant| {
            let mut text = String::new();
            // Writing to a string cannot fail.
            let _ = moment(&mut text, zone, instant);
            text
        };
        sentence += &match rules.start > now {
            true => format!(", from {}", at(rules.start)),
            false => ", from now".to_owned(),
        };
        sentence += &match rules.end {
            Some(end) => format!(" until {}", at(end)),
            None => " without end".to_owned(),
        };
        crate::directory::printable(&sentence, 2_000)
    }

    fn who(&self) -> String {
        let name = match self.subject {
            Subject::User(id) => self.directory.user(id).map(|user| user.name.to_string()),
            Subject::Group(id) => {
                let group = self.directory.user_group(id);
                group.map(|group| format!("everybody in the group {}", group.name))
            }
        };
        name.unwrap_or_default()
    }

    fn what(&self) -> String {
        let name = match self.target {
            PolicyTarget::Server(id) => self.directory.server(id).map(|server| server.name.to_string()),
            PolicyTarget::Group(id) => {
                let group = self.directory.server_group(id);
                group.map(|group| format!("every server in the group {}", group.name))
            }
        };
        name.unwrap_or_default()
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
