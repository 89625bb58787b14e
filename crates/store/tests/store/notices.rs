//! Whom mail tells of requests.

use gatehouse_model::{Right, Role};
use gatehouse_store::{
    Activity, AlertKind, AlertPlace, Approval, Decider, DueAlert, GroupKind, LockTarget, NewBreakGlass,
    RightHolder, Store, SubjectRef, UserEdit,
};
use jiff::SignedDuration;

use crate::requests::{ask, group, limits, person, site};
use crate::support::{Place, cli, now, on_both};

on_both!(
    approvers_are_told_of_new_requests_and_the_person_of_the_decision,
    every_administrator_is_told_of_break_glass,
);

async fn due(store: &Store, place: &mut AlertPlace) -> Option<DueAlert> {
    store
        .take_alert(now(), place, SignedDuration::from_mins(2))
        .await
        .unwrap()
}

async fn approvers_are_told_of_new_requests_and_the_person_of_the_decision(place: &Place) {
    let store = site(place).await;
    let mut hook = AlertPlace::new("mail", AlertKind::ALL.to_vec(), SignedDuration::from_hours(24));
    let bob = SubjectRef::User("bob".to_owned());
    store.add_approver(&cli(), now(), "web", &bob).await.unwrap();
    let asked = ask(&store, "alice", "web01").await;
    let created = due(&store, &mut hook).await.unwrap();
    assert_eq!(created.kind, AlertKind::RequestCreated);
    assert_eq!(
        created.sentence,
        "alice asks for access to web01 by ssh for 8h (request #1): the disk is full"
    );
    let told = async |alert: &DueAlert| store.notice_addresses(now(), alert).await.unwrap();
    // By a nested group of people on the group above, and by name.
    assert_eq!(told(&created).await, ["ann@example.com", "bob@example.com"]);
    let locked = LockTarget::User("ann".to_owned());
    store.lock(&cli(), now(), &locked, None, None).await.unwrap();
    assert_eq!(told(&created).await, ["bob@example.com"]);
    // One's own request, and one for a server without approvers.
    ask(&store, "bob", "web01").await;
    let own = due(&store, &mut hook).await.unwrap();
    assert!(told(&own).await.is_empty());
    ask(&store, "alice", "db01").await;
    let nobodys = due(&store, &mut hook).await.unwrap();
    assert!(told(&nobodys).await.is_empty());

    let olga = Decider::User("olga".to_owned());
    let approval = Approval::default();
    store
        .approve_request(&cli(), now(), asked.id, &olga, approval, &limits())
        .await
        .unwrap();
    let decided = due(&store, &mut hook).await.unwrap();
    assert_eq!(decided.kind, AlertKind::RequestDecided);
    assert_eq!(
        decided.sentence,
        "request #1 of alice was approved by olga: access to web01 by ssh until 2026-01-31T20:00:00Z"
    );
    assert_eq!(told(&decided).await, ["alice@example.com"]);
    let edit = UserEdit {
        email: gatehouse_store::Edit::Clear,
        ..UserEdit::default()
    };
    store.edit_user(&cli(), now(), "alice", edit).await.unwrap();
    assert!(told(&decided).await.is_empty());
    assert_eq!(due(&store, &mut hook).await, None);
}

async fn every_administrator_is_told_of_break_glass(place: &Place) {
    let store = place.open().await;
    for (text, role) in [
        ("alice", Role::User),
        ("root1", Role::Admin),
        ("root2", Role::Admin),
        ("olga", Role::Operator),
    ] {
        person(&store, text, role).await;
    }
    store
        .set_user_activity(&cli(), now(), "root2", Activity::Disabled)
        .await
        .unwrap();
    crate::support::server(&store, "web01").await;
    group(&store, GroupKind::User, "on-call", None, &["alice"]).await;
    let holder = RightHolder::Group("on-call".to_owned());
    store
        .add_right(&cli(), now(), &holder, Right::BreakGlass)
        .await
        .unwrap();
    let new = NewBreakGlass {
        user: "alice".to_owned(),
        server: "web01".to_owned(),
        protocol: gatehouse_model::Protocol::Ssh,
        reason: "the building is on fire".to_owned(),
        source: None,
        length: None,
    };
    store
        .open_break_glass(&cli(), now(), new, &limits())
        .await
        .unwrap();
    let mut hook = AlertPlace::new(
        "mail",
        vec![AlertKind::BreakGlass],
        SignedDuration::from_hours(24),
    );
    let opened = due(&store, &mut hook).await.unwrap();
    assert_eq!(
        store.notice_addresses(now(), &opened).await.unwrap(),
        ["root1@example.com"]
    );
    let other = DueAlert {
        kind: AlertKind::Denied,
        ..opened
    };
    assert!(store.notice_addresses(now(), &other).await.unwrap().is_empty());
}
