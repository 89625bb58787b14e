//! JSON and exit statuses as the contract says.

use serde_json::{Value, json};

use crate::site::Site;

#[track_caller]
fn has(value: &Value, keys: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for key in keys {
        assert!(object.contains_key(*key), "{key} is missing: {value}");
    }
}

#[test]
fn every_list_is_one_document_and_an_array() {
    let site = Site::furnished();
    for line in [
        "user list",
        "group list",
        "group tree",
        "server list",
        "server-group list",
        "server-group tree",
        "pool list",
        "policy list",
        "request list",
        "approval-rule list",
        "session list",
        "session search nothing",
        "forwards",
        "block list",
        "alert list",
        "audit list",
        "jw",
        "who-can --server web01",
        "user address list alice",
        "user key list alice",
        "server hostkey list web01",
        "server credential list web01",
        "right list user alice",
        "session verify --all",
    ] {
        assert!(site.json(line).is_array(), "{line}");
        assert!(site.line(line).out.ends_with('\n'), "{line}");
    }
}

#[test]
fn a_policy_has_the_keys_of_the_contract() {
    let site = Site::furnished();
    site.ok("policy grant --group staff --server-group machines --protocol ssh --for 2h --login root --forwarding");
    let policy = site.json("policy show 2");
    has(
        &policy,
        &[
            "id",
            "user",
            "group",
            "server",
            "server_group",
            "protocol",
            "from",
            "logins",
            "start",
            "end",
            "schedules",
            "use_schedules",
            "forwarding",
            "state",
            "reason",
        ],
    );
    assert_eq!(policy["group"], "staff");
    assert_eq!(policy["server_group"], "machines");
    let forwarding = &policy["forwarding"];
    assert_eq!(
        (&forwarding["local"], &forwarding["remote"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        (&forwarding["destinations"], &forwarding["blocked_ports"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(policy["state"], "active");
    assert!(
        policy["start"].as_str().is_some_and(|at| at.ends_with('Z')),
        "{policy}"
    );
    let first = &site.json("policy list --user alice")[0];
    assert!(first["protocol"].is_null() && first["end"].is_null(), "{first}");
}

#[test]
fn an_edit_changes_what_it_names_and_clears_what_it_is_told_to() {
    let site = Site::furnished();
    site.ok("policy edit 1 --login root --login backup --idle 10m --protocol ssh --for 2h --right agent");
    let policy = site.json("policy show 1");
    assert_eq!(policy["logins"], json!(["root", "backup"]));
    assert!(policy["end"].is_string(), "{policy}");
    site.ok("policy edit 1 --clear logins --clear protocol --for permanent");
    let policy = site.json("policy show 1");
    assert_eq!(
        (&policy["logins"], &policy["protocol"]),
        (&json!([]), &Value::Null)
    );
    assert!(policy["end"].is_null(), "{policy}");
    assert!(site.ok("policy show 1").contains("10m"), "the idle time stays");
    site.ok("policy edit 1 --record-forwards on");
    assert_eq!(site.json("policy show 1")["record_forwards"], "on");
    assert!(site.ok("policy show 1").contains("Forwards kept"));
    site.ok("policy edit 1 --clear record-forwards");
    assert!(site.json("policy show 1")["record_forwards"].is_null());
    site.ok("policy clone 1 --user bob --server db01");
    assert_eq!(site.json("policy show 2")["user"], "bob");
    assert_eq!(site.json("policy show 1")["user"], "alice");
}

#[test]
fn check_answers_and_exits_as_the_contract_says() {
    let site = Site::furnished();
    let done = site.line("check --source 10.1.2.3 --server web01 --protocol ssh --json");
    assert_eq!(done.code, Some(0), "{done:?}");
    let allow: Value = serde_json::from_str(&done.out).unwrap();
    has(
        &allow,
        &[
            "decision",
            "user",
            "server",
            "policies",
            "allowed_until",
            "forwarding",
        ],
    );
    assert_eq!(
        (&allow["user"], &allow["server"]),
        (&json!("alice"), &json!("web01"))
    );
    assert_eq!(allow["policies"], json!([1]));
    let proxy = site.json("server show web01")["proxies"][0]["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let same = site.json(&format!(
        "check --user alice --destination {proxy} --protocol ssh"
    ));
    assert_eq!(same["decision"], "allow");
    let done = site.line("check --user bob --server web01 --protocol ssh --json");
    assert_eq!(done.code, Some(1), "{done:?}");
    let deny: Value = serde_json::from_str(&done.out).unwrap();
    has(&deny, &["decision", "reason", "detail", "user", "server"]);
    assert_eq!(
        (&deny["decision"], &deny["reason"]),
        (&json!("deny"), &json!("no_matching_policy"))
    );
    let stranger = site.json("check --source 192.0.2.1 --destination 192.0.2.2 --protocol ssh");
    assert_eq!(
        (&stranger["user"], &stranger["server"]),
        (&Value::Null, &Value::Null)
    );
    site.line("check --user nobody --server web01 --protocol ssh --json")
        .sentence();
    let text = site.ok("check --user alice --server web01 --protocol ssh");
    assert!(text.contains("allow") && text.contains("POLICY"), "{text}");
}

#[test]
fn check_at_another_time_decides_for_then() {
    let site = Site::furnished();
    let grant = [
        "policy",
        "grant",
        "--user",
        "bob",
        "--server",
        "web01",
        "--schedule",
        "Mon-Fri 08:00-16:00 UTC",
    ];
    assert_eq!(site.run(&grant, "").code, Some(0));
    let at = |time: &str| {
        site.json(&format!(
            "check --user bob --server web01 --protocol ssh --at {time}"
        ))
    };
    // A Friday noon, and the Saturday after it.
    assert_eq!(
        at("2031-01-03T12:00:00Z")["allowed_until"],
        "2031-01-03T16:00:00Z"
    );
    assert_eq!(at("2031-01-04T12:00:00Z")["reason"], "outside_schedule");
}

#[test]
fn an_audit_event_has_the_keys_of_the_contract() {
    let site = Site::furnished();
    let event = &site.json("audit list --action user --limit 1")[0];
    has(
        event,
        &[
            "seq", "time", "action", "actor", "source", "user", "server", "session", "outcome", "reason",
            "detail", "hash",
        ],
    );
    assert_eq!(event["action"], "user.added");
    let report = site.json("audit verify");
    has(&report, &["ok", "lines", "head"]);
    let head = report["head"].as_str().unwrap();
    assert_eq!(site.line(&format!("audit verify --head {head}")).code, Some(0));
}

#[test]
fn names_and_ids_do_alike() {
    let site = Site::furnished();
    let id = site.json("user show alice")["id"].to_string();
    assert_eq!(site.json(&format!("user show {id}"))["name"], "alice");
    assert_eq!(
        site.json("user show ALICE")["name"],
        "alice",
        "names are the same in any case"
    );
    let server = site.json("server show db01");
    assert_eq!(
        site.json(&format!("server show {}", server["id"]))["name"],
        "db01"
    );
    assert_eq!(
        server["services"],
        json!([{"protocol": "ssh", "port": 2222}, {"protocol": "rdp", "port": 3389}])
    );
}

#[test]
fn groups_nest_in_the_tree() {
    let site = Site::furnished();
    let tree = site.json("group tree");
    assert_eq!(tree[0]["name"], "staff");
    assert_eq!(tree[0]["children"][0]["children"][0]["members"], json!(["bob"]));
    assert_eq!(
        site.ok("group tree"),
        "└─ staff\n   └─ seniors\n      └─ juniors: bob\n"
    );
}

#[test]
fn tables_have_no_colour_and_no_control_characters_where_there_is_no_terminal() {
    let site = Site::furnished();
    let words = ["user", "edit", "alice", "--full-name", "Al\u{9b}31mice\u{202e}"];
    // Whether the store takes such a name or not, no table may show it raw.
    site.run(&words, "");
    for line in [
        "user list",
        "user show alice",
        "audit list",
        "policy list",
        "server list",
    ] {
        let text = site.ok(line);
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{line}: {text:?}"
        );
        assert!(!text.contains('\u{202e}'), "{line}: {text:?}");
    }
}

#[test]
fn the_configuration_is_shown_without_passwords_and_is_read_back() {
    let site = Site::new();
    site.configure(
        "database_url = \"postgres://gate:hunter2@db.example.com/gate\"\n[ssh]\nlisten = \"127.0.0.1:0\"\n",
    );
    let shown = site.ok("config show");
    assert!(
        shown.contains("postgres://gate:***@db.example.com/gate") && !shown.contains("hunter2"),
        "{shown}"
    );
    assert_eq!(site.json("config show")["ssh"]["listen"], json!(["127.0.0.1:0"]));
    assert!(site.ok("config check").contains("is right"));
}
