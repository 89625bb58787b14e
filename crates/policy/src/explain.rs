//! The same decision with its steps shown.

use gatehouse_model::{Login, PolicyId, Protocol, Timestamp, UserId};

use crate::decide::conclude;
use crate::decision::{Decision, Destination, Request};
use crate::directory::{Directory, Policy};
use crate::evaluate::{Evaluation, Question, Verdict, Who, consider, evaluate};
use crate::rows::{PolicyTarget, Subject};
use crate::sentence::moment;

/// A decision and how it came about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The decision, the same that a gate gets.
    pub decision: Decision,
    /// Each policy that covers the person and the server, revoked ones too, by id. They are shown as well where step
    /// 1 or 2 denies, although no policy can change that.
    pub considered: Vec<Considered>,
    /// How many policies of the person and their groups are for other servers.
    pub elsewhere: usize,
}

/// One policy on its way through the steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Considered {
    /// The policy.
    pub policy: PolicyId,
    /// For whom it is.
    pub subject: Subject,
    /// For what it is.
    pub target: PolicyTarget,
    /// How far it came; [`Verdict::step`] is the number of the step.
    pub verdict: Verdict,
    /// The same in words, such as `user group ops on server group web: step 6: outside Mon-Fri 08:00-16:00`.
    pub words: String,
}

/// Decides a request and shows how.
pub fn explain(directory: &Directory, request: &Request) -> Explanation {
    explain_question(directory, &Question::new(request))
}

/// Decides for a person whose source address is not known, and shows how; see [`crate::decide_user`].
pub fn explain_user(
    directory: &Directory,
    user: UserId,
    destination: &Destination,
    protocol: Protocol,
    login: Option<&Login>,
    at: Timestamp,
) -> Explanation {
    explain_question(
        directory,
        &Question {
            who: Who::User(user),
            destination,
            protocol,
            login,
            at,
        },
    )
}

fn explain_question(directory: &Directory, question: &Question<'_>) -> Explanation {
    let mut found = evaluate(directory, question);
    let decision = conclude(directory, question, &found);
    let (Some((user, _)), Some((server, _))) = (found.user, found.server) else {
        return Explanation {
            decision,
            considered: Vec::new(),
            elsewhere: 0,
        };
    };
    if found.gates.open_from.is_none() {
        consider(directory, question, user, server, &mut found);
    }
    let revoked = directory.subjects.of(user).iter().flat_map(|subject| {
        let targets = directory.targets.of(server).iter();
        targets.flat_map(|target| directory.policies.revoked(*subject, *target))
    });
    let revoked = revoked.map(|policy| (policy, Verdict::Revoked));
    let all = found.considered.iter().copied().chain(revoked);
    let mut considered: Vec<_> = all
        .filter_map(|(policy, verdict)| shown(directory, &found, policy, verdict))
        .collect();
    considered.sort_unstable_by_key(|considered| considered.policy);
    let own = directory.subjects.of(user);
    let of_person = directory
        .policies
        .all_live()
        .filter(|policy| own.contains(&policy.subject))
        .count();
    Explanation {
        decision,
        elsewhere: of_person.saturating_sub(found.considered.len()),
        considered,
    }
}

fn shown(
    directory: &Directory,
    found: &Evaluation<'_>,
    policy: &Policy,
    verdict: Verdict,
) -> Option<Considered> {
    let (subject, target) = directory.parties(policy)?;
    let mut words = match subject {
        Subject::User(id) => format!("user {}", directory.user(id)?.name),
        Subject::Group(id) => format!("user group {}", directory.user_group(id)?.name),
    };
    words += &match target {
        PolicyTarget::Server(id) => format!(" on server {}: ", directory.server(id)?.name),
        PolicyTarget::Group(id) => format!(" on server group {}: ", directory.server_group(id)?.name),
    };
    words += &match (verdict.step(), found.gates.refused) {
        (0, None) => "allows".to_owned(),
        (0, Some(reason)) => format!("would allow, if it were not for {reason}"),
        (step, _) => format!("step {step}: "),
    };
    let zone = directory
        .policies
        .windows(policy)
        .next()
        .map_or(directory.default_zone(), |windows| windows.zone());
    let at = |instant: Option<Timestamp>| {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = instant.map_or(Ok(()), |instant| moment(&mut text, zone, instant));
        text
    };
    words += &match verdict {
        Verdict::Revoked => "revoked".to_owned(),
        Verdict::OtherSource => {
            format!(
                "for connections from {} only",
                directory
                    .policies
                    .from(policy)
                    .map(|from| from.to_string())
                    .unwrap_or_default()
            )
        }
        Verdict::OtherProtocol => format!("for {} only", policy.protocol.map_or("", Protocol::label)),
        Verdict::Expired => format!("ended {}", at(policy.end())),
        Verdict::NotYetValid => format!("begins {}", at(Some(policy.start))),
        Verdict::OutsideSchedule => {
            let schedules = directory
                .policies
                .windows(policy)
                .map(|windows| windows.schedule().to_string());
            format!("outside {}", schedules.collect::<Vec<_>>().join(", "))
        }
        Verdict::LoginNotAllowed => {
            let logins = directory
                .policies
                .terms(policy)
                .map(|terms| terms.logins.as_slice())
                .unwrap_or_default();
            let logins = logins
                .iter()
                .map(|login| crate::directory::printable(login.as_str(), 64));
            format!("for the logins {} only", logins.collect::<Vec<_>>().join(", "))
        }
        Verdict::Allows => String::new(),
    };
    Some(Considered {
        policy: policy.id,
        subject,
        target,
        verdict,
        words,
    })
}
