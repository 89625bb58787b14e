//! People, groups, servers and what hangs on them.

use gatehouse_model::Role;
use serde_json::{Value, json};

use crate::support::{Place, on_both};

on_both!(
    what_hangs_on_a_person_is_entered_listed_and_removed,
    groups_nest_count_and_do_not_overwrite_each_other,
    servers_have_services_proxies_and_credentials,
    locks_and_blocks_are_set_and_lifted,
    lists_are_paged_counted_and_sent_as_csv,
);

async fn person(site: &Place, name: &str) {
    site.admin("POST", "/users", Some(json!({"name": name})))
        .await
        .of(201);
}

async fn server(site: &Place, name: &str) -> Value {
    let body =
        json!({"name": name, "address": "127.0.3.1", "services": [{"protocol": "ssh"}], "proxy": "none"});
    site.admin("POST", "/servers", Some(body)).await.of(201).json()
}

async fn what_hangs_on_a_person_is_entered_listed_and_removed(site: &Place) {
    person(site, "alice").await;
    let address = json!({"range": "10.0.0.0/24", "label": "office"});
    let added = site
        .admin("POST", "/users/alice/addresses", Some(address))
        .await
        .of(201)
        .json();
    assert_eq!(
        (&added["range"], &added["active"]),
        (&json!("10.0.0.0/24"), &json!(true))
    );
    let off = site
        .admin(
            "PATCH",
            "/users/alice/addresses/10.0.0.0%2F24",
            Some(json!({"active": false})),
        )
        .await
        .of(200);
    assert_eq!(off.json()["active"], false);
    let wrong = site
        .admin("POST", "/users/alice/addresses", Some(json!({"range": "10.0.0"})))
        .await
        .of(422);
    assert_eq!(wrong.json()["field"], "range");
    site.admin("DELETE", "/users/alice/addresses/10.0.0.0%2F24", None)
        .await
        .of(204);
    assert_eq!(
        site.admin("GET", "/users/alice/addresses", None)
            .await
            .of(200)
            .json(),
        json!([])
    );

    for _ in 0..2 {
        site.admin("PUT", "/users/alice/rights/agent", None).await.of(204);
    }
    let rights = site
        .ask(Role::Auditor, "GET", "/users/alice/rights", None)
        .await
        .of(200);
    assert_eq!(rights.json(), json!(["agent"]));
    site.admin("PUT", "/users/alice/rights/flying", None)
        .await
        .of(404);
    site.admin("DELETE", "/users/alice/rights/agent", None)
        .await
        .of(204);
    site.admin("DELETE", "/users/alice/rights/agent", None)
        .await
        .of(404);
    let key = site
        .admin("POST", "/users/alice/keys", Some(json!({"key": "no key"})))
        .await
        .of(422);
    assert_eq!(key.json()["field"], "key");
}

async fn groups_nest_count_and_do_not_overwrite_each_other(site: &Place) {
    person(site, "alice").await;
    site.admin("POST", "/user-groups", Some(json!({"name": "ops"})))
        .await
        .of(201);
    let night = json!({"name": "night", "parent": "ops", "description": "shift"});
    let made = site.admin("POST", "/user-groups", Some(night)).await.of(201);
    assert_eq!(made.json()["path"], json!(["ops", "night"]));
    let wrong = site
        .admin(
            "POST",
            "/user-groups",
            Some(json!({"name": "x", "parent": "opps"})),
        )
        .await
        .of(422);
    assert_eq!(wrong.json()["field"], "parent");
    let cycle = site
        .admin("PATCH", "/user-groups/ops", Some(json!({"parent": "night"})))
        .await;
    assert!(cycle.status.is_client_error(), "{cycle:?}");
    for _ in 0..2 {
        site.admin("PUT", "/user-groups/night/members/alice", None)
            .await
            .of(204);
    }
    let listed = site
        .ask(Role::Auditor, "GET", "/user-groups?sort=name", None)
        .await
        .of(200)
        .json();
    assert_eq!(listed["items"][0]["name"], "night");
    assert_eq!(listed["items"][0]["members_count"], 1);
    assert_eq!(listed["items"][0].get("members"), None);
    let members = site
        .admin("GET", "/user-groups/night/members?count=true", None)
        .await
        .of(200)
        .json();
    assert_eq!(
        (&members["items"][0]["name"], &members["total"]),
        (&json!("alice"), &json!(1))
    );
    // A change that was meant for what is no longer there is refused.
    let seen = site.admin("GET", "/user-groups/night", None).await.of(200).tag();
    let change = |text: &str| Some(json!({"description": text}));
    site.admin("PATCH", "/user-groups/night", change("other"))
        .await
        .of(200);
    let admin = Some(site.token(Role::Admin));
    let late = [("if-match", seen.as_str())];
    let refused = site
        .send(admin, "PATCH", "/user-groups/night", change("late"), &late)
        .await
        .of(412);
    assert_eq!(refused.json()["code"], "changed");
    site.send(admin, "DELETE", "/user-groups/night", None, &late)
        .await
        .of(412);
    let cleared = site
        .admin("PATCH", "/user-groups/night", Some(json!({"description": null})))
        .await
        .of(200);
    assert_eq!(cleared.json()["description"], Value::Null);
    site.admin("DELETE", "/user-groups/ops", None).await.of(409);
    site.admin("DELETE", "/user-groups/night/members/alice", None)
        .await
        .of(204);
    site.admin("DELETE", "/user-groups/night", None).await.of(204);
}

async fn servers_have_services_proxies_and_credentials(site: &Place) {
    site.admin("POST", "/pool/ranges", Some(json!({"range": "127.0.20.0/29"})))
        .await
        .of(201);
    let made = server(site, "web01").await;
    assert_eq!(made["services"], json!([{"protocol": "ssh", "port": 22}]));
    let changed = json!({"services": [{"protocol": "rdp", "port": 3390}], "active": false});
    let changed = site
        .admin("PATCH", "/servers/web01", Some(changed))
        .await
        .of(200)
        .json();
    assert_eq!(changed["services"], json!([{"protocol": "rdp", "port": 3390}]));
    assert_eq!(changed["active"], false);
    let given = site
        .admin("PUT", "/servers/web01/proxy", Some(json!({"address": null})))
        .await
        .of(200)
        .json();
    assert_eq!(given["address"], "127.0.20.1");
    let outside = json!({"address": "127.0.99.1"});
    let outside = site
        .admin("PUT", "/servers/web01/proxy", Some(outside))
        .await
        .of(422)
        .json();
    assert_eq!(outside["field"], "address");
    site.admin("DELETE", "/servers/web01/proxy", None).await.of(204);
    let pool = site.ask(Role::Auditor, "GET", "/pool", None).await.of(200).json();
    assert_eq!(pool["free"], 5);
    assert_eq!(pool["quarantine"][0]["server"], "web01");
    let credential = json!({"login": "root", "password": "correct horse"});
    let stored = site
        .admin("POST", "/servers/web01/credentials", Some(credential))
        .await
        .of(201);
    assert!(!stored.text.contains("horse"));
    let any = json!({"key": "no key"});
    let wrong = site
        .admin("POST", "/servers/web01/credentials", Some(any))
        .await
        .of(422)
        .json();
    assert_eq!(wrong["field"], "key");
    site.admin("DELETE", "/servers/web01/credentials/*", None)
        .await
        .of(404);
    site.admin("DELETE", "/servers/web01/credentials/root", None)
        .await
        .of(204);
    assert_eq!(
        site.admin("GET", "/servers/web01/hostkeys", None)
            .await
            .of(200)
            .json(),
        json!([])
    );
}

async fn locks_and_blocks_are_set_and_lifted(site: &Place) {
    person(site, "alice").await;
    let lock = json!({"for": "2h", "reason": "lost laptop"});
    let locked = site
        .ask(Role::Operator, "PUT", "/users/alice/lock", Some(lock))
        .await
        .of(200)
        .json();
    assert_eq!(locked["reason"], "lost laptop");
    let users = site.admin("GET", "/users?locked=true", None).await.of(200).json();
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
    site.ask(Role::Operator, "DELETE", "/users/alice/lock", None)
        .await
        .of(204);
    let wrong = site
        .ask(
            Role::Operator,
            "PUT",
            "/users/alice/lock",
            Some(json!({"for": "soon"})),
        )
        .await;
    assert_eq!(wrong.of(422).json()["field"], "for");

    let block = json!({"range": "10.9.9.0/24", "for": "1d", "reason": "scans"});
    site.ask(Role::Operator, "POST", "/blocks", Some(block))
        .await
        .of(201);
    let own = site
        .ask(
            Role::Operator,
            "POST",
            "/blocks",
            Some(json!({"range": "127.0.9.0/24"})),
        )
        .await;
    assert_eq!(own.of(422).json()["field"], "range");
    let listed = site.admin("GET", "/blocks?text=scan", None).await.of(200).json();
    assert_eq!(listed["items"][0]["range"], "10.9.9.0/24");
    site.ask(Role::Operator, "DELETE", "/blocks/10.9.9.0%2F24", None)
        .await
        .of(204);
    site.ask(Role::Operator, "DELETE", "/blocks/10.9.9.0%2F24", None)
        .await
        .of(404);
}

async fn lists_are_paged_counted_and_sent_as_csv(site: &Place) {
    for name in ["s1", "s2", "s3"] {
        server(site, name).await;
    }
    let first = site
        .admin("GET", "/servers?limit=2&count=true&sort=-name", None)
        .await
        .of(200)
        .json();
    assert_eq!(first["total"], 3);
    assert_eq!(first["items"][0]["name"], "s3");
    let next = first["next"].as_str().unwrap();
    let second = site
        .admin("GET", &format!("/servers?limit=2&sort=-name&cursor={next}"), None)
        .await
        .of(200)
        .json();
    assert_eq!(
        (&second["items"][0]["name"], &second["next"]),
        (&json!("s1"), &Value::Null)
    );
    for (query, field) in [
        ("limit=0", "limit"),
        ("sort=colour", "sort"),
        ("cursor=x", "cursor"),
        ("group=x", "server_group"),
    ] {
        let wrong = site
            .admin("GET", &format!("/servers?{query}"), None)
            .await
            .of(422)
            .json();
        assert_eq!(wrong["field"], field, "{query}");
    }
    site.admin("PATCH", "/servers/s1", Some(json!({"description": "=1+1"})))
        .await
        .of(200);
    let csv = site.admin("GET", "/servers?format=csv", None).await.of(200);
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(csv.text.lines().count(), 4);
    assert!(csv.text.starts_with("id,name,address,"), "{}", csv.text);
    assert!(csv.text.contains("'=1+1"), "{}", csv.text);
    let accepted = [("accept", "text/csv")];
    let same = site
        .send(
            Some(site.token(Role::Auditor)),
            "GET",
            "/servers",
            None,
            &accepted,
        )
        .await
        .of(200);
    assert_eq!(same.text, csv.text);
}
