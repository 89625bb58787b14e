//! Signing in to the pages: sign-ins, tokens, codes, passkeys, links; who is switched off has none of them.

use gatehouse_model::{Role, Secret, SourceAddr, Timestamp, TokenScope, UserId};
use gatehouse_store::{
    Activity, FirstAdministrator, Inside, LockTarget, NewPasskey, NewSignIn, NewToken, NewUser, PageRequest,
    Repetition, SavedView, SignInLimits, SignInState, Store, Try,
};

use crate::support::{Place, actions, cli, now, on_both};

on_both!(
    a_sign_in_lasts_as_long_as_it_may_and_no_longer,
    a_second_factor_changes_the_secret,
    who_is_switched_off_or_locked_is_signed_out_for_good,
    a_token_never_exceeds_its_person_its_end_and_its_source,
    a_code_counts_once_and_a_recovery_code_once_ever,
    passkeys_belong_to_one_person,
    a_setup_link_works_once_and_for_a_day,
    tries_are_slowed_down_by_account_and_source_and_strangers_lock_nobody_out,
    tries_at_the_same_time_are_all_counted,
    the_first_administrator_is_waited_for,
    the_same_request_is_answered_the_same,
    views_are_kept,
);

fn source(text: &str) -> SourceAddr {
    text.parse().unwrap()
}

fn limits() -> SignInLimits {
    SignInLimits {
        idle: "1h".parse().unwrap(),
        length: "12h".parse().unwrap(),
    }
}

fn later(seconds: u64) -> Timestamp {
    now() + std::time::Duration::from_secs(seconds)
}

async fn person(store: &Store, name: &str, role: Role) -> UserId {
    let user = NewUser {
        name: name.parse().unwrap(),
        full_name: None,
        email: None,
        role,
        addresses: vec![],
    };
    store
        .add_user(&cli(), now(), user, Inside::Refuse)
        .await
        .unwrap()
        .id
}

fn sign_in(user: UserId, state: SignInState) -> NewSignIn {
    NewSignIn {
        user,
        source: source("10.0.0.7"),
        agent: Some("Mozilla/5.0 \x1b[31m".to_owned()),
        method: "password",
        state,
    }
}

async fn a_sign_in_lasts_as_long_as_it_may_and_no_longer(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::Auditor).await;
    let (id, secret) = store
        .open_sign_in(now(), sign_in(ana, SignInState::Open))
        .await
        .unwrap();
    let known = store
        .signed_in(later(3_599), &secret, limits())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((known.id, known.user, known.role), (id, ana, Role::Auditor));
    assert!(
        store
            .signed_in(later(3_600), &secret, limits())
            .await
            .unwrap()
            .is_none(),
        "idle"
    );
    for hour in 1..12 {
        let at = later(hour * 3_500);
        let known = store.signed_in(at, &secret, limits()).await.unwrap().unwrap();
        store.touch_sign_in(at, &known).await.unwrap();
    }
    let end = later(12 * 3_600);
    assert!(
        store.signed_in(end, &secret, limits()).await.unwrap().is_none(),
        "too long in all"
    );
    for wrong in ["", "zz", &"0".repeat(64), &secret[1..]] {
        assert!(store.signed_in(now(), wrong, limits()).await.unwrap().is_none());
    }
    let shown = store.sign_ins(now(), "ana", limits()).await.unwrap();
    assert_eq!(shown.len(), 1);
    assert!(!shown[0].agent.as_ref().unwrap().contains('\x1b'), "{shown:?}");
    store.end_sign_in(&cli(), now(), "ana", id).await.unwrap();
    assert!(store.signed_in(now(), &secret, limits()).await.unwrap().is_none());
    assert!(store.end_sign_in(&cli(), now(), "ana", id).await.is_err());
    store.prune_sign_ins(now(), limits()).await.unwrap();
}

async fn a_second_factor_changes_the_secret(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    let (id, first) = store
        .open_sign_in(now(), sign_in(ana, SignInState::Factor))
        .await
        .unwrap();
    let waiting = store.signed_in(now(), &first, limits()).await.unwrap().unwrap();
    assert_eq!(waiting.state, SignInState::Factor);
    assert!(
        !actions(&store)
            .await
            .iter()
            .any(|action| action == "signin.opened")
    );
    assert!(
        store
            .signed_in(later(300), &first, limits())
            .await
            .unwrap()
            .is_none(),
        "too slow"
    );
    let second = store.complete_sign_in(now(), id, "password+totp").await.unwrap();
    assert!(store.signed_in(now(), &first, limits()).await.unwrap().is_none());
    let open = store.signed_in(now(), &second, limits()).await.unwrap().unwrap();
    assert_eq!(open.state, SignInState::Open);
    assert!(
        store.complete_sign_in(now(), id, "password+totp").await.is_err(),
        "it is open already"
    );
    assert!(
        actions(&store)
            .await
            .iter()
            .any(|action| action == "signin.opened")
    );
}

async fn who_is_switched_off_or_locked_is_signed_out_for_good(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::Admin).await;
    let open = async || {
        store
            .open_sign_in(now(), sign_in(ana, SignInState::Open))
            .await
            .unwrap()
            .1
    };
    let token = async || {
        let new = NewToken {
            label: None,
            scope: TokenScope::Admin,
            source: None,
            expires_at: None,
        };
        store.create_token(&cli(), now(), "ana", new).await.unwrap().1
    };
    let gone = async |secret: &str, token: &str| {
        store.signed_in(now(), secret, limits()).await.unwrap().is_none()
            && store
                .token_holder(now(), token, source("10.0.0.7"))
                .await
                .unwrap()
                .is_none()
    };
    let (secret, text) = (open().await, token().await);
    assert!(!gone(&secret, &text).await);
    store
        .set_user_activity(&cli(), now(), "ana", Activity::Disabled)
        .await
        .unwrap();
    assert!(gone(&secret, &text).await);
    store
        .set_user_activity(&cli(), now(), "ana", Activity::Enabled)
        .await
        .unwrap();
    assert!(gone(&secret, &text).await, "it does not come back");
    let (secret, text) = (open().await, token().await);
    let target = LockTarget::User("ana".to_owned());
    store.lock(&cli(), now(), &target, None, None).await.unwrap();
    store.unlock(&cli(), now(), &target).await.unwrap();
    assert!(gone(&secret, &text).await, "a lock ends them as well");
    let (secret, other) = (open().await, open().await);
    let kept = store
        .signed_in(now(), &secret, limits())
        .await
        .unwrap()
        .unwrap()
        .id;
    let password = Secret::from("hunter2hunter2".to_owned());
    store
        .set_user_password(&cli(), now(), "ana", password, Some(kept))
        .await
        .unwrap();
    assert!(store.signed_in(now(), &secret, limits()).await.unwrap().is_some());
    assert!(store.signed_in(now(), &other, limits()).await.unwrap().is_none());
}

async fn a_token_never_exceeds_its_person_its_end_and_its_source(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::Operator).await;
    let new = NewToken {
        label: Some("backup".to_owned()),
        scope: TokenScope::Read,
        source: Some("10.0.0.0/24".parse().unwrap()),
        expires_at: Some(later(60)),
    };
    let (made, text) = store
        .create_token(&cli(), now(), "ana", new.clone())
        .await
        .unwrap();
    assert!(text.starts_with("gh_") && text.len() == 67, "{text}");
    let holder = store
        .token_holder(now(), &text, source("10.0.0.9"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (holder.user, holder.role, holder.scope),
        (ana, Role::Operator, TokenScope::Read)
    );
    assert!(
        store
            .token_holder(now(), &text, source("10.0.1.9"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .token_holder(later(60), &text, source("10.0.0.9"))
            .await
            .unwrap()
            .is_none()
    );
    let late = NewToken {
        expires_at: Some(now()),
        ..new
    };
    assert_eq!(
        store
            .create_token(&cli(), now(), "ana", late)
            .await
            .unwrap_err()
            .field(),
        Some("for")
    );
    let listed = store
        .tokens(now(), Some("ana"), &PageRequest::all())
        .await
        .unwrap()
        .items;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].used_at.is_some() && listed[0].user == "ana");
    let stranger = person(&store, "bob", Role::User).await;
    assert!(
        store
            .revoke_token(&cli(), now(), made.id, Some(stranger))
            .await
            .is_err()
    );
    store
        .revoke_token(&cli(), now(), made.id, Some(ana))
        .await
        .unwrap();
    assert!(
        store
            .token_holder(now(), &text, source("10.0.0.9"))
            .await
            .unwrap()
            .is_none()
    );
    for event in store
        .audit_events(&Default::default(), &PageRequest::all())
        .await
        .unwrap()
        .items
    {
        assert!(
            !serde_json::to_string(&event).unwrap().contains(&text[3..]),
            "{event:?}"
        );
    }
}

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

async fn tries_are_slowed_down_by_account_and_source_and_strangers_lock_nobody_out(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    store
        .open_sign_in(now(), sign_in(ana, SignInState::Open))
        .await
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
    let Try::NotBefore(next) = attempt(now(), "ana", "192.0.2.9").await else {
        panic!("the fourth has to wait")
    };
    assert_eq!(next, later(1));
    assert!(matches!(
        attempt(later(1), "ana", "192.0.2.9").await,
        Try::Permitted(_)
    ));
    assert_eq!(
        attempt(later(1), "ana", "192.0.2.9").await,
        Try::NotBefore(later(3))
    );
    // She signed in from here, so she is not held up by what others tried.
    let Try::Permitted(mine) = attempt(later(1), "ana", "10.0.0.7").await else {
        panic!("a stranger locked her out")
    };
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
