//! A request that is made again gets the answer of the first time.

use gatehouse_store::Repetition;

use crate::sign_ins::later;
use crate::support::{Place, now, on_both};

on_both!(the_same_request_is_answered_the_same,);

async fn the_same_request_is_answered_the_same(place: &Place) {
    let store = place.open().await;
    let begin = async |key: &str, request: u8, at| {
        store
            .begin_idempotent(at, ("ana", key), [request; 32])
            .await
            .unwrap()
    };
    let (one, other) = tokio::join!(begin("k", 1, now()), begin("k", 1, now()));
    assert!(matches!(
        (one, other),
        (Repetition::First, Repetition::Running) | (Repetition::Running, Repetition::First)
    ));
    store
        .finish_idempotent(("ana", "k"), Some((201, b"secret answer")))
        .await
        .unwrap();
    assert_eq!(
        begin("k", 1, now()).await,
        Repetition::Same(201, b"secret answer".to_vec())
    );
    assert_eq!(begin("k", 2, now()).await, Repetition::Different);
    assert_eq!(
        store
            .begin_idempotent(now(), ("bob", "k"), [2; 32])
            .await
            .unwrap(),
        Repetition::First,
        "keys of different people have nothing to do with each other"
    );
    store.finish_idempotent(("bob", "k"), None).await.unwrap();
    assert_eq!(
        store
            .begin_idempotent(now(), ("bob", "k"), [3; 32])
            .await
            .unwrap(),
        Repetition::First
    );
    assert_eq!(
        begin("k", 2, later(24 * 3_600 + 1)).await,
        Repetition::First,
        "a day later it is forgotten"
    );
}
