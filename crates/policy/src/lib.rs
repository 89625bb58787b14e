//! The directory snapshot and the one decision taken on it: who may reach what, by which protocol and login, until
//! when and with which rights.
//!
//! [`Directory::build`] indexes rows; [`decide`] answers a [`Request`] out of it. [`decide_again`] is for running
//! sessions, [`decide_forward`] for forwards within them; [`explain`], [`who_can`] and [`reach`] show the same steps
//! to people; [`preview`] shows a grant before it is made.
//!
//! Invariants:
//! - **Pure.** Nothing here reads a clock, a file, the network or randomness. The instant is an input; time zones
//!   come from tables in the binary. Equal rows, settings and request give an equal answer.
//! - **One engine.** Decisions, explanations and lists take the same steps in the same code; none decides by itself.
//! - **The order of steps is the meaning.** Source, destination, coverage, source and protocol of the policy, time,
//!   schedule, login: a denial gives the reason of the last step that any policy reached.
//! - **The most specific range is the person**, in use or not; a wider range never stands in for it.
//! - **Revoked is absent.** A revoked policy appears in explanations only.
//! - **A schedule that is switched off never matches**, so a policy with only such schedules allows nothing.
//! - **Ends are exclusive**: at `until` the same request is denied, right before it is allowed.
//! - **Nothing changes before `next_change`**: until then the same request gets an equal grant from the same
//!   directory.
//! - **Windows are looked at for 400 days**, for an end from the midnight (UTC) after the request, for a beginning
//!   from the request or the policy's start; beyond that a policy's own end counts, or none.
//! - **A stranger learns nothing** but their own address and the contact.
//! - **Sentences are harmless.** No text from a request, a row or the configuration brings a control character, an
//!   escape sequence or a reordering mark into a sentence.
//! - **Rules of several policies are not mixed.** A forward is allowed by one policy alone.
//!
//! Not here: SQL, protocols, names resolved by DNS, wall clocks.

mod answer;
mod decide;
mod decision;
mod directory;
mod evaluate;
mod explain;
mod forward;
mod listing;
mod preview;
mod rows;
mod schedule;
mod sentence;
mod timeline;
mod windows;

pub use answer::{
    AllowAnswer, CheckAnswer, ConsideredAnswer, DenyAnswer, ExplainedAnswer, ForwardingAnswer,
    RecordingAnswer, StepAnswer, StepOutcome, check_answer, explained_answer,
};
pub use decide::{decide, decide_again, decide_user};
pub use decision::{Decision, Denial, Destination, Grant, Reason, RecordingTerms, Request, Waiting};
pub use directory::{
    BuildError, Directory, DirectorySettings, GroupError, MAX_GROUP_LEVELS, SourceOwner, check_parent,
};
pub use evaluate::Verdict;
pub use explain::{Considered, Explanation, explain, explain_user};
pub use forward::{ForwardPermit, ForwardRefusal, RightSet, Rights, decide_forward, may_reach};
pub use listing::{Reach, WhoCan, reach, reach_from, who_can};
pub use preview::{Preview, PreviewWarning, WINDOWS_SHOWN, preview, schedule_windows};
pub use rows::{
    AllocationRow, BlockReach, BlockRow, DirectoryRows, GroupRow, KeyRow, Lock, PolicyRow, PolicyRules,
    PolicyTarget, ServerRow, SourceRow, Subject, UserRow,
};
pub use schedule::{Schedule, ScheduleError, UnknownZone, find_zone};
