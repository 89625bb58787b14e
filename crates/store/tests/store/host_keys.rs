//! Host keys of backends: pinned at first use, a change waits for an administrator.

use gatehouse_model::ServerId;
use gatehouse_store::{Actor, FirstUse, HostKeyState, HostKeyVerdict, Store};

use crate::support::{Place, actions, at, cli, now, on_both, sentence, server};

on_both!(
    the_first_key_is_pinned_and_another_one_waits,
    a_first_key_can_be_held,
    of_two_first_keys_at_once_one_is_pinned,
);

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHf0TiZ4PmZ7zEuFDwL6IrhJmqwNlsTBCxvHTQ2Zq3Bx";
const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHf0TiZ4PmZ7zEuFDwL6IrhJmqwNlsTBCxvHTQ2Zq3By";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAAA";

async fn see(store: &Store, server: ServerId, key: &str, first_use: FirstUse) -> HostKeyVerdict {
    store
        .see_host_key(&Actor::system(), now(), server, key, first_use)
        .await
        .unwrap()
}

async fn the_first_key_is_pinned_and_another_one_waits(place: &Place) {
    let store = place.open().await;
    let web = server(&store, "web01").await.id;
    assert_eq!(
        see(&store, web, ED25519, FirstUse::Accept).await,
        HostKeyVerdict::Pinned
    );
    assert_eq!(
        see(&store, web, ED25519, FirstUse::Accept).await,
        HostKeyVerdict::Known
    );
    let pinned = store.host_keys("web01").await.unwrap()[0].clone();
    for changed in [OTHER, ECDSA, OTHER] {
        let verdict = see(&store, web, changed, FirstUse::Accept).await;
        assert_eq!(
            verdict,
            HostKeyVerdict::Changed {
                accepted: vec![pinned.fingerprint.clone()]
            }
        );
    }
    let changes = actions(&store)
        .await
        .iter()
        .filter(|action| *action == "hostkey.changed")
        .count();
    assert_eq!(changes, 2, "each key alerts once");
    let ambiguous = store
        .accept_host_key(&cli(), now(), "web01", None)
        .await
        .unwrap_err();
    assert_eq!(ambiguous.field(), Some("fingerprint"));
    let waiting = store.host_keys("web01").await.unwrap();
    let other = waiting.iter().find(|key| key.openssh == OTHER).unwrap();
    let accepted = store
        .accept_host_key(&cli(), now(), "web01", Some(&other.fingerprint))
        .await
        .unwrap();
    assert_eq!(
        (accepted.state, accepted.accepted_by.as_deref()),
        (HostKeyState::Accepted, Some("cli:root@jump"))
    );
    assert_eq!(
        see(&store, web, OTHER, FirstUse::Accept).await,
        HostKeyVerdict::Known
    );
    let back = see(&store, web, ED25519, FirstUse::Accept).await;
    assert!(
        matches!(back, HostKeyVerdict::Changed { .. }),
        "the old one is the server's no more"
    );
    store.forget_host_keys(&cli(), now(), "web01").await.unwrap();
    assert_eq!(
        sentence(store.forget_host_keys(&cli(), now(), "web01").await),
        "no host key of web01 is known"
    );
    assert_eq!(
        see(&store, web, ED25519, FirstUse::Accept).await,
        HostKeyVerdict::Pinned
    );
    // `last_seen` follows, though not with every connection.
    let later = at("2026-01-31 13:00");
    store
        .see_host_key(&Actor::system(), later, web, ED25519, FirstUse::Accept)
        .await
        .unwrap();
    assert_eq!(store.host_keys_of(web).await.unwrap()[0].last_seen, later);
}

async fn a_first_key_can_be_held(place: &Place) {
    let store = place.open().await;
    let web = server(&store, "web01").await.id;
    assert_eq!(
        see(&store, web, ED25519, FirstUse::Hold).await,
        HostKeyVerdict::Held
    );
    assert_eq!(
        see(&store, web, ED25519, FirstUse::Hold).await,
        HostKeyVerdict::Held
    );
    store.accept_host_key(&cli(), now(), "web01", None).await.unwrap();
    assert_eq!(
        see(&store, web, ED25519, FirstUse::Hold).await,
        HostKeyVerdict::Known
    );
    assert_eq!(
        sentence(store.accept_host_key(&cli(), now(), "web01", None).await),
        "no host key of web01 waits to be accepted"
    );
}

async fn of_two_first_keys_at_once_one_is_pinned(place: &Place) {
    let stores = [place.open().await, place.open().await];
    let web = server(&stores[0], "web01").await.id;
    let seeing: Vec<_> = [ED25519, OTHER]
        .into_iter()
        .zip(stores)
        .map(|(key, store)| tokio::spawn(async move { see(&store, web, key, FirstUse::Accept).await }))
        .collect();
    let mut pinned = 0;
    for seen in seeing {
        pinned += u32::from(seen.await.unwrap() == HostKeyVerdict::Pinned);
    }
    assert_eq!(pinned, 1);
}
