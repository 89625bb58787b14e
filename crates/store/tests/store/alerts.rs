//! Alerts: raised with their events, told once by one node, bounded.

use gatehouse_audit::{Action, Draft};
use gatehouse_model::{NodeId, Protocol, Timestamp};
use gatehouse_store::{
    Actor, Alert, AlertFilter, AlertKind, AlertPlace, Attempt, DENIED_ALERTS_PER_MINUTE, DeliveryState,
    Denied, Outcome, PageRequest, Retry, Store,
};
use jiff::SignedDuration;

use crate::support::{Place, at, cli, now, on_both};

on_both!(
    an_alert_is_raised_with_its_event,
    an_alert_is_told_once_and_tried_again_when_it_failed,
    two_nodes_take_up_each_alert_once,
    a_node_that_dies_over_an_alert_leaves_it_to_the_others,
    a_flood_of_denials_is_bounded_and_comes_after_all_else,
    old_alerts_are_deleted,
);

fn lease() -> SignedDuration {
    SignedDuration::from_mins(2)
}

fn everything(hook: &str) -> AlertPlace {
    AlertPlace::new(hook, AlertKind::ALL.to_vec(), SignedDuration::from_hours(24))
}

fn broken(time: Timestamp) -> Draft {
    let id: NodeId = "00000000-0000-0000-0000-000000000007".parse().unwrap();
    Draft::new(Action::AuditBroken, &Actor::node(id), time)
        .outcome(Outcome::Failed)
        .reason("line 7 is missing")
}

fn denied(source: &str, time: Timestamp) -> Denied {
    Denied {
        at: time,
        source: source.parse().unwrap(),
        destination: "127.0.20.1".to_owned(),
        protocol: Protocol::Ssh,
        reason: "unknown_source".to_owned(),
        user: None,
        server: Some("web01".to_owned()),
        login: None,
        sentence: "nobody is known at this address".to_owned(),
    }
}

async fn alerts(store: &Store) -> Vec<Alert> {
    let filter = AlertFilter::default();
    store.alerts(&filter, &PageRequest::all()).await.unwrap().items
}

async fn an_alert_is_raised_with_its_event(place: &Place) {
    let store = place.open().await;
    for second in 0..3 {
        let time = at(&format!("2026-01-31 12:00:0{second}"));
        store.deny(denied("10.0.0.7", time)).await.unwrap();
    }
    store.flush_all_denials(at("2026-01-31 12:00:10")).await.unwrap();
    store.record(broken(at("2026-01-31 12:00:20"))).await.unwrap();
    store
        .record(Draft::new(Action::UserAdded, &cli(), now()))
        .await
        .unwrap();
    let all = alerts(&store).await;
    let kinds: Vec<_> = all.iter().map(|alert| alert.kind).collect();
    assert_eq!(
        kinds,
        [AlertKind::AuditBroken, AlertKind::Denied],
        "the newest first"
    );
    assert_eq!(all[1].sentence, "10.0.0.7 was denied web01: unknown_source");
    assert_eq!(all[1].time, at("2026-01-31 12:00:00"));
    assert_eq!(all[1].event["seq"], 1);
    assert_eq!(all[1].event["action"], "session.denied");
    assert!(all[1].deliveries.is_empty());

    let of = async |filter: AlertFilter| {
        let page = store.alerts(&filter, &PageRequest::first(10)).await.unwrap();
        page.items.len()
    };
    let kind = Some(AlertKind::Denied);
    assert_eq!(
        of(AlertFilter {
            kind,
            ..AlertFilter::default()
        })
        .await,
        1
    );
    let since = Some(at("2026-01-31 12:00:01"));
    assert_eq!(
        of(AlertFilter {
            since,
            ..AlertFilter::default()
        })
        .await,
        1
    );
    assert_eq!(
        of(AlertFilter {
            kind,
            since,
            ..AlertFilter::default()
        })
        .await,
        0
    );
    let page = store
        .alerts(&AlertFilter::default(), &PageRequest::first(1))
        .await
        .unwrap();
    assert_eq!(page.items[0].kind, AlertKind::AuditBroken);
    let after = page.next;
    let rest = PageRequest { limit: None, after };
    assert_eq!(
        store.alerts(&AlertFilter::default(), &rest).await.unwrap().items[0].kind,
        AlertKind::Denied
    );
}

async fn an_alert_is_told_once_and_tried_again_when_it_failed(place: &Place) {
    let store = place.open().await;
    let mut hook = everything("webhook");
    assert_eq!(store.take_alert(now(), &mut hook, lease()).await.unwrap(), None);
    store.record(broken(now())).await.unwrap();
    let first = store
        .take_alert(now(), &mut hook, lease())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((first.kind, first.attempt), (AlertKind::AuditBroken, 1));
    let again = at("2026-01-31 12:00:05");
    let failed = Attempt::Failed {
        error: "no route to host".to_owned(),
        retry: Retry::At(again),
    };
    store
        .alert_attempted(now(), &hook, first.id, failed)
        .await
        .unwrap();
    let early = at("2026-01-31 12:00:04");
    assert_eq!(store.take_alert(early, &mut hook, lease()).await.unwrap(), None);
    let shown = &alerts(&store).await[0].deliveries[0];
    assert_eq!((shown.state, shown.attempts), (DeliveryState::Waiting, 1));
    assert_eq!(shown.error.as_deref(), Some("no route to host"));

    // After a restart it is still there.
    store.close().await;
    let store = place.open().await;
    let mut hook = everything("webhook");
    let second = store
        .take_alert(again, &mut hook, lease())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((second.id, second.attempt), (first.id, 2));
    store
        .alert_attempted(again, &hook, second.id, Attempt::Delivered)
        .await
        .unwrap();
    let tomorrow = at("2026-02-01 11:59");
    assert_eq!(
        store.take_alert(tomorrow, &mut hook, lease()).await.unwrap(),
        None
    );
    assert_eq!(
        alerts(&store).await[0].deliveries[0].state,
        DeliveryState::Delivered
    );

    // Another hook has its own place, and takes nothing that is too old.
    let mut other = everything("command");
    let fresh = store
        .take_alert(tomorrow, &mut other, lease())
        .await
        .unwrap()
        .unwrap();
    let given_up = Attempt::Failed {
        error: "exit status 1".to_owned(),
        retry: Retry::Never,
    };
    store
        .alert_attempted(tomorrow, &other, fresh.id, given_up)
        .await
        .unwrap();
    let much_later = at("2026-03-01 12:00");
    assert_eq!(
        store.take_alert(much_later, &mut other, lease()).await.unwrap(),
        None
    );
    let mut late = everything("late");
    assert_eq!(
        store.take_alert(much_later, &mut late, lease()).await.unwrap(),
        None
    );
    let mut chosen = AlertPlace::new("chosen", vec![AlertKind::Denied], SignedDuration::from_hours(24));
    assert_eq!(
        store.take_alert(now(), &mut chosen, lease()).await.unwrap(),
        None,
        "not its kind"
    );
}

async fn two_nodes_take_up_each_alert_once(place: &Place) {
    let first = place.open().await;
    let second = place.open().await;
    for _ in 0..20 {
        first.record(broken(now())).await.unwrap();
    }
    let take = async |store: Store| {
        let mut hook = everything("webhook");
        let mut taken = Vec::new();
        while let Some(alert) = store.take_alert(now(), &mut hook, lease()).await.unwrap() {
            store
                .alert_attempted(now(), &hook, alert.id, Attempt::Delivered)
                .await
                .unwrap();
            taken.push(alert.id);
        }
        taken
    };
    let (one, other) = tokio::join!(tokio::spawn(take(first.clone())), tokio::spawn(take(second)));
    let mut all = [one.unwrap(), other.unwrap()].concat();
    all.sort_unstable();
    let ids: Vec<_> = alerts(&first).await.iter().rev().map(|alert| alert.id).collect();
    assert_eq!(all, ids);
}

async fn a_node_that_dies_over_an_alert_leaves_it_to_the_others(place: &Place) {
    let store = place.open().await;
    store.record(broken(now())).await.unwrap();
    let (mut dead, mut alive) = (everything("webhook"), everything("webhook"));
    let taken = store
        .take_alert(now(), &mut dead, lease())
        .await
        .unwrap()
        .unwrap();
    let during = at("2026-01-31 12:01:59");
    assert_eq!(store.take_alert(during, &mut alive, lease()).await.unwrap(), None);
    let after = at("2026-01-31 12:02");
    let again = store
        .take_alert(after, &mut alive, lease())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((again.id, again.attempt), (taken.id, 2));
}

async fn a_flood_of_denials_is_bounded_and_comes_after_all_else(place: &Place) {
    let store = place.open().await;
    let flood = DENIED_ALERTS_PER_MINUTE + 20;
    for n in 0..flood {
        let one = denied(&format!("10.0.{}.{}", n / 250, n % 250), now());
        store.deny(one).await.unwrap();
    }
    store.record(broken(now())).await.unwrap();
    let all = alerts(&store).await;
    assert_eq!(all.len() as u64, DENIED_ALERTS_PER_MINUTE + 1);
    let mut hook = everything("webhook");
    let mut kinds = Vec::new();
    while let Some(alert) = store.take_alert(now(), &mut hook, lease()).await.unwrap() {
        kinds.push(alert.kind);
    }
    assert_eq!((kinds.len(), kinds[0]), (all.len(), AlertKind::AuditBroken));
    let later = denied("10.1.0.1", at("2026-01-31 12:01"));
    store.deny(later).await.unwrap();
    assert_eq!(
        alerts(&store).await.len(),
        all.len() + 1,
        "the next minute counts anew"
    );
}

async fn old_alerts_are_deleted(place: &Place) {
    let store = place.open().await;
    store.record(broken(now())).await.unwrap();
    let mut hook = everything("webhook");
    store
        .take_alert(now(), &mut hook, lease())
        .await
        .unwrap()
        .unwrap();
    store.record(broken(at("2026-02-10 12:00"))).await.unwrap();
    let keep = "10d".parse().unwrap();
    assert_eq!(store.prune_alerts(at("2026-02-10 12:00"), keep).await.unwrap(), 0);
    assert_eq!(store.prune_alerts(at("2026-02-10 12:01"), keep).await.unwrap(), 1);
    assert_eq!(alerts(&store).await.len(), 1);
}
