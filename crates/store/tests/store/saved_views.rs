//! Views of lists that people keep.

use gatehouse_model::Role;
use gatehouse_store::SavedView;

use crate::sign_ins::person;
use crate::support::{Place, on_both};

on_both!(views_are_kept,);

async fn views_are_kept(place: &Place) {
    let store = place.open().await;
    person(&store, "ana", Role::User).await;
    person(&store, "bob", Role::User).await;
    let view = |name: &str, query: &str| SavedView {
        list: "sessions".to_owned(),
        name: name.to_owned(),
        query: query.to_owned(),
    };
    store.save_view("ana", view("mine", "user=ana")).await.unwrap();
    store
        .save_view("ana", view("mine", "user=ana&state=active"))
        .await
        .unwrap();
    assert_eq!(
        store.saved_views("ana").await.unwrap(),
        [view("mine", "user=ana&state=active")]
    );
    assert_eq!(store.saved_views("bob").await.unwrap(), []);
    assert_eq!(
        store.save_view("ana", view("", "")).await.unwrap_err().field(),
        Some("name")
    );
    assert!(store.remove_view("bob", "sessions", "mine").await.is_err());
    store.remove_view("ana", "sessions", "mine").await.unwrap();
}
