//! Where forwards may lead.

use gatehouse_model::{ForwardDestination, PolicyId, Protocol, Right, ServerId, SourceAddr, UserId};
use gatehouse_policy::{ForwardRefusal, PolicyTarget, Subject, decide_forward, may_reach};

use crate::world::{World, at};

const NOW: &str = "2026-06-03 10:00";

fn me() -> SourceAddr {
    "10.0.0.1".parse().unwrap()
}

/// Asks for a forward of ann's session on web.
fn ask(world: &World, host: &str, port: u16) -> Result<Option<PolicyId>, ForwardRefusal> {
    let grant = world.allowed(NOW);
    decide_forward(
        &world.build(),
        &grant,
        me(),
        &ForwardDestination::new(host, port),
        at(NOW),
    )
    .map(|permit| permit.policy)
}

fn refusal(world: &World, host: &str, port: u16) -> String {
    ask(world, host, port).unwrap_err().to_string()
}

fn with_rules(destinations: &[&str], blocked: &[&str]) -> World {
    let mut world = World::small();
    let rules = world.grant_ann();
    rules.rights = vec![Right::ForwardLocal];
    rules.destinations = destinations.iter().map(|rule| rule.parse().unwrap()).collect();
    rules.blocked_ports = blocked.iter().map(|ports| ports.parse().unwrap()).collect();
    world
}

#[test]
fn without_the_right_nothing_is_forwarded() {
    let mut world = World::small();
    world.grant_ann().rights = vec![Right::ForwardRemote, Right::Agent];
    assert_eq!(
        refusal(&world, "db", 5432),
        "forwarding to db:5432 is refused: none of your grants for this server carries the right forward_local"
    );
}

#[test]
fn without_lists_everything_but_blocked_ports_is_allowed() {
    let world = with_rules(&[], &["25", "6000-6100"]);
    assert_eq!(ask(&world, "anything.example", 80), Ok(Some(PolicyId(1))));
    assert_eq!(ask(&world, "192.0.2.1", 443), Ok(Some(PolicyId(1))));
    assert_eq!(
        refusal(&world, "mail", 25),
        "forwarding to mail:25 is refused: grant #1 blocks port 25"
    );
    assert!(ask(&world, "x", 6050).is_err());
}

#[test]
fn addresses_match_address_rules_and_names_match_name_rules() {
    let world = with_rules(&["10.5.0.0/16:5432", "*.db.example:5432", "fd00::/64"], &[]);
    for (host, port) in [
        ("10.5.1.1", 5432),
        ("10.5.257", 5432),
        ("0x0a050101", 5432),
        ("::ffff:10.5.1.1", 5432),
    ] {
        assert_eq!(ask(&world, host, port), Ok(Some(PolicyId(1))), "{host}");
    }
    assert_eq!(ask(&world, "A.DB.Example.", 5432), Ok(Some(PolicyId(1))));
    assert_eq!(ask(&world, "fd00:0:0::9", 1), Ok(Some(PolicyId(1))));
    for (host, port) in [
        ("10.5.1.1", 5433),
        ("10.6.0.1", 5432),
        ("a.db.example", 80),
        ("db.example", 5432),
    ] {
        assert!(ask(&world, host, port).is_err(), "{host}:{port}");
    }
    assert_eq!(
        refusal(&world, "internal\x1b[2J", 5432),
        "forwarding to internal [2j:5432 is refused: grant #1 allows forwards to 10.5.0.0/16:5432, *.db.example:5432, \
         fd00::/64 only; give the address instead of a name"
    );
    assert!(!refusal(&world, "10.6.0.1", 1).contains("give the address"));
    let names_only = with_rules(&["*.example"], &[]);
    assert!(
        ask(&names_only, "10.0.0.9", 80).is_err(),
        "what is not listed is refused"
    );
}

#[test]
fn lists_of_several_policies_are_not_mixed() {
    let mut world = with_rules(&["db.example"], &["22-79", "81-65535"]);
    let second = world.grant_ann();
    second.rights = vec![Right::ForwardLocal];
    second.destinations = vec!["mail.example:25".parse().unwrap()];
    assert_eq!(ask(&world, "db.example", 80), Ok(Some(PolicyId(1))));
    assert_eq!(ask(&world, "mail.example", 25), Ok(Some(PolicyId(2))));
    assert!(matches!(
        ask(&world, "db.example", 25),
        Err(ForwardRefusal::BlockedPort {
            policy: PolicyId(1),
            ..
        })
    ));
    assert!(matches!(
        ask(&world, "mail.example", 80),
        Err(ForwardRefusal::NotListed { .. })
    ));
}

#[test]
fn rights_of_the_person_know_no_limits() {
    let mut world = with_rules(&["db.example"], &["25"]);
    world.rows.user_rights.push((UserId(1), Right::ForwardLocal));
    assert_eq!(ask(&world, "mail.example", 25), Ok(None));
}

#[test]
fn a_registered_servers_own_ports_need_access_to_it() {
    let mut world = with_rules(&[], &[]);
    let db = world.server("db", "10.9.0.2");
    let named = world.server("erp", "erp.example.com");
    world.rows.servers[2].services = vec![(Protocol::Rdp, 3390)];
    world.allocate("127.0.20.2", db, None);
    for host in ["10.9.0.2", "10.9.2", "db", "DB.", "127.0.20.2"] {
        let text = refusal(&world, host, 22);
        assert!(
            text.ends_with("that is SSH of the server db, which you may not reach now"),
            "{host}: {text}"
        );
    }
    assert!(refusal(&world, "erp.example.com", 3390).contains("RDP of the server erp"));
    assert_eq!(
        ask(&world, "10.9.0.2", 5432),
        Ok(Some(PolicyId(1))),
        "another port of it is no service"
    );
    assert_eq!(ask(&world, "erp.example.com", 3389), Ok(Some(PolicyId(1))));

    world
        .grant(Subject::User(UserId(1)), PolicyTarget::Server(db))
        .end = Some(at("2026-06-03 12:00"));
    let permit = decide_forward(
        &world.build(),
        &world.allowed(NOW),
        me(),
        &ForwardDestination::new("10.9.0.2", 22),
        at(NOW),
    );
    assert_eq!(
        permit.unwrap().ask_again,
        Some(at("2026-06-03 12:00")),
        "when the access to db ends"
    );
    let directory = world.build();
    assert!(may_reach(&directory, me(), db, at(NOW)) && !may_reach(&directory, me(), named, at(NOW)));
    assert!(!may_reach(&directory, me(), ServerId(99), at(NOW)));
}

#[test]
fn the_servers_own_loopback_is_the_server() {
    let mut world = with_rules(&[], &[]);
    world.rows.policies[0].rules.protocol = Some(Protocol::Ssh);
    world.rows.servers[0].services.push((Protocol::Rdp, 3389));
    for host in [
        "localhost",
        "127.0.0.1",
        "127.1",
        "::1",
        "0.0.0.0",
        "x.localhost",
        "10.9.0.1",
        "web",
    ] {
        assert!(
            ask(&world, host, 22).is_ok(),
            "{host}: SSH to it is allowed anyway"
        );
        assert!(
            refusal(&world, host, 3389).contains("RDP of the server web"),
            "{host}"
        );
    }
}
