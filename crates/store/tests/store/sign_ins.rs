//! Sign-ins and tokens: they last as long as they may, and whoever is switched off has none.

use gatehouse_model::{Role, Secret, SourceAddr, Timestamp, TokenScope, UserId};
use gatehouse_store::{
    Activity, Actor, Inside, LockTarget, NewSignIn, NewToken, NewUser, PageRequest, SignInLimits,
    SignInState, Store,
};

use crate::support::{Place, actions, cli, now, on_both};

on_both!(
    a_sign_in_lasts_as_long_as_it_may_and_no_longer,
    a_second_factor_changes_the_secret,
    who_is_switched_off_or_locked_is_signed_out_for_good,
    a_token_never_exceeds_its_person_its_end_and_its_source,
    nobody_signs_in_while_switched_off_or_locked,
    a_sign_in_at_the_moment_of_being_switched_off_is_lost_for_good,
    a_password_alone_displaces_no_open_sign_in,
    a_password_set_by_somebody_else_ends_tokens_too,
);

pub(crate) fn source(text: &str) -> SourceAddr {
    text.parse().unwrap()
}

pub(crate) fn limits() -> SignInLimits {
    SignInLimits {
        idle: "1h".parse().unwrap(),
        length: "12h".parse().unwrap(),
    }
}

pub(crate) fn later(seconds: u64) -> Timestamp {
    now() + std::time::Duration::from_secs(seconds)
}

pub(crate) async fn person(store: &Store, name: &str, role: Role) -> UserId {
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

pub(crate) fn sign_in(user: UserId, state: SignInState) -> NewSignIn {
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
        .unwrap()
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
    assert_eq!(store.end_sign_ins(&cli(), now(), "ana", None).await.unwrap(), 0);
    let closed = actions(&store).await;
    assert_eq!(
        closed.iter().filter(|action| *action == "signin.closed").count(),
        1
    );
    store.prune_sign_ins(now(), limits()).await.unwrap();
}

async fn a_second_factor_changes_the_secret(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    let (id, first) = store
        .open_sign_in(now(), sign_in(ana, SignInState::Factor))
        .await
        .unwrap()
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
    assert!(
        store
            .complete_sign_in(later(300), id, "password+totp")
            .await
            .is_err(),
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
        .set_user_password(&herself(), now(), "ana", password, Some(kept))
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

/// Ana, who changes something of her own.
fn herself() -> Actor {
    Actor::user(&"ana".parse().unwrap(), Some(source("10.0.0.7")))
}

fn any_token() -> NewToken {
    NewToken {
        label: None,
        scope: TokenScope::Own,
        source: None,
        expires_at: None,
    }
}

async fn nobody_signs_in_while_switched_off_or_locked(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    let waiting = store.open_sign_in(now(), sign_in(ana, SignInState::Factor)).await;
    let (waiting, _) = waiting.unwrap().unwrap();
    let until = Some(later(600));
    let target = LockTarget::User("ana".to_owned());
    store.lock(&cli(), now(), &target, until, None).await.unwrap();
    let opened = store
        .open_sign_in(later(1), sign_in(ana, SignInState::Open))
        .await;
    assert_eq!(opened.unwrap(), None);
    let completed = store.complete_sign_in(later(1), waiting, "password+totp").await;
    assert!(completed.is_err());
    let token = store.create_token(&cli(), later(1), "ana", any_token()).await;
    assert!(token.unwrap_err().to_string().contains("switched off or locked"));
    assert!(!actions(&store).await.contains(&"signin.opened".to_owned()));
    // The lock is over by itself.
    let opened = store
        .open_sign_in(later(600), sign_in(ana, SignInState::Open))
        .await;
    assert!(opened.unwrap().is_some());
}

async fn a_sign_in_at_the_moment_of_being_switched_off_is_lost_for_good(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    let actor = cli();
    for _ in 0..30 {
        let (opened, token, off) = tokio::join!(
            store.open_sign_in(now(), sign_in(ana, SignInState::Open)),
            store.create_token(&actor, now(), "ana", any_token()),
            store.set_user_activity(&actor, now(), "ana", Activity::Disabled),
        );
        off.unwrap();
        let on = store.set_user_activity(&actor, now(), "ana", Activity::Enabled);
        on.await.unwrap();
        if let Some((_, secret)) = opened.unwrap() {
            assert_eq!(store.signed_in(now(), &secret, limits()).await.unwrap(), None);
        }
        if let Ok((_, text)) = token {
            let holder = store.token_holder(now(), &text, source("10.0.0.7")).await;
            assert_eq!(holder.unwrap(), None);
        }
    }
}

async fn a_password_alone_displaces_no_open_sign_in(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    let open = async |state| {
        let opened = store.open_sign_in(now(), sign_in(ana, state)).await;
        opened.unwrap().unwrap().1
    };
    let there = async |secret: &str| store.signed_in(now(), secret, limits()).await.unwrap().is_some();
    let own = open(SignInState::Open).await;
    let first = open(SignInState::Factor).await;
    let second = open(SignInState::Factor).await;
    for _ in 0..99 {
        open(SignInState::Factor).await;
    }
    assert!(!there(&first).await, "one too many");
    assert!(there(&second).await && there(&own).await);
    for _ in 0..100 {
        open(SignInState::Open).await;
    }
    assert!(!there(&own).await, "a hundred and one");
    assert_eq!(store.sign_ins(now(), "ana", limits()).await.unwrap().len(), 100);
}

async fn a_password_set_by_somebody_else_ends_tokens_too(place: &Place) {
    let store = place.open().await;
    let ana = person(&store, "ana", Role::User).await;
    let (_, token) = store
        .create_token(&cli(), now(), "ana", any_token())
        .await
        .unwrap();
    let link = store.make_setup_link(&cli(), now(), "ana").await.unwrap();
    let set = async |actor: &Actor| {
        let password = Secret::from("correct horse".to_owned());
        store
            .set_user_password(actor, now(), "ana", password, None)
            .await
            .unwrap();
        let holder = store.token_holder(now(), &token, source("10.0.0.7")).await;
        let link = store.setup_link_owner(now(), &link.secret).await;
        (holder.unwrap().map(|holder| holder.user), link.unwrap().is_some())
    };
    assert_eq!(set(&herself()).await, (Some(ana), true));
    assert_eq!(set(&cli()).await, (None, false));
}
