//! Grants: made, changed, renewed, revoked, cloned, shown.

use gatehouse_model::{PolicyId, Protocol, RecordMode, Right, parse_span};
use gatehouse_policy::PolicyRules;
use gatehouse_store::{
    Edit, GroupKind, NewGroup, NewPolicy, PageRequest, Past, PolicyEdit, PolicyFilter, PolicyState, Store,
    SubjectRef, TargetRef,
};

use crate::support::{
    Place, actions, at, cli, grant, name, now, on_both, range, rules, sentence, server, user,
};

on_both!(
    every_term_survives,
    renewing_revives_and_a_permanent_grant_cannot_be_renewed,
    an_edit_changes_what_it_names_and_a_clone_is_a_grant_of_its_own,
    lists_leave_out_what_is_over,
    removing_a_group_removes_its_grants,
);

fn every_term() -> PolicyRules {
    PolicyRules {
        protocol: Some(Protocol::Ssh),
        from: Some(range("10.0.0.0/8")),
        logins: vec!["root".parse().unwrap(), "Admin".parse().unwrap()],
        start: at("2026-01-01"),
        end: Some(at("2026-12-31T23:59:59.123456Z")),
        schedules: vec![
            "Mon-Fri 08:00-16:00 Europe/Warsaw".parse().unwrap(),
            "Sat 22:00-02:00".parse().unwrap(),
        ],
        use_schedules: false,
        rights: vec![Right::ForwardLocal, Right::Agent],
        destinations: vec![
            "*.example.com:443".parse().unwrap(),
            "[fd00::/64]:80".parse().unwrap(),
        ],
        blocked_ports: vec!["22".parse().unwrap(), "8000-8999".parse().unwrap()],
        record_mode: Some(RecordMode::BestEffort),
        record_binary: Some(gatehouse_model::BinaryMode::Full),
        record_input: Some(gatehouse_model::InputMode::None),
        record_forwards: Some(gatehouse_model::ForwardCapture::On),
        idle: Some(parse_span("30m").unwrap()),
        max_length: Some(parse_span("8h").unwrap()),
    }
}

async fn people(store: &Store) {
    user(store, "ana", &[]).await;
    server(store, "web01").await;
}

async fn every_term_survives(place: &Place) {
    let store = place.open().await;
    people(&store).await;
    let granted = grant(&store, "ana", "web01", every_term()).await;
    assert_eq!(granted.rules, every_term());
    assert_eq!(store.policy(now(), granted.id).await.unwrap(), granted);
    let rows = store.directory_rows().await.unwrap();
    assert_eq!(rows.policies[0].rules, every_term());
    let json = serde_json::to_value(&granted).unwrap();
    assert_eq!(json["schedules"][0], "Mon-Fri 08:00-16:00 Europe/Warsaw");
    assert_eq!(json["forwarding"]["local"], true);
    assert_eq!(json["forwarding"]["remote"], false);
    assert_eq!(json["forwarding"]["blocked_ports"][1], "8000-8999");
    assert_eq!(
        (&json["user"], &json["group"], &json["state"]),
        (&"ana".into(), &serde_json::Value::Null, &"active".into())
    );
    let upside_down = PolicyRules {
        end: Some(now()),
        ..rules()
    };
    let new = NewPolicy {
        subject: SubjectRef::User("ana".to_owned()),
        target: TargetRef::Server("web01".to_owned()),
        rules: upside_down,
        reason: None,
    };
    assert_eq!(
        store.grant_policy(&cli(), now(), new).await.unwrap_err().field(),
        Some("end")
    );
}

async fn renewing_revives_and_a_permanent_grant_cannot_be_renewed(place: &Place) {
    let store = place.open().await;
    people(&store).await;
    let end = at("2026-02-01");
    let id = grant(
        &store,
        "ana",
        "web01",
        PolicyRules {
            end: Some(end),
            ..rules()
        },
    )
    .await
    .id;
    let day = parse_span("1d").unwrap();
    let running = store.renew_policy(&cli(), now(), id, day).await.unwrap();
    assert_eq!(
        running.rules.end,
        Some(at("2026-02-02")),
        "after its end, which is still to come"
    );
    let later = at("2026-03-01");
    assert_eq!(store.policy(later, id).await.unwrap().state, PolicyState::Expired);
    let expired = store.renew_policy(&cli(), later, id, day).await.unwrap();
    assert_eq!(
        (expired.rules.end, expired.state),
        (Some(at("2026-03-02")), PolicyState::Active)
    );
    let revoked = store.revoke_policy(&cli(), later, id, None).await.unwrap();
    assert_eq!(
        (revoked.state, revoked.revoked_at),
        (PolicyState::Revoked, Some(later))
    );
    assert!(sentence(store.revoke_policy(&cli(), later, id, None).await).contains("is revoked already"));
    assert_eq!(
        store.directory_rows().await.unwrap().policies[0].revoked_at,
        Some(later)
    );
    let revived = store.renew_policy(&cli(), later, id, day).await.unwrap();
    assert_eq!((revived.state, revived.revoked_at), (PolicyState::Active, None));
    let permanent = grant(&store, "ana", "web01", rules()).await.id;
    assert!(sentence(store.renew_policy(&cli(), now(), permanent, day).await).contains("is permanent"));
    assert!(
        sentence(store.renew_policy(&cli(), now(), PolicyId(99), day).await).contains("no policy \"99\"")
    );
    let codes = actions(&store).await;
    assert_eq!(
        codes[codes.len() - 6..],
        [
            "policy.granted",
            "policy.renewed",
            "policy.renewed",
            "policy.revoked",
            "policy.renewed",
            "policy.granted"
        ]
    );
}

async fn an_edit_changes_what_it_names_and_a_clone_is_a_grant_of_its_own(place: &Place) {
    let store = place.open().await;
    people(&store).await;
    user(&store, "bea", &[]).await;
    let first = grant(&store, "ana", "web01", every_term()).await;
    let edit = PolicyEdit {
        logins: Some(Vec::new()),
        end: Edit::Clear,
        idle: Edit::Clear,
        reason: Edit::Set("moved".to_owned()),
        ..PolicyEdit::default()
    };
    let edited = store.edit_policy(&cli(), now(), first.id, edit).await.unwrap();
    let want = PolicyRules {
        logins: Vec::new(),
        end: None,
        idle: None,
        ..every_term()
    };
    assert_eq!(
        (edited.rules, edited.reason.as_deref(), edited.created_at),
        (want.clone(), Some("moved"), first.created_at)
    );
    let edit = PolicyEdit {
        subject: Some(SubjectRef::User("bea".to_owned())),
        ..PolicyEdit::default()
    };
    let cloned = store.clone_policy(&cli(), now(), first.id, edit).await.unwrap();
    assert_eq!(
        (cloned.user.as_deref(), cloned.server.as_deref(), cloned.rules),
        (Some("bea"), Some("web01"), want)
    );
    assert_ne!(cloned.id, first.id);
    store.remove_policy(&cli(), now(), first.id).await.unwrap();
    assert!(store.policy(now(), first.id).await.is_err());
    assert!(store.policy(now(), cloned.id).await.is_ok());
}

async fn lists_leave_out_what_is_over(place: &Place) {
    let store = place.open().await;
    people(&store).await;
    user(&store, "bea", &[]).await;
    let running = grant(&store, "ana", "web01", rules()).await.id;
    let ended = PolicyRules {
        start: at("2025-01-01"),
        end: Some(at("2025-02-01")),
        ..rules()
    };
    let ended = grant(&store, "ana", "web01", ended).await.id;
    let to_come = grant(
        &store,
        "bea",
        "web01",
        PolicyRules {
            start: at("2027-01-01"),
            ..rules()
        },
    )
    .await;
    assert_eq!(to_come.state, PolicyState::Scheduled);
    let revoked = grant(&store, "bea", "web01", rules()).await.id;
    store.revoke_policy(&cli(), now(), revoked, None).await.unwrap();
    let list = |filter: PolicyFilter| {
        let store = store.clone();
        async move {
            let page = store.policies(now(), &filter, &PageRequest::all()).await.unwrap();
            page.items.into_iter().map(|policy| policy.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(PolicyFilter::default()).await, [running, to_come.id]);
    let all = PolicyFilter {
        past: Past::Include,
        ..PolicyFilter::default()
    };
    assert_eq!(list(all).await, [running, ended, to_come.id, revoked]);
    let of_ana = PolicyFilter {
        user: Some("ana".to_owned()),
        past: Past::Include,
        ..PolicyFilter::default()
    };
    assert_eq!(list(of_ana).await, [running, ended]);
    let of_web = PolicyFilter {
        server: Some("web01".to_owned()),
        ..PolicyFilter::default()
    };
    assert_eq!(list(of_web).await.len(), 2);
    let unknown = PolicyFilter {
        group: Some("nobody".to_owned()),
        ..PolicyFilter::default()
    };
    assert!(
        store
            .policies(now(), &unknown, &PageRequest::all())
            .await
            .is_err()
    );
}

async fn removing_a_group_removes_its_grants(place: &Place) {
    let store = place.open().await;
    people(&store).await;
    let new = NewGroup {
        name: name("dev"),
        parent: None,
        description: None,
    };
    store
        .add_group(&cli(), now(), GroupKind::User, new)
        .await
        .unwrap();
    let policy = NewPolicy {
        subject: SubjectRef::Group("dev".to_owned()),
        target: TargetRef::Server("web01".to_owned()),
        rules: every_term(),
        reason: Some("the team".to_owned()),
    };
    let granted = store.grant_policy(&cli(), now(), policy).await.unwrap();
    assert_eq!((granted.group.as_deref(), granted.user), (Some("dev"), None));
    store
        .remove_group(&cli(), now(), GroupKind::User, "dev")
        .await
        .unwrap();
    assert!(store.policy(now(), granted.id).await.is_err());
    let codes = actions(&store).await;
    assert_eq!(codes[codes.len() - 2..], ["policy.removed", "group.removed"]);
}
