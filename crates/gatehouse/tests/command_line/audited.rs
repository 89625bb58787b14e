//! Every verb that changes something, or shows what was recorded, leaves its event in the book.

use std::collections::BTreeSet;

use crate::help::verbs;
use crate::site::Site;

/// Verbs that read what no one has to account for, or that run or print something.
const QUIET: &[&str] = &[
    "serve",
    "demo",
    "completions",
    "jw",
    "check",
    "who-can",
    "forwards",
    "config check",
    "config show",
    "user list",
    "user show",
    "user address list",
    "user key list",
    "user factor list",
    "user signin list",
    "token list",
    "group list",
    "group tree",
    "group show",
    "server list",
    "server show",
    "server hostkey list",
    "server gate-key list",
    "server credential list",
    "server-group list",
    "server-group tree",
    "server-group show",
    "server-group approver list",
    "request list",
    "request show",
    "approval-rule list",
    "pool list",
    "policy list",
    "policy show",
    "right list",
    "block list",
    "node list",
    "alert list",
    "audit list",
    "recording-key list",
    "recording-key export",
    "session list",
    "session show",
];

/// Verbs on what only a node can make: sessions, their recordings, keys that servers have shown, and sign-ins to its
/// pages and access opened there. Their events are awaited where a node runs, in the end-to-end tests, or in those of the store.
const NEED_A_NODE: &[&str] = &[
    "session watch",
    "session play",
    "session text",
    "session export",
    "session kill",
    "request review",
    "user signin end",
    "server hostkey accept",
    "server hostkey forget",
];

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIY2WvPv7ySCxuh3Ul0hJjxGyS7mZKb7sE0mHf5YbB0e alice@laptop\n";

/// The verb, its line and its event, in an order in which each can work.
const LOUD: &[(&str, &str, &str)] = &[
    ("user add", "user add carl --address 10.3.0.1", "user.added"),
    ("user edit", "user edit carl --full-name Carl", "user.edited"),
    ("user disable", "user disable carl", "user.disabled"),
    ("user enable", "user enable carl", "user.enabled"),
    ("user password", "user password carl --stdin", "user.password"),
    (
        "user factor remove",
        "user factor remove carl password",
        "factor.removed",
    ),
    ("user setup-link", "user setup-link carl", "setup_link.made"),
    (
        "token create",
        "token create --user carl --label backup --scope own",
        "token.created",
    ),
    ("token revoke", "token revoke 1", "token.revoked"),
    (
        "user address add",
        "user address add carl 10.3.0.2 --label laptop",
        "address.added",
    ),
    (
        "user address disable",
        "user address disable carl 10.3.0.2",
        "address.disabled",
    ),
    (
        "user address enable",
        "user address enable carl 10.3.0.2",
        "address.enabled",
    ),
    (
        "user address remove",
        "user address remove carl 10.3.0.2",
        "address.removed",
    ),
    ("user key add", "user key add carl {key}", "key.added"),
    (
        "user key remove",
        "user key remove carl {fingerprint}",
        "key.removed",
    ),
    ("group add", "group add nurses --parent staff", "group.added"),
    ("group edit", "group edit nurses --no-parent", "group.edited"),
    (
        "group member add",
        "group member add nurses carl",
        "group.member_added",
    ),
    (
        "group member remove",
        "group member remove nurses carl",
        "group.member_removed",
    ),
    ("group remove", "group remove nurses", "group.removed"),
    ("server add", "server add ftp01 10.8.0.9", "server.added"),
    ("server edit", "server edit ftp01 --ssh=2200", "server.edited"),
    ("server disable", "server disable ftp01", "server.disabled"),
    ("server enable", "server enable ftp01", "server.enabled"),
    (
        "server gate-key add",
        "server gate-key add ftp01",
        "hostkey.generated",
    ),
    (
        "server gate-key remove",
        "server gate-key remove ftp01 --yes",
        "hostkey.forgotten",
    ),
    (
        "server credential add",
        "server credential add ftp01 --login root --password-stdin",
        "credential.added",
    ),
    (
        "server credential remove",
        "server credential remove ftp01 root",
        "credential.removed",
    ),
    ("server-group add", "server-group add old", "server_group.added"),
    (
        "server-group edit",
        "server-group edit old --name older",
        "server_group.edited",
    ),
    (
        "server-group member add",
        "server-group member add older ftp01",
        "server_group.member_added",
    ),
    (
        "server-group member remove",
        "server-group member remove older ftp01",
        "server_group.member_removed",
    ),
    (
        "server-group remove",
        "server-group remove older",
        "server_group.removed",
    ),
    ("pool add", "pool add 10.10.0.0/28", "pool.added"),
    ("pool release", "pool release ftp01", "pool.released"),
    ("pool assign", "pool assign ftp01 10.10.0.3", "pool.assigned"),
    (
        "policy grant",
        "policy grant --user carl --server ftp01 --for 2h",
        "policy.granted",
    ),
    ("policy edit", "policy edit 2 --login root", "policy.edited"),
    ("policy clone", "policy clone 2 --user bob", "policy.cloned"),
    ("policy renew", "policy renew 2 --for 1d", "policy.renewed"),
    ("policy revoke", "policy revoke 2", "policy.revoked"),
    ("policy remove", "policy remove 2", "policy.removed"),
    (
        "server-group approver add",
        "server-group approver add machines --group staff",
        "approver.added",
    ),
    (
        "server-group approver remove",
        "server-group approver remove machines --group staff",
        "approver.removed",
    ),
    (
        "approval-rule add",
        "approval-rule add --user carl --server-group machines --max-for 4h",
        "approval_rule.added",
    ),
    (
        "approval-rule edit",
        "approval-rule edit #1 --login deploy --active on",
        "approval_rule.edited",
    ),
    (
        "request create",
        "request create --user carl --server ftp01 --protocol ssh --for 2h --reason testing",
        "request.created",
    ),
    (
        "request approve",
        "request approve 1 --for 1h",
        "request.approved",
    ),
    (
        "request create",
        "request create --user carl --server web01 --login deploy --for 4h",
        "request.approved",
    ),
    (
        "approval-rule remove",
        "approval-rule remove 1",
        "approval_rule.removed",
    ),
    (
        "request create",
        "request create --user carl --server db01",
        "request.created",
    ),
    ("request deny", "request deny #3 --note no", "request.denied"),
    (
        "request create",
        "request create --user carl --address 10.3.0.9",
        "request.created",
    ),
    (
        "request withdraw",
        "request withdraw 4 --as carl",
        "request.withdrawn",
    ),
    ("right add", "right add group staff agent", "right.added"),
    ("right remove", "right remove group staff agent", "right.removed"),
    ("lock", "lock server ftp01 --for 1h", "lock.added"),
    ("unlock", "unlock server ftp01", "lock.removed"),
    ("block add", "block add 10.6.0.0/24", "block.added"),
    ("session search", "session search nothing", "recording.searched"),
    ("block remove", "block remove 10.6.0.0/24", "block.removed"),
    ("server remove", "server remove ftp01", "server.removed"),
    ("pool remove", "pool remove 10.10.0.0/28", "pool.removed"),
    ("user remove", "user remove carl", "user.removed"),
    ("alert test", "alert test", "alert.tested"),
    ("audit verify", "audit verify", "audit.verified"),
    ("session verify", "session verify --all", "recording.verified"),
    (
        "recording-key rotate",
        "recording-key rotate",
        "recording_key.generated",
    ),
];

#[test]
fn no_verb_is_forgotten() {
    let told = QUIET
        .iter()
        .chain(NEED_A_NODE)
        .copied()
        .chain(LOUD.iter().map(|(verb, ..)| *verb));
    let told: BTreeSet<String> = told.map(str::to_owned).collect();
    let there: BTreeSet<String> = verbs().into_iter().map(|(words, _)| words).collect();
    assert_eq!(
        there.difference(&told).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "which event do these leave?"
    );
    assert_eq!(
        told.difference(&there).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "these are gone"
    );
}

#[test]
fn every_change_is_in_the_book_with_who_made_it() {
    let site = Site::furnished();
    let key = site.file("key.pub", KEY);
    let secret = "a secret that nobody else is to see\n";
    for (verb, line, action) in LOUD {
        let keys = site.json("user list");
        let carl = keys
            .as_array()
            .unwrap()
            .iter()
            .find(|user| user["name"] == "carl");
        let print = carl
            .and_then(|user| user["keys"][0]["fingerprint"].as_str())
            .unwrap_or_default()
            .to_owned();
        let line = line.replace("{key}", &key).replace("{fingerprint}", &print);
        let before = site
            .json(&format!("audit list --action {action} --limit 0"))
            .as_array()
            .unwrap()
            .len();
        let done = site.run(&line.split(' ').collect::<Vec<_>>(), secret);
        assert_eq!(done.code, Some(0), "{verb}: {done:?}");
        let events = site.json(&format!("audit list --action {action} --limit 0"));
        let events = events.as_array().unwrap();
        assert!(events.len() > before, "{verb} left no {action}");
        let actor = events[0]["actor"].as_str().unwrap();
        assert!(
            actor.starts_with("cli:") && actor.contains('@'),
            "{verb}: {actor}"
        );
    }
    let book = site.ok("audit list --limit 0 --json");
    assert!(!book.contains(secret.trim()), "a secret is in the book");
    assert_eq!(site.json("audit verify")["ok"], true);
}

#[test]
fn a_refusal_leaves_no_event() {
    let site = Site::furnished();
    let before = site.json("audit list --limit 0").as_array().unwrap().len();
    site.line("user add alice").sentence();
    site.line("policy grant --user nobody --server web01").sentence();
    assert_eq!(
        site.json("audit list --limit 0").as_array().unwrap().len(),
        before
    );
}
