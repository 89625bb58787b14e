//! What a grant would be, counted through nested groups, and what is warned of.

use gatehouse_model::Role;
use serde_json::{Value, json};

use crate::support::{Place, on_both};

on_both!(
    nested_groups_are_counted_and_other_grants_compared,
    a_moment_and_a_source_can_be_asked_about,
);

async fn directory(site: &Place) {
    let post = async |path: &str, body: Value| {
        site.admin("POST", path, Some(body)).await.of(201);
    };
    post("/users", json!({"name": "alice", "addresses": ["10.0.0.1"]})).await;
    post("/users", json!({"name": "bob"})).await;
    post("/user-groups", json!({"name": "ops"})).await;
    post("/user-groups", json!({"name": "night", "parent": "ops"})).await;
    post("/server-groups", json!({"name": "web"})).await;
    for server in ["web01", "web02"] {
        let new = json!({"name": server, "address": "127.0.3.1", "services": [{"protocol": "ssh"}]});
        post("/servers", new).await;
        let member = format!("/server-groups/web/members/{server}");
        site.admin("PUT", &member, None).await.of(204);
    }
    for member in ["/user-groups/ops/members/alice", "/user-groups/night/members/bob"] {
        site.admin("PUT", member, None).await.of(204);
    }
}

async fn preview(site: &Place, body: Value) -> Value {
    let answer = site.admin("POST", "/policies/preview", Some(body)).await;
    answer.of(200).json()
}

fn warns(told: &Value, words: &str) -> bool {
    let mut all = told["warnings"].as_array().unwrap().iter();
    all.any(|warning| warning.as_str().unwrap().contains(words))
}

async fn nested_groups_are_counted_and_other_grants_compared(site: &Place) {
    directory(site).await;
    let week = "Mon-Fri 08:00-16:00 Europe/Warsaw";
    let asked = json!({
        "group": "ops", "server_group": "web", "protocol": "ssh", "logins": ["root"], "for": "30d",
        "schedules": [week],
    });
    let told = preview(site, asked.clone()).await;
    assert_eq!(
        (&told["users"], &told["servers"], &told["connections"]),
        (&json!(2), &json!(2), &json!(4))
    );
    assert_eq!(told["windows"].as_array().unwrap().len(), 3);
    assert_eq!(told["warnings"], json!([]), "{told:#}");
    for part in ["ops", "web", "SSH", "root", "Mon-Fri 08:00-16:00"] {
        assert!(told["sentence"].as_str().unwrap().contains(part), "{told:#}");
    }
    let made = site.admin("POST", "/policies", Some(asked)).await.of(201).json();
    let narrower = json!({
        "user": "bob", "server": "web01", "protocol": "ssh", "logins": ["root"], "for": "1d", "schedules": [week],
    });
    let told = preview(site, narrower).await;
    assert!(
        warns(&told, &format!("policy #{} allows all of this", made["id"])),
        "{told:#}"
    );
    let wider = json!({"group": "ops", "server_group": "web", "forwarding": {"local": true}});
    let told = preview(site, wider).await;
    for words in ["wider than policy", "no end", "every login", "name destinations"] {
        assert!(warns(&told, words), "{words}: {told:#}");
    }
    let told = preview(site, json!({"user": "bob", "server": "web01", "protocol": "rdp"})).await;
    assert!(warns(&told, "offers RDP"), "{told:#}");
    assert_eq!(told["connections"], 0);
}

async fn a_moment_and_a_source_can_be_asked_about(site: &Place) {
    directory(site).await;
    let grant =
        json!({"user": "alice", "server": "web01", "start": "2026-01-31 12:00", "end": "2026-01-31 14:00"});
    site.admin("POST", "/policies", Some(grant)).await.of(201);
    let check = async |body: Value| {
        let answer = site.ask(Role::Auditor, "POST", "/check", Some(body)).await;
        answer.of(200).json()
    };
    let at = |at: &str| json!({"user": "alice", "server": "web01", "protocol": "ssh", "at": at});
    let told = check(at("2026-01-31 13:00")).await;
    assert_eq!(
        (&told["decision"], &told["allowed_until"]),
        (&json!("allow"), &json!("2026-01-31T14:00:00Z"))
    );
    assert_eq!(check(at("2026-01-31 14:00")).await["reason"], "expired");
    assert_eq!(check(at("2026-01-31 11:59")).await["reason"], "not_yet_valid");
    let stranger = check(json!({"source": "10.9.9.9", "server": "web01", "protocol": "ssh"})).await;
    assert_eq!(
        (&stranger["reason"], &stranger["user"]),
        (&json!("unknown_source"), &Value::Null)
    );
    for (path, status) in [
        ("/users/nobody/reach", 404),
        ("/users/alice/reach?at=soon", 422),
        ("/servers/web99/who-can", 404),
    ] {
        site.ask(Role::Auditor, "GET", path, None).await.of(status);
    }
}
