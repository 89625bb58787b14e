//! A grant before it is made, and a decision as programs read it.

use gatehouse_model::{PolicyId, Protocol, Right, ServerId, UserId};
use gatehouse_policy::{
    Directory, PolicyRules, PolicyTarget, Preview, PreviewWarning, Subject, explain, explained_answer,
    preview, schedule_windows,
};
use serde_json::{Value, json};

use crate::world::{World, at, permanent, request};

const NOW: &str = "2026-01-30 12:00";
const ANN: Subject = Subject::User(UserId(1));
const WEB: PolicyTarget = PolicyTarget::Server(ServerId(1));

fn seen(directory: &Directory, subject: Subject, target: PolicyTarget, rules: &PolicyRules) -> Preview {
    preview(directory, subject, target, rules, at(NOW)).unwrap()
}

fn short() -> PolicyRules {
    PolicyRules {
        start: at(NOW),
        end: Some(at("2026-02-06 12:00")),
        logins: vec!["root".parse().unwrap(), "backup".parse().unwrap()],
        ..permanent()
    }
}

fn windows(preview: &Preview) -> Vec<(String, String)> {
    let words = |instant: &gatehouse_model::Timestamp| instant.to_string();
    preview
        .windows
        .iter()
        .map(|(from, to)| (words(from), words(to)))
        .collect()
}

#[test]
fn the_sentence_says_who_what_how_and_when() {
    let directory = World::small().build();
    let plain = seen(&directory, ANN, WEB, &short());
    assert_eq!(
        plain.sentence,
        "ann may reach web as root or backup, from now until Fri 2026-02-06 13:00 Europe/Warsaw (12:00 UTC)"
    );
    assert_eq!((plain.users, plain.servers, plain.connections), (1, 1, 1));
    assert_eq!(plain.windows, []);
    assert_eq!(plain.warnings, []);
    let narrow = PolicyRules {
        protocol: Some(Protocol::Ssh),
        from: Some("10.0.0.0/24".parse().unwrap()),
        schedules: vec!["Mon-Fri 08:00-16:00 America/New_York".parse().unwrap()],
        start: at("2026-02-01 12:00"),
        end: None,
        ..short()
    };
    assert_eq!(
        seen(&directory, ANN, WEB, &narrow).sentence,
        "ann may reach web by SSH from 10.0.0.0/24 as root or backup, Mon-Fri 08:00-16:00 America/New_York, \
         from Sun 2026-02-01 07:00 America/New_York (12:00 UTC) without end"
    );
}

#[test]
fn windows_are_the_next_three_within_start_and_end_the_open_one_included() {
    let directory = World::small().build();
    let mut rules = short();
    rules.schedules = vec![
        "Mon-Fri 08:00-16:00".parse().unwrap(),
        "Fri 15:00-18:00".parse().unwrap(),
    ];
    // 12:00 UTC on a Friday is 13:00 in Warsaw; the grant begins there.
    let preview = seen(&directory, ANN, WEB, &rules);
    let want = [
        ("2026-01-30T12:00:00Z", "2026-01-30T17:00:00Z"),
        ("2026-02-02T07:00:00Z", "2026-02-02T15:00:00Z"),
        ("2026-02-03T07:00:00Z", "2026-02-03T15:00:00Z"),
    ];
    assert_eq!(
        windows(&preview),
        want.map(|(from, to)| (from.to_owned(), to.to_owned()))
    );
    // One that has begun is shown from its beginning, and one that the end cuts up to there.
    rules.start = at("2026-01-01");
    rules.end = Some(at("2026-02-02 09:00"));
    let preview = seen(&directory, ANN, WEB, &rules);
    let want = [
        ("2026-01-30T07:00:00Z", "2026-01-30T17:00:00Z"),
        ("2026-02-02T07:00:00Z", "2026-02-02T09:00:00Z"),
    ];
    assert_eq!(
        windows(&preview),
        want.map(|(from, to)| (from.to_owned(), to.to_owned()))
    );
    let schedule = "Sat 10:00-12:00".parse().unwrap();
    let alone = schedule_windows(&directory, &schedule, at(NOW)).unwrap();
    assert_eq!(alone.len(), 3);
    assert_eq!(alone[0], (at("2026-01-31 09:00"), at("2026-01-31 11:00")));
}

#[test]
fn groups_are_counted_through_all_levels_and_only_what_is_in_use() {
    let mut world = World::small();
    let ops = world.user_group("ops", None);
    let night = world.user_group("night", Some(ops));
    for name in ["ben", "cleo"] {
        let user = world.user(name);
        world.rows.user_members.push((night, user));
    }
    world.rows.user_members.push((ops, UserId(1)));
    world.rows.users[1].active = false;
    let machines = world.server_group("machines", None);
    let inner = world.server_group("inner", Some(machines));
    let desk = world.server("desk", "10.9.0.2");
    world.rows.servers[1].services = vec![(Protocol::Rdp, 3389)];
    world.rows.server_members.push((inner, desk));
    world.rows.server_members.push((machines, ServerId(1)));
    let directory = world.build();
    let (subject, target) = (Subject::Group(ops), PolicyTarget::Group(machines));
    let all = seen(&directory, subject, target, &short());
    assert_eq!((all.users, all.servers, all.connections), (2, 2, 4));
    assert!(
        all.sentence
            .starts_with("everybody in the group ops may reach every server in the group machines")
    );
    let ssh = PolicyRules {
        protocol: Some(Protocol::Ssh),
        ..short()
    };
    assert_eq!(seen(&directory, subject, target, &ssh).connections, 2);
    let wrong = seen(&directory, subject, PolicyTarget::Group(inner), &ssh);
    assert_eq!(wrong.warnings, [PreviewWarning::NotOffered(Protocol::Ssh)]);
}

#[test]
fn what_may_not_be_meant_is_said() {
    let mut world = World::small();
    let empty = world.user_group("empty", None);
    let none = world.server_group("none", None);
    let directory = world.build();
    let loose = PolicyRules {
        rights: vec![Right::ForwardLocal],
        ..permanent()
    };
    let preview = seen(
        &directory,
        Subject::Group(empty),
        PolicyTarget::Group(none),
        &loose,
    );
    assert_eq!(
        preview.warnings,
        [
            PreviewWarning::Permanent,
            PreviewWarning::AnyLogin,
            PreviewWarning::Nobody,
            PreviewWarning::NoServer,
            PreviewWarning::AnyDestination,
        ]
    );
    let never = PolicyRules {
        schedules: vec!["months Jul".parse().unwrap()],
        ..short()
    };
    let preview = seen(&directory, ANN, WEB, &never);
    assert_eq!(preview.warnings, [PreviewWarning::NeverOpen]);
    let over = PolicyRules {
        start: at("2026-01-01"),
        end: Some(at("2026-01-02")),
        ..short()
    };
    assert_eq!(seen(&directory, ANN, WEB, &over).warnings, [PreviewWarning::Over]);
}

#[test]
fn it_is_compared_with_the_grants_that_are_there() {
    let mut world = World::small();
    let ops = world.user_group("ops", None);
    world.rows.user_members.push((ops, UserId(1)));
    *world.grant(Subject::Group(ops), WEB) = PolicyRules {
        protocol: Some(Protocol::Ssh),
        ..permanent()
    };
    *world.grant_ann() = PolicyRules {
        logins: vec!["root".parse().unwrap()],
        end: Some(at("2026-02-01")),
        ..permanent()
    };
    let directory = world.build();
    let first = |rules: &PolicyRules| seen(&directory, ANN, WEB, rules).warnings.first().cloned();
    // The group's grant holds for ann as well.
    let ssh = PolicyRules {
        protocol: Some(Protocol::Ssh),
        ..short()
    };
    assert_eq!(first(&ssh), Some(PreviewWarning::Covered(PolicyId(1))));
    assert_eq!(first(&short()), Some(PreviewWarning::Wider(PolicyId(2))));
    let forwarding = PolicyRules {
        rights: vec![Right::ForwardLocal],
        destinations: vec!["db:5432".parse().unwrap()],
        ..ssh.clone()
    };
    assert_eq!(first(&forwarding), None);
    let elsewhere = PolicyRules {
        from: Some("10.0.0.0/24".parse().unwrap()),
        ..short()
    };
    assert_eq!(first(&elsewhere), None);
}

#[test]
fn a_decision_is_told_step_by_step() {
    let mut world = World::small();
    let told = |world: &World, login: Option<&str>| {
        let directory = world.build();
        let mut request = request(NOW);
        request.login = login.map(|login| login.parse().unwrap());
        let explanation = explain(&directory, &request);
        serde_json::to_value(explained_answer(&directory, &explanation, request.login.as_ref())).unwrap()
    };
    let outcomes = |answer: &Value| {
        let steps = answer["steps"].as_array().unwrap();
        steps
            .iter()
            .map(|step| step["outcome"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let denied = told(&world, None);
    assert_eq!(
        outcomes(&denied),
        "passed passed denied skipped skipped skipped skipped"
    );
    assert_eq!(
        (&denied["decision"], &denied["reason"]),
        (&json!("deny"), &json!("no_matching_policy"))
    );
    world.grant_ann().logins = vec!["root".parse().unwrap()];
    let allowed = told(&world, None);
    assert_eq!(
        outcomes(&allowed),
        "passed passed passed passed passed passed skipped"
    );
    assert_eq!(allowed["decision"], "allow");
    assert_eq!(allowed["allowed_until"], Value::Null);
    assert_eq!(allowed["considered"][0]["step"], 0);
    let other = told(&world, Some("backup"));
    assert_eq!(
        outcomes(&other),
        "passed passed passed passed passed passed denied"
    );
    assert_eq!(other["steps"][5]["answer"], "1 grant");
}
