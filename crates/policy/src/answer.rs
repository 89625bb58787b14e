//! A decision as programs read it: the JSON that `gatehouse check` prints and the API answers, and the steps for people.

use gatehouse_model::{BinaryMode, ForwardCapture, InputMode, Login, PolicyId, RecordMode, Right, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::decision::{Decision, Reason, Waiting};
use crate::directory::Directory;
use crate::evaluate::Verdict;
use crate::explain::Explanation;

/// A decision, told by `decision`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
#[serde(tag = "decision", rename_all = "lowercase")]
pub enum CheckAnswer {
    /// Yes.
    Allow(AllowAnswer),
    /// No.
    Deny(DenyAnswer),
}

/// What an allowed person may do.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct AllowAnswer {
    /// The person.
    pub user: Option<String>,
    /// The server.
    pub server: Option<String>,
    /// The grants that say so, ascending.
    pub policies: Vec<PolicyId>,
    /// The first instant at which the same would be refused; `null`: none within sight.
    pub allowed_until: Option<Timestamp>,
    /// What may be forwarded.
    pub forwarding: ForwardingAnswer,
    /// All rights.
    pub rights: Vec<Right>,
    /// How it is recorded.
    pub recording: RecordingAnswer,
}

/// Which ways ports may be forwarded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct ForwardingAnswer {
    /// From the client through the server.
    pub local: bool,
    /// From the server back to the client.
    pub remote: bool,
}

/// How a session is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct RecordingAnswer {
    /// What happens when it cannot be.
    pub mode: Option<RecordMode>,
    /// What is kept of long runs of binary.
    pub binary: Option<BinaryMode>,
    /// What is kept of typed input.
    pub input: Option<InputMode>,
    /// Whether the bytes of forwards are kept.
    pub forwards: Option<ForwardCapture>,
}

/// Why not.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct DenyAnswer {
    /// The reason, for programs.
    #[schema(value_type = String, example = "outside_schedule")]
    pub reason: Reason,
    /// The sentence that the person is told.
    pub detail: String,
    /// The person; `null`: not known.
    pub user: Option<String>,
    /// The server; `null`: not known.
    pub server: Option<String>,
    /// When the same would be allowed; `null`: not by waiting.
    pub next: Option<Timestamp>,
}

/// A decision with its steps and every grant that was considered.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ExplainedAnswer {
    /// The decision.
    #[serde(flatten)]
    pub answer: CheckAnswer,
    /// The steps, in their order.
    pub steps: Vec<StepAnswer>,
    /// The grants that cover person and server, revoked ones too.
    pub considered: Vec<ConsideredAnswer>,
    /// How many grants of the person and their groups are for other servers.
    pub elsewhere: usize,
}

/// A step of the decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct StepAnswer {
    /// Its number, from 1.
    pub step: u8,
    /// What it asks.
    #[schema(value_type = String)]
    pub question: &'static str,
    /// What it found.
    pub answer: String,
    /// How it went on from there.
    pub outcome: StepOutcome,
}

/// How a step ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepOutcome {
    /// The next step was taken.
    Passed,
    /// It was the last.
    Denied,
    /// It was not taken.
    Skipped,
}

/// A grant that was considered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct ConsideredAnswer {
    /// The grant.
    pub policy: PolicyId,
    /// The step at which it fell; 0: at none.
    pub step: u8,
    /// The same in words.
    pub words: String,
}

/// The decision alone.
pub fn check_answer(directory: &Directory, decision: &Decision) -> CheckAnswer {
    let user = |id| directory.user(id).map(|user| user.name.to_string());
    let server = |id| directory.server(id).map(|server| server.name.to_string());
    match decision {
        Decision::Allow(grant) => CheckAnswer::Allow(AllowAnswer {
            user: user(grant.user),
            server: server(grant.server),
            policies: grant.policies.clone(),
            allowed_until: grant.until,
            forwarding: ForwardingAnswer {
                local: grant.rights.allows(Right::ForwardLocal),
                remote: grant.rights.allows(Right::ForwardRemote),
            },
            rights: Right::ALL
                .iter()
                .copied()
                .filter(|right| grant.rights.allows(*right))
                .collect(),
            recording: RecordingAnswer {
                mode: grant.recording.mode,
                binary: grant.recording.binary,
                input: grant.recording.input,
                forwards: grant.recording.forwards,
            },
        }),
        Decision::Deny(denial) => CheckAnswer::Deny(DenyAnswer {
            reason: denial.reason,
            detail: denial.sentence.clone(),
            user: denial.user.and_then(user),
            server: denial.server.and_then(server),
            next: match denial.next {
                Waiting::Never => None,
                Waiting::Until(instant) => Some(instant),
            },
        }),
    }
}

/// The decision with its steps. `login` is the one that was asked about.
pub fn explained_answer(
    directory: &Directory,
    explanation: &Explanation,
    login: Option<&Login>,
) -> ExplainedAnswer {
    let answer = check_answer(directory, &explanation.decision);
    ExplainedAnswer {
        steps: steps(&answer, explanation, login),
        answer,
        considered: explanation
            .considered
            .iter()
            .map(|it| ConsideredAnswer {
                policy: it.policy,
                step: it.verdict.step(),
                words: it.words.clone(),
            })
            .collect(),
        elsewhere: explanation.elsewhere,
    }
}

const QUESTIONS: [&str; 7] = [
    "Whose is the source address?",
    "Which server is meant, and does it offer the protocol?",
    "Which grants cover the person and the server?",
    "Which of them are for this source address and this protocol?",
    "Which of them have begun and not ended?",
    "Which of them have no schedules, or one that matches?",
    "Which of them name no login, or this one?",
];

fn steps(answer: &CheckAnswer, explanation: &Explanation, login: Option<&Login>) -> Vec<StepAnswer> {
    let (reason, user, server) = match answer {
        CheckAnswer::Allow(it) => (None, &it.user, &it.server),
        CheckAnswer::Deny(it) => (Some(it.reason), &it.user, &it.server),
    };
    let reached = |verdict| {
        explanation
            .considered
            .iter()
            .filter(|it| it.verdict >= verdict)
            .count()
    };
    let last = reason.map(|reason| step_of(reason, reached(Verdict::OtherSource)));
    let step = |(step, question): (u8, &'static str)| {
        let outcome = match last {
            Some(last) if last == step => StepOutcome::Denied,
            Some(last) if last < step => StepOutcome::Skipped,
            _ if step == 7 && login.is_none() => StepOutcome::Skipped,
            _ => StepOutcome::Passed,
        };
        let found = match (outcome, step) {
            (StepOutcome::Skipped, 7) if last.is_none() => "no login was asked about".to_owned(),
            (StepOutcome::Skipped, _) => "not asked any more".to_owned(),
            (StepOutcome::Denied, _) => reason.map_or("", words_of).to_owned(),
            (StepOutcome::Passed, 1) => user.clone().unwrap_or_default(),
            (StepOutcome::Passed, 2) => server.clone().unwrap_or_default(),
            (StepOutcome::Passed, 3) => left(reached(Verdict::OtherSource)),
            (StepOutcome::Passed, 4) => left(reached(Verdict::Expired)),
            (StepOutcome::Passed, 5) => left(reached(Verdict::OutsideSchedule)),
            (StepOutcome::Passed, 6) => left(reached(Verdict::LoginNotAllowed)),
            (StepOutcome::Passed, _) => left(reached(Verdict::Allows)),
        };
        StepAnswer {
            step,
            question,
            answer: found,
            outcome,
        }
    };
    (1u8..).zip(QUESTIONS).map(step).collect()
}

fn left(grants: usize) -> String {
    match grants {
        1 => "1 grant".to_owned(),
        several => format!("{several} grants"),
    }
}

/// The step that denies with a reason, where so many grants came past step 3.
fn step_of(reason: Reason, covering: usize) -> u8 {
    match reason {
        Reason::SourceBlocked | Reason::UnknownSource | Reason::UserInactive | Reason::UserLocked => 1,
        Reason::UnknownDestination
        | Reason::ServerInactive
        | Reason::ServerLocked
        | Reason::ProtocolNotOffered => 2,
        Reason::NoMatchingPolicy if covering == 0 => 3,
        Reason::NoMatchingPolicy => 4,
        Reason::NotYetValid | Reason::Expired => 5,
        Reason::OutsideSchedule => 6,
        Reason::LoginNotAllowed => 7,
    }
}

fn words_of(reason: Reason) -> &'static str {
    match reason {
        Reason::SourceBlocked => "the source address is blocked",
        Reason::UnknownSource => "the source address belongs to nobody",
        Reason::UserInactive => "the address or its person is switched off",
        Reason::UserLocked => "the person is locked",
        Reason::UnknownDestination => "it is no server's address or name",
        Reason::ServerInactive => "the server is switched off",
        Reason::ServerLocked => "the server is locked",
        Reason::ProtocolNotOffered => "the server does not offer the protocol",
        Reason::NoMatchingPolicy => "none",
        Reason::NotYetValid => "one of them is still to begin",
        Reason::Expired => "all of them have ended",
        Reason::OutsideSchedule => "no schedule matches now",
        Reason::LoginNotAllowed => "none names this login",
    }
}
