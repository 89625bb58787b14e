//! The change feed: another process's change is known within a second.

use std::time::{Duration, Instant};

use crate::support::{Place, on_both, user};

on_both!(
    a_change_of_another_store_is_known_within_a_second,
    every_change_moves_the_revision_once,
    writers_at_once_lose_nothing,
);

async fn a_change_of_another_store_is_known_within_a_second(place: &Place) {
    let (here, there) = (place.open().await, place.open().await);
    let mut changes = here.changes();
    let before = *changes.borrow_and_update();
    for n in 0..5 {
        user(&there, &format!("user{n}"), &[]).await;
        let begun = Instant::now();
        tokio::time::timeout(Duration::from_secs(1), changes.changed())
            .await
            .unwrap()
            .unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1));
        let revision = *changes.borrow_and_update();
        assert_eq!(revision, before + 1 + n);
        assert_eq!(here.directory_rows().await.unwrap().revision, revision);
    }
}

async fn every_change_moves_the_revision_once(place: &Place) {
    let store = place.open().await;
    let changes = store.changes();
    user(&store, "ana", &["10.0.0.1", "10.0.0.2"]).await;
    assert_eq!(store.revision().await.unwrap(), 2);
    assert_eq!(*changes.borrow(), 2, "an own change is known at once");
    // A refused change changes nothing.
    let again = gatehouse_store::NewUser {
        name: "ANA".parse().unwrap(),
        full_name: None,
        email: None,
        role: gatehouse_model::Role::User,
        addresses: Vec::new(),
    };
    let refused = store
        .add_user(
            &crate::support::cli(),
            crate::support::now(),
            again,
            Default::default(),
        )
        .await;
    assert!(refused.is_err());
    assert_eq!(store.revision().await.unwrap(), 2);
    assert_eq!(
        crate::support::actions(&store).await,
        ["user.added", "address.added", "address.added"]
    );
}

async fn writers_at_once_lose_nothing(place: &Place) {
    let stores = [place.open().await, place.open().await];
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = stores[writer % 2].clone();
            tokio::spawn(async move {
                for n in 0..12 {
                    user(
                        &store,
                        &format!("w{writer}n{n}"),
                        &[&format!("10.{writer}.0.{n}")],
                    )
                    .await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(stores[0].revision().await.unwrap(), 1 + 96);
    let report = stores[1]
        .verify_audit(None, gatehouse_store::AuditPace::Fast)
        .await
        .unwrap();
    assert_eq!((report.lines, report.fault), (192, None));
}
