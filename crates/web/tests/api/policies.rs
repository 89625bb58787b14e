//! Grants, and what is decided by them.

use gatehouse_model::Role;
use gatehouse_store::{AuditFilter, PageRequest};
use serde_json::{Value, json};

use crate::support::{Place, on_both};

on_both!(
    a_grant_is_made_changed_cloned_renewed_and_revoked,
    everything_that_is_wrong_is_told_at_once,
    many_are_changed_each_by_itself,
    many_are_changed_all_or_none,
    a_preview_says_what_would_be_true_and_makes_nothing,
    decisions_are_told_and_explained,
);

async fn people_and_servers(site: &Place) {
    let alice = json!({"name": "alice", "addresses": ["10.0.0.1"]});
    site.admin("POST", "/users", Some(alice)).await.of(201);
    site.admin("POST", "/user-groups", Some(json!({"name": "ops"})))
        .await
        .of(201);
    let web = json!({"name": "web01", "address": "127.0.3.1", "services": [{"protocol": "ssh"}]});
    site.admin("POST", "/servers", Some(web)).await.of(201);
}

async fn granted(site: &Place, body: Value) -> Value {
    site.admin("POST", "/policies", Some(body)).await.of(201).json()
}

async fn a_grant_is_made_changed_cloned_renewed_and_revoked(site: &Place) {
    people_and_servers(site).await;
    let made = granted(
        site,
        json!({
            "user": "alice", "server": "web01", "protocol": "ssh", "logins": ["root"], "for": "2h",
            "schedules": ["Mon-Fri 08:00-16:00 Europe/Warsaw", {"weekdays": [5], "time_start": "10:00"}],
            "forwarding": {"local": true, "destinations": ["db:5432"], "blocked_ports": [25, "8000-8099"]},
            "reason": "ticket 4711",
        }),
    )
    .await;
    assert_eq!(
        made["schedules"],
        json!(["Mon-Fri 08:00-16:00 Europe/Warsaw", "Sat 10:00-24:00"])
    );
    assert_eq!(made["rights"], json!(["forward_local"]));
    assert_eq!(made["forwarding"]["blocked_ports"], json!(["25", "8000-8099"]));
    let path = format!("/policies/{}", made["id"]);
    let seen = site.ask(Role::Auditor, "GET", &path, None).await.of(200).tag();
    let change = json!({"schedules": null, "protocol": null, "logins": [], "end": null, "group": "ops"});
    let changed = site.admin("PATCH", &path, Some(change)).await.of(200).json();
    assert_eq!(
        (&changed["user"], &changed["group"]),
        (&Value::Null, &json!("ops"))
    );
    assert_eq!(
        (&changed["end"], &changed["schedules"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(changed["forwarding"], made["forwarding"]);
    let late = [("if-match", seen.as_str())];
    let admin = Some(site.token(Role::Admin));
    site.send(admin, "PATCH", &path, Some(json!({"for": "1d"})), &late)
        .await
        .of(412);
    site.admin("POST", &format!("{path}/renew"), Some(json!({})))
        .await
        .of(409);

    let clone = json!({"user": "alice", "for": "1d", "forwarding": null});
    let cloned = site
        .admin("POST", &format!("{path}/clone"), Some(clone))
        .await
        .of(201)
        .json();
    assert_eq!(
        (&cloned["user"], &cloned["rights"]),
        (&json!("alice"), &json!([]))
    );
    let path = format!("/policies/{}", cloned["id"]);
    let revoked = site
        .admin("POST", &format!("{path}/revoke"), Some(json!({"reason": "left"})))
        .await
        .of(200);
    assert_eq!(revoked.json()["state"], "revoked");
    let listed = site
        .admin("GET", "/policies?state=revoked", None)
        .await
        .of(200)
        .json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let renewed = site
        .admin("POST", &format!("{path}/renew"), Some(json!({"for": "1w"})))
        .await
        .of(200);
    assert_eq!(renewed.json()["state"], "active");
    site.admin("DELETE", &path, None).await.of(204);
    site.admin("GET", &path, None).await.of(404);
}

fn fields(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap().iter();
    let mut fields: Vec<_> = errors
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect();
    fields.sort();
    fields
}

async fn everything_that_is_wrong_is_told_at_once(site: &Place) {
    people_and_servers(site).await;
    let bad = json!({
        "user": "alice", "group": "ops", "logins": "root", "for": "soon", "protocol": "telnet", "colour": "red",
        "schedules": ["Mon", "Mon-Fry"], "forwarding": {"local": "yes", "destinations": ["a b"]},
    });
    let want = [
        "colour",
        "for",
        "forwarding.destinations[0]",
        "forwarding.local",
        "group",
        "logins",
        "protocol",
        "schedules[1]",
        "server",
    ];
    let problem = site
        .admin("POST", "/policies", Some(bad.clone()))
        .await
        .of(422)
        .json();
    assert_eq!(fields(&problem), want);
    let preview = site
        .admin("POST", "/policies/preview", Some(bad))
        .await
        .of(200)
        .json();
    assert_eq!(fields(&preview), want);
    let one = json!({"user": "alice", "server": "web01", "start": "2026-02-01", "end": "2026-01-01"});
    assert_eq!(
        site.admin("POST", "/policies", Some(one)).await.of(422).json()["field"],
        "end"
    );
    for (field, value) in [
        ("user", "bob"),
        ("group", "none"),
        ("server", "x"),
        ("server_group", "y"),
    ] {
        let mut body = json!({});
        if field.starts_with("server") {
            body["user"] = json!("alice");
        } else {
            body["server"] = json!("web01");
        }
        body[field] = json!(value);
        let problem = site.admin("POST", "/policies", Some(body)).await.of(422).json();
        assert_eq!(problem["field"], field, "{problem}");
    }
}

async fn total(site: &Place, query: &str) -> Value {
    let path = format!("/policies?count=true{query}");
    site.admin("GET", &path, None).await.of(200).json()["total"].clone()
}

async fn many_are_changed_each_by_itself(site: &Place) {
    people_and_servers(site).await;
    let bulk = async |body: Value| {
        let done = site
            .admin("POST", "/policies/bulk", Some(body))
            .await
            .of(200)
            .json();
        done["results"].clone()
    };
    let new = json!([
        {"user": "alice", "server": "web01", "for": "1d"},
        {"user": "alice", "server": "web01", "logins": [""]},
        {"user": "bob", "server": "web01"},
        {"group": "ops", "server": "web01", "reason": "night"},
    ]);
    let made = bulk(json!({"action": "grant", "policies": new, "reason": "move"})).await;
    let told: Vec<_> = (0..4)
        .map(|at| (made[at]["ok"] == true, made[at]["field"].clone()))
        .collect();
    let fine = || (true, Value::Null);
    assert_eq!(
        told,
        [
            fine(),
            (false, json!("logins[0]")),
            (false, json!("user")),
            fine()
        ]
    );
    assert!((0..4).all(|at| made[at]["index"] == at));
    let ids = [&made[0]["id"], &made[3]["id"]];
    for (id, reason) in ids.iter().zip(["move", "night"]) {
        let policy = site.admin("GET", &format!("/policies/{id}"), None).await.of(200);
        assert_eq!(policy.json()["reason"], reason);
    }
    // The second has no end, so that it cannot be renewed.
    let renewed = bulk(json!({"action": "renew", "policies": [ids[0], ids[1], 99], "for": "2d"})).await;
    let told: Vec<_> = (0..3).map(|at| renewed[at]["ok"] == true).collect();
    assert_eq!(told, [true, false, false]);
    assert!(renewed[1]["detail"].as_str().unwrap().contains("permanent"));
    assert_eq!(
        (&renewed[2]["id"], &renewed[2]["field"]),
        (&json!(99), &Value::Null)
    );
    let gone = bulk(json!({"action": "remove", "policies": [ids[0], "two"]})).await;
    assert_eq!((&gone[0]["id"], &gone[0]["ok"]), (ids[0], &json!(true)));
    assert_eq!((&gone[1]["id"], &gone[1]["ok"]), (&Value::Null, &json!(false)));
    assert_eq!(total(site, "").await, 1);
}

async fn many_are_changed_all_or_none(site: &Place) {
    people_and_servers(site).await;
    let bulk = async |action: &str, policies: Value, status: u16| {
        let body =
            json!({"action": action, "policies": policies, "for": "2d", "reason": "left", "atomic": true});
        site.admin("POST", "/policies/bulk", Some(body))
            .await
            .of(status)
            .json()
    };
    let new = |user: &str| json!({"user": user, "server": "web01", "for": "1d"});
    let unreadable = json!({"user": "alice", "server": "web01", "logins": [""]});
    for (second, field) in [
        (unreadable, "policies[1].logins[0]"),
        (new("bob"), "policies[1].user"),
        (json!(12), "policies[1]"),
    ] {
        let refused = bulk("grant", json!([new("alice"), second]), 422).await;
        assert_eq!(refused["field"], field, "{refused}");
    }
    assert_eq!(total(site, "").await, 0);
    let made = bulk("grant", json!([new("alice"), new("the-user")]), 200).await;
    let ids = [&made["results"][0]["id"], &made["results"][1]["id"]];
    let refused = bulk("revoke", json!([ids[0], ids[1], 99]), 404).await;
    assert_eq!(refused["field"], "policies[2]", "{refused}");
    assert_eq!(total(site, "&state=active").await, 2);
    for (action, active, revoked) in [("renew", 2, 0), ("revoke", 0, 2), ("remove", 0, 0)] {
        let done = bulk(action, json!(ids), 200).await;
        assert_eq!(done["results"][1]["id"], *ids[1]);
        assert_eq!(
            (
                total(site, "&state=active").await,
                total(site, "&state=revoked").await
            ),
            (json!(active), json!(revoked)),
            "{action}"
        );
    }
    let filter = AuditFilter {
        action: Some("policy.revoked".to_owned()),
        ..AuditFilter::default()
    };
    let events = site
        .store
        .audit_events(&filter, &PageRequest::all())
        .await
        .unwrap();
    let reasons: Vec<_> = events.items.iter().map(|event| event.reason.as_deref()).collect();
    assert_eq!(reasons, [Some("left"), Some("left")]);
    for policies in [json!([]), json!(vec![1; 501])] {
        assert_eq!(bulk("remove", policies, 422).await["field"], "policies");
    }
    assert_eq!(bulk("destroy", json!([1]), 422).await["field"], "action");
}

async fn a_preview_says_what_would_be_true_and_makes_nothing(site: &Place) {
    people_and_servers(site).await;
    let body = json!({"user": "alice", "server": "web01", "schedules": ["Mon 08:00-09:00 UTC"]});
    let seen = site
        .admin("POST", "/policies/preview", Some(body))
        .await
        .of(200)
        .json();
    assert_eq!(
        seen["sentence"],
        "alice may reach web01 as any login, Mon 08:00-09:00 UTC, from now without end"
    );
    assert_eq!(
        (&seen["users"], &seen["servers"], &seen["connections"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(seen["windows"].as_array().unwrap().len(), 3);
    assert_eq!(seen["warnings"].as_array().unwrap().len(), 2);
    assert_eq!(
        site.admin("GET", "/policies?count=true", None)
            .await
            .of(200)
            .json()["total"],
        0
    );

    for path in ["/schedules/preview", "/durations/preview"] {
        site.send(None, "POST", path, Some(json!({})), &[]).await.of(401);
    }
    let asked = json!({"schedule": "mon-fri 8:00-16:00", "timezone": "Europe/Warsaw"});
    let schedule = site
        .ask(Role::User, "POST", "/schedules/preview", Some(asked))
        .await
        .of(200)
        .json();
    assert_eq!(schedule["words"], "Mon-Fri 08:00-16:00 Europe/Warsaw");
    assert_eq!(schedule["windows"].as_array().unwrap().len(), 3);
    let asked = json!({"text": "90m"});
    let duration = site
        .ask(Role::User, "POST", "/durations/preview", Some(asked))
        .await
        .of(200)
        .json();
    assert_eq!(
        (&duration["seconds"], &duration["text"]),
        (&json!(5_400), &json!("1h30m"))
    );
    let wrong = json!({"text": "soon"});
    let wrong = site
        .ask(Role::User, "POST", "/durations/preview", Some(wrong))
        .await
        .of(422)
        .json();
    assert_eq!(wrong["field"], "text");
}

async fn decisions_are_told_and_explained(site: &Place) {
    people_and_servers(site).await;
    let question = json!({"user": "alice", "server": "web01", "protocol": "ssh"});
    let denied = site
        .ask(Role::Auditor, "POST", "/check", Some(question.clone()))
        .await
        .of(200)
        .json();
    assert_eq!(
        (&denied["decision"], &denied["reason"]),
        (&json!("deny"), &json!("no_matching_policy"))
    );
    let made = granted(site, json!({"user": "alice", "server": "web01"})).await;
    // What was changed is in the next answer.
    let allowed = site
        .admin("POST", "/check/explain", Some(question))
        .await
        .of(200)
        .json();
    assert_eq!(allowed["decision"], "allow");
    assert_eq!(allowed["policies"], json!([made["id"]]));
    assert_eq!(allowed["steps"].as_array().unwrap().len(), 7);
    let reach = site.admin("GET", "/users/alice/reach", None).await.of(200).json();
    assert_eq!(
        (&reach[0]["server"], &reach[0]["protocol"]),
        (&json!("web01"), &json!("ssh"))
    );
    let who = site
        .admin("GET", "/servers/web01/who-can?protocol=ssh", None)
        .await
        .of(200)
        .json();
    assert_eq!(
        (&who[0]["user"], &who[0]["sources"]),
        (&json!("alice"), &json!(["10.0.0.1"]))
    );
    let before = site
        .admin("GET", "/servers/web01/who-can?at=2020-01-01", None)
        .await
        .of(200)
        .json();
    assert_eq!(before, json!([]));
    let both = json!({"user": "alice", "source": "10.0.0.1", "server": "web01", "protocol": "ssh"});
    assert_eq!(
        site.admin("POST", "/check", Some(both)).await.of(422).json()["field"],
        "user"
    );
    let unknown = json!({"user": "bob", "server": "web01", "protocol": "ssh"});
    assert_eq!(
        site.admin("POST", "/check", Some(unknown)).await.of(422).json()["field"],
        "user"
    );
}
