//! Each reason, its sentence, and the next moment.

use gatehouse_model::{PolicyId, Protocol, ServerId, UserId};
use gatehouse_policy::{Destination, PolicyTarget, Reason, Request, Subject, Waiting};

use crate::world::{World, allowed, at, denied, range, request};

const NOW: &str = "2026-06-03 10:00";
const ASK: &str = "\nAsk security@example.com.";
const CURL: &str = "\nAsk security@example.com, or: curl https://jump:5000/p/request/ssh/web";

#[test]
fn source_blocked() {
    let mut world = World::small();
    world.grant_ann();
    world.block("10.0.0.0/24", Some("2026-06-03 11:00"));
    world.block("10.0.0.1", Some("2026-06-03 12:30:15"));
    world.block("10.0.0.0/8", Some("2026-06-01"));
    let denial = world.denied(NOW);
    assert_eq!(denial.reason, Reason::SourceBlocked);
    assert_eq!(denial.user, Some(UserId(1)), "for the book");
    assert_eq!(denial.next, Waiting::Until(at("2026-06-03 12:30:15")));
    assert_eq!(
        denial.sentence,
        "Connections from your address 10.0.0.1 are blocked until Wed 2026-06-03 14:30:15 Europe/Warsaw (12:30:15 \
         UTC).\nYou will be allowed from Wed 2026-06-03 14:30:15 Europe/Warsaw (12:30:15 UTC).\
         \nAsk security@example.com."
    );
    world.block("10.0.0.0/16", None);
    let denial = world.denied(NOW);
    assert_eq!(denial.next, Waiting::Never);
    assert_eq!(
        denial.sentence,
        format!("Connections from your address 10.0.0.1 are blocked.{ASK}")
    );
    assert!(
        world
            .build()
            .is_blocked("::ffff:10.0.0.1".parse().unwrap(), at(NOW))
    );
}

#[test]
fn unknown_source_learns_the_own_address_and_the_contact() {
    let mut world = World::small();
    world.grant_ann();
    let stranger = Request {
        source: "192.0.2.9".parse().unwrap(),
        ..request(NOW)
    };
    let denial = denied(world.decide(&stranger));
    assert_eq!(
        (denial.reason, denial.user, denial.server),
        (Reason::UnknownSource, None, Some(ServerId(1)))
    );
    assert_eq!(
        denial.sentence,
        format!("Your address 192.0.2.9 is not registered here.{ASK}")
    );
    assert_eq!(denial.next, Waiting::Never);
    world.block("192.0.2.0/24", Some("2026-06-04"));
    let denial = denied(world.decide(&stranger));
    assert_eq!(denial.reason, Reason::SourceBlocked);
    assert_eq!(
        denial.sentence,
        format!(
            "Connections from your address 192.0.2.9 are blocked until Thu 2026-06-04 02:00 Europe/Warsaw (00:00 \
             UTC).{ASK}"
        )
    );
}

#[test]
fn user_inactive_by_account_or_by_address() {
    let mut world = World::small();
    world.grant_ann();
    world.rows.users[0].active = false;
    let denial = world.denied(NOW);
    assert_eq!(denial.reason, Reason::UserInactive);
    assert_eq!(
        denial.sentence,
        format!("The account that your address 10.0.0.1 belongs to is switched off.{ASK}")
    );
    world.rows.users[0].active = true;
    world.rows.sources[0].active = false;
    let denial = world.denied(NOW);
    assert_eq!(denial.reason, Reason::UserInactive);
    assert_eq!(
        denial.sentence,
        format!("Your address 10.0.0.1 is switched off.{ASK}")
    );
}

#[test]
fn user_locked() {
    let mut world = World::small();
    world
        .grant_ann()
        .schedules
        .push("08:00-11:00 UTC".parse().unwrap());
    world.lock_user(0, Some("2026-06-03 12:00"), Some("laptop \x1b[31mlost\u{202e}"));
    let denial = world.denied(NOW);
    assert_eq!(denial.reason, Reason::UserLocked);
    assert_eq!(
        denial.next,
        Waiting::Until(at("2026-06-04 08:00")),
        "the lock's end lies outside the schedule"
    );
    assert_eq!(
        denial.sentence,
        "Your account ann is locked until Wed 2026-06-03 14:00 Europe/Warsaw (12:00 UTC) (laptop  [31mlost ).\
         \nYou will be allowed from Thu 2026-06-04 08:00 UTC.\nAsk security@example.com."
    );
    world.lock_user(0, None, None);
    let denial = world.denied(NOW);
    assert_eq!(denial.sentence, format!("Your account ann is locked.{ASK}"));
    assert_eq!(denial.next, Waiting::Never);
    world.lock_user(0, Some(NOW), None);
    assert_eq!(world.allowed(NOW).user, UserId(1), "a lock's end is exclusive");
}

#[test]
fn unknown_destination() {
    let mut world = World::small();
    world.grant_ann();
    let ask = |world: &World, destination| {
        denied(world.decide(&Request {
            destination,
            ..request(NOW)
        }))
    };
    let denial = ask(&world, Destination::Proxy("127.0.20.9".parse().unwrap()));
    assert_eq!((denial.reason, denial.server), (Reason::UnknownDestination, None));
    assert_eq!(
        denial.sentence,
        format!("The address 127.0.20.9 leads to no server.{ASK}")
    );

    let denial = ask(&world, Destination::Named("we\x1b[b".into()));
    assert_eq!(
        denial.sentence,
        format!("No server here has the name or address \"we [b\".{ASK}")
    );

    let denial = ask(&world, Destination::Named(String::new()));
    assert_eq!(
        denial.sentence,
        format!("No server was named; log in as LOGIN@SERVER, such as root@web01.{ASK}")
    );

    world.server("twin", "10.9.0.1");
    let denial = ask(&world, Destination::Named("10.9.0.1".into()));
    assert_eq!(
        denial.sentence,
        format!("Several servers have the address 10.9.0.1; name the one that you mean.{ASK}")
    );

    world.rows.allocations[0].until = Some(at("2026-06-03 11:00"));
    let grant = world.allowed(NOW);
    assert_eq!(
        (grant.until, grant.next_change),
        (Some(at("2026-06-03 11:00")), Some(at("2026-06-03 11:00")))
    );
    assert_eq!(
        world.denied("2026-06-03 11:00").reason,
        Reason::UnknownDestination
    );

    let denial = ask(
        &world,
        Destination::ServerAt(ServerId(2), "127.0.20.1".parse().unwrap()),
    );
    assert_eq!(denial.reason, Reason::UnknownDestination);
    assert_eq!(
        denial.sentence,
        format!("The address 127.0.20.1 does not lead to twin any more.{ASK}")
    );
}

#[test]
fn a_server_is_named_by_name_or_address() {
    let mut world = World::small();
    world.grant_ann();
    world.server("db", "db.Example.com");
    world.grant(Subject::User(UserId(1)), PolicyTarget::Server(ServerId(2)));
    for (name, server) in [
        ("WEB", 1),
        ("10.9.0.1", 1),
        ("::ffff:10.9.0.1", 1),
        ("DB", 2),
        ("db.example.com.", 2),
    ] {
        let destination = Destination::Named(name.into());
        let grant = allowed(world.decide(&Request {
            destination,
            ..request(NOW)
        }));
        assert_eq!(grant.server, ServerId(server), "{name}");
    }
}

#[test]
fn server_inactive_and_server_locked() {
    let mut world = World::small();
    world.grant_ann();
    world.lock_server(0, Some("2026-06-03 12:00"), Some("maintenance"));
    let denial = world.denied(NOW);
    assert_eq!(
        (denial.reason, denial.next),
        (Reason::ServerLocked, Waiting::Until(at("2026-06-03 12:00")))
    );
    assert!(
        denial
            .sentence
            .starts_with("The server web is locked until Wed 2026-06-03 14:00"),
        "{}",
        denial.sentence
    );
    assert!(denial.sentence.contains("(maintenance)."), "{}", denial.sentence);
    world.rows.servers[0].active = false;
    let denial = world.denied(NOW);
    assert_eq!(
        (denial.reason, denial.next),
        (Reason::ServerInactive, Waiting::Never)
    );
    assert_eq!(denial.sentence, format!("The server web is switched off.{ASK}"));
}

#[test]
fn two_locks_open_when_the_later_one_ends() {
    let mut world = World::small();
    world.grant_ann();
    world.lock_user(0, Some("2026-06-03 11:00"), None);
    world.lock_server(0, Some("2026-06-03 12:00"), None);
    let denial = world.denied(NOW);
    assert_eq!(
        (denial.reason, denial.next),
        (Reason::UserLocked, Waiting::Until(at("2026-06-03 12:00")))
    );
    world.rows.allocations[0].until = Some(at("2026-06-03 12:00"));
    assert_eq!(
        world.denied(NOW).next,
        Waiting::Never,
        "the proxy address is given back by then"
    );
}

#[test]
fn protocol_not_offered() {
    let mut world = World::small();
    world.grant_ann();
    let rdp = Request {
        protocol: Protocol::Rdp,
        ..request(NOW)
    };
    let denial = denied(world.decide(&rdp));
    assert_eq!(denial.reason, Reason::ProtocolNotOffered);
    assert_eq!(
        denial.sentence,
        format!("The server web does not offer RDP; it offers SSH.{ASK}")
    );
}

#[test]
fn no_matching_policy() {
    let mut world = World::small();
    let denial = world.denied(NOW);
    assert_eq!(
        (denial.reason, denial.policies.len()),
        (Reason::NoMatchingPolicy, 0)
    );
    assert_eq!(
        denial.sentence,
        format!("You have no grant for web over SSH.{CURL}")
    );

    world.grant_ann();
    world.rows.policies[0].revoked_at = Some(at("2026-02-01"));
    assert_eq!(world.denied(NOW).sentence, denial.sentence, "revoked is absent");

    world.grant_ann().from = Some(range("10.0.7.0/24"));
    assert_eq!(
        world.denied(NOW).sentence,
        format!("Your grant for web does not fit: #2 is for connections from 10.0.7.0/24 only.{CURL}")
    );
    world.grant_ann().protocol = Some(Protocol::Rdp);
    let denial = world.denied(NOW);
    assert_eq!(
        (denial.reason, denial.policies),
        (Reason::NoMatchingPolicy, vec![PolicyId(2), PolicyId(3)])
    );
    assert_eq!(
        denial.sentence,
        format!(
            "Your grants for web do not fit: #2 is for connections from 10.0.7.0/24 only; #3 is for RDP only.{CURL}"
        )
    );
}

#[test]
fn not_yet_valid_and_expired() {
    let mut world = World::small();
    world.grant_ann().end = Some(at("2026-06-01"));
    world.grant_ann().end = Some(at("2026-06-02 22:30"));
    let denial = world.denied(NOW);
    assert_eq!(
        (denial.reason, denial.since),
        (Reason::Expired, Some(at("2026-06-02 22:30")))
    );
    assert_eq!(denial.policies, [PolicyId(1), PolicyId(2)]);
    assert_eq!(
        denial.sentence,
        format!(
            "Your grant #2 for web ended Wed 2026-06-03 00:30 Europe/Warsaw (2026-06-02 22:30 UTC).{CURL}"
        )
    );
    world.grant_ann().end = Some(at("2026-06-02 22:30"));
    let both = world.denied(NOW).sentence;
    assert!(
        both.starts_with("Your grants #2 and #3 for web ended Wed"),
        "{both}"
    );
    let coming = world.grant_ann();
    coming.start = at("2026-06-05 12:00");
    coming
        .schedules
        .push("Mon-Fri 08:00-16:00 America/New_York".parse().unwrap());
    let denial = world.denied(NOW);
    assert_eq!((denial.reason, denial.since), (Reason::NotYetValid, None));
    assert_eq!(denial.next, Waiting::Until(at("2026-06-05 12:00")));
    assert_eq!(
        denial.sentence,
        format!(
            "Your grant #4 for web begins Fri 2026-06-05 08:00 America/New_York (12:00 UTC).\
             \nYou will be allowed from Fri 2026-06-05 08:00 America/New_York (12:00 UTC).{CURL}"
        )
    );
    assert_eq!(world.denied("2026-06-05 11:59").reason, Reason::NotYetValid);
    assert_eq!(world.allowed("2026-06-05 12:00").policies, [PolicyId(4)]);
}

#[test]
fn outside_schedule() {
    let mut world = World::small();
    let rules = world.grant_ann();
    rules.schedules = vec![
        "Mon-Fri 08:00-11:00".parse().unwrap(),
        "Sat 10:00-12:00 UTC".parse().unwrap(),
    ];
    let denial = world.denied(NOW);
    assert_eq!(
        (denial.reason, denial.next),
        (Reason::OutsideSchedule, Waiting::Until(at("2026-06-04 06:00")))
    );
    assert_eq!(
        denial.sentence,
        format!(
            "Your access to web is limited in time: Mon-Fri 08:00-11:00 Europe/Warsaw, Sat 10:00-12:00 UTC (grant \
             #1).\nYou will be allowed from Thu 2026-06-04 08:00 Europe/Warsaw (06:00 UTC).{CURL}"
        )
    );
    world.rows.policies[0].rules.end = Some(at("2026-06-04 06:00"));
    assert_eq!(
        world.denied(NOW).next,
        Waiting::Never,
        "the policy ends before its next window"
    );
}

#[test]
fn login_not_allowed() {
    let mut world = World::small();
    world.grant_ann().logins = vec!["www".parse().unwrap(), "deploy".parse().unwrap()];
    let root = |time| Request {
        login: Some("root".parse().unwrap()),
        ..request(time)
    };
    let denial = denied(world.decide(&root(NOW)));
    assert_eq!(
        (denial.reason, denial.next),
        (Reason::LoginNotAllowed, Waiting::Never)
    );
    assert_eq!(
        denial.sentence,
        "The login \"root\" is not among those of your grants for web: deploy, www.\
         \nAsk security@example.com, or: curl 'https://jump:5000/p/request/ssh/web?login=root'"
    );
    assert_eq!(
        world.allowed(NOW).policies,
        [PolicyId(1)],
        "before the login is known the step is skipped"
    );
    let www = Request {
        login: Some("www".parse().unwrap()),
        ..request(NOW)
    };
    assert_eq!(allowed(world.decide(&www)).policies, [PolicyId(1)]);

    let later = world.grant_ann();
    later.logins = vec!["root".parse().unwrap()];
    later.start = at("2026-06-05");
    let denial = denied(world.decide(&root(NOW)));
    assert_eq!(denial.reason, Reason::LoginNotAllowed, "the last step reached");
    assert_eq!(denial.next, Waiting::Until(at("2026-06-05")));

    // Lists of logins are SSH's.
    world.rows.servers[0].services.push((Protocol::Rdp, 3389));
    let rdp = Request {
        protocol: Protocol::Rdp,
        ..root(NOW)
    };
    assert_eq!(allowed(world.decide(&rdp)).policies, [PolicyId(1)]);
}

#[test]
fn the_reason_is_that_of_the_last_step_reached() {
    let mut world = World::small();
    world.grant_ann().protocol = Some(Protocol::Rdp);
    assert_eq!(world.denied(NOW).reason, Reason::NoMatchingPolicy);
    world.grant_ann().end = Some(at("2026-02-01"));
    assert_eq!(world.denied(NOW).reason, Reason::Expired);
    world.grant_ann().start = at("2026-12-01");
    assert_eq!(world.denied(NOW).reason, Reason::NotYetValid);
    world.grant_ann().schedules.push("Sun".parse().unwrap());
    assert_eq!(world.denied(NOW).reason, Reason::OutsideSchedule);
    assert_eq!(world.denied(NOW).policies, [PolicyId(4)]);
    world.grant_ann();
    assert_eq!(world.allowed(NOW).policies, [PolicyId(5)]);
}

#[test]
fn names_in_addresses_of_pages_are_escaped() {
    let mut world = World::small();
    world.rows.servers[0].name = "Ünal".parse().unwrap();
    let denial = world.denied(NOW);
    assert!(
        denial.sentence.ends_with("/p/request/ssh/%C3%9Cnal"),
        "{}",
        denial.sentence
    );
    world.settings.public_url = None;
    assert!(world.denied(NOW).sentence.ends_with(ASK));
    world.settings.contact = "x\x1b]0;y\x07".into();
    assert!(world.denied(NOW).sentence.ends_with("\nAsk x ]0;y ."));
}
