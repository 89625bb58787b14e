//! Secrets: found by those who may, and by nobody on the disk, in the book, in JSON or in `Debug`.

use gatehouse_model::{Login, Secret};
use gatehouse_store::{
    AuditFilter, CredentialKind, CredentialTrust, GateHostKey, NewCredential, PageRequest, Store, StoreError,
};

use crate::support::{Place, bytes_below, cli, now, on_both, sentence, server, user};

on_both!(
    a_credential_of_the_login_comes_before_the_one_for_any,
    nodes_that_start_at_once_have_the_same_host_keys,
    no_secret_is_seen_outside,
    a_sealed_value_moved_to_another_row_does_not_open,
);

const PASSWORD: &str = "correct-horse-battery-staple";
const PRIVATE: &str =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0LWtleS1ib2R5\n-----END OPENSSH PRIVATE KEY-----\n";

fn login(text: &str) -> Login {
    text.parse().unwrap()
}

async fn credential(store: &Store, server: &str, of: Option<&str>, kind: CredentialKind, secret: &str) {
    let new = NewCredential {
        login: of.map(login),
        kind,
        secret: Secret::from(secret.to_owned()),
        trust: CredentialTrust::AddressIsEnough,
    };
    store.add_credential(&cli(), now(), server, new).await.unwrap();
}

async fn a_credential_of_the_login_comes_before_the_one_for_any(place: &Place) {
    let store = place.open().await;
    let web = server(&store, "web01").await.id;
    assert!(store.credential_for(web, &login("root")).await.unwrap().is_none());
    credential(&store, "web01", None, CredentialKind::Key, PRIVATE).await;
    credential(&store, "web01", Some("root"), CredentialKind::Password, PASSWORD).await;
    let root = store.credential_for(web, &login("root")).await.unwrap().unwrap();
    assert_eq!(
        (root.kind, root.secret.expose_str(), root.trust),
        (
            CredentialKind::Password,
            Some(PASSWORD),
            CredentialTrust::AddressIsEnough
        )
    );
    let other = store.credential_for(web, &login("admin")).await.unwrap().unwrap();
    assert_eq!(
        (other.kind, other.secret.expose_str()),
        (CredentialKind::Key, Some(PRIVATE))
    );
    let again = NewCredential {
        login: Some(login("root")),
        kind: CredentialKind::Key,
        secret: Secret::from("ssh-ed25519 AAAA".to_owned()),
        trust: CredentialTrust::Proof,
    };
    let no_key = store
        .add_credential(&cli(), now(), "web01", again.clone())
        .await
        .unwrap_err();
    assert_eq!(no_key.field(), Some("secret"));
    let again = NewCredential {
        secret: Secret::from(PRIVATE.to_owned()),
        ..again
    };
    let taken = sentence(store.add_credential(&cli(), now(), "web01", again).await);
    assert_eq!(taken, "web01 has a credential for root already; remove it first");
    store
        .remove_credential(&cli(), now(), "web01", Some(&login("root")))
        .await
        .unwrap();
    let left = store.credentials("web01").await.unwrap();
    assert_eq!(
        (left.len(), left[0].login.clone(), left[0].address_is_enough),
        (1, None, true)
    );
    assert!(
        store
            .remove_credential(&cli(), now(), "web01", Some(&login("root")))
            .await
            .is_err()
    );
}

async fn nodes_that_start_at_once_have_the_same_host_keys(place: &Place) {
    let stores = [place.open().await, place.open().await, place.open().await];
    let keeping: Vec<_> = stores
        .into_iter()
        .enumerate()
        .map(|(n, store)| {
            tokio::spawn(async move {
                assert!(store.gate_host_keys().await.is_ok());
                let keys = ["ssh-ed25519", "ssh-rsa"].map(|algorithm| GateHostKey {
                    server: None,
                    algorithm: algorithm.to_owned(),
                    public: format!("{algorithm} AAAA{n}"),
                    private: Secret::from(format!("private {n}")),
                });
                let kept = store
                    .keep_gate_host_keys(&cli(), now(), keys.to_vec())
                    .await
                    .unwrap();
                kept.into_iter()
                    .map(|key| (key.algorithm, key.private.expose().to_vec()))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for kept in keeping {
        answers.push(kept.await.unwrap());
    }
    assert_eq!(answers[0].len(), 2);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

async fn no_secret_is_seen_outside(place: &Place) {
    let store = place.open().await;
    server(&store, "web01").await;
    user(&store, "ana", &[]).await;
    credential(&store, "web01", Some("root"), CredentialKind::Password, PASSWORD).await;
    credential(&store, "web01", None, CredentialKind::Key, PRIVATE).await;
    store
        .set_user_password(&cli(), now(), "ana", Secret::from(PASSWORD.to_owned()), None)
        .await
        .unwrap();
    let key = GateHostKey {
        server: None,
        algorithm: "ssh-ed25519".to_owned(),
        public: "ssh-ed25519 AAAA".to_owned(),
        private: Secret::from(PRIVATE.to_owned()),
    };
    store
        .keep_gate_host_keys(&cli(), now(), vec![key.clone()])
        .await
        .unwrap();
    let web = store.server(now(), "web01").await.unwrap().id;
    let stored = store.credential_for(web, &login("root")).await.unwrap().unwrap();
    let events = store
        .audit_events(&AuditFilter::default(), &PageRequest::all())
        .await
        .unwrap();
    let seen = [
        format!("{key:?} {stored:?} {store:?} {:?}", place.config()),
        serde_json::to_string(&events).unwrap(),
        serde_json::to_string(&store.credentials("web01").await.unwrap()).unwrap(),
        serde_json::to_string(&store.user(now(), "ana").await.unwrap()).unwrap(),
    ];
    for text in seen {
        assert!(
            !text.contains(PASSWORD) && !text.contains("c2VjcmV0") && !text.contains("argon2"),
            "{text}"
        );
    }
    store.close().await;
    let on_disk = if place.url.starts_with("sqlite") {
        bytes_below(place.dir.path())
    } else {
        dump(place).await
    };
    assert!(contains(&on_disk, b"web01"), "the search finds what is in clear");
    assert!(!contains(&on_disk, PASSWORD.as_bytes()));
    assert!(!contains(&on_disk, b"c2VjcmV0"));
}

async fn a_sealed_value_moved_to_another_row_does_not_open(place: &Place) {
    let store = place.open().await;
    server(&store, "web01").await;
    let other = server(&store, "web02").await.id;
    credential(&store, "web01", Some("root"), CredentialKind::Password, PASSWORD).await;
    place
        .tamper(&format!("UPDATE credentials SET server_id = {other}"))
        .await;
    let refused = store.credential_for(other, &login("root")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Key(_)), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains(PASSWORD));
}

/// Everything in the tables that hold secrets, as PostgreSQL shows it and as bytes.
async fn dump(place: &Place) -> Vec<u8> {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};
    let raw = place.raw().await;
    let mut all = Vec::new();
    for (table, bytes) in [
        ("credentials", "sealed"),
        ("gate_keys", "sealed"),
        ("users", "NULL"),
        ("audit", "hash"),
        ("servers", "NULL"),
    ] {
        let sql = format!("SELECT CAST(t AS text) AS shown, CAST({bytes} AS bytea) AS bytes FROM {table} t");
        for row in raw
            .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await
            .unwrap()
        {
            all.extend(row.try_get::<String>("", "shown").unwrap().into_bytes());
            all.extend(
                row.try_get::<Option<Vec<u8>>>("", "bytes")
                    .unwrap()
                    .unwrap_or_default(),
            );
        }
    }
    all
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
