//! Numbers for dashboards.

use gatehouse_model::EndReason;
use gatehouse_store::{Action, Activity, Actor, Draft, Outcome, Stats};

use crate::sessions::{closing, opened, opening};
use crate::support::{Place, at, cli, grant, now, on_both, rules, server, user};

on_both!(an_empty_site_has_numbers_too, each_number_is_counted_in_its_span);

async fn an_empty_site_has_numbers_too(place: &Place) {
    let store = place.open().await;
    let empty = Stats {
        per_hour: vec![0; 24],
        ..Stats::default()
    };
    assert_eq!(store.stats(now()).await.unwrap(), empty);
    assert!(store.active_counters().await.unwrap().is_empty());
}

async fn each_number_is_counted_in_its_span(place: &Place) {
    let store = place.open().await;
    let (ana, bea) = (user(&store, "ana", &[]).await, user(&store, "bea", &[]).await);
    let web = server(&store, "web01").await;
    store
        .set_user_activity(&cli(), now(), "bea", Activity::Disabled)
        .await
        .unwrap();
    grant(&store, "ana", "web01", rules()).await;
    let mut scheduled = rules();
    scheduled.start = at("2026-03-01");
    grant(&store, "ana", "web01", scheduled).await;
    // All sessions begin within seconds after 12:00.
    for n in 1..=3 {
        opened(&store, &ana, &web, n).await;
    }
    opened(&store, &bea, &web, 4).await;
    let closed = opened(&store, &bea, &web, 5).await;
    store
        .close_session(&cli(), now(), closed, closing(EndReason::Normal))
        .await
        .unwrap();
    let failed = opening(&store, &ana, &web, 6).await;
    store
        .fail_session(
            &Actor::system(),
            now(),
            failed,
            ("unreachable", "no answer"),
            None,
        )
        .await
        .unwrap();
    let denied = |reason: &str, time: &str| {
        Draft::new(Action::SessionDenied, &Actor::system(), at(time))
            .outcome(Outcome::Denied)
            .reason(reason)
            .detail("login", "\"count\":99,")
    };
    for event in [
        denied("unknown_source", "2026-01-31 12:10").detail("count", 7),
        denied("unknown_source", "2026-01-31 12:11"),
        denied("locked", "2026-01-30 23:00").detail("count", 2),
        denied("locked", "2026-01-30 12:00").detail("count", 100),
    ] {
        store.record(event).await.unwrap();
    }
    let stats = store.stats(at("2026-01-31 14:30")).await.unwrap();
    assert_eq!(
        (stats.users, stats.active_users, stats.servers, stats.policies),
        (2, 1, 1, 1)
    );
    assert_eq!((stats.sessions_today, stats.active_sessions), (5, 4));
    assert_eq!((stats.denied_today, stats.failed_today), (8, 1));
    let mut hours = vec![0; 24];
    hours[21] = 5;
    assert_eq!(stats.per_hour, hours, "12 o'clock is two hours before this one");
    let top: Vec<_> = stats
        .top_users
        .iter()
        .map(|top| (top.user.as_str(), top.sessions))
        .collect();
    assert_eq!(top, [("ana", 3), ("bea", 2)]);
    let reasons: Vec<_> = stats
        .denials
        .iter()
        .map(|of| (of.reason.as_str(), of.count))
        .collect();
    assert_eq!(reasons, [("unknown_source", 8), ("locked", 2)]);
    assert_eq!(stats.success_rate, Some(5.0 / 16.0));
    let next_day = store.stats(at("2026-02-01 00:00:00")).await.unwrap();
    assert_eq!((next_day.sessions_today, next_day.denied_today), (0, 0));
    let counters = store.active_counters().await.unwrap();
    assert_eq!(counters.len(), 4);
    assert_eq!(counters[0].allowed_until, Some(at("2026-02-01")));
    place
        .tamper("UPDATE audit SET detail = 'no JSON' WHERE action = 'session.denied'")
        .await;
    let stats = store.stats(at("2026-01-31 14:30")).await.unwrap();
    assert_eq!(
        stats.denied_today, 2,
        "a line of which the count is gone counts once"
    );
}
