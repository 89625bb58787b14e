//! Guessing slows down, and strangers lock nobody out.

use gatehouse_model::{Role, Secret};
use gatehouse_store::{CountedTry, NewSignIn, PasswordCheck, SignInState, Try};

use crate::sign_ins::{later, person, sign_in, source};
use crate::support::{Place, actions, now, on_both};

on_both!(
    tries_are_slowed_down_by_account_and_source_and_strangers_lock_nobody_out,
    tries_at_the_same_time_are_all_counted,
    who_succeeds_in_the_end_takes_back_what_went_wrong_before,
    a_success_does_not_keep_the_failures_of_others_in_memory,
    whatever_is_typed_as_a_name_is_counted,
    a_known_source_is_known_by_its_network,
    made_up_accounts_take_bounded_room,
);

/// The try, which nothing holds up.
#[track_caller]
fn permitted(tried: Try) -> CountedTry {
    let counted = match tried {
        Try::Permitted(counted) => Some(counted),
        Try::NotBefore(_) => None,
    };
    counted.unwrap()
}

async fn tries_are_slowed_down_by_account_and_source_and_strangers_lock_nobody_out(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    store
        .open_sign_in(now(), sign_in(ana, SignInState::Open))
        .await
        .unwrap()
        .unwrap();
    let attempt =
        async |at, account: &str, from: &str| store.begin_try(at, account, source(from)).await.unwrap();
    for n in 0..3 {
        let from = format!("192.0.2.{n}");
        assert!(
            matches!(attempt(now(), "ANA", &from).await, Try::Permitted(_)),
            "{n}"
        );
    }
    let fourth = attempt(now(), "ana", "192.0.2.9").await;
    assert_eq!(fourth, Try::NotBefore(later(1)));
    assert!(matches!(
        attempt(later(1), "ana", "192.0.2.9").await,
        Try::Permitted(_)
    ));
    assert_eq!(
        attempt(later(1), "ana", "192.0.2.9").await,
        Try::NotBefore(later(3))
    );
    // She signed in from here, so she is not held up by what others tried.
    let mine = permitted(attempt(later(1), "ana", "10.0.0.7").await);
    store.try_succeeded(&mine).await.unwrap();
    // An account that does not exist is slowed down like any other.
    for _ in 0..3 {
        attempt(now(), "nobody", "192.0.2.50").await;
    }
    assert!(matches!(
        attempt(now(), "Nobody", "192.0.2.51").await,
        Try::NotBefore(_)
    ));
    // A source that tries many accounts.
    for n in 0..10 {
        assert!(
            matches!(
                attempt(now(), &format!("u{n}"), "192.0.2.99").await,
                Try::Permitted(_)
            ),
            "{n}"
        );
    }
    assert!(matches!(
        attempt(now(), "u99", "192.0.2.99").await,
        Try::NotBefore(_)
    ));
    assert!(
        matches!(
            attempt(later(24 * 3_600), "u99", "192.0.2.99").await,
            Try::Permitted(_)
        ),
        "forgotten"
    );
    store
        .record_failed_try(now(), "ana", source("192.0.2.9"), "wrong_password")
        .await
        .unwrap();
    assert!(
        actions(&store)
            .await
            .iter()
            .any(|action| action == "signin.failed")
    );
    store.prune_failures(later(40 * 24 * 3_600)).await.unwrap();
}

async fn tries_at_the_same_time_are_all_counted(place: &Place) {
    let store = place.open().await;
    let tries: Vec<_> = (0..12)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.begin_try(now(), "ana", source("192.0.2.1")).await.unwrap() })
        })
        .collect();
    let mut permitted = 0;
    for tried in tries {
        permitted += usize::from(matches!(tried.await.unwrap(), Try::Permitted(_)));
    }
    assert_eq!(permitted, 3);
}

async fn who_succeeds_in_the_end_takes_back_what_went_wrong_before(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    let here = source("10.0.0.7");
    let opened = store.open_sign_in(now(), sign_in(ana, SignInState::Open)).await;
    assert!(opened.unwrap().is_some());
    // With a second factor a sign-in is two tries, and the first is not told to be right.
    for n in 0..30 {
        let password = store.begin_try(now(), "ana", here).await.unwrap();
        assert!(matches!(password, Try::Permitted(_)), "{n}");
        let code = permitted(store.begin_try(now(), "ana", here).await.unwrap());
        store.try_succeeded(&code).await.unwrap();
    }
}

async fn a_success_does_not_keep_the_failures_of_others_in_memory(place: &Place) {
    let store = place.open().await;
    person(&store, "ana", Role::User).await;
    let here = source("10.0.0.7");
    for n in 0..10 {
        let tried = store.begin_try(now(), &format!("u{n}"), here).await.unwrap();
        assert!(matches!(tried, Try::Permitted(_)), "{n}");
    }
    let noon = later(12 * 3_600);
    let right = permitted(store.begin_try(noon, "ana", here).await.unwrap());
    store.try_succeeded(&right).await.unwrap();
    let soon = store.begin_try(noon, "u20", here).await.unwrap();
    assert!(matches!(soon, Try::Permitted(_)), "the ten are long ago");
    let again = store.begin_try(noon, "u21", here).await.unwrap();
    assert_eq!(
        again,
        Try::NotBefore(noon + std::time::Duration::from_secs(2)),
        "they count"
    );
    // Somewhere else nobody failed after the success.
    let there = source("10.0.0.8");
    for n in 0..10 {
        store.begin_try(now(), &format!("v{n}"), there).await.unwrap();
    }
    let right = permitted(store.begin_try(noon, "ana", there).await.unwrap());
    store.try_succeeded(&right).await.unwrap();
    let next_day = later(24 * 3_600);
    for n in 30..33 {
        let tried = store.begin_try(next_day, &format!("v{n}"), there).await.unwrap();
        assert!(matches!(tried, Try::Permitted(_)), "forgotten: {n}");
    }
}

async fn whatever_is_typed_as_a_name_is_counted(place: &Place) {
    let store = place.open().await;
    person(&store, "ana", Role::User).await;
    let long = "a".repeat(1 << 20);
    for (n, name) in ["", "a\0b", "\x1b[31m", &long, "99999999999999999999"]
        .into_iter()
        .enumerate()
    {
        let from = source(&format!("192.0.2.{n}"));
        for _ in 0..3 {
            let tried = store.begin_try(now(), name, from).await.unwrap();
            assert!(matches!(tried, Try::Permitted(_)), "{n}");
        }
        let tried = store.begin_try(now(), name, from).await.unwrap();
        assert_eq!(tried, Try::NotBefore(later(1)), "{n}");
        let password = Secret::from("correct horse".to_owned());
        let checked = store.check_user_password(name, password).await.unwrap();
        assert_eq!(checked, PasswordCheck::Wrong);
        store
            .record_failed_try(now(), name, from, "wrong_password")
            .await
            .unwrap();
    }
}

async fn a_known_source_is_known_by_its_network(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    let at_home = NewSignIn {
        source: source("2001:db8::aaaa"),
        ..sign_in(ana, SignInState::Open)
    };
    store.open_sign_in(now(), at_home).await.unwrap().unwrap();
    for n in 0..4 {
        let from = source(&format!("192.0.2.{n}"));
        store.begin_try(now(), "ana", from).await.unwrap();
    }
    let tried = async |from: &str| store.begin_try(now(), "ana", source(from)).await.unwrap();
    assert!(matches!(tried("2001:db8::bbbb").await, Try::Permitted(_)));
    assert!(matches!(tried("2001:db8:0:1::aaaa").await, Try::NotBefore(_)));
}

async fn made_up_accounts_take_bounded_room(place: &Place) {
    let store = place.open().await;
    let instant = if place.url.starts_with("sqlite") {
        "'2026-01-31 11:59:00+00:00'"
    } else {
        "CAST('2026-01-31 11:59:00+00:00' AS TIMESTAMP WITH TIME ZONE)"
    };
    place
        .tamper(&format!(
            "INSERT INTO sign_in_failures (subject, count, last_at)
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
             SELECT 'account:u' || i, 1, {instant} FROM n"
        ))
        .await;
    let mut at = now();
    for _ in 0..3 {
        // Whatever the second is.
        at += std::time::Duration::from_secs(1);
        let tried = store.begin_try(at, "ana", source("192.0.2.1")).await.unwrap();
        assert!(matches!(tried, Try::Permitted(_)));
    }
    let tried = store.begin_try(at, "ana", source("192.0.2.2")).await.unwrap();
    assert!(matches!(tried, Try::NotBefore(_)), "what is fresh stays");
    let left = place.tamper("DELETE FROM sign_in_failures").await;
    assert!(left <= 100_000, "{left}");
}
