//! Break-glass: only with the right, never quietly, reviewed by somebody else; and the sessions that followed.

use gatehouse_model::{
    NodeId, PolicyId, Protocol, RequestKind, RequestState, ReviewVerdict, Right, Role, SessionId,
};
use gatehouse_store::{
    AccessRequest, AlertFilter, AlertKind, AuditFilter, Decider, FourEyes, GroupKind, LockTarget,
    NewBreakGlass, NewPolicy, NewSession, Outcome, PageRequest, Reader, RequestFilter, RightHolder,
    SessionUpdate, Store, StoreError, SubjectRef, TargetRef,
};

use crate::requests::{group, limits, person, span};
use crate::support::{Place, at, cli, now, on_both, rules, sentence, server};

on_both!(
    the_right_is_looked_for_wherever_it_can_be_set,
    access_is_opened_alarmed_and_reviewed,
    what_is_not_reviewed_is_told_of_once_more,
    the_sessions_that_followed_are_listed,
);

fn emergency(who: &str, what: &str) -> NewBreakGlass {
    NewBreakGlass {
        user: who.to_owned(),
        server: what.to_owned(),
        protocol: Protocol::Ssh,
        reason: "the building is on fire".to_owned(),
        source: Some("10.0.0.7".parse().unwrap()),
        length: None,
    }
}

async fn open(store: &Store, who: &str, what: &str) -> Result<AccessRequest, StoreError> {
    store
        .open_break_glass(&cli(), now(), emergency(who, what), &limits())
        .await
}

async fn site(place: &Place) -> Store {
    let store = place.open().await;
    person(&store, "alice", Role::User).await;
    person(&store, "olga", Role::Operator).await;
    server(&store, "web01").await;
    server(&store, "db01").await;
    group(&store, GroupKind::Server, "all", None, &[]).await;
    group(&store, GroupKind::Server, "web", Some("all"), &["web01"]).await;
    group(&store, GroupKind::User, "staff", None, &[]).await;
    group(&store, GroupKind::User, "on-call", Some("staff"), &["alice"]).await;
    store
}

async fn alerts(store: &Store) -> Vec<String> {
    let filter = AlertFilter {
        kind: Some(AlertKind::BreakGlass),
        since: None,
        ..AlertFilter::default()
    };
    let page = store.alerts(&filter, &PageRequest::all()).await.unwrap();
    page.items.into_iter().map(|alert| alert.sentence).collect()
}

async fn the_right_is_looked_for_wherever_it_can_be_set(place: &Place) {
    let store = site(place).await;
    let refused = open(&store, "alice", "web01").await;
    assert!(matches!(refused, Err(StoreError::Forbidden(_))), "{refused:?}");
    let filter = AuditFilter {
        action: Some("breakglass.opened".to_owned()),
        ..Default::default()
    };
    let events = store
        .audit_events(&filter, &PageRequest::all())
        .await
        .unwrap()
        .items;
    assert_eq!((events.len(), events[0].outcome), (1, Outcome::Denied));
    assert!(alerts(&store).await.is_empty(), "nothing was opened");

    for holder in [
        RightHolder::User("alice".into()),
        RightHolder::Group("staff".into()),
    ] {
        store
            .add_right(&cli(), now(), &holder, Right::BreakGlass)
            .await
            .unwrap();
        assert!(open(&store, "alice", "db01").await.is_ok(), "{holder:?}");
        store
            .remove_right(&cli(), now(), &holder, Right::BreakGlass)
            .await
            .unwrap();
        assert!(open(&store, "alice", "db01").await.is_err());
    }
    // In a grant: for its servers, within its start and end, whatever its schedules say.
    let mut terms = rules();
    terms.rights = vec![Right::BreakGlass];
    terms.end = Some(at("2026-02-01 12:00"));
    terms.schedules = vec!["Mon 03:00-03:01 UTC".parse().unwrap()];
    let new = NewPolicy {
        subject: SubjectRef::Group("staff".to_owned()),
        target: TargetRef::Group("all".to_owned()),
        rules: terms,
        reason: None,
    };
    let grant = store.grant_policy(&cli(), now(), new).await.unwrap();
    assert!(open(&store, "alice", "web01").await.is_ok());
    assert!(open(&store, "alice", "db01").await.is_err());
    let late = store
        .open_break_glass(
            &cli(),
            at("2026-02-01 12:00"),
            emergency("alice", "web01"),
            &limits(),
        )
        .await;
    assert!(late.is_err());
    store.revoke_policy(&cli(), now(), grant.id).await.unwrap();
    assert!(open(&store, "alice", "web01").await.is_err());
}

async fn access_is_opened_alarmed_and_reviewed(place: &Place) {
    let store = site(place).await;
    let alice = RightHolder::User("alice".to_owned());
    store
        .add_right(&cli(), now(), &alice, Right::BreakGlass)
        .await
        .unwrap();
    let short = NewBreakGlass {
        reason: " fire!   ".to_owned(),
        ..emergency("alice", "web01")
    };
    let refused = store
        .open_break_glass(&cli(), now(), short, &limits())
        .await
        .unwrap_err();
    assert_eq!(refused.field(), Some("reason"));
    let long = NewBreakGlass {
        length: Some(span("2h")),
        ..emergency("alice", "web01")
    };
    let refused = store
        .open_break_glass(&cli(), now(), long, &limits())
        .await
        .unwrap_err();
    assert_eq!(refused.field(), Some("for"));
    let web = LockTarget::Server("web01".to_owned());
    store.lock(&cli(), now(), &web, None, None).await.unwrap();
    assert!(sentence(open(&store, "alice", "web01").await).contains("locked"));
    store.unlock(&cli(), now(), &web).await.unwrap();

    let opened = open(&store, "alice", "web01").await.unwrap();
    assert_eq!(
        (opened.kind, opened.state),
        (RequestKind::BreakGlass, RequestState::Approved)
    );
    let policy = store.policy(now(), opened.policy_id.unwrap()).await.unwrap();
    assert_eq!(policy.rules.end, Some(at("2026-01-31 13:00")));
    assert_eq!(
        alerts(&store).await,
        ["alice opened access to web01 by ssh for 1h by break-glass (request #1): the building is on fire"]
    );
    let unreviewed = RequestFilter {
        unreviewed: true,
        ..Default::default()
    };
    let listed = async || {
        let page = store
            .requests(now(), &Reader::CommandLine, &unreviewed, &PageRequest::all())
            .await;
        page.unwrap().items.len()
    };
    assert_eq!(
        (
            listed().await,
            store.request_counts(now()).await.unwrap().unreviewed
        ),
        (1, 1)
    );

    let review = async |who: Decider, verdict: ReviewVerdict| {
        let note = Some("seen".to_owned());
        store
            .review_request(&cli(), now(), opened.id, &who, verdict, note)
            .await
    };
    let by = |who: &str| Decider::User(who.to_owned());
    person(&store, "aud", Role::Auditor).await;
    for (who, verdict) in [
        ("alice", ReviewVerdict::Justified),
        ("aud", ReviewVerdict::Justified),
    ] {
        assert!(
            matches!(review(by(who), verdict).await, Err(StoreError::Forbidden(_))),
            "{who}"
        );
    }
    assert!(
        review(Decider::CommandLine(FourEyes::On), ReviewVerdict::Justified)
            .await
            .is_err()
    );
    let done = review(by("olga"), ReviewVerdict::NotJustified)
        .await
        .unwrap()
        .review
        .unwrap();
    assert_eq!(
        (done.by.as_str(), done.verdict),
        ("olga", ReviewVerdict::NotJustified)
    );
    assert!(sentence(review(by("olga"), ReviewVerdict::Justified).await).contains("reviewed already"));
    assert_eq!(
        (
            listed().await,
            store.request_counts(now()).await.unwrap().unreviewed
        ),
        (0, 0)
    );
}

async fn what_is_not_reviewed_is_told_of_once_more(place: &Place) {
    let store = site(place).await;
    let alice = RightHolder::User("alice".to_owned());
    store
        .add_right(&cli(), now(), &alice, Right::BreakGlass)
        .await
        .unwrap();
    let reviewed = open(&store, "alice", "db01").await.unwrap();
    open(&store, "alice", "web01").await.unwrap();
    let olga = Decider::User("olga".to_owned());
    store
        .review_request(&cli(), now(), reviewed.id, &olga, ReviewVerdict::Justified, None)
        .await
        .unwrap();
    assert_eq!(
        store.remind_of_unreviewed(at("2026-02-01 11:59")).await.unwrap(),
        0
    );
    assert_eq!(
        store.remind_of_unreviewed(at("2026-02-01 12:00")).await.unwrap(),
        1
    );
    assert_eq!(
        store.remind_of_unreviewed(at("2026-02-09 12:00")).await.unwrap(),
        0
    );
    let told = alerts(&store).await;
    assert_eq!(told.len(), 3);
    assert!(
        told[0].contains("(request #2) is not reviewed yet"),
        "{}",
        told[0]
    );
}

async fn the_sessions_that_followed_are_listed(place: &Place) {
    let store = site(place).await;
    let alice = RightHolder::User("alice".to_owned());
    store
        .add_right(&cli(), now(), &alice, Right::BreakGlass)
        .await
        .unwrap();
    let opened = open(&store, "alice", "web01").await.unwrap();
    let policy = opened.policy_id.unwrap();
    let session = async |n: u8, policies: Vec<PolicyId>| new_session(&store, n, policies).await;
    let later = session(3, vec![]).await;
    let later_id = later.id;
    for new in [
        session(1, vec![policy, PolicyId(77)]).await,
        session(2, vec![PolicyId(77)]).await,
        later,
    ] {
        store.open_session(new).await.unwrap();
    }
    let terms = Some((vec![policy], None));
    store
        .update_session(
            later_id,
            SessionUpdate {
                terms,
                ..Default::default()
            },
        )
        .await
        .unwrap();
    // Other terms since: it was allowed by the grant all the same.
    let terms = Some((vec![PolicyId(77)], None));
    store
        .update_session(
            later_id,
            SessionUpdate {
                terms,
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let detail = store
        .request(now(), &Reader::CommandLine, opened.id)
        .await
        .unwrap();
    let ids: Vec<_> = detail
        .sessions
        .iter()
        .map(|session| session.id.to_string())
        .collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert!(ids[0].ends_with("03") && ids[1].ends_with("01"), "{ids:?}");
}

async fn new_session(store: &Store, n: u8, policies: Vec<PolicyId>) -> NewSession {
    NewSession {
        id: format!("019300000000700080000000000000{n:02}")
            .parse::<SessionId>()
            .unwrap(),
        node: "00000000-0000-0000-0000-000000000007".parse::<NodeId>().unwrap(),
        user: store.user(now(), "alice").await.unwrap().id,
        user_name: "alice".to_owned(),
        server: store.server(now(), "web01").await.unwrap().id,
        server_name: "web01".to_owned(),
        protocol: Protocol::Ssh,
        source: "10.0.0.7".parse().unwrap(),
        source_port: 50_000,
        proxy: None,
        backend: "127.0.3.1:22".to_owned(),
        login: None,
        policies,
        started_at: now(),
        allowed_until: None,
        recording_path: None,
    }
}
