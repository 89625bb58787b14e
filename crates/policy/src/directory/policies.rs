//! Policies, indexed by who and what, with terms and schedules that many share kept once.

use std::hash::Hash;

use gatehouse_model::{
    AddressRange, BinaryMode, DestinationRule, ForwardCapture, InputMode, Login, PolicyId, PortRange,
    Protocol, RecordMode, Right, SpanSeconds, Timestamp,
};
use jiff::tz::TimeZone;

use super::{BuildError, Lists, Map, lists};
use crate::rows::PolicyRow;
use crate::schedule::{Schedule, find_zone};
use crate::windows::Windows;

/// The place of a source range that stands for none.
const ANY_SOURCE: u32 = u32::MAX;

/// A policy as a decision reads it: in one line of the processor's cache, because a decision at a large site is
/// spent on fetching them.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Policy {
    pub(crate) id: PolicyId,
    pub(crate) start: Timestamp,
    /// The last instant of all if there is no end.
    end: Timestamp,
    pub(crate) subject: u32,
    pub(crate) target: u32,
    from: u32,
    terms: u32,
    /// Where its schedules stand, and how many; none: always open within start and end.
    first_schedule: u32,
    schedules: u16,
    pub(crate) protocol: Option<Protocol>,
    revoked: bool,
}

const _: () = assert!(size_of::<Policy>() == 64);

impl Policy {
    /// When it ends, exclusive; `None`: never.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        (self.end != Timestamp::MAX).then_some(self.end)
    }

    /// Whether it is bound to a source range.
    pub(crate) fn has_source(&self) -> bool {
        self.from != ANY_SOURCE
    }

    /// Whether it is bound to schedules.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.schedules > 0
    }
}

/// What a policy gives: everything but who, what and when.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Terms {
    pub(crate) logins: Vec<Login>,
    pub(crate) rights: Vec<Right>,
    pub(crate) destinations: Vec<DestinationRule>,
    pub(crate) blocked_ports: Vec<PortRange>,
    pub(crate) record_mode: Option<RecordMode>,
    pub(crate) record_binary: Option<BinaryMode>,
    pub(crate) record_input: Option<InputMode>,
    pub(crate) record_forwards: Option<ForwardCapture>,
    pub(crate) idle: Option<SpanSeconds>,
    pub(crate) max_length: Option<SpanSeconds>,
}

/// Policies of one subject and one target: where they begin, where the revoked ones among them begin, where they end.
#[derive(Clone, Copy, Default)]
struct Run {
    first: u32,
    revoked: u32,
    end: u32,
}

/// All policies.
#[derive(Default)]
pub(crate) struct Policies {
    /// By subject and target; within these those not revoked first, then by id.
    list: Vec<Policy>,
    /// For each subject the targets that it has policies for, ascending; beside each its policies. Of a few lookups
    /// most find nothing, and a search in such a short list stays within a few lines of the processor's cache.
    targets: Lists<u32>,
    runs: Vec<Run>,
    terms: Vec<Terms>,
    ranges: Vec<AddressRange>,
    schedule_places: Vec<u32>,
    windows: Vec<Windows>,
}

impl Policies {
    /// Indexes policies. `parties` gives the places of subject and target; subjects are below `subjects`.
    ///
    /// # Errors
    /// A policy's parties do not exist, or a schedule names a zone that there is not.
    pub(crate) fn build(
        rows: Vec<PolicyRow>,
        parties: impl Fn(&PolicyRow) -> Result<(u32, u32), BuildError>,
        subjects: usize,
        default_zone: &TimeZone,
    ) -> Result<Self, BuildError> {
        let mut policies = Self::default();
        let mut known_terms = Map::default();
        let mut known_schedules = Map::default();
        let mut known_ranges = Map::default();
        let mut unordered = Vec::with_capacity(rows.len());
        for row in rows {
            let (subject, target) = parties(&row)?;
            let rules = row.rules;
            let schedules = if rules.use_schedules {
                rules.schedules
            } else {
                Vec::new()
            };
            let (first_schedule, schedules) =
                policies.keep_schedules(schedules, &mut known_schedules, default_zone)?;
            let terms = Terms {
                logins: rules.logins,
                rights: rules.rights,
                destinations: rules.destinations,
                blocked_ports: rules.blocked_ports,
                record_mode: rules.record_mode,
                record_binary: rules.record_binary,
                record_input: rules.record_input,
                record_forwards: rules.record_forwards,
                idle: rules.idle,
                max_length: rules.max_length,
            };
            let terms = keep(&mut policies.terms, &mut known_terms, terms);
            unordered.push(Policy {
                id: row.id,
                start: rules.start,
                end: rules.end.unwrap_or(Timestamp::MAX),
                from: rules.from.map_or(ANY_SOURCE, |from| {
                    keep(&mut policies.ranges, &mut known_ranges, from)
                }),
                protocol: rules.protocol,
                subject,
                target,
                revoked: row.revoked_at.is_some(),
                terms,
                first_schedule,
                schedules,
            });
        }
        policies.index(&unordered, subjects);
        Ok(policies)
    }

    fn index(&mut self, unordered: &[Policy], subjects: usize) {
        // Keys are sorted instead of policies, because they are a quarter of the size.
        let mut keys: Vec<_> = (0u32..)
            .zip(unordered)
            .map(|(at, p)| (p.subject, p.target, p.revoked, p.id, at))
            .collect();
        keys.sort_unstable();
        self.list = keys
            .iter()
            .filter_map(|key| unordered.get(key.4 as usize).cloned())
            .collect();
        let mut subject = 0;
        let mut targets: Vec<u32> = Vec::new();
        let mut lists = Lists::default();
        for (place, policy) in (0u32..).zip(&self.list) {
            while subject < policy.subject {
                lists.push(targets.drain(..));
                subject += 1;
            }
            if targets.last() != Some(&policy.target) {
                targets.push(policy.target);
                self.runs.push(Run {
                    first: place,
                    revoked: place,
                    end: place,
                });
            }
            if let Some(run) = self.runs.last_mut() {
                run.end = place + 1;
                run.revoked += u32::from(!policy.revoked);
            }
        }
        for _ in subject..lists::place(subjects) {
            lists.push(targets.drain(..));
        }
        self.targets = lists;
    }

    fn keep_schedules(
        &mut self,
        schedules: Vec<Schedule>,
        known: &mut Map<Schedule, u32>,
        default_zone: &TimeZone,
    ) -> Result<(u32, u16), BuildError> {
        // One that always matches makes the others idle.
        if schedules.iter().any(Schedule::is_always) {
            return Ok((0, 0));
        }
        let first = lists::place(self.schedule_places.len());
        // Nobody writes more; what is cut allows less, never more.
        let count = u16::try_from(schedules.len()).unwrap_or(u16::MAX);
        for schedule in schedules {
            let place = match known.get(&schedule) {
                Some(place) => *place,
                None => {
                    let zone = schedule.timezone().map(find_zone).transpose()?;
                    let windows =
                        Windows::new(schedule.clone(), zone.unwrap_or_else(|| default_zone.clone()));
                    self.windows.push(windows);
                    let place = lists::place(self.windows.len() - 1);
                    known.insert(schedule, place);
                    place
                }
            };
            self.schedule_places.push(place);
        }
        Ok((first, count))
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The policies in force or not, but not revoked, of one subject and one target.
    pub(crate) fn live(&self, subject: u32, target: u32) -> &[Policy] {
        self.run(subject, target)
            .map_or(&[], |run| self.slice(run.first, run.revoked))
    }

    /// The revoked policies of one subject and one target.
    pub(crate) fn revoked(&self, subject: u32, target: u32) -> &[Policy] {
        self.run(subject, target)
            .map_or(&[], |run| self.slice(run.revoked, run.end))
    }

    fn run(&self, subject: u32, target: u32) -> Option<&Run> {
        let place = self.targets.of(subject).binary_search(&target).ok()?;
        self.runs.get(self.targets.start(subject) + place)
    }

    /// Every policy that is not revoked.
    pub(crate) fn all_live(&self) -> impl Iterator<Item = &Policy> {
        self.list.iter().filter(|policy| !policy.revoked)
    }

    fn slice(&self, from: u32, to: u32) -> &[Policy] {
        self.list.get(from as usize..to as usize).unwrap_or_default()
    }

    /// What a policy gives.
    pub(crate) fn terms(&self, policy: &Policy) -> Option<&Terms> {
        self.terms.get(policy.terms as usize)
    }

    /// The source range that a policy is bound to.
    pub(crate) fn from(&self, policy: &Policy) -> Option<AddressRange> {
        self.ranges.get(policy.from as usize).copied()
    }

    /// The windows that a policy is bound to.
    pub(crate) fn windows(&self, policy: &Policy) -> impl Iterator<Item = &Windows> {
        let first = policy.first_schedule as usize;
        let places = self
            .schedule_places
            .get(first..first + usize::from(policy.schedules))
            .unwrap_or_default();
        places
            .iter()
            .filter_map(|place| self.windows.get(*place as usize))
    }
}

/// The place of `value` in `list`, where it is put if it is new.
fn keep<T: Clone + Eq + Hash>(list: &mut Vec<T>, known: &mut Map<T, u32>, value: T) -> u32 {
    if let Some(place) = known.get(&value) {
        return *place;
    }
    let place = lists::place(list.len());
    list.push(value.clone());
    known.insert(value, place);
    place
}
