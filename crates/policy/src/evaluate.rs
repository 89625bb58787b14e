//! The steps of a decision, in their order. Decisions, explanations and lists are all made from what this finds.

use gatehouse_model::{Login, Protocol, ProxyAddr, SourceAddr, Timestamp, UserId};

use crate::decision::{Destination, Reason, Request};
use crate::directory::{Directory, Policy};
use crate::rows::{Lock, ServerRow, UserRow};
use crate::timeline::{self, Candidate, Timeline};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// Whoever the source address belongs to.
    Source(SourceAddr),
    /// This person, as long as the source address is theirs.
    Held(UserId, SourceAddr),
    /// This person, from any of their addresses.
    User(UserId),
}

impl Who {
    pub(crate) fn source(self) -> Option<SourceAddr> {
        match self {
            Self::Source(source) | Self::Held(_, source) => Some(source),
            Self::User(_) => None,
        }
    }
}

/// A request as the steps read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'q> {
    pub(crate) who: Who,
    pub(crate) destination: &'q Destination,
    pub(crate) protocol: Protocol,
    pub(crate) login: Option<&'q Login>,
    pub(crate) at: Timestamp,
}

impl<'q> Question<'q> {
    pub(crate) fn new(request: &'q Request) -> Self {
        Self {
            who: Who::Source(request.source),
            destination: &request.destination,
            protocol: request.protocol,
            login: request.login.as_ref(),
            at: request.at,
        }
    }
}

/// How far a policy came. The order is that of the steps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// Step 3: it was revoked and counts as absent.
    Revoked,
    /// Step 4: it is bound to other source addresses.
    OtherSource,
    /// Step 4: it is for another protocol.
    OtherProtocol,
    /// Step 5: it has ended.
    Expired,
    /// Step 5: it is still to begin.
    NotYetValid,
    /// Step 6: none of its schedules matches.
    OutsideSchedule,
    /// Step 7: its list of logins lacks this one.
    LoginNotAllowed,
    /// It came through all steps.
    Allows,
}

impl Verdict {
    /// The step at which the policy fell; 0: at none.
    pub fn step(self) -> u8 {
        match self {
            Self::Allows => 0,
            Self::Revoked => 3,
            Self::OtherSource | Self::OtherProtocol => 4,
            Self::Expired | Self::NotYetValid => 5,
            Self::OutsideSchedule => 6,
            Self::LoginNotAllowed => 7,
        }
    }

    /// The reason that a request is denied with if no policy came further.
    fn reason(self) -> Option<Reason> {
        match self {
            Self::Allows => None,
            Self::Revoked | Self::OtherSource | Self::OtherProtocol => Some(Reason::NoMatchingPolicy),
            Self::Expired => Some(Reason::Expired),
            Self::NotYetValid => Some(Reason::NotYetValid),
            Self::OutsideSchedule => Some(Reason::OutsideSchedule),
            Self::LoginNotAllowed => Some(Reason::LoginNotAllowed),
        }
    }
}

/// What the steps found.
pub(crate) struct Evaluation<'d> {
    pub(crate) user: Option<(u32, &'d UserRow)>,
    pub(crate) server: Option<(u32, &'d ServerRow)>,
    /// Steps 1 and 2.
    pub(crate) gates: Gates,
    /// Steps 3 to 7: each policy that covers person and server, and how far it came. Empty if step 1 or 2 denies for
    /// good.
    pub(crate) considered: Vec<(&'d Policy, Verdict)>,
    /// Those among them that only time keeps from allowing, if anything does.
    pub(crate) timeline: Timeline<'d>,
}

/// What steps 1 and 2 say, which no policy can change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gates {
    /// The first that refuses.
    pub(crate) refused: Option<Reason>,
    /// From when none of them refuses; `None`: for good.
    pub(crate) open_from: Option<Timestamp>,
    /// When one of them refuses of which it is known today: the proxy address is given back.
    pub(crate) open_until: Option<Timestamp>,
}

impl Gates {
    /// Refuses until an instant, or for good. The first reason stays, the latest instant counts.
    fn refuse(&mut self, reason: Reason, until: Option<Timestamp>) {
        self.refused.get_or_insert(reason);
        self.open_from = self
            .open_from
            .zip(until)
            .map(|(earlier, until)| earlier.max(until));
    }

    fn refuse_locked(&mut self, reason: Reason, lock: Option<&Lock>, at: Timestamp) {
        if let Some(lock) = lock.filter(|lock| lock.is_in_force(at)) {
            self.refuse(reason, lock.until);
        }
    }
}

impl<'d> Evaluation<'d> {
    /// Why the request is denied; `None`: it is allowed.
    pub(crate) fn refusal(&self) -> Option<Reason> {
        self.gates.refused.or_else(|| {
            self.furthest()
                .map_or(Some(Reason::NoMatchingPolicy), Verdict::reason)
        })
    }

    /// How far the policies came that came furthest.
    pub(crate) fn furthest(&self) -> Option<Verdict> {
        self.considered.iter().map(|(_, verdict)| *verdict).max()
    }

    /// The policies that came as far as the last step reached, by id. For a request that is allowed: those that
    /// allow it.
    pub(crate) fn survivors(&self) -> Vec<&'d Policy> {
        let Some(furthest) = self.furthest() else {
            return Vec::new();
        };
        let reached = |verdict: Verdict| verdict == furthest || verdict.step() == furthest.step();
        let mut survivors: Vec<&Policy> = Vec::with_capacity(self.considered.len());
        survivors.extend(
            self.considered
                .iter()
                .filter(|(_, verdict)| reached(*verdict))
                .map(|(policy, _)| *policy),
        );
        survivors.sort_unstable_by_key(|policy| policy.id);
        survivors
    }
}

/// Takes the steps.
pub(crate) fn evaluate<'d>(directory: &'d Directory, question: &Question<'_>) -> Evaluation<'d> {
    let mut gates = Gates {
        refused: None,
        open_from: Some(question.at),
        open_until: None,
    };
    let user = identify(directory, question, &mut gates);
    let server = locate(directory, question, &mut gates);
    let timeline = Timeline {
        policies: &directory.policies,
        candidates: Vec::new(),
    };
    let mut evaluation = Evaluation {
        user,
        server,
        gates,
        considered: Vec::new(),
        timeline,
    };
    // A gate that never opens makes the policies idle.
    if let (Some(_), Some(user), Some(server)) = (gates.open_from, user, server) {
        consider(directory, question, user.0, server.0, &mut evaluation);
    }
    evaluation
}

/// Step 1: the source, and whose it is.
fn identify<'d>(
    directory: &'d Directory,
    question: &Question<'_>,
    gates: &mut Gates,
) -> Option<(u32, &'d UserRow)> {
    let at = question.at;
    let owner = question.who.source().map(|source| {
        // What was let in before a block of new connections goes on.
        let blocks = match question.who {
            Who::Held(..) => &directory.total_blocks,
            Who::Source(_) | Who::User(_) => &directory.blocks,
        };
        for until in blocks.containing(source.ip()) {
            if until.is_none_or(|until| until > at) {
                gates.refuse(Reason::SourceBlocked, *until);
            }
        }
        directory.sources.most_specific(source.ip())
    });
    let (place, address_active) = match (question.who, owner) {
        (Who::User(user), _) => (directory.users.place(user), true),
        (_, Some(Some(source))) => (Some(source.user), source.active),
        _ => (None, false),
    };
    let found = place.and_then(|place| Some((place, directory.users.at(place)?)));
    let theirs = found.filter(|(_, row)| match question.who {
        Who::Held(user, _) => row.id == user,
        Who::Source(_) | Who::User(_) => true,
    });
    let Some((place, user)) = theirs else {
        gates.refuse(Reason::UnknownSource, None);
        return None;
    };
    if !address_active || !user.active {
        gates.refuse(Reason::UserInactive, None);
    }
    gates.refuse_locked(Reason::UserLocked, user.lock.as_ref(), at);
    Some((place, user))
}

/// Step 2: the destination, and whether the server offers the protocol.
fn locate<'d>(
    directory: &'d Directory,
    question: &Question<'_>,
    gates: &mut Gates,
) -> Option<(u32, &'d ServerRow)> {
    let at = question.at;
    let mut given = |proxy: &ProxyAddr| {
        let (place, allocation) = directory.allocations.get(&proxy.ip())?;
        let in_force = allocation.until.is_none_or(|until| until > at);
        gates.open_until = allocation.until;
        in_force.then_some(*place)
    };
    let place = match question.destination {
        Destination::Server(id) => directory.servers.place(*id),
        Destination::Named(text) => directory
            .server_named(text)
            .and_then(|server| directory.servers.place(server.id)),
        Destination::Proxy(proxy) => given(proxy),
        Destination::ServerAt(id, proxy) => {
            given(proxy).filter(|place| directory.servers.place(*id) == Some(*place))
        }
    };
    let Some((place, server)) = place.and_then(|place| Some((place, directory.servers.at(place)?))) else {
        gates.refuse(Reason::UnknownDestination, None);
        return None;
    };
    if !server.active {
        gates.refuse(Reason::ServerInactive, None);
    }
    gates.refuse_locked(Reason::ServerLocked, server.lock.as_ref(), at);
    if !server
        .services
        .iter()
        .any(|(protocol, _)| *protocol == question.protocol)
    {
        gates.refuse(Reason::ProtocolNotOffered, None);
    }
    Some((place, server))
}

/// Steps 3 to 7 for each policy whose subject covers the person and whose target covers the server.
pub(crate) fn consider<'d>(
    directory: &'d Directory,
    question: &Question<'_>,
    user: u32,
    server: u32,
    evaluation: &mut Evaluation<'d>,
) {
    let targets = directory.targets.of(server);
    for subject in directory.subjects.of(user) {
        for target in targets {
            for policy in directory.policies.live(*subject, *target) {
                let (verdict, only_time) = judge(directory, question, user, policy);
                evaluation.considered.push((policy, verdict));
                if only_time {
                    let is_open = verdict == Verdict::Allows;
                    evaluation.timeline.candidates.push(Candidate { policy, is_open });
                }
            }
        }
    }
}

/// How far a policy comes, and whether only time keeps it from allowing, if anything does.
fn judge(directory: &Directory, question: &Question<'_>, user: u32, policy: &Policy) -> (Verdict, bool) {
    let at = question.at;
    if policy.has_source() && !fits_source(directory, question.who, user, policy) {
        return (Verdict::OtherSource, false);
    }
    if policy
        .protocol
        .is_some_and(|protocol| protocol != question.protocol)
    {
        return (Verdict::OtherProtocol, false);
    }
    let login_fits = fits_login(directory, question, policy);
    let verdict = if at < policy.start {
        Verdict::NotYetValid
    } else if policy.end().is_some_and(|end| end <= at) {
        Verdict::Expired
    } else if !timeline::is_within_schedules(&directory.policies, policy, at) {
        Verdict::OutsideSchedule
    } else if !login_fits {
        Verdict::LoginNotAllowed
    } else {
        Verdict::Allows
    };
    (verdict, login_fits)
}

/// A policy bound to a source range is for requests from there; for a person whose source is not said, it is enough
/// that an address of theirs lies there.
fn fits_source(directory: &Directory, who: Who, user: u32, policy: &Policy) -> bool {
    let Some(from) = directory.policies.from(policy) else {
        return true;
    };
    match who.source() {
        Some(source) => from.contains(source.ip()),
        None => directory
            .sources_of
            .of(user)
            .iter()
            .any(|row| row.active && row.range.overlaps(&from)),
    }
}

/// Logins are SSH's; before the login is known every list fits.
fn fits_login(directory: &Directory, question: &Question<'_>, policy: &Policy) -> bool {
    let Some(login) = question.login.filter(|_| question.protocol == Protocol::Ssh) else {
        return true;
    };
    directory
        .policies
        .terms(policy)
        .is_some_and(|terms| terms.logins.is_empty() || terms.logins.contains(login))
}
