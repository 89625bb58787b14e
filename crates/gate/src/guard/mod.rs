//! The guard: how much each source, and all of them together, may take up before anybody has proved anything.
//!
//! A **source** is an IPv4 address or an IPv6 network of 64 bits, since anybody with one has them all; a single IPv6
//! address where something narrower is registered in that network, since it is shared then. It is **known** if it is
//! registered with a person and both are in use, else a **stranger**.
//!
//! Invariants:
//! - **No stranger keeps a known person out.** The limits for all sources together shut out strangers only; each
//!   known source has limits of its own, and what one does touches no other.
//! - **Cheap to refuse.** What is refused here has cost an accepted socket and some look-ups in memory: no task, no
//!   handshake, no SQL. Refusals of one kind are one line of the log a second.
//! - **Bounded.** Counts are kept in a table of fixed size (`table`), causes to block in a queue of fixed size
//!   (`offences`).
//! - **Time is an input.** Counts pay back by the gate's clock; a clock that goes back forgives.
//!
//! Order, when a source exceeds its denials or failed logins: the node itself refuses it from that moment (memory);
//! within a second the row is written (`block.added`), and every node refuses it, with a reason that a known person
//! is still let in to read a few times a minute. Until the row is written, also while the database is gone, the node's
//! own refusal stands. Counts are of one node and begin anew with it; rows outlive it.

mod offences;
mod rate;
mod refusals;
mod settings;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use gatehouse_model::{AddressRange, SourceAddr, Timestamp};
use gatehouse_policy::{Directory, Reason};
use parking_lot::Mutex;

use crate::limits::Refusal;
use offences::Offences;
use rate::{Account, Counted};
use refusals::Refusals;
use table::{SOURCES, Table};

pub use rate::{Rate, RateError};
pub use settings::GuardSettings;

pub(crate) use offences::run;

/// Connections of a blocked source that are let in to be told, for each source.
const TOLD: &str = "5/1m";
/// Pause after a wrong login, while all sources together fail too often.
const SLOWER: Duration = Duration::from_secs(5);

/// What kind of visitor a source is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Named in `limits.exempt`: neither counted nor blocked by the node.
    Exempt,
    /// Registered with a person, both in use.
    Known,
    /// Anybody else.
    Stranger,
}

/// A source as it is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Visitor {
    /// What is counted, and blocked, as one source.
    pub range: AddressRange,
    /// What kind it is.
    pub standing: Standing,
}

/// What follows from a login that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FailedLogin {
    /// How long to wait, at the least, before the answer.
    pub pause: Duration,
}

/// Counts connections, denials and failed logins.
pub(crate) struct Guard {
    settings: GuardSettings,
    told: Rate,
    counts: Mutex<Counts>,
    offences: Offences,
    refusals: Refusals,
}

struct Counts {
    sources: Table,
    strangers: Account,
    denials: Account,
    failed_logins: Account,
}

impl Guard {
    pub(crate) fn new(settings: GuardSettings) -> Self {
        Self {
            offences: Offences::new(settings.block.is_empty()),
            settings,
            told: TOLD.parse().unwrap_or(Rate::OFF),
            counts: Mutex::new(Counts {
                sources: Table::new(SOURCES),
                strangers: Account::default(),
                denials: Account::default(),
                failed_logins: Account::default(),
            }),
            refusals: Refusals::default(),
        }
    }

    /// What kind of visitor a source is.
    pub(crate) fn visitor(&self, directory: &Directory, source: SourceAddr) -> Visitor {
        let exempt = self
            .settings
            .exempt
            .iter()
            .any(|range| range.contains(source.ip()));
        let standing = if exempt {
            Standing::Exempt
        } else if is_known(directory, source) {
            Standing::Known
        } else {
            Standing::Stranger
        };
        Visitor {
            range: range_of(directory, source),
            standing,
        }
    }

    /// Lets a connection that has just come go on, or not.
    pub(crate) fn admit(
        &self,
        directory: &Directory,
        source: SourceAddr,
        now: Timestamp,
    ) -> Result<Visitor, Refusal> {
        let visitor = self.visitor(directory, source);
        if self.offences.holds(visitor.range, now) {
            return Err(Refusal::Blocked);
        }
        let mut counts = self.counts.lock();
        let counts = &mut *counts;
        if directory.is_blocked(source, now) {
            let counted = counts
                .sources
                .with(visitor.range, now, |of| of.told.count(self.told, now));
            return match counted {
                Counted::Within => Ok(visitor),
                Counted::Over => Err(Refusal::Blocked),
            };
        }
        if visitor.standing == Standing::Exempt {
            return Ok(visitor);
        }
        let rate = self.settings.connection_rate;
        if counts
            .sources
            .with(visitor.range, now, |of| of.connections.count(rate, now))
            == Counted::Over
        {
            return Err(Refusal::SourceRate);
        }
        if visitor.standing == Standing::Stranger {
            self.admit_stranger(counts, now)?;
        }
        Ok(visitor)
    }

    /// The limits for all sources together, which shut out strangers only.
    fn admit_stranger(&self, counts: &mut Counts, now: Timestamp) -> Result<(), Refusal> {
        let settings = &self.settings;
        if counts.denials.is_full(settings.denials_in_all, now) {
            self.too_many_denials(now);
            return Err(Refusal::Denials);
        }
        if counts.strangers.count(settings.stranger_rate, now) == Counted::Over {
            let sentence = format!(
                "more than {} connections came from unknown sources; those beyond are closed at once",
                settings.stranger_rate
            );
            self.offences.limit_reached("stranger_rate", sentence, now);
            return Err(Refusal::StrangerRate);
        }
        Ok(())
    }

    fn too_many_denials(&self, now: Timestamp) {
        let sentence = format!(
            "{} connections of all sources together were denied; unknown sources are closed at once until there are \
             fewer",
            self.settings.denials_in_all
        );
        self.offences.limit_reached("denials_in_all", sentence, now);
    }

    /// Counts a denial.
    pub(crate) fn denied(&self, directory: &Directory, source: SourceAddr, reason: Reason, now: Timestamp) {
        if reason != Reason::SourceBlocked {
            self.count_denial(self.visitor(directory, source), reason.as_str(), now);
        }
    }

    /// Counts a connection that was refused for another reason than the decision's.
    pub(crate) fn strayed(&self, visitor: Visitor, reason: &str, now: Timestamp) {
        self.count_denial(visitor, reason, now);
    }

    fn count_denial(&self, visitor: Visitor, reason: &str, now: Timestamp) {
        let settings = &self.settings;
        let rate = match visitor.standing {
            Standing::Exempt => return,
            Standing::Known => settings.denials,
            Standing::Stranger => settings.stranger_denials,
        };
        let mut counts = self.counts.lock();
        if counts.denials.count(settings.denials_in_all, now) == Counted::Over {
            self.too_many_denials(now);
        }
        let over = counts.sources.with(visitor.range, now, |of| {
            let over = of.denials.count(rate, now) == Counted::Over;
            if over {
                // The block is the answer; what comes after it counts anew.
                of.denials.clear();
            }
            over
        });
        drop(counts);
        if over {
            let cause = format!("more than {rate} connections were denied, the last one with {reason}");
            self.offences.push(visitor.range, cause);
        }
    }

    /// Counts a login with a wrong password, or the like.
    pub(crate) fn login_failed(
        &self,
        directory: &Directory,
        source: SourceAddr,
        now: Timestamp,
    ) -> FailedLogin {
        let settings = &self.settings;
        let visitor = self.visitor(directory, source);
        let mut counts = self.counts.lock();
        let mut pause = Duration::ZERO;
        if visitor.standing == Standing::Exempt {
            return FailedLogin { pause };
        }
        if counts.failed_logins.count(settings.failed_logins_in_all, now) == Counted::Over {
            pause = SLOWER;
            self.offences.limit_reached(
                "failed_logins_in_all",
                format!(
                    "more than {} logins of all sources together failed; each further one is answered slowly until \
                     there are fewer",
                    settings.failed_logins_in_all
                ),
                now,
            );
        }
        let rate = settings.failed_logins;
        let over = counts.sources.with(visitor.range, now, |of| {
            let over = of.failed_logins.count(rate, now) == Counted::Over;
            if over {
                of.failed_logins.clear();
            }
            over
        });
        drop(counts);
        if over {
            self.offences
                .push(visitor.range, format!("more than {rate} logins failed"));
        }
        FailedLogin { pause }
    }

    /// Whether logins of the source are not to be tried any more: it was blocked since it came.
    pub(crate) fn is_barred(&self, directory: &Directory, source: SourceAddr, now: Timestamp) -> bool {
        directory.is_blocked(source, now) || self.offences.holds(range_of(directory, source), now)
    }

    /// Notes that a connection was refused; the log says so at most once a second for each kind.
    pub(crate) fn note_refusal(
        &self,
        gate: &'static str,
        refusal: Refusal,
        source: SourceAddr,
        now: Timestamp,
    ) {
        self.refusals.note(gate, refusal, source, now);
    }
}

/// What is counted, and blocked, as one source.
fn range_of(directory: &Directory, source: SourceAddr) -> AddressRange {
    let host = AddressRange::host(source.ip());
    if source.ip().is_ipv4() || directory.is_divided(source) {
        host
    } else {
        host.widened(64)
    }
}

fn is_known(directory: &Directory, source: SourceAddr) -> bool {
    directory
        .source_owner(source)
        .is_some_and(|owner| owner.active && directory.user(owner.user).is_some_and(|user| user.active))
}
