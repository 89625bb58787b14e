//! Supervision while the wall clock jumps: the end of access follows it, and nothing else does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use gatehouse_model::{EndReason, SessionState, Timestamp};
use gatehouse_policy::PolicyRules;
use gatehouse_store::{Actor, AuditPace, NewPolicy, SessionFilter, SubjectRef, TargetRef};
use jiff::SignedDuration;

use super::watch::Watch;
use crate::clock::Clock;
use crate::limits::{ConnectionLimits, Door};
use crate::session::LoginMethod;
use crate::tests::{accepted, gate_by, root, rules};
use crate::{Close, Gate, Live};

const HOUR: i64 = 3600;

/// A wall clock that somebody sets.
#[derive(Clone, Default)]
struct Wall(Arc<AtomicI64>);

impl Wall {
    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Release);
    }

    fn clock(&self) -> Clock {
        let wall = self.clone();
        Clock::new(move || {
            let ahead = SignedDuration::from_secs(wall.0.load(Ordering::Acquire));
            Timestamp::now().checked_add(ahead).unwrap()
        })
    }
}

async fn live(gate: &Gate) -> Live {
    let door = Door::new(ConnectionLimits::default());
    let recording = accepted(gate, &door)
        .decide(root(), None)
        .unwrap()
        .record()
        .await
        .unwrap();
    recording.activate(LoginMethod::Password).await.unwrap().0
}

/// The only grant of the site is replaced by one with these terms.
async fn granted(dir: &std::path::Path, wall: &Wall, terms: PolicyRules) -> (Gate, gatehouse_store::Store) {
    let (gate, store, first) = gate_by(dir, wall.clock()).await;
    let (actor, now) = (Actor::system(), Timestamp::now());
    let policy = NewPolicy {
        subject: SubjectRef::User("alice".to_owned()),
        target: TargetRef::Server("web01".to_owned()),
        reason: None,
        rules: terms,
    };
    let mut changes = gate.directory_changes();
    let before = gate.directory().revision();
    store.grant_policy(&actor, now, policy).await.unwrap();
    store.revoke_policy(&actor, now, first, None).await.unwrap();
    changes
        .wait_for(|revision| *revision >= before + 2)
        .await
        .unwrap();
    (gate, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_forward_ends_access_that_is_over_by_it() {
    let (dir, wall) = (tempfile::tempdir().unwrap(), Wall::default());
    let now = Timestamp::now();
    let terms = PolicyRules {
        end: now.checked_add(SignedDuration::from_secs(HOUR)).ok(),
        ..rules(now)
    };
    let (gate, _) = granted(dir.path(), &wall, terms).await;
    let live = live(&gate).await;
    let mut watch = Watch::new(Arc::clone(live.core()));
    let step = watch.examine(gate.clock().now());
    assert!(step.ending.is_none());
    let wake = Duration::try_from(step.wake.unwrap().duration_since(gate.clock().now())).unwrap();
    assert!(wake <= Duration::from_secs(3600), "{wake:?}");
    wall.set(2 * HOUR);
    let ending = watch.examine(gate.clock().now()).ending.unwrap();
    assert_eq!(ending.reason, EndReason::Expired, "{ending:?}");
    // And back again before anybody looked: the grant holds until its instant, no longer and no shorter.
    wall.set(0);
    let mut watch = Watch::new(Arc::clone(live.core()));
    assert!(watch.examine(gate.clock().now()).ending.is_none());
    wall.set(HOUR + 60);
    assert!(watch.examine(gate.clock().now()).ending.is_some());
    wall.set(0);
    live.close(Close::normal()).await;
    gate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idleness_and_length_are_counted_by_the_steady_clock() {
    let (dir, wall) = (tempfile::tempdir().unwrap(), Wall::default());
    let terms = PolicyRules {
        idle: "10m".parse().ok(),
        max_length: "1h".parse().ok(),
        ..rules(Timestamp::now())
    };
    let (gate, _) = granted(dir.path(), &wall, terms).await;
    let live = live(&gate).await;
    let mut watch = Watch::new(Arc::clone(live.core()));
    for jump in [0, 24 * HOUR, -24 * HOUR, 400 * 24 * HOUR, 0] {
        wall.set(jump);
        let now = gate.clock().now();
        // The grant begins today; a clock set back before that ends the access, as a grant that has not begun does.
        let step = watch.examine(now);
        assert!(step.notices.is_empty(), "{jump}: {:?}", step.notices);
        if jump >= 0 {
            assert!(step.ending.is_none(), "{jump}: {:?}", step.ending);
            let wake = step.wake.unwrap().duration_since(now);
            assert!(wake.as_secs() > 400 && wake.as_secs() <= 600, "{jump}: {wake:?}");
        }
    }
    live.close(Close::normal()).await;
    gate.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_makes_no_session_end_before_it_began() {
    let (dir, wall) = (tempfile::tempdir().unwrap(), Wall::default());
    let (gate, store, _) = gate_by(dir.path(), wall.clock()).await;
    let live = live(&gate).await;
    let id = live.id();
    wall.set(-24 * HOUR);
    live.close(Close::normal()).await;
    let page = store
        .sessions(gate.clock().now(), &SessionFilter::default(), &Default::default())
        .await
        .unwrap();
    let row = page.items.iter().find(|row| row.id == id).unwrap();
    assert_eq!(row.state, SessionState::Closed);
    assert_eq!(row.ended_at, Some(row.started_at), "{row:?}");
    assert!(row.duration_seconds >= 0.0);
    let path = dir.path().join(&row.recording.as_ref().unwrap().path);
    let manifest = std::fs::read_to_string(path.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"ended_at\""), "{manifest}");
    let verdict = store.verify_audit(None, AuditPace::Fast).await;
    assert!(verdict.is_ok(), "{verdict:?}");
    gate.stop().await;
}
