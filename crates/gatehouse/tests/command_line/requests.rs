//! Requests at the command line: asked, decided by whom, reviewed by nobody too early.

use serde_json::json;

use crate::site::Site;

#[test]
fn a_request_is_asked_decided_and_shown() {
    let site = Site::furnished();
    let asked = site.json("request create --user bob --server web01 --for 2h --reason testing");
    assert_eq!(
        (&asked["existing"], &asked["request"]["id"]),
        (&json!(false), &json!(1))
    );
    let again = site.ok("request create --user bob --server web01 --for 2h");
    assert!(
        again.contains("request #1 is the same, and waits already"),
        "{again}"
    );
    let listed = site.json("request list --pending");
    assert_eq!(listed[0]["for"], "2h");
    let table = site.ok("request list");
    assert!(
        table.contains("bob") && table.contains("pending") && table.contains("testing"),
        "{table}"
    );

    let done = site.ok("request approve 1 --for 1h");
    assert!(done.contains("approved request #1 (policy 2)"), "{done}");
    assert!(
        site.ok("check --user bob --server web01 --protocol ssh")
            .contains("allow")
    );
    let shown = site.json("request show 1");
    assert_eq!(
        (&shown["state"], &shown["policy"]["id"]),
        (&json!("approved"), &json!(2))
    );
    assert_eq!(shown["sessions"], json!([]));
    assert!(
        shown["decided_by"]
            .as_str()
            .is_some_and(|by| by.starts_with("cli:")),
        "{shown}"
    );
    let text = site.ok("request show 1");
    assert!(text.contains("#1") && text.contains("2 (active"), "{text}");
    assert!(
        site.line("request deny 1")
            .sentence()
            .contains("is approved by cli:")
    );
    assert!(site.ok("request list --pending").contains("no such requests"));
    assert_eq!(
        site.json("request list --user bob --limit 1")
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn who_decides_is_held_to_the_rules_where_named() {
    let site = Site::furnished();
    site.ok("server-group approver add machines --user bob");
    site.ok("request create --user alice --server web01");
    let own = site.line("request approve 1 --as alice");
    assert!(own.sentence().contains("alice's own"), "{own:?}");
    site.ok("user add carl");
    assert!(
        site.line("request approve 1 --as carl")
            .sentence()
            .contains("there is no request")
    );
    assert_eq!(site.json("request list --to-decide bob")[0]["id"], 1);
    site.configure("[requests]\nfour_eyes = true\n");
    assert!(site.line("request approve 1").sentence().contains("--as USER"));
    let done = site.json("request approve 1 --as bob --note once");
    assert_eq!(
        (&done["decided_by"], &done["note"]),
        (&json!("bob"), &json!("once"))
    );
    let approvers = site.json("server-group approver list machines");
    assert_eq!(approvers, json!({"users": ["bob"], "groups": []}));
    assert!(site.ok("server-group approver list machines").contains("bob"));
}

#[test]
fn a_rule_approves_at_once_and_can_be_switched_off() {
    let site = Site::furnished();
    let rule =
        site.json("approval-rule add --group staff --server-group machines --protocol ssh --max-for 4h");
    assert_eq!(
        (&rule["subject"], &rule["target"]),
        (&json!({"group": "staff"}), &json!({"group": "machines"}))
    );
    let done = site.ok("request create --user bob --server web01 --for 1h");
    assert!(done.contains("request #1 was approved by a rule"), "{done}");
    site.ok("approval-rule edit 1 --active off --any-protocol");
    assert!(site.ok("approval-rule list").contains("off"));
    let rule = &site.json("approval-rule list")[0];
    assert_eq!(
        (&rule["active"], &rule["protocol"]),
        (&json!(false), &json!(null))
    );
    assert!(
        site.ok("request create --user bob --server web01 --for 2h")
            .contains("made request #2")
    );
    site.ok("approval-rule remove 1");
    assert_eq!(site.json("approval-rule list"), json!([]));
}
