//! The ways to sign in: codes, recovery codes, passkeys, one-time links, and whether an administrator has one.

use gatehouse_model::{Role, Secret, Timestamp, TokenScope};
use gatehouse_store::{Activity, FirstAdministrator, NewPasskey, NewToken};

use crate::sign_ins::{later, person, source};
use crate::support::{Place, cli, now, on_both};

on_both!(
    a_code_counts_once_and_a_recovery_code_once_ever,
    passkeys_belong_to_one_person,
    a_setup_link_works_once_and_for_a_day,
    the_first_administrator_is_waited_for,
    a_link_that_is_none_costs_no_hash_and_a_used_one_ends_what_was_before,
);

fn code(secret: &Secret, at: Timestamp) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret.expose_str().unwrap()).unwrap();
    let totp = totp_rs::Builder::new()
        .with_secret(secret)
        .with_account_name("ana");
    let totp = totp.with_issuer(Some("Gatehouse")).build().unwrap();
    totp.generate(at.as_second().try_into().unwrap()).to_string()
}

async fn a_code_counts_once_and_a_recovery_code_once_ever(place: &Place) {
    let store = place.open().await;
    person(&store, "ana", Role::User).await;
    let made = store.begin_totp(now(), "ana").await.unwrap();
    assert!(
        made.uri
            .expose_str()
            .unwrap()
            .starts_with("otpauth://totp/Gatehouse:ana?")
    );
    assert!(
        !store
            .check_totp(now(), "ana", &code(&made.secret, now()))
            .await
            .unwrap(),
        "not confirmed yet"
    );
    let wrong = store
        .confirm_totp(&cli(), now(), "ana", "000000")
        .await
        .unwrap_err();
    assert_eq!(wrong.field(), Some("code"));
    let first = code(&made.secret, now());
    let codes = store.confirm_totp(&cli(), now(), "ana", &first).await.unwrap();
    assert_eq!(codes.len(), 10);
    assert!(
        !store.check_totp(now(), "ana", &first).await.unwrap(),
        "it was used"
    );
    let next = code(&made.secret, later(30));
    let (one, other) = tokio::join!(
        store.check_totp(later(30), "ana", &next),
        store.check_totp(later(30), "ana", &next)
    );
    assert!(one.unwrap() ^ other.unwrap(), "once");
    let early = code(&made.secret, later(90));
    assert!(
        store.check_totp(later(60), "ana", &early).await.unwrap(),
        "a clock that is half a minute fast"
    );
    let typed = codes[0].to_uppercase().replace('-', " ");
    assert!(
        store
            .use_recovery_code(&cli(), now(), "ana", &typed)
            .await
            .unwrap()
    );
    assert!(
        !store
            .use_recovery_code(&cli(), now(), "ana", &typed)
            .await
            .unwrap()
    );
    assert!(!store.use_recovery_code(&cli(), now(), "ana", "").await.unwrap());
    assert_eq!(store.factors("ana").await.unwrap().recovery_codes_left, 9);
    assert!(store.begin_totp(now(), "ana").await.is_err(), "it is set up");
    store.new_recovery_codes(&cli(), now(), "ana").await.unwrap();
    assert!(
        !store
            .use_recovery_code(&cli(), now(), "ana", &codes[1])
            .await
            .unwrap(),
        "void"
    );
    store.remove_totp(&cli(), now(), "ana").await.unwrap();
    assert_eq!(store.factors("ana").await.unwrap(), Default::default());
}

async fn passkeys_belong_to_one_person(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    person(&store, "bob", Role::User).await;
    let new = NewPasskey {
        credential: vec![1, 2, 3],
        stored: "{}".to_owned(),
        label: Some("yubikey".to_owned()),
    };
    let added = store
        .add_passkey(&cli(), now(), "ana", new.clone())
        .await
        .unwrap();
    assert!(store.add_passkey(&cli(), now(), "bob", new).await.is_err());
    let found = store.passkey_of(&[1, 2, 3]).await.unwrap().unwrap();
    assert_eq!((found.user, found.stored.as_str()), (ana, "{}"));
    store
        .passkey_used(now(), added.id, Some("{\"n\":1}".to_owned()))
        .await
        .unwrap();
    assert!(
        store
            .rename_passkey("bob", added.id, "mine".to_owned())
            .await
            .is_err()
    );
    assert!(
        store
            .remove_passkey(&cli(), now(), "bob", Some(added.id))
            .await
            .is_err()
    );
    let shown = store
        .rename_passkey("ana", added.id, "blue key".to_owned())
        .await
        .unwrap();
    assert!(shown.label == "blue key" && shown.used_at.is_some());
    let handle = store.passkey_handle("ana").await.unwrap();
    assert_eq!(store.passkey_handle("ana").await.unwrap(), handle);
    assert_ne!(store.passkey_handle("bob").await.unwrap(), handle);
    store.remove_passkey(&cli(), now(), "ana", None).await.unwrap();
    assert!(store.passkey_of(&[1, 2, 3]).await.unwrap().is_none());
}

async fn a_setup_link_works_once_and_for_a_day(place: &Place) {
    let store = place.open().await;
    person(&store, "ana", Role::Admin).await;
    let void = store.make_setup_link(&cli(), now(), "ana").await.unwrap();
    let link = store.make_setup_link(&cli(), now(), "ana").await.unwrap();
    assert!(
        store
            .setup_link_owner(now(), &void.secret)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .setup_link_owner(later(24 * 3_600), &link.secret)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        store
            .setup_link_owner(now(), &link.secret)
            .await
            .unwrap()
            .unwrap()
            .name,
        "ana"
    );
    let password = |text: &str| Some(Secret::from(text.to_owned()));
    let short = store
        .use_setup_link(now(), &link.secret, password("short"))
        .await
        .unwrap_err();
    assert_eq!(short.field(), Some("password"));
    let used = store
        .use_setup_link(now(), &link.secret, password("correct horse"))
        .await
        .unwrap();
    assert_eq!(used.unwrap().name, "ana");
    assert!(
        store
            .use_setup_link(now(), &link.secret, password("another one"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.factors("ana").await.unwrap().password);
    for bad in ["", "zz", "00"] {
        let bad = Secret::from(bad.to_owned());
        assert!(store.setup_link_owner(now(), &bad).await.unwrap().is_none());
    }
}

async fn the_first_administrator_is_waited_for(place: &Place) {
    let store = place.open().await;
    let needed = async || store.needs_first_administrator(now()).await.unwrap();
    assert_eq!(needed().await, FirstAdministrator::Absent);
    person(&store, "ana", Role::Admin).await;
    assert_eq!(needed().await, FirstAdministrator::Waiting("ana".to_owned()));
    let password = Secret::from("correct horse".to_owned());
    store
        .set_user_password(&cli(), now(), "ana", password, None)
        .await
        .unwrap();
    assert_eq!(needed().await, FirstAdministrator::NotNeeded);
    store
        .set_user_activity(&cli(), now(), "ana", Activity::Disabled)
        .await
        .unwrap();
    assert_eq!(needed().await, FirstAdministrator::Absent);
}

async fn a_link_that_is_none_costs_no_hash_and_a_used_one_ends_what_was_before(place: &Place) {
    let store = place.open().await;
    person(&store, "ana", Role::User).await;
    let secret = |text: &str| Secret::from(text.to_owned());
    // A password too short is told where passwords are hashed: it does not come that far.
    let made_up = secret(&"0".repeat(32));
    let used = store
        .use_setup_link(now(), &made_up, Some(secret("short")))
        .await
        .unwrap();
    assert_eq!(used, None);
    let new = NewToken {
        label: None,
        scope: TokenScope::Own,
        source: None,
        expires_at: None,
    };
    let (_, token) = store.create_token(&cli(), now(), "ana", new).await.unwrap();
    let lives = async || {
        let holder = store.token_holder(now(), &token, source("10.0.0.7")).await;
        holder.unwrap().is_some()
    };
    let link = async || store.make_setup_link(&cli(), now(), "ana").await.unwrap().secret;
    let used = store.use_setup_link(now(), &link().await, None).await.unwrap();
    assert!(used.is_some() && lives().await, "for a passkey");
    let password = Some(secret("correct horse"));
    let used = store
        .use_setup_link(now(), &link().await, password)
        .await
        .unwrap();
    assert!(used.is_some() && !lives().await, "for a password");
    let void = link().await;
    for activity in [Activity::Disabled, Activity::Enabled] {
        store
            .set_user_activity(&cli(), now(), "ana", activity)
            .await
            .unwrap();
    }
    assert_eq!(store.setup_link_owner(now(), &void).await.unwrap(), None);
    let old = link().await;
    store.prune_setup_links(later(24 * 3_600)).await.unwrap();
    assert_eq!(store.setup_link_owner(now(), &old).await.unwrap(), None);
}
