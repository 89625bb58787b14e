//! Rows of sessions: whose, which, and ending them.

use gatehouse_model::SessionId;
use gatehouse_store::NewSession;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::site::{TestSite, until};

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_what_is_theirs() {
    let site = TestSite::start().await;
    let hers = site.ended("alice", &["$ "]).await;
    let his = site.ended("bob", &["$ "]).await;
    let all = ids(&site.get("audra", "/sessions").await.is(200).json());
    assert_eq!(all, [his.clone(), hers.clone()], "the newest first");
    assert_eq!(
        ids(&site.get("alice", "/sessions").await.is(200).json()),
        vec![hers.as_str()]
    );
    for (filter, want) in [("user=Alice", 1), ("user=bob", 0), ("server=web01", 1)] {
        let list = site
            .get("alice", &format!("/sessions?{filter}"))
            .await
            .is(200)
            .json();
        assert_eq!(ids(&list).len(), want, "{filter}");
    }
    // What is another's does not exist, nor does its prefix.
    let shown = site.get("alice", &format!("/sessions/{hers}")).await.is(200);
    assert!(shown.header("etag").is_some());
    assert_eq!(shown.json()["user"], "alice");
    // Not what was recorded of her.
    assert_eq!(shown.json()["recording"], Value::Null);
    let list = site.get("alice", "/sessions").await.is(200).json();
    assert_eq!(list["items"][0]["recording"], Value::Null);
    let all = site
        .get("audra", &format!("/sessions/{hers}"))
        .await
        .is(200)
        .json();
    assert!(all["recording"]["digest"].is_string());
    let absent = site.get("alice", &format!("/sessions/{his}")).await.refused(404);
    let unknown = site.get("alice", "/sessions/ffffffff").await.refused(404);
    assert_eq!(absent.replace(&his, ""), unknown.replace("ffffffff", ""));
    site.get("alice", "/sessions/0").await.refused(404);
    site.get("audra", "/sessions/0").await.refused(422);
    let prefix = hers.get(..hers.len() - 2).unwrap();
    assert_eq!(
        site.get("audra", &format!("/sessions/{prefix}"))
            .await
            .is(200)
            .json()["id"],
        hers
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_person_keeps_their_sessions_and_a_namesake_gets_none() {
    let site = TestSite::start().await;
    let id = site.ended("alice", &["$ "]).await;
    let actor = gatehouse_store::Actor::system();
    let now = gatehouse_model::Timestamp::now();
    let rename = |name: &str| gatehouse_store::UserEdit {
        name: Some(name.parse().unwrap()),
        ..gatehouse_store::UserEdit::default()
    };
    site.store
        .edit_user(&actor, now, "alice", rename("alicia"))
        .await
        .unwrap();
    site.store
        .edit_user(&actor, now, "bob", rename("alice"))
        .await
        .unwrap();
    site.get("alice", &format!("/sessions/{id}")).await.is(200);
    // Bob's token, and the name of the session's person.
    site.get("bob", &format!("/sessions/{id}")).await.refused(404);
    assert!(ids(&site.get("bob", "/sessions").await.is(200).json()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_book_of_a_session_comes_with_it_but_not_who_looked() {
    let site = TestSite::start().await;
    let id = site.ended("alice", &["$ "]).await;
    site.get("audra", &format!("/sessions/{id}/transcript"))
        .await
        .is(200);
    let actions = |shown: Value| -> Vec<String> {
        let events = shown["events"].as_array().unwrap().clone();
        let action = |event: &Value| event["action"].as_str().unwrap().to_owned();
        events.iter().map(action).collect()
    };
    let path = format!("/sessions/{id}");
    let all = actions(site.get("audra", &path).await.is(200).json());
    assert_eq!(all, ["session.opened", "session.closed", "recording.viewed"]);
    let own = actions(site.get("alice", &path).await.is(200).json());
    assert_eq!(own, ["session.opened", "session.closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_filtered_sorted_and_counted() {
    let site = TestSite::start().await;
    let hers = site.ended("alice", &["$ a long answer"]).await;
    let his = site.ended("bob", &["$ "]).await;
    for (query, want) in [
        ("user=bob", vec![&his]),
        ("server=web01&sort=started_at", vec![&hers, &his]),
        ("sort=-bytes", vec![&hers, &his]),
        ("sort=user&login=root", vec![&hers, &his]),
        ("source=127.0.1.10", vec![&hers]),
        ("source=127.0.1.0/24&protocol=ssh", vec![&his, &hers]),
        ("reason=normal&state=closed", vec![&his, &hers]),
        ("reason=killed", vec![]),
        ("state=active", vec![]),
        ("since=1h", vec![&his, &hers]),
        ("until=1h", vec![]),
        ("min_duration=1h", vec![]),
        ("policy=1", vec![&hers]),
    ] {
        let list = site.get("audra", &format!("/sessions?count=true&{query}")).await;
        let list = list.is(200).json();
        assert_eq!(
            ids(&list),
            want.iter().map(|id| id.to_string()).collect::<Vec<_>>(),
            "{query}"
        );
        assert_eq!(list["total"], want.len(), "{query}");
    }
    let first = site.get("audra", "/sessions?limit=1").await.is(200).json();
    let next = first["next"].as_str().unwrap();
    let second = site
        .get("audra", &format!("/sessions?limit=1&cursor={next}"))
        .await
        .is(200)
        .json();
    assert_eq!((ids(&first), ids(&second)), (vec![his], vec![hers]));
    assert_eq!(second["next"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_filters_are_named() {
    let site = TestSite::start().await;
    for (query, field) in [
        ("sort=size", "sort"),
        ("source=somewhere", "source"),
        ("reason=boredom", "reason"),
        ("policy=x", "policy"),
        ("min_duration=long", "min_duration"),
        ("count=perhaps", "count"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("state=asleep", "state"),
        ("protocol=telnet", "protocol"),
        ("since=soon", "since"),
        ("node=near", "node"),
        ("user=nobody", "user"),
        ("server=nowhere", "server"),
        ("cursor=x", "cursor"),
    ] {
        let answer = site.get("audra", &format!("/sessions?{query}")).await.is(422);
        assert_eq!(answer.json()["field"], field, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_ended_one_by_one_or_together() {
    let site = TestSite::start().await;
    let first = site.session("alice").await;
    let second = site.session("alice").await;
    let third = site.session("bob").await;
    let path = format!("/sessions/{}/kill", first.id);
    let ordered = site
        .post("oscar", &path, &json!({ "reason": "maintenance" }))
        .await
        .is(200);
    assert_eq!(ordered.json(), json!({ "ordered": [first.id] }));
    assert_eq!(
        site.booked("session.killed", &first.id).await,
        (1, Some("oscar".to_owned()))
    );
    let ordered = site
        .post("oscar", "/sessions/kill", &json!({ "user": "alice" }))
        .await
        .is(200)
        .json();
    assert!(ordered["ordered"].as_array().unwrap().contains(&json!(second.id)));
    assert!(!ordered["ordered"].as_array().unwrap().contains(&json!(third.id)));
    let ordered = site
        .post("ada", "/sessions/kill", &json!({ "all": true }))
        .await
        .is(200)
        .json();
    assert!(ordered["ordered"].as_array().unwrap().contains(&json!(third.id)));
    for (body, field) in [
        (json!({}), "all"),
        (json!({ "user": "alice", "all": true }), "all"),
        (json!({ "user": "nobody" }), "user"),
        (json!({ "server": "nowhere" }), "server"),
        (json!({ "who": "alice" }), "who"),
    ] {
        let answer = site.post("oscar", "/sessions/kill", &body).await.is(422);
        assert_eq!(answer.json()["field"], field, "{body}");
    }
    let ended = site.ended("bob", &["$ "]).await;
    let again = site
        .post("oscar", &format!("/sessions/{ended}/kill"), &json!({}))
        .await;
    assert!(again.refused(409).contains("ended already"));
    site.post("oscar", "/sessions/ffff/kill", &json!({}))
        .await
        .refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_on_another_node_says_on_which() {
    let site = TestSite::start().await;
    let (node, id) = (Uuid::new_v4(), Uuid::now_v7());
    let now = gatehouse_model::Timestamp::now();
    let node = gatehouse_model::NodeId(node);
    site.store.register_node(now, node, "far", None).await.unwrap();
    let directory = site.gate.directory();
    let (user, server) = (&directory.users()[0], &directory.servers()[0]);
    let session = NewSession {
        id: SessionId(id),
        node,
        user: user.id,
        user_name: user.name.to_string(),
        server: server.id,
        server_name: server.name.to_string(),
        protocol: gatehouse_model::Protocol::Ssh,
        source: "127.0.1.10".parse().unwrap(),
        source_port: 1,
        proxy: None,
        backend: "127.0.3.1:22".to_owned(),
        login: None,
        policies: Vec::new(),
        started_at: now,
        allowed_until: None,
        recording_path: Some(format!("recordings/2026/01/31/{id}")),
    };
    site.store.open_session(session).await.unwrap();
    for what in ["recording?format=txt", "recording/channels", "transcript", "live"] {
        let told = site
            .get("audra", &format!("/sessions/{id}/{what}"))
            .await
            .refused(409);
        assert!(told.contains("on node far"), "{told}");
    }
    let told = site
        .get("audra", &format!("/sessions/{id}/recording/verify"))
        .await
        .refused(409);
    assert!(told.contains("still running"), "{told}");
    // Ending it is an order to its node.
    let ended = until(async || {
        let answer = site
            .post("oscar", &format!("/sessions/{id}/kill"), &json!({}))
            .await;
        (answer.status == 200).then(|| answer.json())
    });
    assert_eq!(ended.await, json!({ "ordered": [id.to_string()] }));
}
