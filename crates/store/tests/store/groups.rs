//! Groups: nesting, members, what stands in the way of removing one.

use gatehouse_store::{Edit, GroupEdit, GroupKind, NewGroup, PageRequest, Store, UserFilter};

use crate::support::{Place, actions, cli, name, now, on_both, sentence, server, user};

on_both!(
    groups_nest_and_cycles_are_refused_with_the_chain,
    both_kinds_have_members_of_their_own
);

async fn group(store: &Store, kind: GroupKind, text: &str, parent: Option<&str>) {
    let new = NewGroup {
        name: name(text),
        parent: parent.map(str::to_owned),
        description: None,
    };
    store.add_group(&cli(), now(), kind, new).await.unwrap();
}

async fn groups_nest_and_cycles_are_refused_with_the_chain(place: &Place) {
    let store = place.open().await;
    let kind = GroupKind::User;
    group(&store, kind, "staff", None).await;
    group(&store, kind, "dev", Some("staff")).await;
    group(&store, kind, "web", Some("DEV")).await;
    let web = store.group(kind, "web").await.unwrap();
    assert_eq!(
        (web.parent.as_deref(), web.path.join("/").as_str()),
        (Some("dev"), "staff/dev/web")
    );
    assert_eq!(store.group(kind, "staff").await.unwrap().children, ["dev"]);
    let edit = |parent: &str| GroupEdit {
        parent: Edit::Set(parent.to_owned()),
        ..GroupEdit::default()
    };
    let cycle = store
        .edit_group(&cli(), now(), kind, "staff", edit("web"))
        .await
        .unwrap_err();
    assert_eq!(cycle.field(), Some("parent"));
    for group in ["staff", "dev", "web"] {
        assert!(cycle.to_string().contains(group), "{cycle}");
    }
    assert!(
        store
            .edit_group(&cli(), now(), kind, "dev", edit("dev"))
            .await
            .is_err()
    );
    let used = sentence(store.remove_group(&cli(), now(), kind, "dev").await);
    assert_eq!(
        used,
        "the group \"dev\" has groups below it (web); move or remove them first"
    );
    let mut above = "web".to_owned();
    for level in 4..=10 {
        let below = format!("level{level}");
        group(&store, kind, &below, Some(&above)).await;
        above = below;
    }
    let deep = NewGroup {
        name: name("level11"),
        parent: Some(above),
        description: None,
    };
    assert!(sentence(store.add_group(&cli(), now(), kind, deep).await).contains("10 levels"));
    let apart = GroupEdit {
        parent: Edit::Clear,
        name: Some(name("site")),
        ..GroupEdit::default()
    };
    let moved = store.edit_group(&cli(), now(), kind, "web", apart).await.unwrap();
    assert_eq!((moved.parent, moved.path), (None, vec!["site".to_owned()]));
    store.remove_group(&cli(), now(), kind, "dev").await.unwrap();
    assert_eq!(
        store.groups(kind, &PageRequest::all()).await.unwrap().items.len(),
        9
    );
}

async fn both_kinds_have_members_of_their_own(place: &Place) {
    let store = place.open().await;
    user(&store, "ana", &[]).await;
    user(&store, "bea", &[]).await;
    server(&store, "web01").await;
    for kind in [GroupKind::User, GroupKind::Server] {
        group(&store, kind, "web", None).await;
    }
    for (kind, member) in [
        (GroupKind::User, "bea"),
        (GroupKind::User, "ana"),
        (GroupKind::Server, "WEB01"),
    ] {
        store
            .add_group_member(&cli(), now(), kind, "web", member)
            .await
            .unwrap();
    }
    assert_eq!(
        store.group(GroupKind::User, "web").await.unwrap().members,
        ["ana", "bea"]
    );
    assert_eq!(
        store.group(GroupKind::Server, "web").await.unwrap().members,
        ["web01"]
    );
    assert_eq!(store.user(now(), "ana").await.unwrap().groups, ["web"]);
    let filter = UserFilter {
        group: Some("web".to_owned()),
        ..UserFilter::default()
    };
    assert_eq!(
        store
            .users(now(), &filter, &PageRequest::all())
            .await
            .unwrap()
            .items
            .len(),
        2
    );
    let again = store
        .add_group_member(&cli(), now(), GroupKind::User, "web", "ana")
        .await;
    assert_eq!(sentence(again), "ana is in the group \"web\" already");
    store
        .remove_group_member(&cli(), now(), GroupKind::User, "web", "ana")
        .await
        .unwrap();
    assert!(
        store
            .remove_group_member(&cli(), now(), GroupKind::User, "web", "ana")
            .await
            .is_err()
    );
    assert!(
        store
            .add_group_member(&cli(), now(), GroupKind::Server, "web", "ana")
            .await
            .is_err()
    );
    store
        .remove_group(&cli(), now(), GroupKind::User, "web")
        .await
        .unwrap();
    assert!(store.user(now(), "bea").await.unwrap().groups.is_empty());
    let codes = actions(&store).await;
    for code in [
        "group.added",
        "server_group.added",
        "group.member_removed",
        "server_group.member_added",
        "group.removed",
    ] {
        assert!(codes.iter().any(|action| action == code), "{code}");
    }
}
