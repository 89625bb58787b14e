//! Each limit: what is within it, what happens beyond it, and whom it never touches.

use gatehouse_model::{Role, UserId};
use gatehouse_policy::{BlockReach, BlockRow, DirectoryRows, DirectorySettings, SourceRow, UserRow};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_770_000_000 + seconds).unwrap()
}

fn source(text: &str) -> SourceAddr {
    text.parse().unwrap()
}

/// alice has 10.0.0.0/24 and 2001:db8:0:1::7; bob, who is switched off, has 10.0.1.1.
fn rows() -> DirectoryRows {
    let user = |id, name: &str, active| UserRow {
        id: UserId(id),
        name: name.parse().unwrap(),
        email: None,
        active,
        lock: None,
        role: Role::User,
    };
    let address = |id, text: &str| SourceRow {
        user: UserId(id),
        range: text.parse().unwrap(),
        active: true,
    };
    DirectoryRows {
        users: vec![user(1, "alice", true), user(2, "bob", false)],
        sources: vec![
            address(1, "10.0.0.0/24"),
            address(1, "2001:db8:0:1::7"),
            address(1, "2001:db8:0:2::/64"),
            address(2, "10.0.1.1"),
        ],
        ..DirectoryRows::default()
    }
}

fn directory() -> Directory {
    Directory::build(rows(), DirectorySettings::default()).unwrap()
}

fn guard() -> Guard {
    Guard::new(GuardSettings {
        exempt: vec!["10.7.0.0/16".parse().unwrap()],
        ..GuardSettings::default()
    })
}

const ALICE: &str = "10.0.0.5";
const STRANGER: &str = "203.0.113.9";

fn deny(guard: &Guard, directory: &Directory, from: &str, count: usize) {
    for _ in 0..count {
        guard.denied(directory, source(from), Reason::NoMatchingPolicy, at(0));
    }
}

#[test]
fn a_source_is_an_address_or_a_network_that_is_not_shared() {
    let (guard, directory) = (guard(), directory());
    for (text, range, standing) in [
        (ALICE, "10.0.0.5", Standing::Known),
        ("::ffff:10.0.0.5", "10.0.0.5", Standing::Known),
        ("10.0.1.1", "10.0.1.1", Standing::Stranger),
        (STRANGER, STRANGER, Standing::Stranger),
        ("10.7.1.2", "10.7.1.2", Standing::Exempt),
        ("2001:db8:0:2::99", "2001:db8:0:2::/64", Standing::Known),
        ("2001:db8:0:3:1:2:3:4", "2001:db8:0:3::/64", Standing::Stranger),
        // Somebody's single address lies in this network: one neighbour's deeds are not another's.
        ("2001:db8:0:1::7", "2001:db8:0:1::7", Standing::Known),
        ("2001:db8:0:1::8", "2001:db8:0:1::8", Standing::Stranger),
    ] {
        let visitor = guard.visitor(&directory, source(text));
        assert_eq!(
            (visitor.range.to_string().as_str(), visitor.standing),
            (range, standing),
            "{text}"
        );
    }
}

#[test]
fn a_burst_of_a_known_source_is_welcome_and_bounded() {
    let (guard, directory) = (guard(), directory());
    let admit = |from: &str, second| guard.admit(&directory, source(from), at(second)).map(|_| ());
    for _ in 0..6_000 {
        admit(ALICE, 0).unwrap();
    }
    assert_eq!(admit(ALICE, 0), Err(Refusal::SourceRate));
    admit("10.0.0.6", 0).unwrap();
    assert_eq!(admit(ALICE, 1), Ok(()), "a hundred are paid back each second");
    for _ in 0..10_000 {
        admit("10.7.0.1", 0).unwrap();
    }
}

#[test]
fn strangers_together_are_bounded_and_known_people_come_in_all_the_same() {
    let (guard, directory) = (guard(), directory());
    let admit = |from: &str| guard.admit(&directory, source(from), at(0)).map(|_| ());
    for n in 0..3_000 {
        admit(&format!("198.51.{}.{}", n / 250, n % 250)).unwrap();
    }
    assert!(guard.offences.limits_due().is_empty());
    assert_eq!(admit(STRANGER), Err(Refusal::StrangerRate));
    assert_eq!(guard.offences.limits_due()[0].0, "stranger_rate");
    admit(ALICE).unwrap();
    admit("10.7.0.1").unwrap();
}

#[test]
fn a_stranger_with_too_many_denials_is_blocked_and_a_known_person_much_later() {
    let (guard, directory) = (guard(), directory());
    let held = |from: &str| guard.is_barred(&directory, source(from), at(0));
    deny(&guard, &directory, STRANGER, 30);
    assert!(!held(STRANGER));
    deny(&guard, &directory, STRANGER, 1);
    assert!(held(STRANGER));
    assert_eq!(
        guard.admit(&directory, source(STRANGER), at(0)),
        Err(Refusal::Blocked)
    );
    let due = guard.offences.due(at(0));
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].range.to_string(), STRANGER);
    assert_eq!(
        due[0].cause,
        "more than 30/10m connections were denied, the last one with no_matching_policy"
    );

    deny(&guard, &directory, ALICE, 600);
    assert!(!held(ALICE));
    deny(&guard, &directory, ALICE, 1);
    assert!(held(ALICE));
    assert!(!held("10.0.0.6"), "another address of hers");
    deny(&guard, &directory, "10.7.0.1", 5_000);
    assert!(!held("10.7.0.1"));
}

#[test]
fn a_network_of_64_bits_counts_as_one_stranger() {
    let (guard, directory) = (guard(), directory());
    for n in 0..31 {
        deny(&guard, &directory, &format!("2001:db8:0:3::{n:x}"), 1);
    }
    assert_eq!(
        guard.offences.due(at(0))[0].range.to_string(),
        "2001:db8:0:3::/64"
    );
    assert!(guard.is_barred(&directory, source("2001:db8:0:3:ffff::1"), at(0)));
}

#[test]
fn too_many_denials_in_all_shut_out_strangers_only() {
    let (guard, directory) = (guard(), directory());
    for n in 0..6_000 {
        deny(&guard, &directory, &format!("198.51.{}.{}", n / 250, n % 250), 1);
    }
    assert_eq!(
        guard.admit(&directory, source(STRANGER), at(0)),
        Err(Refusal::Denials)
    );
    guard.admit(&directory, source(ALICE), at(0)).unwrap();
    let due = guard.offences.limits_due();
    assert_eq!((due.len(), due[0].0), (1, "denials_in_all"));
    guard.offences.limit_written("denials_in_all");
    deny(&guard, &directory, ALICE, 1);
    assert!(guard.offences.limits_due().is_empty(), "told once");
    for _ in 0..200 {
        guard.denied(&directory, source("10.0.0.6"), Reason::Expired, at(601));
    }
    guard.admit(&directory, source(STRANGER), at(601)).unwrap();
}

#[test]
fn failed_logins_block_their_source_and_slow_down_all() {
    let (guard, directory) = (guard(), directory());
    let fail = |from: &str| guard.login_failed(&directory, source(from), at(0)).pause;
    for _ in 0..30 {
        assert_eq!(fail(ALICE), Duration::ZERO);
    }
    assert!(!guard.is_barred(&directory, source(ALICE), at(0)));
    fail(ALICE);
    assert!(guard.is_barred(&directory, source(ALICE), at(0)));
    assert_eq!(
        guard.offences.due(at(0))[0].cause,
        "more than 30/10m logins failed"
    );
    for n in 0..269 {
        assert_eq!(fail(&format!("10.0.0.{}", 10 + n % 200)), Duration::ZERO);
    }
    assert_eq!(fail("10.0.0.250"), SLOWER);
    assert_eq!(guard.offences.limits_due()[0].0, "failed_logins_in_all");
    assert_eq!(fail("10.7.0.1"), Duration::ZERO);
}

#[test]
fn a_blocked_source_is_told_a_few_times_a_minute_and_then_closed() {
    let guard = guard();
    let mut rows = rows();
    rows.blocks = vec![BlockRow {
        range: "10.0.0.0/24".parse().unwrap(),
        until: Some(at(3_600)),
        reach: BlockReach::NewConnections,
    }];
    let directory = Directory::build(rows, DirectorySettings::default()).unwrap();
    let admit = |second| guard.admit(&directory, source(ALICE), at(second)).map(|_| ());
    for _ in 0..5 {
        admit(0).unwrap();
    }
    assert_eq!(admit(0), Err(Refusal::Blocked));
    admit(12).unwrap();
    assert_eq!(admit(12), Err(Refusal::Blocked));
    for _ in 0..1_000 {
        guard.denied(&directory, source(ALICE), Reason::SourceBlocked, at(20));
    }
    assert!(
        guard.offences.due(at(20)).is_empty(),
        "being told is no cause for more"
    );
    admit(3_600).unwrap();
}

#[test]
fn without_steps_nodes_do_not_block() {
    let directory = directory();
    let guard = Guard::new(GuardSettings {
        block: Vec::new(),
        ..GuardSettings::default()
    });
    deny(&guard, &directory, STRANGER, 100);
    assert!(!guard.is_barred(&directory, source(STRANGER), at(0)));
    guard.admit(&directory, source(STRANGER), at(0)).unwrap();
}

#[test]
fn a_block_is_held_in_memory_until_the_directory_has_it() {
    let (guard, directory) = (guard(), directory());
    deny(&guard, &directory, STRANGER, 31);
    let due = guard.offences.due(at(100));
    assert_eq!(due.len(), 1, "however long the database is gone");
    guard.offences.written(&due, at(100));
    assert!(guard.offences.due(at(101)).is_empty());
    let held = |second| guard.is_barred(&directory, source(STRANGER), at(second));
    assert!(held(101));
    assert!(!held(102), "what counts then is the directory");
}

#[test]
fn causes_that_wait_are_bounded() {
    let (guard, directory) = (guard(), directory());
    for n in 0..4_200 {
        let one = Visitor {
            range: format!("10.8.{}.{}", n / 250, n % 250).parse().unwrap(),
            standing: Standing::Stranger,
        };
        guard.offences.push(one.range, "because".to_owned());
    }
    let mut written = 0;
    while let due @ [_, ..] = &guard.offences.due(at(0))[..] {
        written += due.len();
        guard.offences.written(due, at(0));
    }
    assert_eq!(written, 4_096);
    assert!(!guard.is_barred(&directory, source("10.8.16.190"), at(0)));
}
