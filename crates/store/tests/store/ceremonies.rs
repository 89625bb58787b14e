//! What is begun on a page is finished once, in time, and as what it was.

use gatehouse_model::SpanSeconds;
use gatehouse_store::CEREMONIES_MAX;

use crate::support::{Place, now, on_both};

on_both!(
    what_was_begun_is_finished_once_and_as_what_it_was,
    what_takes_too_long_is_over,
    the_oldest_make_room,
);

fn minutes(count: u64) -> SpanSeconds {
    SpanSeconds::new(count * 60).unwrap()
}

async fn what_was_begun_is_finished_once_and_as_what_it_was(place: &Place) {
    let store = place.open().await;
    let begin = async || {
        store
            .begin_ceremony(now(), "sign in", "state".into(), minutes(5))
            .await
            .unwrap()
    };
    let id = begin().await;
    assert_eq!(store.finish_ceremony(now(), "register", &id).await.unwrap(), None);
    assert_eq!(
        store.finish_ceremony(now(), "sign in", &id).await.unwrap(),
        None,
        "it was taken out"
    );
    let id = begin().await;
    let finished = store.finish_ceremony(now(), "sign in", &id).await.unwrap();
    assert_eq!(finished.as_deref(), Some("state"));
    for gone in [id.as_str(), "", "zz", "00"] {
        assert_eq!(store.finish_ceremony(now(), "sign in", gone).await.unwrap(), None);
    }
    let id = begin().await;
    let (one, other) = tokio::join!(
        store.finish_ceremony(now(), "sign in", &id),
        store.finish_ceremony(now(), "sign in", &id)
    );
    let finished = [one.unwrap(), other.unwrap()];
    assert_eq!(finished.iter().flatten().count(), 1, "{finished:?}");
}

async fn what_takes_too_long_is_over(place: &Place) {
    let store = place.open().await;
    let id = store
        .begin_ceremony(now(), "sign in", "state".into(), minutes(5))
        .await
        .unwrap();
    let late = now() + std::time::Duration::from_secs(300);
    assert_eq!(store.finish_ceremony(late, "sign in", &id).await.unwrap(), None);
}

async fn the_oldest_make_room(place: &Place) {
    let store = place.open().await;
    let first = store
        .begin_ceremony(now(), "sign in", "first".into(), minutes(1))
        .await
        .unwrap();
    let mut last = String::new();
    for _ in 0..CEREMONIES_MAX {
        last = store
            .begin_ceremony(now(), "sign in", "more".into(), minutes(5))
            .await
            .unwrap();
    }
    assert_eq!(
        store.finish_ceremony(now(), "sign in", &first).await.unwrap(),
        None
    );
    assert!(
        store
            .finish_ceremony(now(), "sign in", &last)
            .await
            .unwrap()
            .is_some()
    );
}
