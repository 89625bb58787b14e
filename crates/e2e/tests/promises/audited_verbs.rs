//! Every verb explains itself, and every change leaves an event in the audit book.

use std::collections::{BTreeMap, BTreeSet};

use gatehouse_e2e::{Client, Database, Run, Site, program};

/// Verbs that change nothing, or whose audit events other tests await.
const NOT_CHANGING: &[&str] = &[
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
    "session watch",
    "session play",
    "session text",
    "session export",
    "session kill",
    "session verify",
    "server hostkey accept",
    "server hostkey forget",
];

/// Each changing verb, as it is typed, and the event that it must leave. In an order in which each can work;
/// `{key}` is a public key's file, `{fingerprint}` its fingerprint.
const CHANGING: &[(&str, &str, &str)] = &[
    ("user add", "user add bob --address 10.9.0.1", "user.added"),
    ("user edit", "user edit bob --full-name Bob", "user.edited"),
    ("user disable", "user disable bob", "user.disabled"),
    ("user enable", "user enable bob", "user.enabled"),
    (
        "user address add",
        "user address add bob 10.9.0.2",
        "address.added",
    ),
    (
        "user address disable",
        "user address disable bob 10.9.0.2",
        "address.disabled",
    ),
    (
        "user address enable",
        "user address enable bob 10.9.0.2",
        "address.enabled",
    ),
    (
        "user address remove",
        "user address remove bob 10.9.0.2 --yes",
        "address.removed",
    ),
    ("user key add", "user key add bob {key}", "key.added"),
    (
        "user key remove",
        "user key remove bob {fingerprint} --yes",
        "key.removed",
    ),
    ("user password", "user password bob --stdin", "user.password"),
    ("group add", "group add staff", "group.added"),
    (
        "group edit",
        "group edit staff --description everybody",
        "group.edited",
    ),
    (
        "group member add",
        "group member add staff bob",
        "group.member_added",
    ),
    (
        "group member remove",
        "group member remove staff bob --yes",
        "group.member_removed",
    ),
    ("server add", "server add db01 10.8.0.1", "server.added"),
    ("server edit", "server edit db01 --os linux", "server.edited"),
    ("server disable", "server disable db01", "server.disabled"),
    ("server enable", "server enable db01", "server.enabled"),
    (
        "server gate-key add",
        "server gate-key add db01",
        "hostkey.generated",
    ),
    (
        "server gate-key remove",
        "server gate-key remove db01 --yes",
        "hostkey.forgotten",
    ),
    (
        "server credential add",
        "server credential add db01 --login root --password-stdin",
        "credential.added",
    ),
    (
        "server credential remove",
        "server credential remove db01 root --yes",
        "credential.removed",
    ),
    (
        "server-group add",
        "server-group add databases",
        "server_group.added",
    ),
    (
        "server-group edit",
        "server-group edit databases --description all",
        "server_group.edited",
    ),
    (
        "server-group member add",
        "server-group member add databases db01",
        "server_group.member_added",
    ),
    (
        "server-group member remove",
        "server-group member remove databases db01 --yes",
        "server_group.member_removed",
    ),
    ("pool add", "pool add 10.7.0.0/28", "pool.added"),
    ("pool assign", "pool assign db01", "pool.assigned"),
    ("pool release", "pool release db01 --yes", "pool.released"),
    ("pool remove", "pool remove 10.7.0.0/28 --yes", "pool.removed"),
    (
        "policy grant",
        "policy grant --user bob --server db01 --for 1h",
        "policy.granted",
    ),
    ("policy edit", "policy edit 1 --reason because", "policy.edited"),
    ("policy clone", "policy clone 1", "policy.cloned"),
    ("policy renew", "policy renew 1 --for 1d", "policy.renewed"),
    ("policy revoke", "policy revoke 1 --yes", "policy.revoked"),
    ("policy remove", "policy remove 1 --yes", "policy.removed"),
    ("right add", "right add user bob agent", "right.added"),
    (
        "right remove",
        "right remove user bob agent --yes",
        "right.removed",
    ),
    ("lock", "lock user bob", "lock.added"),
    ("unlock", "unlock user bob", "lock.removed"),
    ("block add", "block add 10.6.0.0/24 --for 1h", "block.added"),
    ("block remove", "block remove 10.6.0.0/24 --yes", "block.removed"),
    ("alert test", "alert test", "alert.tested"),
    ("audit verify", "audit verify", "audit.verified"),
    (
        "recording-key rotate",
        "recording-key rotate --yes",
        "recording_key.generated",
    ),
    (
        "server-group remove",
        "server-group remove databases --yes",
        "server_group.removed",
    ),
    ("group remove", "group remove staff --yes", "group.removed"),
    ("server remove", "server remove db01 --yes", "server.removed"),
    ("user remove", "user remove bob --yes", "user.removed"),
];

#[test]
fn every_verb_has_a_help_text() {
    let verbs = verbs();
    assert!(verbs.len() > 60, "{verbs:?}");
    for verb in &verbs {
        let words: Vec<_> = verb.split(' ').chain(["--help"]).collect();
        let help = Run::new(program()).args(&words).done().ok();
        let first = help.lines().next().unwrap_or_default();
        assert!(
            first.len() >= 8 && !first.starts_with("Usage"),
            "{verb} says nothing of itself: {help}"
        );
        assert!(help.contains("Usage: gatehouse"), "{verb}: {help}");
    }
}

#[test]
fn every_verb_that_changes_something_is_audited() {
    let site = Site::new(Database::Sqlite, "");
    let listed: BTreeSet<String> = CHANGING
        .iter()
        .map(|(verb, _, _)| *verb)
        .chain(NOT_CHANGING.iter().copied())
        .map(str::to_owned)
        .collect();
    let real: BTreeSet<String> = verbs().into_iter().collect();
    let forgotten: Vec<_> = real.difference(&listed).collect();
    assert!(
        forgotten.is_empty(),
        "say in this test whether these change anything: {forgotten:?}"
    );
    let gone: Vec<_> = listed.difference(&real).collect();
    assert!(gone.is_empty(), "the contract's verbs are missing: {gone:?}");

    let person = Client::with_key(site.net.person(1));
    let key = person.folder().join("id.pub").display().to_string();
    let printed = Run::new("ssh-keygen").args(["-lf", &key]).done().ok();
    let fingerprint = printed.split_whitespace().nth(1).unwrap();
    let mut counts = BTreeMap::new();
    for (verb, line, action) in CHANGING {
        let line = line.replace("{key}", &key).replace("{fingerprint}", fingerprint);
        let words: Vec<_> = line.split(' ').collect();
        site.cli(&words).stdin("a secret of some length\n").done().ok();
        let events = site.list(&["audit", "list", "--action", action]);
        let before = counts.insert(*action, events.len()).unwrap_or_default();
        assert!(events.len() > before, "{verb} left no {action} in the book");
        let actor = events[0]["actor"].as_str().unwrap();
        assert!(actor.starts_with("cli:"), "{verb} is audited as {actor}");
    }
    site.ok(&["audit", "verify"]);
    let book = site.ok(&["audit", "list", "--json", "--limit", "1000"]);
    assert!(
        !book.contains("a secret of some length"),
        "a secret is in the book"
    );
}

/// Every verb, from the help texts: `user address add` and the like.
fn verbs() -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(verb) = open.pop() {
        let words: Vec<_> = verb
            .split(' ')
            .filter(|word| !word.is_empty())
            .chain(["--help"])
            .collect();
        let help = Run::new(program()).args(&words).done().ok();
        let below: Vec<_> = help
            .lines()
            .skip_while(|line| line.trim() != "Commands:")
            .skip(1)
            .take_while(|line| !line.trim().is_empty())
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
            .map(|name| format!("{verb} {name}").trim().to_owned())
            .collect();
        if below.is_empty() && !verb.is_empty() {
            found.push(verb);
        }
        open.extend(below);
    }
    found
}
