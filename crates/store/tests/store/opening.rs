//! Opening: what is missing is made, what cannot be used is said in a sentence.

use std::os::unix::fs::PermissionsExt;

use gatehouse_model::Secret;
use gatehouse_store::{DatabaseError, KeyError, KeySource, Store, StoreConfig, StoreError};

use crate::support::{Place, cli, now, on_both, user};

on_both!(
    six_that_open_an_empty_database_at_once_all_succeed,
    a_newer_form_is_refused,
    another_key_is_refused,
    what_was_written_is_there_after_opening_again,
);

async fn six_that_open_an_empty_database_at_once_all_succeed(place: &Place) {
    let opening: Vec<_> = (0..6)
        .map(|_| tokio::spawn(Store::open(place.config())))
        .collect();
    for opened in opening {
        let store = opened.await.unwrap().unwrap();
        assert_eq!(store.revision().await.unwrap(), 1);
    }
}

async fn a_newer_form_is_refused(place: &Place) {
    place.open().await.close().await;
    place.tamper("UPDATE meta SET schema = 999").await;
    let refused = Store::open(place.config()).await.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Database(DatabaseError::Newer { found: 999, .. })
        ),
        "{refused}"
    );
    assert!(refused.to_string().contains("newer version"), "{refused}");
}

async fn another_key_is_refused(place: &Place) {
    place.open().await.close().await;
    let other = StoreConfig {
        key: KeySource::Given(Secret::from("ab".repeat(32))),
        ..place.config()
    };
    let refused = Store::open(other).await.unwrap_err();
    assert!(matches!(refused, StoreError::Key(KeyError::Wrong)), "{refused}");
    // A key that is made for it is taken away again, so that it does not mislead.
    let elsewhere = StoreConfig {
        data_dir: place.dir.path().join("other"),
        key: KeySource::default(),
        ..place.config()
    };
    let refused = Store::open(elsewhere.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Key(KeyError::Wrong)), "{refused}");
    assert!(!elsewhere.data_dir.join("store.key").exists());
}

async fn what_was_written_is_there_after_opening_again(place: &Place) {
    let store = place.open().await;
    user(&store, "Ünal", &["10.0.0.7"]).await;
    store.close().await;
    let again = place.open().await;
    assert_eq!(again.user(now(), "üNAL").await.unwrap().name.as_str(), "Ünal");
    assert_eq!(again.audit_head().await.unwrap().seq, 2);
}

#[tokio::test]
async fn an_empty_directory_is_all_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("a/b");
    let store = Store::open(StoreConfig::new("sqlite", &data_dir)).await.unwrap();
    user(&store, "ana", &[]).await;
    for file in ["gatehouse.db", "store.key"] {
        let mode = std::fs::metadata(data_dir.join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    for file in std::fs::read_dir(&data_dir).unwrap().flatten() {
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o077 & 0o022,
            0,
            "{:?}",
            file.path()
        );
    }
    store.close().await;
    // The same key is found again.
    Store::open(StoreConfig::new("sqlite", &data_dir)).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_used_is_said_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let open = |url: &str| Store::open(StoreConfig::new(url, dir.path().join("data")));
    let unknown = open("mysql://u:hunter2@h/n").await.unwrap_err();
    assert!(
        matches!(unknown, StoreError::Database(DatabaseError::Url(_))),
        "{unknown}"
    );
    let gone = open("postgres://u:hunter2@localhost/n?host=%2Fnowhere")
        .await
        .unwrap_err();
    assert!(
        matches!(gone, StoreError::Database(DatabaseError::Unreachable(_))),
        "{gone}"
    );
    let nowhere = open("sqlite:/nowhere/x.db").await.unwrap_err();
    assert!(matches!(nowhere, StoreError::File { .. }), "{nowhere}");
    std::fs::write(
        dir.path().join("data/text.db"),
        "this is no database, it is only a text".repeat(50),
    )
    .unwrap();
    let text = open("sqlite:text.db").await.unwrap_err();
    assert!(text.to_string().contains("not a database"), "{text}");
    for error in [unknown, gone, nowhere, text] {
        let sentence = error.to_string();
        assert!(
            !sentence.contains("hunter2") && !sentence.contains('\n'),
            "{sentence}"
        );
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_database_held_by_another_process_is_said_to_be_locked() {
    let place = Place::sqlite();
    let store = place.open().await;
    let raw = place.raw().await;
    let held = sea_orm::TransactionTrait::begin_with_options(
        &raw,
        sea_orm::TransactionOptions {
            sqlite_transaction_mode: Some(sea_orm::SqliteTransactionMode::Immediate),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let refused = store.remove_user(&cli(), now(), "ana").await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Database(DatabaseError::Locked)),
        "{refused}"
    );
    held.rollback().await.unwrap();
    user(&store, "ana", &[]).await;
}

/// The database goes away under a running store, and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_database_is_said_and_found_again() {
    let place = Place::postgres().await;
    let (store, other) = (place.open().await, place.open().await);
    let mut changes = store.changes();
    user(&store, "ana", &[]).await;
    let (server, database) = place.url.split_once("/test_").unwrap();
    let database = format!("test_{}", database.split_once('?').unwrap().0);
    let admin = place.url.replace(&database, "postgres");
    assert!(admin.starts_with(server));
    let admin = sea_orm::Database::connect(admin).await.unwrap();
    let run = async |sql: String| {
        sea_orm::ConnectionTrait::execute_unprepared(&admin, &sql)
            .await
            .unwrap()
    };
    run(format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false")).await;
    run(format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    ))
    .await;
    let gone = store.user(now(), "ana").await.unwrap_err();
    assert!(
        matches!(gone, StoreError::Database(DatabaseError::Unreachable(_))),
        "{gone}"
    );
    let refused = Store::open(place.config()).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Database(DatabaseError::Unreachable(_))),
        "{refused}"
    );
    run(format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true")).await;
    assert_eq!(store.user(now(), "ana").await.unwrap().name.as_str(), "ana");
    changes.borrow_and_update();
    user(&other, "bea", &[]).await;
    let heard = tokio::time::timeout(std::time::Duration::from_secs(10), changes.changed()).await;
    assert!(heard.is_ok(), "the feed follows again");
}
