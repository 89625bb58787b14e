//! Denials: equal ones are counted, and none is lost while the database is gone.

use gatehouse_model::{Protocol, Timestamp};
use gatehouse_store::{AuditPace, DenialFate, Denied, Event, PageRequest, Store};

use crate::support::{Place, at, on_both};

on_both!(
    equal_denials_of_a_minute_are_counted,
    with_the_database_gone_denials_wait_in_a_file,
);

fn denied(source: &str, time: &str) -> Denied {
    Denied {
        at: at(time),
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

async fn lines(store: &Store) -> Vec<Event> {
    let mut lines = store
        .audit_events(&Default::default(), &PageRequest::all())
        .await
        .unwrap()
        .items;
    lines.reverse();
    lines
}

async fn equal_denials_of_a_minute_are_counted(place: &Place) {
    let store = place.open().await;
    assert_eq!(
        store
            .deny(denied("10.0.0.7", "2026-01-31 12:00:00"))
            .await
            .unwrap(),
        DenialFate::Written
    );
    assert_eq!(lines(&store).await.len(), 1, "the first shows at once");
    for second in 1..=5 {
        let again = denied("10.0.0.7", &format!("2026-01-31 12:00:0{second}"));
        assert_eq!(store.deny(again).await.unwrap(), DenialFate::Counted);
    }
    assert_eq!(
        store
            .deny(denied("10.0.0.8", "2026-01-31 12:00:01"))
            .await
            .unwrap(),
        DenialFate::Written
    );
    store.flush_denials(at("2026-01-31 12:00:59")).await.unwrap();
    assert_eq!(lines(&store).await.len(), 2);
    store.flush_denials(at("2026-01-31 12:01:00")).await.unwrap();
    let written = lines(&store).await;
    assert_eq!(
        written.len(),
        3,
        "one summary, and none for the one that came once"
    );
    let summary = &written[2];
    assert_eq!(
        (summary.action.as_str(), summary.source.as_deref()),
        ("session.denied", Some("10.0.0.7"))
    );
    assert_eq!(
        (
            summary.detail["count"].as_u64(),
            summary.detail["repeated_since"].as_str()
        ),
        (Some(5), Some("2026-01-31T12:00:00Z"))
    );
    // A new minute begins with a line of its own; the end of the process writes the rest.
    assert_eq!(
        store
            .deny(denied("10.0.0.7", "2026-01-31 12:02:00"))
            .await
            .unwrap(),
        DenialFate::Written
    );
    store
        .deny(denied("10.0.0.7", "2026-01-31 12:02:01"))
        .await
        .unwrap();
    store.flush_all_denials(at("2026-01-31 12:02:02")).await.unwrap();
    assert_eq!(lines(&store).await.len(), 5);
    // Without a flush in between, the next minute writes the summary of the one before.
    store
        .deny(denied("10.0.0.9", "2026-01-31 12:03:00"))
        .await
        .unwrap();
    store
        .deny(denied("10.0.0.9", "2026-01-31 12:03:01"))
        .await
        .unwrap();
    store
        .deny(denied("10.0.0.9", "2026-01-31 12:04:01"))
        .await
        .unwrap();
    assert_eq!(lines(&store).await.len(), 8);
    assert_eq!(
        store.verify_audit(None, AuditPace::Fast).await.unwrap().fault,
        None
    );
}

async fn with_the_database_gone_denials_wait_in_a_file(place: &Place) {
    let store = place.open().await;
    place.tamper("ALTER TABLE audit RENAME TO away").await;
    let spool = place.data_dir().join("denials.jsonl");
    for n in 0..3 {
        let fate = store
            .deny(denied(&format!("10.0.0.{n}"), "2026-01-31 12:00:00"))
            .await
            .unwrap();
        assert_eq!(fate, DenialFate::Spooled);
    }
    assert_eq!(std::fs::read_to_string(&spool).unwrap().lines().count(), 3);
    store.flush_denials(at("2026-01-31 12:00:10")).await.unwrap();
    // The database stays away; nothing is lost, whether before or after the file was taken up.
    let fourth = store
        .deny(denied("10.0.0.3", "2026-01-31 12:00:11"))
        .await
        .unwrap();
    assert_eq!(fourth, DenialFate::Spooled);
    place.tamper("ALTER TABLE away RENAME TO audit").await;
    // A line torn by a crash harms no other.
    let torn = std::fs::read_to_string(&spool).unwrap() + "{\"time\":\"2026-";
    std::fs::write(&spool, torn).unwrap();
    store.flush_denials(at("2026-01-31 12:00:30")).await.unwrap();
    let written = lines(&store).await;
    let sources: Vec<_> = written
        .iter()
        .map(|event| event.source.clone().unwrap())
        .collect();
    assert_eq!(sources, ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    assert_eq!(
        written[0].time,
        "2026-01-31T12:00:00Z".parse::<Timestamp>().unwrap()
    );
    assert!(!spool.exists());
    assert_eq!(
        store.verify_audit(None, AuditPace::Fast).await.unwrap().fault,
        None
    );
    assert_eq!(
        store
            .deny(denied("10.0.0.5", "2026-01-31 12:00:40"))
            .await
            .unwrap(),
        DenialFate::Written
    );
}

#[tokio::test]
async fn a_flood_of_different_denials_is_counted_by_reason() {
    let place = Place::sqlite();
    let store = place.open().await;
    place.tamper("ALTER TABLE audit RENAME TO away").await;
    let spool = place.data_dir().join("denials.jsonl");
    for n in 0..10_200u32 {
        let source = std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string();
        store.deny(denied(&source, "2026-01-31 12:00:00")).await.unwrap();
    }
    assert_eq!(std::fs::read_to_string(&spool).unwrap().lines().count(), 10_001);
    store.flush_all_denials(at("2026-01-31 12:00:01")).await.unwrap();
    let text = std::fs::read_to_string(&spool).unwrap();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        (
            last["detail"]["sources"].as_str(),
            last["detail"]["count"].as_u64()
        ),
        (Some("many"), Some(199))
    );
}

#[tokio::test]
async fn a_clock_that_is_set_back_hides_no_denial() {
    let place = Place::sqlite();
    let store = place.open().await;
    let noon = denied("10.0.0.7", "2026-01-31 12:00:00");
    assert_eq!(store.deny(noon).await.unwrap(), DenialFate::Written);
    let counted = denied("10.0.0.7", "2026-01-31 12:00:10");
    assert_eq!(store.deny(counted).await.unwrap(), DenialFate::Counted);
    // An hour back: not within the same minute, and what was counted is written.
    let back = denied("10.0.0.7", "2026-01-31 11:00:00");
    assert_eq!(store.deny(back).await.unwrap(), DenialFate::Written);
    assert_eq!(lines(&store).await.len(), 3);
}
