//! Who may see and decide requests for access, and decided once.

use gatehouse_model::{Protocol, RequestId, RequestState, Role};
use gatehouse_store::{
    AuditFilter, AutoApproval, Decider, FourEyes, LockTarget, NewApprovalRule, NewRequest, PageRequest,
    ProxyChoice, Reader, RequestFilter, StoreError, SubjectRef, TargetRef,
};

use crate::requests::{ask, limits, seen, site, span, try_approve, wanted};
use crate::support::{Place, actions, at, cli, new_server, now, on_both, sentence};

on_both!(
    approvers_of_a_group_decide_below_it_and_nobody_decides_an_own_request,
    a_request_is_decided_once_however_many_decide,
    nothing_of_another_is_shown,
    a_role_can_be_held_back,
    four_eyes_at_the_command_line,
    approvers_are_set_and_go_with_their_rows,
    a_request_outlives_the_person_and_the_server,
    a_rule_approves_what_it_covers_wholly,
);

async fn approvers_of_a_group_decide_below_it_and_nobody_decides_an_own_request(place: &Place) {
    let store = site(place).await;
    let web = ask(&store, "alice", "web01").await;
    let db = ask(&store, "alice", "db01").await;
    // To bob neither of them is there; an auditor sees them and decides none.
    let refused = try_approve(&store, web.id, "bob").await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    let refused = try_approve(&store, web.id, "aud").await;
    assert!(matches!(refused, Err(StoreError::Forbidden(_))), "{refused:?}");
    let refused = try_approve(&store, db.id, "ann").await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { .. })),
        "db01 is not in the group: {refused:?}"
    );
    let refused = sentence(try_approve(&store, web.id, "alice").await);
    assert_eq!(
        refused,
        "request #1 is alice's own; somebody else has to decide it"
    );
    let to_decide = |who: &str| RequestFilter {
        to_decide: Some(who.to_owned()),
        ..Default::default()
    };
    assert_eq!(seen(&store, "ann", to_decide("ann")).await, [1]);
    assert_eq!(seen(&store, "olga", to_decide("olga")).await, [2, 1]);
    assert!(seen(&store, "aud", to_decide("aud")).await.is_empty());
    // An operator decides for all others, never for herself; neither does an approver.
    let own = ask(&store, "olga", "web01").await;
    assert!(matches!(
        try_approve(&store, own.id, "OLGA").await,
        Err(StoreError::Forbidden(_))
    ));
    assert_eq!(seen(&store, "olga", to_decide("olga")).await, [2, 1]);
    let anns = ask(&store, "ann", "web01").await;
    assert!(matches!(
        try_approve(&store, anns.id, "ann").await,
        Err(StoreError::Forbidden(_))
    ));
    assert_eq!(seen(&store, "ann", to_decide("ann")).await, [3, 1]);
    // Who is locked decides nothing.
    let ann = LockTarget::User("ann".to_owned());
    store.lock(&cli(), now(), &ann, None, None).await.unwrap();
    assert!(try_approve(&store, web.id, "ann").await.is_err());
    assert!(seen(&store, "ann", to_decide("ann")).await.is_empty());
    store.unlock(&cli(), now(), &ann).await.unwrap();
    assert_eq!(
        try_approve(&store, web.id, "ann")
            .await
            .unwrap()
            .decided_by
            .as_deref(),
        Some("ann")
    );
    assert!(
        store
            .policies(now(), &Default::default(), &PageRequest::all())
            .await
            .unwrap()
            .items
            .len()
            == 1
    );
}

async fn a_request_is_decided_once_however_many_decide(place: &Place) {
    let store = site(place).await;
    let asked = ask(&store, "alice", "web01").await;
    let mut deciding = tokio::task::JoinSet::new();
    for n in 0..6 {
        let store = store.clone();
        deciding.spawn(async move {
            let olga = Decider::User("olga".to_owned());
            if n % 2 == 0 {
                try_approve(&store, asked.id, "ann").await
            } else {
                store.deny_request(&cli(), now(), asked.id, &olga, None).await
            }
        });
    }
    let results = deciding.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results {
        if let Err(error) = result {
            assert!(error.to_string().contains("cannot be decided again"), "{error}");
        }
    }
    let detail = store
        .request(now(), &Reader::CommandLine, asked.id)
        .await
        .unwrap();
    let grants = store
        .policies(now(), &Default::default(), &PageRequest::all())
        .await
        .unwrap();
    let approved = detail.request.state == RequestState::Approved;
    assert_eq!(grants.items.len(), usize::from(approved));
}

async fn nothing_of_another_is_shown(place: &Place) {
    let store = site(place).await;
    let web = ask(&store, "alice", "web01").await;
    ask(&store, "alice", "db01").await;
    ask(&store, "bob", "db01").await;
    assert_eq!(seen(&store, "alice", RequestFilter::default()).await, [2, 1]);
    assert_eq!(seen(&store, "bob", RequestFilter::default()).await, [3]);
    assert_eq!(seen(&store, "ann", RequestFilter::default()).await, [1]);
    assert_eq!(seen(&store, "aud", RequestFilter::default()).await, [3, 2, 1]);
    let server = Some("db01".to_owned());
    assert_eq!(
        seen(
            &store,
            "alice",
            RequestFilter {
                server,
                ..Default::default()
            }
        )
        .await,
        [2]
    );
    let user = Some("alice".to_owned());
    assert!(
        seen(
            &store,
            "bob",
            RequestFilter {
                user,
                ..Default::default()
            }
        )
        .await
        .is_empty()
    );
    // Not even whose names there are; to an auditor a wrong one is said.
    let unknown = RequestFilter {
        user: Some("alic".to_owned()),
        to_decide: Some("olg".to_owned()),
        ..Default::default()
    };
    assert!(seen(&store, "bob", unknown.clone()).await.is_empty());
    let auditor = Reader::User("aud".to_owned());
    let said = store.count_requests(now(), &auditor, &unknown, 10).await;
    assert!(sentence(said).contains("did you mean alice?"));
    let bob = Reader::User("bob".to_owned());
    let hidden = store.request(now(), &bob, web.id).await.unwrap_err();
    let never = store.request(now(), &bob, RequestId(99)).await.unwrap_err();
    assert_eq!(
        hidden.to_string().replace("\"1\"", "N"),
        never.to_string().replace("\"99\"", "N")
    );
    let page = |after: Option<String>| PageRequest {
        limit: Some(2),
        after,
    };
    let all = RequestFilter::default();
    let first = store
        .requests(now(), &Reader::CommandLine, &all, &page(None))
        .await
        .unwrap();
    let second = store
        .requests(now(), &Reader::CommandLine, &all, &page(first.next))
        .await
        .unwrap();
    assert_eq!((second.items[0].id.0, second.next), (1, None));
}

/// As a token of little scope, or a source address, holds a person's role back.
async fn a_role_can_be_held_back(place: &Place) {
    let store = site(place).await;
    let asked = ask(&store, "alice", "web01").await;
    let all = RequestFilter::default();
    let count = async |who: &str, role: Role| {
        let reader = Reader::UserAtMost(who.to_owned(), role);
        store.count_requests(now(), &reader, &all, 10).await.unwrap()
    };
    for (who, role, sees) in [
        ("olga", Role::User, 0),
        ("olga", Role::Auditor, 1),
        ("aud", Role::User, 0),
        ("bob", Role::Admin, 0),
        ("alice", Role::User, 1),
        ("ann", Role::User, 1),
    ] {
        assert_eq!(count(who, role).await, sees, "{who} as {role}");
    }
    let deny = async |who: &str, role: Role| {
        let decider = Decider::UserAtMost(who.to_owned(), role);
        store.deny_request(&cli(), now(), asked.id, &decider, None).await
    };
    assert!(matches!(
        deny("olga", Role::User).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(
        deny("olga", Role::Auditor).await,
        Err(StoreError::Forbidden(_))
    ));
    let reader = Reader::UserAtMost("olga".to_owned(), Role::Auditor);
    assert!(!store.request(now(), &reader, asked.id).await.unwrap().may_decide);
    // An approver decides with any role.
    assert!(deny("ann", Role::User).await.is_ok());
}

async fn four_eyes_at_the_command_line(place: &Place) {
    let store = site(place).await;
    let asked = ask(&store, "alice", "web01").await;
    let nobody = Decider::CommandLine(FourEyes::On);
    let refused = store.deny_request(&cli(), now(), asked.id, &nobody, None).await;
    assert!(sentence(refused).contains("--as USER"));
    let off = Decider::CommandLine(FourEyes::Off);
    let note = Some("no".to_owned());
    let denied = store
        .deny_request(&cli(), now(), asked.id, &off, note)
        .await
        .unwrap();
    assert_eq!(
        (denied.decided_by.as_deref(), denied.note.as_deref()),
        (Some("cli:root@jump"), Some("no"))
    );
    let filter = AuditFilter {
        action: Some("request.denied".to_owned()),
        ..Default::default()
    };
    let events = store
        .audit_events(&filter, &PageRequest::all())
        .await
        .unwrap()
        .items;
    assert_eq!(
        (events[0].user.as_deref(), events[0].reason.as_deref()),
        (Some("alice"), Some("no"))
    );
    assert_eq!(events[0].detail["request"], 1);
}

async fn approvers_are_set_and_go_with_their_rows(place: &Place) {
    let store = site(place).await;
    let ann = SubjectRef::User("ann".to_owned());
    let bob = SubjectRef::User("bob".to_owned());
    store.add_approver(&cli(), now(), "web", &ann).await.unwrap();
    assert!(sentence(store.add_approver(&cli(), now(), "web", &ann).await).contains("already"));
    let set = store
        .set_approvers(&cli(), now(), "web", &[bob.clone(), bob.clone()])
        .await
        .unwrap();
    assert_eq!((set.users, set.groups.len()), (vec!["bob".to_owned()], 0));
    let book = actions(&store).await;
    assert!(
        book.ends_with(&[
            "approver.added".into(),
            "approver.removed".into(),
            "approver.added".into()
        ]),
        "{book:?}"
    );
    assert!(store.remove_approver(&cli(), now(), "web", &ann).await.is_err());
    assert_eq!(store.approvers("all").await.unwrap().groups, ["leads"]);
    store.remove_user(&cli(), now(), "bob").await.unwrap();
    assert!(store.approvers("web").await.unwrap().users.is_empty());
}

async fn a_request_outlives_the_person_and_the_server(place: &Place) {
    let store = site(place).await;
    store
        .add_server(&cli(), now(), new_server("gone", ProxyChoice::None))
        .await
        .unwrap();
    let asked = ask(&store, "alice", "gone").await;
    store.remove_server(&cli(), now(), "gone").await.unwrap();
    let refused = sentence(try_approve(&store, asked.id, "olga").await);
    assert_eq!(refused, "gone was removed since; deny the request");
    let other = ask(&store, "bob", "web01").await;
    store.remove_user(&cli(), now(), "bob").await.unwrap();
    assert_eq!(
        sentence(try_approve(&store, other.id, "olga").await),
        "bob was removed since; deny the request"
    );
    let user = Some("BOB".to_owned());
    assert_eq!(
        seen(
            &store,
            "olga",
            RequestFilter {
                user,
                ..Default::default()
            }
        )
        .await,
        [other.id.0]
    );
    let olga = Decider::User("olga".to_owned());
    store
        .deny_request(&cli(), now(), other.id, &olga, None)
        .await
        .unwrap();
}

async fn a_rule_approves_what_it_covers_wholly(place: &Place) {
    let store = site(place).await;
    let rule = NewApprovalRule {
        subject: SubjectRef::Group("leads".to_owned()),
        target: TargetRef::Group("all".to_owned()),
        protocol: Some(Protocol::Ssh),
        logins: vec!["deploy".parse().unwrap()],
        max_for: span("4h"),
    };
    let rule = store.add_approval_rule(&cli(), now(), rule).await.unwrap();
    let asked = async |new: NewRequest, auto: AutoApproval| {
        let asked = store.create_request(&cli(), now(), new, auto, &limits()).await;
        asked.unwrap().request
    };
    let allowed = AutoApproval::Allowed;
    let revision = store.revision().await.unwrap();
    for (who, what, length, logins) in [
        ("alice", "web01", "1h", &["deploy"][..]),
        ("ann", "db01", "1h", &["deploy"]),
        ("ann", "web01", "5h", &["deploy"]),
        ("ann", "web01", "1h", &["deploy", "root"]),
    ] {
        let request = asked(wanted(who, what, Some(length), logins), allowed).await;
        assert_eq!(
            request.state,
            RequestState::Pending,
            "{who} {what} {length} {logins:?}"
        );
    }
    let any = asked(wanted("bob", "web01", Some("1h"), &[]), allowed).await;
    assert_eq!(any.state, RequestState::Pending);
    assert_eq!(
        store.revision().await.unwrap(),
        revision,
        "asking alone changes nothing for gates"
    );
    // A link that was followed is not enough.
    store
        .withdraw_request(&cli(), now(), RequestId(4), "ann")
        .await
        .unwrap();
    let link = asked(
        wanted("ann", "web01", Some("4h"), &["deploy"]),
        AutoApproval::Withheld,
    )
    .await;
    assert_eq!(link.state, RequestState::Pending);
    store
        .withdraw_request(&cli(), now(), link.id, "ann")
        .await
        .unwrap();
    let done = asked(wanted("ann", "web01", Some("4h"), &["deploy"]), allowed).await;
    assert_eq!((done.state, done.rule), (RequestState::Approved, Some(rule.id)));
    assert_eq!(done.decided_by.as_deref(), Some("rule #1"));
    let policy = store.policy(now(), done.policy_id.unwrap()).await.unwrap();
    assert_eq!(policy.rules.end, Some(at("2026-01-31 16:00")));

    let off = gatehouse_store::ApprovalRuleEdit {
        activity: Some(gatehouse_store::Activity::Disabled),
        ..Default::default()
    };
    let edited = store
        .edit_approval_rule(&cli(), now(), rule.id, off)
        .await
        .unwrap();
    assert_eq!((edited.active, edited.max_for), (false, rule.max_for));
    let pending = asked(wanted("ann", "web01", Some("2h"), &["deploy"]), allowed).await;
    assert_eq!(pending.state, RequestState::Pending);
    store.remove_approval_rule(&cli(), now(), rule.id).await.unwrap();
    assert!(store.approval_rules().await.unwrap().is_empty());
    assert!(store.approval_rule(rule.id).await.is_err());
}
