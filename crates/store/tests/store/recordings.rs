//! Keys of recordings, and what the book holds of closed ones.

use gatehouse_model::{EndReason, Secret, SessionId};
use gatehouse_store::{AuditPace, Closing, RecordingAnchor, RecordingSigningKey, Store, StoreError};
use uuid::Uuid;

use crate::sessions::{closing, opened, opening};
use crate::support::{Place, actions, bytes_below, cli, now, on_both, server, user};

on_both!(
    nodes_that_start_at_once_sign_with_the_same_key,
    a_key_that_was_replaced_is_still_known,
    a_recording_s_secret_opens_for_its_session_alone,
    the_book_holds_what_a_recording_was_and_a_changed_line_shows,
);

const PUBLIC: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIY2WvPv7ySCxuh3Ul0hJjxGyS7mZKb7sE0mHf5YbB0e",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHf0TiZ4PmZ7zEuFDwL6IrhJmqwNlsTBCxvHTQ2Zq3Bx",
];

fn key(number: usize) -> RecordingSigningKey {
    RecordingSigningKey {
        public: PUBLIC[number].to_owned(),
        private: Secret::from(format!("a-private-key-that-nobody-sees-{number}")),
    }
}

async fn nodes_that_start_at_once_sign_with_the_same_key(place: &Place) {
    let stores = [place.open().await, place.open().await];
    assert!(stores[0].recording_signing_key().await.unwrap().is_none());
    let keeping: Vec<_> = stores
        .into_iter()
        .enumerate()
        .map(|(n, store)| {
            tokio::spawn(async move { store.keep_recording_key(&cli(), now(), key(n)).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for kept in keeping {
        answers.push(kept.await.unwrap());
    }
    assert_eq!(answers[0].public, answers[1].public);
    assert_eq!(answers[0].private.expose(), answers[1].private.expose());
    let store = place.open().await;
    assert_eq!(store.recording_keys().await.unwrap().len(), 1);
    assert_eq!(actions(&store).await, ["recording_key.generated"]);
    store.close().await;
    if place.url.starts_with("sqlite") {
        let on_disk = bytes_below(place.dir.path());
        let holds = |words: &[u8]| on_disk.windows(words.len()).any(|window| window == words);
        assert!(holds(answers[0].public.as_bytes()) && !holds(b"a-private-key"));
    }
}

async fn a_key_that_was_replaced_is_still_known(place: &Place) {
    let store = place.open().await;
    store.keep_recording_key(&cli(), now(), key(0)).await.unwrap();
    let revision = store.revision().await.unwrap();
    let fresh = store.replace_recording_key(&cli(), now(), key(1)).await.unwrap();
    assert!(
        store.revision().await.unwrap() > revision,
        "running nodes are told"
    );
    let keys = store.recording_keys().await.unwrap();
    assert_eq!(
        keys.iter().map(|key| key.public.as_str()).collect::<Vec<_>>(),
        PUBLIC
    );
    assert_eq!(
        (keys[0].retired_at, keys[1].retired_at),
        (Some(now()), None),
        "{keys:?}"
    );
    assert!(fresh == keys[1] && keys[0].id.starts_with("SHA256:"));
    let signing = store.recording_signing_key().await.unwrap().unwrap();
    assert_eq!(signing.private.expose(), key(1).private.expose());
    // What is there already is what signs.
    let kept = store.keep_recording_key(&cli(), now(), key(0)).await.unwrap();
    assert_eq!(kept.public, PUBLIC[1]);
    assert!(
        store.replace_recording_key(&cli(), now(), key(1)).await.is_err(),
        "a key is new once"
    );
    let other = PUBLIC[0];
    place
        .tamper(&format!(
            "UPDATE recording_keys SET public = '{other}', fingerprint = 'SHA256:x' WHERE retired_at IS NULL"
        ))
        .await;
    let refused = store.recording_signing_key().await.unwrap_err();
    assert!(matches!(refused, StoreError::Key(_)), "{refused}");
}

async fn a_recording_s_secret_opens_for_its_session_alone(place: &Place) {
    let store = place.open().await;
    let [one, other] = [1, 2].map(|n| SessionId(Uuid::from_u128(n)));
    let sealed = store.seal_recording_secret(one, &[7; 32]).unwrap();
    assert!(!sealed.windows(8).any(|window| window == [7; 8]));
    assert_eq!(
        store.open_recording_secret(one, &sealed).unwrap().expose(),
        [7; 32]
    );
    assert!(store.open_recording_secret(other, &sealed).is_err());
    assert!(store.open_recording_secret(one, &sealed[1..]).is_err());
}

fn anchor(digest: &str) -> RecordingAnchor {
    RecordingAnchor {
        manifest_digest: digest.to_owned(),
        signed_by: Some("SHA256:k".to_owned()),
    }
}

/// The digests that the book holds for a session, each with whether its line is sound.
async fn held(store: &Store, id: SessionId) -> Vec<(String, bool)> {
    let lines = store.recording_anchors(id).await.unwrap();
    lines
        .iter()
        .map(|line| (line.manifest_digest().unwrap_or_default().to_owned(), line.sound))
        .collect()
}

async fn the_book_holds_what_a_recording_was_and_a_changed_line_shows(place: &Place) {
    let store = place.open().await;
    let (ana, web) = (user(&store, "ana", &[]).await, server(&store, "web01").await);
    let closed = opened(&store, &ana, &web, 1).await;
    assert!(held(&store, closed).await.is_empty());
    let with_anchor = Closing {
        anchor: Some(anchor("sha256:aa")),
        ..closing(EndReason::Normal)
    };
    store
        .close_session(&cli(), now(), closed, with_anchor)
        .await
        .unwrap();
    let failed = opening(&store, &ana, &web, 2).await;
    store
        .fail_session(
            &cli(),
            now(),
            failed,
            ("login_failed", "no"),
            Some(&anchor("sha256:bb")),
        )
        .await
        .unwrap();
    let lost = SessionId(Uuid::from_u128(3));
    store
        .anchor_recording(&cli(), now(), (lost, "ana", "web01"), &anchor("sha256:cc"))
        .await
        .unwrap();
    for (id, digest) in [(closed, "sha256:aa"), (failed, "sha256:bb"), (lost, "sha256:cc")] {
        assert_eq!(held(&store, id).await, [(digest.to_owned(), true)]);
    }
    let report = store.verify_audit(None, AuditPace::Fast).await.unwrap();
    assert!(report.fault.is_none());
    place
        .tamper("UPDATE audit SET detail = replace(detail, 'sha256:bb', 'sha256:bc')")
        .await;
    assert_eq!(held(&store, failed).await, [("sha256:bc".to_owned(), false)]);
    assert_eq!(held(&store, closed).await, [("sha256:aa".to_owned(), true)]);
    place
        .tamper("DELETE FROM audit WHERE action = 'session.failed'")
        .await;
    assert!(held(&store, failed).await.is_empty());
    assert_eq!(
        held(&store, lost).await,
        [("sha256:cc".to_owned(), false)],
        "the line before it is gone"
    );
}
