//! Changes that are meant for a state: refused once somebody else has changed the thing.

use gatehouse_model::{Role, parse_span};
use gatehouse_store::{
    Activity, Edit, GroupEdit, GroupKind, LockTarget, NewGroup, PolicyEdit, ServerEdit, StoreError, Tag,
    UserEdit, Wanted,
};

use crate::support::{Place, actions, cli, grant, name, now, on_both, rules, server, user};

on_both!(
    a_person_is_changed_only_in_the_state_that_was_seen,
    so_are_servers_and_groups,
    so_are_grants,
);

fn changed<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Changed)), "{result:?}");
}

async fn a_person_is_changed_only_in_the_state_that_was_seen(place: &Place) {
    let store = place.open().await;
    let seen = Tag::of(&user(&store, "ana", &["10.0.0.7"]).await).unwrap();
    assert_eq!(
        Tag::of(&store.user(now(), "ana").await.unwrap()).unwrap(),
        seen,
        "looking changes nothing"
    );
    let edit = |expected| UserEdit {
        role: Some(Role::Operator),
        activity: Some(Activity::Disabled),
        expected,
        ..UserEdit::default()
    };
    let edited = store
        .edit_user(&cli(), now(), "ana", edit(Some(seen)))
        .await
        .unwrap();
    assert_eq!((edited.role, edited.active), (Role::Operator, false));
    let events = actions(&store).await;
    assert!(
        events.ends_with(&["user.edited".to_owned(), "user.disabled".to_owned()]),
        "{events:?}"
    );
    // The second administrator still has the page of before.
    let before = actions(&store).await;
    changed(store.edit_user(&cli(), now(), "ana", edit(Some(seen))).await);
    let who = || Wanted::unchanged("ana", Some(seen));
    changed(
        store
            .set_user_activity(&cli(), now(), who(), Activity::Enabled)
            .await,
    );
    changed(store.remove_user(&cli(), now(), who()).await);
    let ana = LockTarget::User("ana".to_owned());
    changed(
        store
            .lock(&cli(), now(), Wanted::unchanged(&ana, Some(seen)), None, None)
            .await,
    );
    changed(
        store
            .unlock(&cli(), now(), Wanted::unchanged(&ana, Some(seen)))
            .await,
    );
    assert_eq!(actions(&store).await, before, "a refused change leaves no line");

    let seen = Some(Tag::of(&store.user(now(), "ana").await.unwrap()).unwrap());
    store
        .lock(&cli(), now(), Wanted::unchanged(&ana, seen), None, None)
        .await
        .unwrap();
    changed(store.edit_user(&cli(), now(), "ana", edit(seen)).await);
    let seen = Some(Tag::of(&store.user(now(), "ana").await.unwrap()).unwrap());
    store
        .remove_user(&cli(), now(), Wanted::unchanged("ana", seen))
        .await
        .unwrap();
}

async fn so_are_servers_and_groups(place: &Place) {
    let store = place.open().await;
    let seen = Some(Tag::of(&server(&store, "web01").await).unwrap());
    let edit = |expected| ServerEdit {
        description: Edit::Set("front".to_owned()),
        activity: Some(Activity::Disabled),
        expected,
        ..ServerEdit::default()
    };
    let edited = store
        .edit_server(&cli(), now(), "web01", edit(seen))
        .await
        .unwrap();
    assert!(!edited.active);
    changed(store.edit_server(&cli(), now(), "web01", edit(seen)).await);
    let wanted = || Wanted::unchanged("web01", seen);
    changed(
        store
            .set_server_activity(&cli(), now(), wanted(), Activity::Enabled)
            .await,
    );
    changed(store.remove_server(&cli(), now(), wanted()).await);
    let target = LockTarget::Server("web01".to_owned());
    changed(
        store
            .lock(&cli(), now(), Wanted::unchanged(&target, seen), None, None)
            .await,
    );

    for kind in [GroupKind::User, GroupKind::Server] {
        let new = NewGroup {
            name: name("web"),
            parent: None,
            description: None,
        };
        let seen = Some(Tag::of(&store.add_group(&cli(), now(), kind, new).await.unwrap()).unwrap());
        let edit = |expected| GroupEdit {
            description: Edit::Set("front".to_owned()),
            expected,
            ..GroupEdit::default()
        };
        store
            .edit_group(&cli(), now(), kind, "web", edit(seen))
            .await
            .unwrap();
        changed(store.edit_group(&cli(), now(), kind, "web", edit(seen)).await);
        changed(
            store
                .remove_group(&cli(), now(), kind, Wanted::unchanged("web", seen))
                .await,
        );
        store.remove_group(&cli(), now(), kind, "web").await.unwrap();
    }
}

async fn so_are_grants(place: &Place) {
    let store = place.open().await;
    user(&store, "ana", &[]).await;
    server(&store, "web01").await;
    let hour = parse_span("1h").unwrap();
    let mut terms = rules();
    terms.end = Some(now().checked_add(hour.signed()).unwrap());
    let granted = grant(&store, "ana", "web01", terms).await;
    let seen = Some(Tag::of(&granted).unwrap());
    let edit = |expected| PolicyEdit {
        reason: Edit::Set("on call".to_owned()),
        expected,
        ..PolicyEdit::default()
    };
    store
        .edit_policy(&cli(), now(), granted.id, edit(seen))
        .await
        .unwrap();
    changed(store.edit_policy(&cli(), now(), granted.id, edit(seen)).await);
    let wanted = || Wanted::unchanged(granted.id, seen);
    changed(store.renew_policy(&cli(), now(), wanted(), hour).await);
    changed(store.revoke_policy(&cli(), now(), wanted(), None).await);
    changed(store.remove_policy(&cli(), now(), wanted()).await);
    let seen = Some(Tag::of(&store.policy(now(), granted.id).await.unwrap()).unwrap());
    store
        .revoke_policy(&cli(), now(), Wanted::unchanged(granted.id, seen), None)
        .await
        .unwrap();
}
