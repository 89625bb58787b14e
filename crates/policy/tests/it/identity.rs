//! Who somebody is, what something is, and groups.

use gatehouse_model::{PolicyId, ServerId, SourceAddr, UserId};
use gatehouse_policy::{
    BlockReach, BuildError, Decision, Destination, Directory, PolicyTarget, Reason, Request, Subject, decide,
    decide_again, decide_user,
};

use crate::world::{World, allowed, at, denied, range, request};

const NOW: &str = "2026-06-03 10:00";

fn from(source: &str) -> Request {
    Request {
        source: source.parse().unwrap(),
        ..request(NOW)
    }
}

#[test]
fn the_most_specific_range_wins_active_or_not() {
    let mut world = World::small();
    world.grant_ann();
    world.source(UserId(1), "10.1.0.0/16");
    let bob = world.user("bob");
    world.source(bob, "10.1.2.0/24").active = false;
    world.source(bob, "fd00::/64");
    world.source(UserId(1), "fd00::7");
    assert_eq!(allowed(world.decide(&from("10.1.9.9"))).user, UserId(1));
    let denial = denied(world.decide(&from("10.1.2.3")));
    assert_eq!(
        (denial.reason, denial.user),
        (Reason::UserInactive, Some(bob)),
        "never the wider range's person"
    );
    assert_eq!(allowed(world.decide(&from("fd00::7"))).user, UserId(1));
    assert_eq!(denied(world.decide(&from("fd00::8"))).user, Some(bob));
    assert_eq!(
        allowed(world.decide(&from("::ffff:10.1.9.9"))).user,
        UserId(1),
        "IPv4 in IPv6 clothes"
    );
    let owner = world.build().source_owner("10.1.2.3".parse().unwrap()).unwrap();
    assert_eq!(
        (owner.user, owner.range, owner.active),
        (bob, range("10.1.2.0/24"), false)
    );
}

#[test]
fn one_range_cannot_have_two_holders() {
    let mut world = World::small();
    let bob = world.user("bob");
    world.source(bob, "10.0.0.1");
    let error = Directory::build(world.rows.clone(), world.settings.clone()).unwrap_err();
    assert_eq!(error, BuildError::Twice("address 10.0.0.1".into()));
}

#[test]
fn rows_that_point_nowhere_are_named() {
    let mut world = World::small();
    world.grant(Subject::User(UserId(9)), PolicyTarget::Server(ServerId(1)));
    let error = Directory::build(world.rows.clone(), world.settings.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "policy 1 refers to user 9, which does not exist; the store is damaged"
    );
    world.rows.policies.clear();
    world.settings.default_zone = "Europe/Warsav".into();
    let error = Directory::build(world.rows.clone(), world.settings.clone()).unwrap_err();
    assert!(
        error.to_string().contains("did you mean Europe/Warsaw?"),
        "{error}"
    );
}

#[test]
fn grants_to_groups_hold_for_everything_below() {
    let mut world = World::small();
    let staff = world.user_group("staff", None);
    let ops = world.user_group("ops", Some(staff));
    let night = world.user_group("night", Some(ops));
    let all = world.server_group("all", None);
    let prod = world.server_group("prod", Some(all));
    world.rows.user_members.push((ops, UserId(1)));
    world.rows.server_members.push((prod, ServerId(1)));
    world.grant(Subject::Group(staff), PolicyTarget::Group(all));
    world.grant(Subject::Group(ops), PolicyTarget::Group(prod));
    world.grant(Subject::Group(night), PolicyTarget::Group(all));
    world.grant(Subject::User(UserId(1)), PolicyTarget::Server(ServerId(1)));
    assert_eq!(
        world.allowed(NOW).policies,
        [PolicyId(1), PolicyId(2), PolicyId(4)],
        "not that of the group below"
    );
    let directory = world.build();
    let names = directory
        .user_group_ancestors(night)
        .iter()
        .map(|group| group.name.to_string())
        .collect::<Vec<_>>();
    assert_eq!(names, ["night", "ops", "staff"]);
    assert_eq!(directory.groups_of_server(ServerId(1))[0].id, prod);
    assert_eq!(
        directory.policy_parties(PolicyId(3)),
        Some((Subject::Group(night), PolicyTarget::Group(all)))
    );
}

#[test]
fn the_pool_is_known() {
    let mut world = World::small();
    world.allocate("127.0.99.1", ServerId(1), None);
    let directory = world.build();
    for (address, belongs) in [("127.0.20.77", true), ("127.0.99.1", true), ("127.0.99.2", false)] {
        assert_eq!(
            directory.is_pool_address(address.parse().unwrap()),
            belongs,
            "{address}"
        );
    }
    assert!(directory.is_pool_address("::ffff:127.0.20.77".parse().unwrap()));
    assert_eq!(
        directory
            .allocation_of("127.0.20.1".parse().unwrap())
            .unwrap()
            .server,
        ServerId(1)
    );
    assert_eq!(directory.allocations_of(ServerId(1)).len(), 2);
    assert_eq!(
        directory
            .server_at_proxy("127.0.20.1".parse().unwrap(), at(NOW))
            .unwrap()
            .name
            .as_str(),
        "web"
    );
}

#[test]
fn a_session_stays_with_its_person_and_its_server() {
    let mut world = World::small();
    world.grant_ann();
    let bob = world.user("bob");
    let other = world.server("other", "10.9.0.2");
    world.grant(Subject::User(bob), PolicyTarget::Server(ServerId(1)));
    world.grant(Subject::User(UserId(1)), PolicyTarget::Server(other));
    let proxy = "127.0.20.1".parse().unwrap();
    let again = Request {
        destination: Destination::ServerAt(ServerId(1), proxy),
        ..request(NOW)
    };
    assert_eq!(
        allowed(decide_again(&world.build(), UserId(1), &again)).policies,
        [PolicyId(1)]
    );

    let mut moved = world.clone();
    moved.rows.sources[0].user = bob;
    assert_eq!(
        allowed(moved.decide(&again)).user,
        bob,
        "a new connection would be bob's"
    );
    assert_eq!(
        denied(decide_again(&moved.build(), UserId(1), &again)).reason,
        Reason::UnknownSource
    );

    let mut given_away = world.clone();
    given_away.rows.allocations[0].server = other;
    assert_eq!(
        denied(decide_again(&given_away.build(), UserId(1), &again)).reason,
        Reason::UnknownDestination
    );
}

#[test]
fn a_block_of_new_connections_spares_what_was_let_in() {
    let mut world = World::small();
    world.grant_ann();
    world.block("10.0.0.1", Some("2026-06-04"));
    let server = Request {
        destination: Destination::Server(ServerId(1)),
        ..request(NOW)
    };
    let again = |world: &World| decide_again(&world.build(), UserId(1), &server);
    assert_eq!(denied(again(&world)).reason, Reason::SourceBlocked);
    world.rows.blocks[0].reach = BlockReach::NewConnections;
    assert_eq!(denied(world.decide(&server)).reason, Reason::SourceBlocked);
    assert_eq!(allowed(again(&world)).policies, [PolicyId(1)]);
    // One block among several that ends everything does.
    world.block("10.0.0.0/8", None);
    assert_eq!(denied(again(&world)).reason, Reason::SourceBlocked);
}

#[test]
fn a_network_of_64_bits_is_divided_if_something_narrower_is_registered_in_it() {
    let mut world = World::small();
    world.source(UserId(1), "2001:db8:0:1::7");
    world.source(UserId(1), "2001:db8:0:2::/64");
    let directory = world.build();
    let divided = |text: &str| directory.is_divided(text.parse().unwrap());
    assert!(divided("2001:db8:0:1::99"));
    assert!(!divided("2001:db8:0:2::99"));
    assert!(!divided("2001:db8:0:3::7"));
    assert!(!divided("10.0.0.1"));
}

#[test]
fn a_person_without_a_source_may_use_what_any_of_their_addresses_may() {
    let mut world = World::small();
    world.grant_ann().from = Some(range("10.0.0.0/24"));
    world.grant_ann().from = Some(range("10.0.9.0/24"));
    world.block("10.0.0.1", None);
    let ask = |world: &World| {
        let web = Destination::Server(ServerId(1));
        decide_user(
            &world.build(),
            UserId(1),
            &web,
            gatehouse_model::Protocol::Ssh,
            None,
            at(NOW),
        )
    };
    assert_eq!(allowed(ask(&world)).policies, [PolicyId(1)]);
    world.rows.sources[0].active = false;
    assert_eq!(denied(ask(&world)).reason, Reason::NoMatchingPolicy);
    let nobody = Destination::Server(ServerId(1));
    let directory = world.build();
    let decision = decide_user(
        &directory,
        UserId(77),
        &nobody,
        gatehouse_model::Protocol::Ssh,
        None,
        at(NOW),
    );
    assert_eq!(denied(decision).reason, Reason::UnknownSource);
}

#[test]
fn a_policy_bound_to_a_source_is_for_that_source() {
    let mut world = World::small();
    world.source(UserId(1), "10.0.0.2");
    world.grant_ann().from = Some(range("10.0.0.2"));
    assert_eq!(
        denied(world.decide(&from("10.0.0.1"))).reason,
        Reason::NoMatchingPolicy
    );
    assert_eq!(allowed(world.decide(&from("10.0.0.2"))).policies, [PolicyId(1)]);
}

#[test]
fn the_same_question_gets_the_same_answer() {
    let mut world = World::small();
    world.grant_ann();
    let (one, other) = (world.build(), world.build());
    let source: SourceAddr = "10.0.0.1".parse().unwrap();
    for request in [
        from("10.0.0.1"),
        from("10.0.0.9"),
        Request {
            source,
            ..request("2025-01-01")
        },
    ] {
        let answer: Decision = decide(&one, &request);
        assert_eq!(answer, decide(&other, &request));
    }
}
