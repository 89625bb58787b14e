//! Explanations, who-can and reach.

use gatehouse_model::{PolicyId, Protocol, ServerId, UserId};
use gatehouse_policy::{
    Decision, PolicyTarget, Request, Subject, Verdict, decide, explain, explain_user, reach, reach_from,
    who_can,
};

use crate::world::{World, at, range, request};

const NOW: &str = "2026-06-03 10:00";

/// One policy for each step.
fn every_step() -> World {
    let mut world = World::small();
    world.grant_ann();
    world.rows.policies[0].revoked_at = Some(at("2026-02-01"));
    world.grant_ann().from = Some(range("10.7.0.0/16"));
    world.grant_ann().protocol = Some(Protocol::Rdp);
    world.grant_ann().end = Some(at("2026-02-01"));
    world.grant_ann().start = at("2026-07-01");
    world.grant_ann().schedules.push("Sun".parse().unwrap());
    world.grant_ann().logins.push("www".parse().unwrap());
    let staff = world.user_group("staff", None);
    let prod = world.server_group("prod", None);
    world.rows.user_members.push((staff, UserId(1)));
    world.rows.server_members.push((prod, ServerId(1)));
    world.grant(Subject::Group(staff), PolicyTarget::Group(prod));
    let other = world.server("other", "10.9.0.9");
    world.grant(Subject::Group(staff), PolicyTarget::Server(other));
    world
}

#[test]
fn an_explanation_shows_the_step_at_which_each_policy_fell() {
    let world = every_step();
    let root = Request {
        login: Some("root".parse().unwrap()),
        ..request(NOW)
    };
    let directory = world.build();
    let explanation = explain(&directory, &root);
    assert_eq!(explanation.decision, decide(&directory, &root));
    let steps: Vec<_> = explanation
        .considered
        .iter()
        .map(|c| (c.policy.0, c.verdict.step()))
        .collect();
    assert_eq!(
        steps,
        [(1, 3), (2, 4), (3, 4), (4, 5), (5, 5), (6, 6), (7, 7), (8, 0)]
    );
    let words: Vec<_> = explanation.considered.iter().map(|c| c.words.as_str()).collect();
    assert_eq!(
        words,
        [
            "user ann on server web: step 3: revoked",
            "user ann on server web: step 4: for connections from 10.7.0.0/16 only",
            "user ann on server web: step 4: for RDP only",
            "user ann on server web: step 5: ended Sun 2026-02-01 01:00 Europe/Warsaw (00:00 UTC)",
            "user ann on server web: step 5: begins Wed 2026-07-01 02:00 Europe/Warsaw (00:00 UTC)",
            "user ann on server web: step 6: outside Sun",
            "user ann on server web: step 7: for the logins www only",
            "user group staff on server group prod: allows",
        ]
    );
    assert_eq!(explanation.elsewhere, 1);
    let by_person = explain_user(
        &directory,
        UserId(1),
        &gatehouse_policy::Destination::Server(ServerId(1)),
        Protocol::Ssh,
        None,
        at(NOW),
    );
    assert_eq!(
        by_person.considered[6].verdict,
        Verdict::Allows,
        "no login, no step 7"
    );
}

#[test]
fn an_explanation_shows_policies_behind_a_lock_too() {
    let mut world = every_step();
    world.lock_user(0, None, None);
    let explanation = explain(&world.build(), &request(NOW));
    assert!(matches!(&explanation.decision, Decision::Deny(denial) if denial.policies.is_empty()));
    assert_eq!(
        explanation.considered[7].words,
        "user group staff on server group prod: would allow, if it were not for user_locked"
    );
    let stranger = Request {
        source: "192.0.2.1".parse().unwrap(),
        ..request(NOW)
    };
    assert_eq!(explain(&world.build(), &stranger).considered, []);
}

#[test]
fn who_can_names_people_policies_sources_and_ends() {
    let mut world = World::small();
    world.source(UserId(1), "10.0.5.0/24");
    world.source(UserId(1), "10.0.6.1").active = false;
    world.grant_ann().from = Some(range("10.0.5.7"));
    let bob = world.user("Bob");
    world.source(bob, "10.0.0.2");
    world
        .grant(Subject::User(bob), PolicyTarget::Server(ServerId(1)))
        .end = Some(at("2026-06-04"));
    let carl = world.user("carl");
    world.source(carl, "10.0.0.3");
    let blocked = world.user("aaron");
    world.source(blocked, "10.3.0.1");
    world.block("10.3.0.0/16", None);
    world.grant(Subject::User(blocked), PolicyTarget::Server(ServerId(1)));
    let homeless = world.user("zoe");
    world.grant(Subject::User(homeless), PolicyTarget::Server(ServerId(1)));

    let found = who_can(&world.build(), ServerId(1), None, at(NOW));
    assert_eq!(
        found.iter().map(|who| who.user).collect::<Vec<_>>(),
        [UserId(1), bob]
    );
    assert_eq!(
        (found[0].policies.as_slice(), found[0].until),
        (&[PolicyId(1)][..], None)
    );
    assert_eq!(
        found[0].sources,
        [range("10.0.5.7")],
        "cut to the address that the policy is bound to"
    );
    assert_eq!(
        (found[1].until, found[1].sources.as_slice()),
        (Some(at("2026-06-04")), &[range("10.0.0.2")][..])
    );
    assert_eq!(
        who_can(&world.build(), ServerId(1), Some(Protocol::Rdp), at(NOW)),
        []
    );
}

#[test]
fn reach_lists_servers_by_name() {
    let mut world = World::small();
    world.grant_ann().from = Some(range("10.0.9.0/24"));
    world.source(UserId(1), "10.0.9.1");
    let app = world.server("App", "10.9.0.7");
    world.rows.servers[1].services.push((Protocol::Rdp, 3389));
    world.grant(Subject::User(UserId(1)), PolicyTarget::Server(app));
    let directory = world.build();
    let names = |found: Vec<gatehouse_policy::Reach>| {
        found
            .iter()
            .map(|reach| (reach.grant.server.0, reach.protocol))
            .collect::<Vec<_>>()
    };
    let everywhere = reach(&directory, UserId(1), at(NOW));
    assert_eq!(
        names(everywhere),
        [(2, Protocol::Ssh), (2, Protocol::Rdp), (1, Protocol::Ssh)]
    );
    let from_here = reach_from(&directory, "10.0.0.1".parse().unwrap(), at(NOW));
    assert_eq!(names(from_here), [(2, Protocol::Ssh), (2, Protocol::Rdp)]);
}
