//! The audit book, alerts, nodes and their keys, settings, forwards, the palette.

use gatehouse_model::Timestamp;
use gatehouse_store::{Actor, PageRequest, PolicyFilter};
use serde_json::{Value, json};

use crate::site::TestSite;

#[tokio::test(flavor = "multi_thread")]
async fn the_book_is_listed_newest_first_and_filtered() {
    let site = TestSite::start().await;
    let id = site.ended("alice", &["$ "]).await;
    let list = site.get("audra", "/audit?limit=2").await.is(200).json();
    let seqs: Vec<u64> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs.len(), 2);
    assert_eq!(seqs[0], seqs[1] + 1);
    let next = list["next"].as_str().unwrap();
    let more = site
        .get("audra", &format!("/audit?limit=1&cursor={next}"))
        .await
        .is(200)
        .json();
    assert_eq!(more["items"][0]["seq"].as_u64(), Some(seqs[1] - 1));
    let prefix = id.get(..id.len() - 1).unwrap();
    for (query, count) in [
        ("action=session.opened".to_owned(), 1),
        ("action=session".to_owned(), 2),
        (format!("session={prefix}"), 2),
        ("user=ALICE&action=session".to_owned(), 2),
        ("user=bob&action=session".to_owned(), 0),
        ("until=1h".to_owned(), 0),
        ("actor=node&action=session".to_owned(), 0),
        ("source=127.0.1.10&action=session.opened".to_owned(), 1),
        ("outcome=denied".to_owned(), 0),
        ("outcome=ok&action=session".to_owned(), 2),
        (format!("text={}&action=session", id.to_uppercase()), 2),
        ("since=2026-01-01T00:00:00Z&action=session".to_owned(), 2),
    ] {
        let list = site.get("audra", &format!("/audit?{query}")).await;
        assert_eq!(
            list.is(200).json()["items"].as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
    let oldest = site
        .get("audra", "/audit?sort=time&limit=1&count=true")
        .await
        .is(200)
        .json();
    assert_eq!(oldest["items"][0]["seq"], 1);
    assert_eq!(oldest["total"].as_u64(), Some(seqs[0]));
    for (query, field) in [
        ("sort=user", "sort"),
        ("outcome=good", "outcome"),
        ("source=somewhere", "source"),
        ("action=session.exploded", "action"),
        ("since=soon", "since"),
        ("cursor=x", "cursor"),
        ("session=ffff", "session"),
    ] {
        let answer = site.get("audra", &format!("/audit?{query}")).await.is(422);
        assert_eq!(answer.json()["field"], field, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_book_is_verified_on_demand() {
    let site = TestSite::start().await;
    assert_eq!(
        site.get("audra", "/audit/verification").await.is(200).json(),
        Value::Null
    );
    let found = site
        .post("audra", "/audit/verify", &json!({}))
        .await
        .is(200)
        .json();
    assert_eq!(
        (&found["ok"], &found["checked_by"]),
        (&json!(true), &json!("audra"))
    );
    assert!(found["lines"].as_u64().unwrap() > 5 && found["head"].is_string());
    let last = site.get("audra", "/audit/verification").await.is(200).json();
    assert_eq!(
        (&last["ok"], &last["lines"], &last["checked_by"]),
        (&json!(true), &found["lines"], &json!("audra"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_raised_for_a_test() {
    let site = TestSite::start().await;
    let event = site.post("ada", "/alerts/test", &json!({})).await.is(201).json();
    assert_eq!(
        (&event["action"], &event["actor"]),
        (&json!("alert.tested"), &json!("ada"))
    );
    let list = site.get("audra", "/alerts?kind=test").await.is(200).json();
    assert_eq!(list["items"][0]["event"]["seq"], event["seq"]);
    assert_eq!(list["items"][0]["deliveries"], json!([]));
    site.get("audra", "/alerts?kind=nothing").await.refused(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_keys_and_settings_are_told_without_secrets() {
    let site = TestSite::start().await;
    let nodes = site.get("audra", "/nodes").await.is(200).json();
    assert_eq!(
        (&nodes[0]["name"], &nodes[0]["state"], &nodes[0]["this"]),
        (&json!("near"), &json!("serving"), &json!(true))
    );
    let keys = site.get("audra", "/recording-keys").await.is(200);
    assert!(keys.text().contains("ssh-ed25519") && !keys.text().contains("PRIVATE"));
    let keys = site.get("audra", "/gate-keys").await.is(200);
    assert!(!keys.text().contains("PRIVATE"), "{}", keys.text());
    let settings = site.get("audra", "/settings").await.is(200).json();
    assert_eq!(settings["web"]["public_url"], "https://jump:5000");
    let forwards = site.get("audra", "/forwards?active=true").await.is(200).json();
    assert_eq!(forwards["items"], json!([]));
    site.get("audra", "/forwards?active=perhaps").await.refused(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_palette_finds_what_one_may_know_of() {
    let site = TestSite::start().await;
    let his = site.ended("bob", &["$ "]).await;
    let names = |found: &Value, kind: &str, field: &str| -> Vec<String> {
        let items = found[kind].as_array().unwrap().iter();
        items
            .map(|item| item[field].as_str().unwrap().to_owned())
            .collect()
    };
    let all = site.get("audra", "/palette?q=B").await.is(200).json();
    assert_eq!(names(&all, "users", "name"), ["bob"]);
    assert_eq!(names(&all, "servers", "name"), ["web01"]);
    assert_eq!(names(&all, "sessions", "id"), [his]);
    let own = site.get("alice", "/palette?q=b").await.is(200).json();
    assert_eq!(own["users"], json!([]));
    assert_eq!(names(&own, "servers", "name"), ["web01"], "she can reach it");
    assert_eq!(own["sessions"], json!([]));
    // Who can reach nothing finds nothing.
    let (filter, page) = (PolicyFilter::default(), PageRequest::all());
    let policies = site.store.policies(Timestamp::now(), &filter, &page);
    for policy in policies.await.unwrap().items {
        site.store
            .revoke_policy(&Actor::system(), Timestamp::now(), policy.id, None)
            .await
            .unwrap();
    }
    crate::site::until(async || {
        let own = site.get("alice", "/palette?q=web").await.is(200).json();
        (own["servers"] == json!([])).then_some(())
    })
    .await;
    assert_eq!(
        site.get("alice", "/palette?q=").await.is(200).json()["servers"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_is_told_in_numbers() {
    let site = TestSite::start().await;
    site.ended("alice", &["$ "]).await;
    let running = site.session("alice").await;
    let stats = site.get("audra", "/stats").await.is(200).json();
    let counts = &stats["counts"];
    for (of, want) in [
        ("users", 5),
        ("servers", 1),
        ("policies", 2),
        ("sessions_today", 2),
        ("active_sessions", 1),
        ("denied_today", 0),
        ("pending_requests", 0),
    ] {
        // A day may begin between the two.
        assert!(counts[of] == want || of.ends_with("_today"), "{of}: {stats}");
    }
    let hours: Vec<u64> = serde_json::from_value(stats["per_hour"].clone()).unwrap();
    assert_eq!((hours.len(), hours.iter().sum::<u64>()), (24, 2));
    assert_eq!(stats["top_users"], json!([{ "user": "alice", "sessions": 2 }]));
    assert_eq!(stats["nodes"][0]["name"], "near");
    drop(running);
}
