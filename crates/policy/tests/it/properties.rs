//! Random small directories around the days when clocks change, against the reference.

use gatehouse_model::Timestamp;
use gatehouse_policy::{
    Decision, Destination, Directory, Request, Verdict, Waiting, decide, decide_again, explain, who_can,
};
use proptest::prelude::*;

use crate::random::{Case, case, windows_case};
use crate::reference::{Reference, minutes};
use crate::world::World;

/// Goes minute by minute to the first at which `wanted` holds.
fn first_minute(from: Timestamp, last: Timestamp, wanted: impl Fn(Timestamp) -> bool) -> Option<Timestamp> {
    let mut now = from;
    while now <= last {
        if wanted(now) {
            return Some(now);
        }
        now += minutes(1);
    }
    None
}

fn build(world: &World) -> Directory {
    Directory::build(world.rows.clone(), world.settings.clone()).unwrap()
}

/// The same reason or the same policies, the same end, the same next moment: at the request, and from each end and
/// beginning to the next.
fn follow(world: &World, middle: Timestamp, request: &Request) -> Result<(), TestCaseError> {
    let directory = build(world);
    let reference = Reference::new(&world.rows, middle, &world.settings.default_zone);
    let at = |at: Timestamp| Request {
        at,
        ..request.clone()
    };
    let allows = |instant: Timestamp| reference.decide(&at(instant)).is_ok();
    let last = reference.last();
    let mut now = Some(request.at);
    while let Some(instant) = now {
        match (decide(&directory, &at(instant)), reference.decide(&at(instant))) {
            (Decision::Allow(grant), Ok(policies)) => {
                prop_assert_eq!(&grant.policies, &policies);
                now = first_minute(instant, last, |minute| !allows(minute));
                match now {
                    Some(end) => prop_assert_eq!(grant.until, Some(end), "at {}", instant),
                    None => prop_assert!(grant.until.is_none_or(|until| until > last), "{:?}", grant.until),
                }
            }
            (Decision::Deny(denial), Err(reason)) => {
                prop_assert_eq!(denial.reason, reason);
                now = first_minute(instant, last, allows);
                match now {
                    Some(next) => prop_assert_eq!(denial.next, Waiting::Until(next), "at {}", instant),
                    None => {
                        let later = !matches!(denial.next, Waiting::Until(next) if next <= last);
                        prop_assert!(later, "{:?}", denial.next);
                    }
                }
                let lines = denial.sentence.lines().count();
                prop_assert!(
                    (2..=3).contains(&lines) && denial.sentence.len() < 900,
                    "{}",
                    denial.sentence
                );
            }
            (got, want) => prop_assert!(false, "{:?} instead of {:?} at {}", got, want, instant),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decisions_equal_the_reference(case in case()) {
        follow(&case.world, case.middle, &case.request)?;
    }

    /// The same with nothing in the way but schedules, from a day before the clock changes.
    #[test]
    fn windows_follow_the_clock(case in windows_case()) {
        follow(&case.world, case.middle, &case.request)?;
    }

    /// Right up to `next_change` the grant is the same, and there it is not.
    #[test]
    fn nothing_changes_before_next_change(case in case()) {
        let Case { world, request, .. } = case;
        let directory = build(&world);
        let Decision::Allow(grant) = decide(&directory, &request) else { return Ok(()) };
        let ask = |at: Timestamp| decide(&directory, &Request { at, ..request.clone() });
        let change = grant.next_change;
        prop_assert!(change.is_none_or(|change| change > request.at));
        prop_assert!(grant.until.is_none() || change <= grant.until && change.is_some());
        let last = request.at + minutes(4 * 1440);
        let mut now = request.at;
        while now < change.unwrap_or(last).min(last) {
            prop_assert_eq!(&ask(now), &Decision::Allow(grant.clone()), "at {}", now);
            now += minutes(7);
        }
        if let Some(change) = change {
            let just_before = change - jiff::SignedDuration::from_nanos(1);
            prop_assert_eq!(ask(just_before), Decision::Allow(grant.clone()));
            // At a midnight `until` may have come into sight or not.
            if grant.until.is_some() {
                prop_assert_ne!(ask(change), Decision::Allow(grant));
            }
        }
    }

    /// Explanations, running sessions and lists agree with decisions.
    #[test]
    fn every_view_shows_the_same_decision(case in case()) {
        let Case { world, request, .. } = case;
        let directory = build(&world);
        let decision = decide(&directory, &request);
        let explanation = explain(&directory, &request);
        prop_assert_eq!(&explanation.decision, &decision);
        if let Decision::Allow(grant) = &decision {
            let allowing = explanation.considered.iter().filter(|c| c.verdict == Verdict::Allows);
            prop_assert_eq!(allowing.map(|c| c.policy).collect::<Vec<_>>(), grant.policies.clone());
            let again = match request.destination {
                Destination::Proxy(proxy) => Destination::ServerAt(grant.server, proxy),
                _ => Destination::Server(grant.server),
            };
            let again = Request { destination: again, ..request.clone() };
            prop_assert_eq!(&decide_again(&directory, grant.user, &again), &decision);
            let listed = who_can(&directory, grant.server, Some(request.protocol), request.at);
            let entry = listed.iter().find(|who| who.user == grant.user);
            prop_assert!(entry.is_some_and(|who| grant.policies.iter().all(|id| who.policies.contains(id))));
            prop_assert!(entry.is_some_and(|who| who.sources.iter().any(|range| range.contains(request.source.ip()))));
        }
    }
}
