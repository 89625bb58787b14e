//! People, their addresses and keys, rights and locks.

use gatehouse_model::{Right, Role, Secret};
use gatehouse_store::{
    Activity, AuditFilter, Edit, Inside, Kind, LockTarget, NewAddress, PageRequest, PasswordCheck,
    RightHolder, StoreError, UserEdit, UserFilter,
};

use crate::support::{
    Place, actions, at, cli, grant, name, now, on_both, range, rules, sentence, server, user,
};

on_both!(
    a_person_is_entered_changed_found_and_removed,
    names_are_the_same_in_any_case,
    two_people_cannot_hold_one_range_and_one_inside_another_is_asked_for,
    keys_belong_to_one_person,
    a_password_is_kept_as_a_hash,
    locks_and_blocks_come_and_go,
    lists_come_in_pages,
    rights_are_set_once,
    history_stays_when_a_person_goes,
);

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHf0TiZ4PmZ7zEuFDwL6IrhJmqwNlsTBCxvHTQ2Zq3Bx ana@laptop";

async fn a_person_is_entered_changed_found_and_removed(place: &Place) {
    let store = place.open().await;
    let ana = user(&store, "ana", &["10.0.0.7", "fd00::/64"]).await;
    assert_eq!(
        ana.addresses
            .iter()
            .map(|a| a.range.to_string())
            .collect::<Vec<_>>(),
        ["10.0.0.7", "fd00::/64"]
    );
    let edit = UserEdit {
        name: Some(name("anna")),
        full_name: Edit::Set("Anna Ünal".to_owned()),
        email: Edit::Set("anna@example.com".to_owned()),
        role: Some(Role::Operator),
        ..UserEdit::default()
    };
    let edited = store.edit_user(&cli(), now(), "ANA", edit).await.unwrap();
    assert_eq!(
        (edited.id, edited.name.as_str(), edited.role),
        (ana.id, "anna", Role::Operator)
    );
    for text in ["ÜNAL", "ann", "EXAMPLE.com"] {
        let filter = UserFilter {
            text: Some(text.to_owned()),
            ..UserFilter::default()
        };
        let found = store.users(now(), &filter, &PageRequest::all()).await.unwrap();
        assert_eq!(found.items, std::slice::from_ref(&edited), "{text}");
    }
    let filter = UserFilter {
        text: Some("a%a".to_owned()),
        ..UserFilter::default()
    };
    assert!(
        store
            .users(now(), &filter, &PageRequest::all())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let by_id = store.user(now(), &ana.id.to_string()).await.unwrap();
    assert_eq!(by_id, edited);
    let off = store
        .set_user_activity(&cli(), now(), "anna", Activity::Disabled)
        .await
        .unwrap();
    assert!(!off.active);
    store.remove_user(&cli(), now(), "anna").await.unwrap();
    let gone = store.user(now(), "anna").await.unwrap_err();
    assert!(matches!(gone, StoreError::NotFound { kind: Kind::User, .. }));
    let want = [
        "user.added",
        "address.added",
        "address.added",
        "user.edited",
        "user.disabled",
        "user.removed",
    ];
    assert_eq!(actions(&store).await, want);
    // Its addresses are free again.
    user(&store, "bea", &["10.0.0.7"]).await;
    let bad = UserEdit {
        email: Edit::Set("nobody".to_owned()),
        ..UserEdit::default()
    };
    assert_eq!(
        store
            .edit_user(&cli(), now(), "bea", bad)
            .await
            .unwrap_err()
            .field(),
        Some("email")
    );
}

async fn names_are_the_same_in_any_case(place: &Place) {
    let store = place.open().await;
    user(&store, "Ünal", &[]).await;
    let again = gatehouse_store::NewUser {
        name: name("üNAL"),
        full_name: None,
        email: None,
        role: Role::User,
        addresses: Vec::new(),
    };
    let refused = sentence(store.add_user(&cli(), now(), again, Inside::Refuse).await);
    assert_eq!(refused, "there is a user \"Ünal\" already; choose another name");
    let meant = sentence(store.user(now(), "Unal").await);
    assert_eq!(meant, "there is no user \"Unal\"; did you mean Ünal?");
}

async fn two_people_cannot_hold_one_range_and_one_inside_another_is_asked_for(place: &Place) {
    let store = place.open().await;
    user(&store, "ana", &["10.0.0.0/24"]).await;
    user(&store, "bea", &[]).await;
    let add = |text: &str, inside| {
        let address = NewAddress {
            range: range(text),
            label: Some("desk".to_owned()),
            inside,
        };
        let (store, actor) = (store.clone(), cli());
        async move { store.add_user_address(&actor, now(), "bea", address).await }
    };
    let same = sentence(add("10.0.0.0/24", Inside::Allow).await);
    assert_eq!(
        same,
        "10.0.0.0/24 belongs to ana; no two users may hold the same range"
    );
    let within = sentence(add("10.0.0.7", Inside::Refuse).await);
    assert_eq!(
        within,
        "10.0.0.7 lies inside 10.0.0.0/24, which ana holds; say --inside if that is meant"
    );
    let around = sentence(add("10.0.0.0/8", Inside::Refuse).await);
    assert_eq!(
        around,
        "10.0.0.0/8 contains 10.0.0.0/24, which ana holds; say --inside if that is meant"
    );
    let added = add("10.0.0.7", Inside::Allow).await.unwrap();
    assert_eq!(
        (added.inside[0].user.as_str(), added.inside[0].range),
        ("ana", range("10.0.0.0/24"))
    );
    assert!(sentence(add("10.0.0.7", Inside::Allow).await).contains("bea has 10.0.0.7 already"));
    // One's own ranges may lie within each other.
    add("10.0.0.0/30", Inside::Allow).await.unwrap();
    store
        .set_user_address_activity(&cli(), now(), "bea", range("10.0.0.7"), Activity::Disabled)
        .await
        .unwrap();
    let listed = store.user_addresses("bea").await.unwrap();
    assert_eq!(
        listed.iter().map(|a| (a.range, a.active)).collect::<Vec<_>>(),
        [(range("10.0.0.7"), false), (range("10.0.0.0/30"), true)]
    );
    store
        .remove_user_address(&cli(), now(), "bea", range("10.0.0.7"))
        .await
        .unwrap();
    let absent = sentence(
        store
            .remove_user_address(&cli(), now(), "bea", range("10.0.0.7"))
            .await,
    );
    assert!(absent.starts_with("there is no address \"10.0.0.7\""), "{absent}");
}

async fn keys_belong_to_one_person(place: &Place) {
    let store = place.open().await;
    user(&store, "ana", &[]).await;
    user(&store, "bea", &[]).await;
    let key = store.add_user_key(&cli(), now(), "ana", KEY).await.unwrap();
    assert_eq!(key.comment.as_deref(), Some("ana@laptop"));
    let taken = sentence(store.add_user_key(&cli(), now(), "bea", KEY).await);
    assert!(taken.contains("is registered for ana already"), "{taken}");
    assert_eq!(store.user_keys("ana").await.unwrap(), std::slice::from_ref(&key));
    let bare = key.fingerprint.trim_start_matches("SHA256:");
    store.remove_user_key(&cli(), now(), "ana", bare).await.unwrap();
    assert!(store.user_keys("ana").await.unwrap().is_empty());
    assert!(store.remove_user_key(&cli(), now(), "ana", bare).await.is_err());
}

async fn a_password_is_kept_as_a_hash(place: &Place) {
    let store = place.open().await;
    user(&store, "ana", &[]).await;
    let secret = |text: &str| Secret::from(text.to_owned());
    assert_eq!(
        store
            .check_user_password("ana", secret("hunter2hunter2"))
            .await
            .unwrap(),
        PasswordCheck::Wrong
    );
    store
        .set_user_password(&cli(), now(), "ana", secret("hunter2hunter2"), None)
        .await
        .unwrap();
    assert_eq!(
        store
            .check_user_password("ana", secret("hunter2hunter2"))
            .await
            .unwrap(),
        PasswordCheck::Right
    );
    assert_eq!(
        store
            .check_user_password("ana", secret("hunter2hunter3"))
            .await
            .unwrap(),
        PasswordCheck::Wrong
    );
    assert_eq!(
        store.check_user_password("nobody", secret("x")).await.unwrap(),
        PasswordCheck::Wrong
    );
    let short = store
        .set_user_password(&cli(), now(), "ana", secret("short"), None)
        .await
        .unwrap_err();
    assert_eq!(short.field(), Some("password"));
}

async fn locks_and_blocks_come_and_go(place: &Place) {
    let store = place.open().await;
    user(&store, "ana", &[]).await;
    server(&store, "web01").await;
    let until = Some(at("2026-01-31 14:00"));
    let ana = LockTarget::User("ana".to_owned());
    store
        .lock(&cli(), now(), &ana, until, Some("leaving".to_owned()))
        .await
        .unwrap();
    store
        .lock(&cli(), now(), &LockTarget::Server("web01".to_owned()), None, None)
        .await
        .unwrap();
    let locked = store.user(now(), "ana").await.unwrap().lock.unwrap();
    assert_eq!((locked.until, locked.reason.as_deref()), (until, Some("leaving")));
    assert!(
        store
            .user(at("2026-01-31 14:00"), "ana")
            .await
            .unwrap()
            .lock
            .is_none(),
        "it has ended by itself"
    );
    assert!(store.server(now(), "web01").await.unwrap().lock.is_some());
    store.unlock(&cli(), now(), &ana).await.unwrap();
    assert_eq!(
        sentence(store.unlock(&cli(), now(), &ana).await),
        "ana is not locked"
    );
    assert_eq!(
        store
            .lock(&cli(), now(), &ana, Some(now()), None)
            .await
            .unwrap_err()
            .field(),
        Some("until")
    );

    store
        .add_block(&cli(), now(), range("192.0.2.0/24"), until, None)
        .await
        .unwrap();
    store
        .add_block(
            &cli(),
            now(),
            range("192.0.2.0/24"),
            None,
            Some("scans".to_owned()),
        )
        .await
        .unwrap();
    let blocks = store.blocks(now()).await.unwrap();
    assert_eq!(
        (blocks.len(), blocks[0].until, blocks[0].reason.as_deref()),
        (1, None, Some("scans"))
    );
    store
        .remove_block(&cli(), now(), range("192.0.2.0/24"))
        .await
        .unwrap();
    assert!(
        store
            .remove_block(&cli(), now(), range("192.0.2.0/24"))
            .await
            .is_err()
    );
}

async fn lists_come_in_pages(place: &Place) {
    let store = place.open().await;
    for n in 0..5 {
        user(&store, &format!("user{n}"), &[]).await;
    }
    let mut names = Vec::new();
    let mut page = PageRequest::first(2);
    loop {
        let got = store.users(now(), &UserFilter::default(), &page).await.unwrap();
        assert!(got.items.len() <= 2);
        names.extend(got.items.into_iter().map(|user| user.name.to_string()));
        match got.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    assert_eq!(names, ["user0", "user1", "user2", "user3", "user4"]);
    let bad = PageRequest {
        limit: None,
        after: Some("x".to_owned()),
    };
    let refused = store
        .users(now(), &UserFilter::default(), &bad)
        .await
        .unwrap_err();
    assert_eq!(refused.field(), Some("cursor"));
}

async fn rights_are_set_once(place: &Place) {
    let store = place.open().await;
    user(&store, "ana", &[]).await;
    let ana = RightHolder::User("ana".to_owned());
    store.add_right(&cli(), now(), &ana, Right::X11).await.unwrap();
    store
        .add_right(&cli(), now(), &ana, Right::ForwardLocal)
        .await
        .unwrap();
    assert_eq!(
        sentence(store.add_right(&cli(), now(), &ana, Right::X11).await),
        "ana has the right x11 already"
    );
    assert_eq!(
        store.rights(&ana).await.unwrap(),
        [Right::ForwardLocal, Right::X11]
    );
    store.remove_right(&cli(), now(), &ana, Right::X11).await.unwrap();
    assert!(store.remove_right(&cli(), now(), &ana, Right::X11).await.is_err());
}

async fn history_stays_when_a_person_goes(place: &Place) {
    let store = place.open().await;
    let ana = user(&store, "ana", &["10.0.0.7"]).await;
    let web = server(&store, "web01").await;
    grant(&store, "ana", "web01", rules()).await;
    let id = crate::sessions::opened(&store, &ana, &web, 1).await;
    store.remove_user(&cli(), now(), "ana").await.unwrap();
    store.remove_server(&cli(), now(), "web01").await.unwrap();
    let filter = gatehouse_store::SessionFilter {
        user: Some("ANA".to_owned()),
        ..Default::default()
    };
    let kept = store
        .sessions(now(), &filter, &PageRequest::all())
        .await
        .unwrap()
        .items;
    assert_eq!(
        (kept[0].id, kept[0].user.as_str(), kept[0].server.as_str()),
        (id, "ana", "web01")
    );
    let filter = gatehouse_store::SessionFilter {
        server: Some("web01".to_owned()),
        ..Default::default()
    };
    assert_eq!(
        store
            .sessions(now(), &filter, &PageRequest::all())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    let about = AuditFilter {
        user: Some("Ana".to_owned()),
        ..AuditFilter::default()
    };
    let lines: Vec<String> = store
        .audit_events(&about, &PageRequest::all())
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|e| e.action)
        .collect();
    assert_eq!(
        lines,
        [
            "user.removed",
            "policy.removed",
            "session.opened",
            "policy.granted",
            "address.added",
            "user.added"
        ]
    );
    // Ids are never given again, so a namesake does not inherit the history.
    let namesake = user(&store, "ana", &[]).await;
    assert!(namesake.id > ana.id);
    let filter = gatehouse_store::SessionFilter {
        user: Some("ana".to_owned()),
        ..Default::default()
    };
    assert!(
        store
            .sessions(now(), &filter, &PageRequest::all())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}
