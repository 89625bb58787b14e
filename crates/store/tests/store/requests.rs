//! Requests for access: asked, approved with their grant, taken back, expired.

use gatehouse_model::{Login, Protocol, RequestId, RequestState, Role, SpanSeconds, parse_span};
use gatehouse_store::{
    AccessRequest, Approval, Asked, AutoApproval, Decider, GroupKind, Inside, NewGroup, NewRequest, NewUser,
    PageRequest, PolicyState, Reader, RequestFilter, RequestLimits, RequestTarget, Store, StoreError,
    SubjectRef,
};

use crate::support::{Place, actions, at, cli, name, now, on_both, range, sentence, server, user};

on_both!(
    an_approval_makes_the_grant_and_links_it,
    an_equal_open_request_is_answered_and_the_number_is_bounded,
    what_is_not_decided_in_time_expires,
    only_the_person_withdraws,
    an_address_is_asked_for_and_entered,
);

pub(crate) fn span(text: &str) -> SpanSeconds {
    parse_span(text).unwrap()
}

pub(crate) fn limits() -> RequestLimits {
    RequestLimits {
        expire_after: span("7d"),
        max_open: 3,
        default_for: span("8h"),
        max_for: span("30d"),
        break_glass_for: span("1h"),
        reserved: vec![range("10.255.0.0/24")],
    }
}

pub(crate) async fn person(store: &Store, text: &str, role: Role) {
    let new = NewUser {
        name: name(text),
        full_name: None,
        email: Some(format!("{text}@example.com")),
        role,
        addresses: Vec::new(),
    };
    store.add_user(&cli(), now(), new, Inside::Refuse).await.unwrap();
}

pub(crate) async fn group(
    store: &Store,
    kind: GroupKind,
    text: &str,
    parent: Option<&str>,
    members: &[&str],
) {
    let new = NewGroup {
        name: name(text),
        parent: parent.map(str::to_owned),
        description: None,
    };
    store.add_group(&cli(), now(), kind, new).await.unwrap();
    for member in members {
        store
            .add_group_member(&cli(), now(), kind, text, member)
            .await
            .unwrap();
    }
}

pub(crate) fn wanted(who: &str, what: &str, length: Option<&str>, logins: &[&str]) -> NewRequest {
    NewRequest {
        user: who.to_owned(),
        wanted: RequestTarget::Access {
            server: what.to_owned(),
            protocol: Protocol::Ssh,
            logins: logins
                .iter()
                .map(|login| login.parse::<Login>().unwrap())
                .collect(),
            length: length.map(span),
        },
        reason: Some("the disk is full".to_owned()),
        source: Some("10.0.0.7".parse().unwrap()),
    }
}

fn address(who: &str, text: &str) -> NewRequest {
    NewRequest {
        user: who.to_owned(),
        wanted: RequestTarget::Address(text.parse().unwrap()),
        reason: None,
        source: None,
    }
}

pub(crate) async fn try_ask(store: &Store, new: NewRequest) -> Result<Asked, StoreError> {
    store
        .create_request(&cli(), now(), new, AutoApproval::Withheld, &limits())
        .await
}

pub(crate) async fn ask(store: &Store, who: &str, what: &str) -> AccessRequest {
    try_ask(store, wanted(who, what, None, &[]))
        .await
        .unwrap()
        .request
}

pub(crate) async fn try_approve(
    store: &Store,
    id: RequestId,
    who: &str,
) -> Result<AccessRequest, StoreError> {
    let decider = Decider::User(who.to_owned());
    store
        .approve_request(&cli(), now(), id, &decider, Approval::default(), &limits())
        .await
}

pub(crate) async fn seen(store: &Store, reader: &str, filter: RequestFilter) -> Vec<i64> {
    let reader = Reader::User(reader.to_owned());
    let page = store
        .requests(now(), &reader, &filter, &PageRequest::all())
        .await
        .unwrap();
    let count = store.count_requests(now(), &reader, &filter, 100).await.unwrap();
    assert_eq!(count, u64::try_from(page.items.len()).unwrap());
    page.items.into_iter().map(|request| request.id.0).collect()
}

/// alice asks; olga is an operator; web01 is in "web", which is below "all"; ann approves for "all" by way of a
/// group of people that is nested.
pub(crate) async fn site(place: &Place) -> Store {
    let store = place.open().await;
    for text in ["alice", "ann", "bob"] {
        person(&store, text, Role::User).await;
    }
    person(&store, "olga", Role::Operator).await;
    person(&store, "aud", Role::Auditor).await;
    server(&store, "web01").await;
    server(&store, "db01").await;
    group(&store, GroupKind::Server, "all", None, &[]).await;
    group(&store, GroupKind::Server, "web", Some("all"), &["web01"]).await;
    group(&store, GroupKind::User, "leads", None, &[]).await;
    group(&store, GroupKind::User, "web-leads", Some("leads"), &["ann"]).await;
    let leads = SubjectRef::Group("leads".to_owned());
    store.add_approver(&cli(), now(), "all", &leads).await.unwrap();
    store
}

async fn an_approval_makes_the_grant_and_links_it(place: &Place) {
    let store = site(place).await;
    let asked = try_ask(&store, wanted("alice", "WEB01", Some("2h"), &["root"]))
        .await
        .unwrap();
    assert!(!asked.existing);
    let asked = asked.request;
    assert_eq!((asked.id.0, asked.state), (1, RequestState::Pending));
    assert_eq!(asked.expires_at, at("2026-02-07 12:00"));
    assert_eq!(asked.server.as_deref(), Some("web01"));

    let revision = store.revision().await.unwrap();
    let approval = Approval {
        length: Some(span("1h")),
        schedules: vec!["Mon-Fri 08:00-16:00 UTC".parse().unwrap()],
        note: Some("only today".to_owned()),
        ..Approval::default()
    };
    let olga = Decider::User("olga".to_owned());
    let done = store
        .approve_request(&cli(), now(), asked.id, &olga, approval, &limits())
        .await
        .unwrap();
    assert_eq!(done.state, RequestState::Approved);
    assert_eq!(
        (done.decided_by.as_deref(), done.note.as_deref()),
        (Some("olga"), Some("only today"))
    );
    assert_eq!(done.length, Some(span("2h")), "what was asked for stays");
    assert!(
        store.revision().await.unwrap() > revision,
        "the gates have to hear of it"
    );
    let policy = store.policy(now(), done.policy_id.unwrap()).await.unwrap();
    assert_eq!(
        (policy.user.as_deref(), policy.server.as_deref()),
        (Some("alice"), Some("web01"))
    );
    assert_eq!(policy.rules.end, Some(at("2026-01-31 13:00")));
    assert_eq!(policy.rules.logins, ["root".parse::<Login>().unwrap()]);
    assert_eq!(policy.rules.protocol, Some(Protocol::Ssh));
    assert_eq!(policy.rules.schedules.len(), 1);
    assert_eq!(policy.reason.as_deref(), Some("request #1: the disk is full"));
    assert_eq!(policy.state, PolicyState::Active);
    let book = actions(&store).await;
    assert!(
        book.ends_with(&[
            "request.created".into(),
            "policy.granted".into(),
            "request.approved".into()
        ]),
        "{book:?}"
    );
    let detail = store
        .request(now(), &Reader::User("alice".into()), asked.id)
        .await
        .unwrap();
    assert_eq!(detail.policy.unwrap().id, policy.id);
    assert!(!detail.may_decide);
    let of = store.requests_of_policies(now(), &[policy.id]).await.unwrap();
    assert_eq!(of[0].id, asked.id);
    let json = serde_json::to_value(&done).unwrap();
    assert_eq!(
        (&json["for"], &json["state"], &json["policy_id"]),
        (&"2h".into(), &"approved".into(), &1.into())
    );
}

async fn an_equal_open_request_is_answered_and_the_number_is_bounded(place: &Place) {
    let store = site(place).await;
    let first = ask(&store, "alice", "web01").await;
    let again = try_ask(&store, wanted("Alice", "web01", Some("8h"), &[]))
        .await
        .unwrap();
    assert!(again.existing);
    assert_eq!(again.request.id, first.id);
    let other = try_ask(&store, wanted("alice", "web01", Some("2h"), &["b", "a", "b"]))
        .await
        .unwrap();
    assert!(!other.existing);
    let sorted = try_ask(&store, wanted("alice", "web01", Some("2h"), &["a", "b"]))
        .await
        .unwrap();
    assert!(sorted.existing, "the order of logins does not matter");
    ask(&store, "alice", "db01").await;
    let refused = sentence(try_ask(&store, wanted("alice", "db01", Some("1h"), &[])).await);
    assert!(refused.starts_with("alice has 3 requests waiting"), "{refused}");
    assert!(
        !try_ask(&store, wanted("bob", "db01", None, &[]))
            .await
            .unwrap()
            .existing
    );

    let too_long = try_ask(&store, wanted("bob", "db01", Some("31d"), &[]))
        .await
        .unwrap_err();
    assert_eq!(too_long.field(), Some("for"));
    let mut rdp = wanted("bob", "db01", None, &[]);
    rdp.wanted = RequestTarget::Access {
        server: "db01".to_owned(),
        protocol: Protocol::Rdp,
        logins: Vec::new(),
        length: None,
    };
    let refused = try_ask(&store, rdp).await.unwrap_err();
    assert_eq!(refused.to_string(), "db01 does not offer rdp; it offers ssh");
    let mut long = wanted("bob", "db01", Some("1h"), &[]);
    long.reason = Some("x".repeat(501));
    assert_eq!(try_ask(&store, long).await.unwrap_err().field(), Some("reason"));
}

async fn what_is_not_decided_in_time_expires(place: &Place) {
    let store = site(place).await;
    let asked = ask(&store, "alice", "web01").await;
    assert_eq!(store.expire_requests(at("2026-02-07 11:59")).await.unwrap(), 0);
    let over = at("2026-02-07 12:00");
    // It counts as expired before that is written down.
    let detail = store.request(over, &Reader::CommandLine, asked.id).await.unwrap();
    assert_eq!(detail.request.state, RequestState::Expired);
    let late = Decider::User("olga".to_owned());
    let refused = store
        .deny_request(&cli(), over, asked.id, &late, None)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("is expired already"), "{refused}");
    assert_eq!(store.request_counts(over).await.unwrap().pending, 0);
    assert_eq!(store.request_counts(now()).await.unwrap().pending, 1);
    assert_eq!(store.expire_requests(over).await.unwrap(), 1);
    assert_eq!(store.expire_requests(over).await.unwrap(), 0);
    assert_eq!(actions(&store).await.last().unwrap(), "request.expired");
    let state = Some(RequestState::Expired);
    assert_eq!(
        seen(
            &store,
            "alice",
            RequestFilter {
                state,
                ..Default::default()
            }
        )
        .await,
        [1]
    );
}

async fn only_the_person_withdraws(place: &Place) {
    let store = site(place).await;
    let asked = ask(&store, "alice", "web01").await;
    for other in ["bob", "olga", "ann"] {
        let refused = store.withdraw_request(&cli(), now(), asked.id, other).await;
        assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{other}");
    }
    let done = store
        .withdraw_request(&cli(), now(), asked.id, "alice")
        .await
        .unwrap();
    assert_eq!(done.state, RequestState::Withdrawn);
    assert!(try_approve(&store, asked.id, "olga").await.is_err());
    assert!(
        store
            .withdraw_request(&cli(), now(), asked.id, "alice")
            .await
            .is_err()
    );
}

async fn an_address_is_asked_for_and_entered(place: &Place) {
    let store = site(place).await;
    user(&store, "carl", &["10.9.0.0/16", "10.8.0.1"]).await;
    store
        .add_pool_range(&cli(), now(), range("10.1.0.0/24"), None)
        .await
        .unwrap();
    for (bad, why) in [
        ("10.1.0.9", "is in the pool"),
        ("10.255.0.3", "an address of the gate"),
        ("::ffff:10.255.0.3", "an address of the gate"),
        ("0.0.0.0", "not the address of one machine"),
        ("224.0.0.1", "not the address of one machine"),
        ("10.8.0.1", "belongs to somebody else"),
    ] {
        let refused = sentence(try_ask(&store, address("alice", bad)).await);
        assert!(refused.contains(why), "{bad}: {refused}");
        assert!(
            !refused.contains("carl"),
            "who holds it is nobody's business: {refused}"
        );
    }
    let free = try_ask(&store, address("alice", "10.7.0.1")).await.unwrap();
    assert!(free.remarks.is_empty());
    let refused = try_approve(&store, free.request.id, "ann").await;
    assert!(
        refused.is_err(),
        "an approver of servers does not decide addresses"
    );
    let done = try_approve(&store, free.request.id, "olga").await.unwrap();
    assert_eq!((done.policy_id, done.address), (None, Some(range("10.7.0.1"))));
    let held = store.user_addresses("alice").await.unwrap();
    assert_eq!(
        (held[0].range, held[0].label.as_deref()),
        (range("10.7.0.1"), Some("request #1"))
    );
    let own = sentence(try_ask(&store, address("alice", "10.7.0.1")).await);
    assert_eq!(own, "alice has 10.7.0.1 already");

    let inside = try_ask(&store, address("alice", "10.9.3.3")).await.unwrap();
    assert!(
        inside.remarks[0].contains("a range of somebody else"),
        "{:?}",
        inside.remarks
    );
    let id = inside.request.id;
    let olga = Reader::User("olga".to_owned());
    let detail = store.request(now(), &olga, id).await.unwrap();
    assert_eq!(
        (detail.overlaps[0].user.as_str(), detail.may_decide),
        ("carl", true)
    );
    let detail = store
        .request(now(), &Reader::User("alice".to_owned()), id)
        .await
        .unwrap();
    assert!(detail.overlaps.is_empty());
    assert!(sentence(try_approve(&store, id, "olga").await).contains("--inside"));
    let approval = Approval {
        inside: Inside::Allow,
        ..Approval::default()
    };
    let olga = Decider::User("olga".to_owned());
    store
        .approve_request(&cli(), now(), id, &olga, approval, &limits())
        .await
        .unwrap();
    // What became impossible since is refused at the approval.
    let late = try_ask(&store, address("alice", "10.6.0.1"))
        .await
        .unwrap()
        .request;
    user(&store, "dora", &["10.6.0.1"]).await;
    assert!(try_approve(&store, late.id, "olga").await.is_err());
    let detail = store.request(now(), &Reader::CommandLine, late.id).await.unwrap();
    assert_eq!(
        detail.request.state,
        RequestState::Pending,
        "nothing of it is done by half"
    );
}
