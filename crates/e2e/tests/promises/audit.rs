//! The audit book: what was changed, removed, moved or cut off is found.

use gatehouse_e2e::{Database, Site, sql};

/// A book of some twenty lines.
fn book() -> Site {
    let site = Site::new(Database::Postgres, "");
    for number in 0..20 {
        site.ok(&["group", "add", &format!("group-{number}")]);
    }
    site.ok(&["audit", "verify"]);
    site
}

/// `audit verify` fails and names this line.
fn finds(site: &Site, seq: i64) {
    let done = site.cli(&["audit", "verify"]).done().exits(1);
    let text = format!("{}{}", done.out(), done.err());
    assert!(text.contains(&seq.to_string()), "line {seq} is not named: {done}");
}

fn line_of(site: &Site, group: &str) -> i64 {
    let events = site.list(&["audit", "list", "--action", "group.added", "--limit", "1000"]);
    let event = events
        .iter()
        .find(|event| event.to_string().contains(&format!("\"{group}\"")));
    event.unwrap_or_else(|| panic!("no event of {group}: {events:?}"))["seq"]
        .as_i64()
        .unwrap()
}

#[test]
fn a_changed_line_is_found() {
    let site = book();
    let seq = line_of(&site, "group-7");
    sql(
        &site.database_url,
        &format!("update audit set actor = 'cli:nobody@nowhere' where seq = {seq}"),
    );
    finds(&site, seq);
}

#[test]
fn a_missing_line_is_found() {
    let site = book();
    let seq = line_of(&site, "group-7");
    sql(
        &site.database_url,
        &format!("delete from audit where seq = {seq}"),
    );
    finds(&site, seq);
}

#[test]
fn lines_in_another_order_are_found() {
    let site = book();
    let seq = line_of(&site, "group-7");
    let next = seq + 1;
    sql(
        &site.database_url,
        &format!(
            "update audit set seq = -1 where seq = {seq}; update audit set seq = {seq} where seq = {next}; \
             update audit set seq = {next} where seq = -1"
        ),
    );
    finds(&site, seq);
}

#[test]
fn a_tail_that_was_cut_off_is_found() {
    let site = book();
    let seq = line_of(&site, "group-15");
    sql(
        &site.database_url,
        &format!("delete from audit where seq > {seq}"),
    );
    let done = site.cli(&["audit", "verify"]).done();
    assert_eq!(
        done.code,
        Some(1),
        "the sealed head tells of lines that are gone: {done}"
    );
}

#[test]
fn the_book_is_filtered_by_action_person_and_time() {
    let site = Site::new(Database::Sqlite, "");
    site.ok(&["user", "add", "alice"]);
    site.ok(&["user", "add", "bob"]);
    site.ok(&["user", "disable", "bob"]);
    assert_eq!(site.list(&["audit", "list", "--action", "user.added"]).len(), 2);
    assert_eq!(site.list(&["audit", "list", "--user", "bob"]).len(), 2);
    assert_eq!(site.list(&["audit", "list", "--since", "2099-01-01"]).len(), 0);
    assert_eq!(site.list(&["audit", "list", "--limit", "1"]).len(), 1);
    let event = &site.list(&["audit", "list", "--action", "user.disabled"])[0];
    for field in ["seq", "time", "action", "actor", "user", "outcome", "hash"] {
        assert!(!event[field].is_null(), "{field} is missing: {event}");
    }
}

#[test]
fn the_head_is_written_beside_the_book_and_can_be_compared() {
    let mut site = Site::new(Database::Sqlite, "");
    site.ok(&["user", "add", "alice"]);
    site.serve();
    site.take_node().terminate();
    let path = site.data_dir().join("audit.head");
    let head = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    site.ok(&["audit", "verify", "--head", head.trim()]);
    let wrong: String = head.trim().chars().rev().collect();
    let done = site.cli(&["audit", "verify", "--head", &wrong]).done();
    assert_ne!(done.code, Some(0), "a head that is none was accepted: {done}");
}

#[test]
fn a_node_raises_the_alarm_over_a_book_that_was_cut_off_and_does_not_seal_it() {
    let mut site = book();
    site.serve();
    site.take_node().terminate();
    let head = site.data_dir().join("audit.head");
    let before = std::fs::read_to_string(&head).unwrap();
    let seq = line_of(&site, "group-15");
    sql(
        &site.database_url,
        &format!("delete from audit where seq > {seq}"),
    );
    site.serve();
    let event = site.audited("audit.broken", |event| event["detail"]["kind"] == "cut_off");
    assert_eq!(event["outcome"], "failed");
    assert_eq!(event["detail"]["checked"], "new lines");
    let alerts = site.list(&["alert", "list", "--kind", "audit_broken"]);
    assert_eq!(alerts[0]["event"]["seq"], event["seq"]);
    site.take_node().terminate();
    assert_eq!(std::fs::read_to_string(&head).unwrap(), before, "the proof stays");
}
