//! The decision: what the steps found, put into the shape that gates and people need.

use gatehouse_model::{
    BinaryMode, ForwardCapture, InputMode, Login, Protocol, RecordMode, SpanSeconds, Timestamp, UserId,
};

use crate::decision::{Decision, Denial, Destination, Grant, Reason, RecordingTerms, Request, Waiting};
use crate::directory::{Directory, Policy, Terms};
use crate::evaluate::{Evaluation, Question, Who, evaluate};
use crate::forward::{RightSet, Rights};
use crate::rows::{ServerRow, UserRow};
use crate::sentence;

/// Decides a request.
pub fn decide(directory: &Directory, request: &Request) -> Decision {
    let question = Question::new(request);
    conclude(directory, &question, &evaluate(directory, &question))
}

/// Decides again on what was allowed to `user` before: as [`decide`], but if the source address has become another
/// person's, the source is unknown, and blocks of new connections do not count. Name the destination as [`Destination::ServerAt`] if the session came by a proxy
/// address and as [`Destination::Server`] if not, so that an address given to another server ends it.
pub fn decide_again(directory: &Directory, user: UserId, request: &Request) -> Decision {
    let question = Question {
        who: Who::Held(user, request.source),
        ..Question::new(request)
    };
    conclude(directory, &question, &evaluate(directory, &question))
}

/// Decides for a person whose source address is not known: policies bound to a source fit if an address of theirs
/// lies there, and blocks of sources do not count.
pub fn decide_user(
    directory: &Directory,
    user: UserId,
    destination: &Destination,
    protocol: Protocol,
    login: Option<&Login>,
    at: Timestamp,
) -> Decision {
    let question = Question {
        who: Who::User(user),
        destination,
        protocol,
        login,
        at,
    };
    conclude(directory, &question, &evaluate(directory, &question))
}

/// Makes the answer out of what the steps found.
pub(crate) fn conclude(directory: &Directory, question: &Question<'_>, found: &Evaluation<'_>) -> Decision {
    match (found.refusal(), found.user, found.server) {
        (None, Some((place, user)), Some((_, server))) => {
            Decision::Allow(grant(directory, question, found, (place, user), server))
        }
        (reason, ..) => Decision::Deny(deny(
            directory,
            question,
            found,
            reason.unwrap_or(Reason::NoMatchingPolicy),
        )),
    }
}

fn grant(
    directory: &Directory,
    question: &Question<'_>,
    found: &Evaluation<'_>,
    (place, user): (u32, &UserRow),
    server: &ServerRow,
) -> Grant {
    let allowing = found.survivors();
    let course = found.timeline.course(question.at);
    let first = |instant: Option<Timestamp>| match (instant, found.gates.open_until) {
        (Some(instant), Some(gate)) => Some(instant.min(gate)),
        (instant, gate) => instant.or(gate),
    };
    let terms = || {
        allowing
            .iter()
            .filter_map(|policy| directory.policies.terms(policy))
    };
    Grant {
        user: user.id,
        server: server.id,
        policies: allowing.iter().map(|policy| policy.id).collect(),
        until: first(course.until),
        next_change: first(course.next_change),
        rights: rights(directory, place, &allowing),
        recording: recording(directory, terms()),
        idle: longest(terms().map(|terms| terms.idle)),
        max_length: longest(terms().map(|terms| terms.max_length)),
        revision: directory.revision(),
    }
}

/// Rights of the person and the groups above, which know no limits, and then those of each policy.
fn rights(directory: &Directory, user: u32, allowing: &[&Policy]) -> Rights {
    let own = directory.own_rights.of(user);
    let own = (!own.is_empty()).then(|| RightSet {
        rights: own.to_vec(),
        ..RightSet::default()
    });
    let of_policies = allowing.iter().filter_map(|policy| {
        let terms = directory
            .policies
            .terms(policy)
            .filter(|terms| !terms.rights.is_empty())?;
        Some(RightSet {
            policy: Some(policy.id),
            rights: terms.rights.clone(),
            destinations: terms.destinations.clone(),
            blocked_ports: terms.blocked_ports.clone(),
        })
    });
    Rights {
        sets: own.into_iter().chain(of_policies).collect(),
    }
}

/// The strictest of what the policies say.
fn recording<'t>(directory: &Directory, terms: impl Iterator<Item = &'t Terms>) -> RecordingTerms {
    let settings = directory.settings();
    let strict = |mode: RecordMode| mode == RecordMode::Strict;
    let thorough = |mode: BinaryMode| match mode {
        BinaryMode::Digest => 0u8,
        BinaryMode::Full => 1,
        BinaryMode::Refuse => 2,
    };
    let telling = |mode: InputMode| match mode {
        InputMode::None => 0u8,
        InputMode::Echoed => 1,
        InputMode::All => 2,
    };
    let captured = |mode: ForwardCapture| mode == ForwardCapture::On;
    let mut strictest = RecordingTerms::default();
    for terms in terms {
        let mode = Some(terms.record_mode.unwrap_or(settings.record_mode));
        strictest.mode = strictest.mode.max_by(mode, strict);
        let binary = Some(terms.record_binary.unwrap_or(settings.record_binary));
        strictest.binary = strictest.binary.max_by(binary, thorough);
        let input = Some(terms.record_input.unwrap_or(settings.record_input));
        strictest.input = strictest.input.max_by(input, telling);
        let forwards = Some(terms.record_forwards.unwrap_or(settings.record_forwards));
        strictest.forwards = strictest.forwards.max_by(forwards, captured);
    }
    strictest
}

trait Stricter<T> {
    /// The one with the higher rank; any before none.
    fn max_by<Rank: Ord>(self, other: Self, rank: impl Fn(T) -> Rank) -> Self;
}

impl<T: Copy> Stricter<T> for Option<T> {
    fn max_by<Rank: Ord>(self, other: Self, rank: impl Fn(T) -> Rank) -> Self {
        if other.map(&rank) > self.map(&rank) {
            other
        } else {
            self
        }
    }
}

/// The longest limit; none if any policy sets none.
fn longest(mut limits: impl Iterator<Item = Option<SpanSeconds>>) -> Option<SpanSeconds> {
    let first = limits.next()??;
    limits.try_fold(first, |longest, limit| Some(longest.max(limit?)))
}

fn deny(directory: &Directory, question: &Question<'_>, found: &Evaluation<'_>, reason: Reason) -> Denial {
    let survivors = if found.gates.refused.is_some() {
        Vec::new()
    } else {
        found.survivors()
    };
    let since = match reason {
        Reason::Expired => survivors.iter().filter_map(|policy| policy.end()).max(),
        _ => None,
    };
    let opening = found
        .gates
        .open_from
        .and_then(|from| found.timeline.next_opening(from));
    let opening = opening.filter(|(instant, _)| found.gates.open_until.is_none_or(|until| *instant < until));
    let refusal = sentence::Refusal {
        directory,
        question,
        found,
        reason,
        survivors: &survivors,
        since,
        opening,
    };
    Denial {
        reason,
        user: found.user.map(|(_, user)| user.id),
        server: found.server.map(|(_, server)| server.id),
        policies: survivors.iter().map(|policy| policy.id).collect(),
        since,
        next: opening.map_or(Waiting::Never, |(instant, _)| Waiting::Until(instant)),
        sentence: refusal.sentence(),
        revision: directory.revision(),
    }
}
