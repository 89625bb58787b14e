//! Signing in and out: a password with a second factor, a passkey, a one-time link; confirming that it is still the
//! same person.
//!
//! INVARIANT **counted-first**: each try is counted before it is checked (`store::throttle`). INVARIANT **one-answer**:
//! a wrong name, a wrong password, a person who is switched off get the same answer, in the same time.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use gatehouse_model::{Name, Role, Secret, SourceAddr, Timestamp, UserId};
use gatehouse_store::{
    Actor, CountedTry, FirstAdministrator, NewSignIn, PasswordCheck, SignInState, SignedIn, Try,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use webauthn_rs::prelude::PublicKeyCredential;

use crate::caller::{Caller, Means, Way, clear_cookie, csrf_of, limits, person_at, set_cookie};
use crate::passkey::{Begun, Passkeys};
use crate::problem::{Code, Problem};
use crate::shape::Body;
use crate::site::{AddressTrust, Site};

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(show_session, sign_out))
        .routes(routes!(sign_in_by_password))
        .routes(routes!(sign_in_by_code))
        .routes(routes!(sign_in_by_recovery_code))
        .routes(routes!(begin_passkey_sign_in))
        .routes(routes!(finish_passkey_sign_in))
        .routes(routes!(look_at_setup_link))
        .routes(routes!(use_setup_link))
        .routes(routes!(confirm_session))
}

/// How far somebody is signed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Progress {
    /// Not at all.
    None,
    /// By the source address, for their own pages.
    Address,
    /// A second factor is still missing.
    Factor,
    /// They are.
    SignedIn,
}

/// The person who is signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Whom {
    /// The name.
    name: Name,
    /// The name in full.
    full_name: Option<String>,
    /// The role.
    role: Role,
}

/// Whether somebody is signed in, and what the page needs to go on.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Session {
    /// How far.
    state: Progress,
    /// Who.
    user: Option<Whom>,
    /// Where the request came from.
    source: SourceAddr,
    /// To be sent as `X-Gatehouse-CSRF` with whatever changes something.
    csrf: Option<String>,
    /// Second factors that would do, while one is missing or is to be confirmed.
    factors: Vec<&'static str>,
    /// Until when dangerous things need no confirmation.
    fresh_until: Option<Timestamp>,
    /// When the sign-in ends if it is not used.
    idle_ends_at: Option<Timestamp>,
    /// When it ends in any case.
    ends_at: Option<Timestamp>,
    /// Whether no administrator can sign in yet.
    setup_needed: bool,
    /// Whose the source address is, if that is enough for their own pages.
    address_user: Option<Name>,
    /// The version of this program.
    version: &'static str,
}

/// Whether somebody is signed in, and how.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = Session)))]
async fn show_session(State(site): State<Site>, caller: Caller) -> Result<Json<Session>, Problem> {
    let signed_in = caller.sign_in.as_ref();
    let described = signed_in.map(|found| (&found.signed_in, found.csrf.clone()));
    describe(&site, &caller, described).await.map(Json)
}

/// Describes the sign-in that stands after a request.
async fn describe(
    site: &Site,
    caller: &Caller,
    signed_in: Option<(&SignedIn, String)>,
) -> Result<Session, Problem> {
    let settings = site.settings();
    let trusted = settings.address_trust == AddressTrust::OwnPages;
    let at_address = person_at(&site.gate().directory(), caller).filter(|_| trusted);
    let setup = site.store().needs_first_administrator(caller.now).await?;
    let mut session = Session {
        state: Progress::None,
        user: None,
        source: caller.source,
        csrf: None,
        factors: Vec::new(),
        fresh_until: None,
        idle_ends_at: None,
        ends_at: None,
        setup_needed: setup != FirstAdministrator::NotNeeded,
        address_user: at_address.as_ref().map(|person| person.name.clone()),
        version: env!("CARGO_PKG_VERSION"),
    };
    if let Some((known, csrf)) = signed_in {
        let after =
            |from: Timestamp, span: gatehouse_model::SpanSeconds| from.saturating_add(span.std()).ok();
        let factors = site.store().factors(&known.user.to_string()).await?;
        session.csrf = Some(csrf);
        if factors.totp {
            session.factors.push("totp");
        }
        if factors.recovery_codes_left > 0 {
            session.factors.push("recovery");
        }
        if factors.password && !factors.totp && known.state == SignInState::Open {
            session.factors.push("password");
        }
        if !factors.passkeys.is_empty() {
            session.factors.push("passkey");
        }
        session.state = match known.state {
            SignInState::Factor => Progress::Factor,
            SignInState::Open => Progress::SignedIn,
        };
        session.user = Some(Whom {
            name: known.name.clone(),
            full_name: known.full_name.clone(),
            role: known.role,
        });
        if known.state == SignInState::Open {
            session.fresh_until = after(known.fresh_at, settings.confirm_after);
            session.idle_ends_at = after(known.seen_at, settings.idle_timeout);
            session.ends_at = after(known.created_at, settings.session_timeout);
        }
    } else if let Some((person, means)) = &caller.known {
        session.state = match means {
            Means::Address => Progress::Address,
            Means::SignIn { .. } | Means::Token { .. } => Progress::SignedIn,
        };
        session.user = Some(Whom {
            name: person.name.clone(),
            full_name: None,
            role: person.role,
        });
    }
    Ok(session)
}

/// Answers with the sign-in that this secret opens, and gives the browser the secret.
async fn signed_in(site: &Site, caller: &Caller, secret: &str) -> Result<Response, Problem> {
    let settings = site.settings();
    let found = site
        .store()
        .signed_in(caller.now, secret, limits(settings))
        .await?;
    let found = found.ok_or_else(wrong)?;
    let session = describe(site, caller, Some((&found, csrf_of(secret)))).await?;
    let cookie = set_cookie(secret, settings.transport, settings.session_timeout)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(session)).into_response())
}

/// What is said of a wrong name, password, code, or person.
fn wrong() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "that is not right, or this account may not sign in; check what you typed, or ask an administrator",
    )
}

/// A password goes over no wire that others can read.
fn ensure_private(caller: &Caller) -> Result<(), Problem> {
    match caller.way {
        Way::Private => Ok(()),
        Way::Open => Err(Problem::new(
            Code::Forbidden,
            "signing in needs TLS, and web.tls is off; switch it on, or sign in on the gate's own machine",
        )),
    }
}

/// Counts a try, and refuses it if it comes too soon.
async fn begin_try(site: &Site, caller: &Caller, account: &str) -> Result<CountedTry, Problem> {
    ensure_private(caller)?;
    match site.store().begin_try(caller.now, account, caller.source).await? {
        Try::Permitted(counted) => Ok(counted),
        Try::NotBefore(next) => {
            let seconds = next.as_second().saturating_sub(caller.now.as_second()).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(1);
            Err(Problem::new(
                Code::RateLimited,
                format!("too many failed tries; try again in {seconds} s"),
            )
            .after(seconds))
        }
    }
}

async fn failed(site: &Site, caller: &Caller, account: &str, reason: &'static str) -> Problem {
    let recorded = site
        .store()
        .record_failed_try(caller.now, account, caller.source, reason)
        .await;
    match recorded {
        Ok(()) => wrong(),
        Err(error) => error.into(),
    }
}

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NameAndPassword {
    /// The name.
    user: String,
    /// The password.
    password: String,
}

/// Signs in with a password; `state` is `factor` where a second factor is needed.
#[utoipa::path(post, path = "/session/password", tag = "session", request_body = NameAndPassword,
    responses((status = 200, body = Session)))]
async fn sign_in_by_password(
    State(site): State<Site>,
    caller: Caller,
    Body(typed): Body<NameAndPassword>,
) -> Result<Response, Problem> {
    let counted = begin_try(&site, &caller, &typed.user).await?;
    let checked = site
        .store()
        .check_user_password(&typed.user, Secret::from(typed.password))
        .await?;
    if checked == PasswordCheck::Wrong {
        return Err(failed(&site, &caller, &typed.user, "wrong_password").await);
    }
    let person = site.store().user(caller.now, &typed.user).await?;
    let factors = site.store().factors(&typed.user).await?;
    let state = if factors.totp {
        SignInState::Factor
    } else {
        SignInState::Open
    };
    let new = new_sign_in(&caller, person.id, "password", state);
    let Some((_, secret)) = site.store().open_sign_in(caller.now, new).await? else {
        return Err(failed(&site, &caller, &typed.user, "may_not_sign_in").await);
    };
    let answer = signed_in(&site, &caller, &secret).await;
    // With a second factor still to come, the try is not over.
    if state == SignInState::Open {
        site.store().try_succeeded(&counted).await?;
    }
    answer
}

fn new_sign_in(caller: &Caller, user: UserId, method: &'static str, state: SignInState) -> NewSignIn {
    NewSignIn {
        user,
        source: caller.source,
        agent: caller.agent.clone(),
        method,
        state,
    }
}

/// A code of an authenticator, or a recovery code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TypedCode {
    /// The code.
    code: String,
}

/// The sign-in that waits for a second factor.
fn waiting(caller: &Caller) -> Result<&SignedIn, Problem> {
    let found = caller.sign_in.as_ref().map(|found| &found.signed_in);
    found
        .filter(|known| known.state == SignInState::Factor)
        .ok_or_else(|| {
            Problem::new(
                Code::Conflict,
                "no sign-in waits for a code, or it waited too long; begin again with the password",
            )
        })
}

/// Completes a sign-in with a code of an authenticator.
#[utoipa::path(post, path = "/session/totp", tag = "session", request_body = TypedCode,
    responses((status = 200, body = Session)))]
async fn sign_in_by_code(
    State(site): State<Site>,
    caller: Caller,
    Body(typed): Body<TypedCode>,
) -> Result<Response, Problem> {
    let known = waiting(&caller)?;
    let counted = begin_try(&site, &caller, known.name.as_str()).await?;
    let user = known.user.to_string();
    if !site.store().check_totp(caller.now, &user, &typed.code).await? {
        return Err(failed(&site, &caller, known.name.as_str(), "wrong_code").await);
    }
    complete(&site, &caller, known.id, &counted, "password+totp").await
}

/// Completes a sign-in with a recovery code, which is used up.
#[utoipa::path(post, path = "/session/recovery", tag = "session", request_body = TypedCode,
    responses((status = 200, body = Session)))]
async fn sign_in_by_recovery_code(
    State(site): State<Site>,
    caller: Caller,
    Body(typed): Body<TypedCode>,
) -> Result<Response, Problem> {
    let known = waiting(&caller)?;
    let counted = begin_try(&site, &caller, known.name.as_str()).await?;
    let actor = Actor::user(&known.name, Some(caller.source));
    let user = known.user.to_string();
    let used = site
        .store()
        .use_recovery_code(&actor, caller.now, &user, &typed.code);
    if !used.await? {
        return Err(failed(&site, &caller, known.name.as_str(), "wrong_recovery_code").await);
    }
    complete(&site, &caller, known.id, &counted, "password+recovery").await
}

async fn complete(
    site: &Site,
    caller: &Caller,
    id: i64,
    counted: &CountedTry,
    method: &'static str,
) -> Result<Response, Problem> {
    let secret = site.store().complete_sign_in(caller.now, id, method).await?;
    site.store().try_succeeded(counted).await?;
    signed_in(site, caller, &secret).await
}

/// Begins a sign-in with a passkey, which tells whose it is.
#[utoipa::path(post, path = "/session/passkey/start", tag = "session", responses((status = 200, body = Begun)))]
async fn begin_passkey_sign_in(State(site): State<Site>, caller: Caller) -> Result<Json<Begun>, Problem> {
    ensure_private(&caller)?;
    let passkeys = Passkeys::new(&site.settings().public_url)?;
    passkeys.begin_sign_in(site.store(), caller.now).await.map(Json)
}

/// A browser's answer to a passkey's options.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyAnswer {
    /// As it came with the options.
    ceremony: String,
    /// The credential as WebAuthn's JSON has it.
    #[schema(value_type = Object)]
    credential: PublicKeyCredential,
}

/// Signs in with a passkey; whoever is signed in already has confirmed that it is still them.
#[utoipa::path(post, path = "/session/passkey/finish", tag = "session", request_body = PasskeyAnswer,
    responses((status = 200, body = Session)))]
async fn finish_passkey_sign_in(
    State(site): State<Site>,
    caller: Caller,
    Body(answer): Body<PasskeyAnswer>,
) -> Result<Response, Problem> {
    let store = site.store();
    // Whose it is is known only after; tries from one source are counted.
    let counted = begin_try(&site, &caller, &format!("passkey from {}", caller.source)).await?;
    let passkeys = Passkeys::new(&site.settings().public_url)?;
    let claim = passkeys
        .claim(store, caller.now, &answer.ceremony, answer.credential)
        .await?;
    let stored = store.passkey_of(&claim.credential).await?.ok_or_else(wrong)?;
    let renewed = passkeys.complete(&claim, &stored.stored)?;
    store.passkey_used(caller.now, stored.id, renewed).await?;
    store.try_succeeded(&counted).await?;
    let open = caller.sign_in.as_ref().map(|found| &found.signed_in);
    if let Some(known) = open.filter(|known| known.user == stored.user && known.state == SignInState::Open) {
        let actor = Actor::user(&known.name, Some(caller.source));
        store
            .confirm_sign_in(&actor, caller.now, known.id, "passkey")
            .await?;
        return confirmed(&site, &caller).await;
    }
    let new = new_sign_in(&caller, stored.user, "passkey", SignInState::Open);
    let (_, secret) = store.open_sign_in(caller.now, new).await?.ok_or_else(wrong)?;
    signed_in(&site, &caller, &secret).await
}

/// A one-time link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    /// What follows `#` in it.
    link: String,
}

/// Whose a one-time link is.
#[derive(Serialize, ToSchema)]
struct LinkOwner {
    /// The person.
    user: String,
    /// Until when it may be used.
    expires_at: Timestamp,
}

fn no_link() -> Problem {
    Problem::not_found("this link was used, is too old or was never made; ask an administrator for a new one")
}

/// Tells whose a one-time link is, before it is used.
#[utoipa::path(post, path = "/session/setup/look", tag = "session", request_body = Link,
    responses((status = 200, body = LinkOwner)))]
async fn look_at_setup_link(
    State(site): State<Site>,
    caller: Caller,
    Body(link): Body<Link>,
) -> Result<Json<LinkOwner>, Problem> {
    ensure_private(&caller)?;
    let owner = site
        .store()
        .setup_link_owner(caller.now, &Secret::from(link.link))
        .await?
        .ok_or_else(no_link)?;
    Ok(Json(LinkOwner {
        user: owner.name,
        expires_at: owner.expires_at,
    }))
}

/// A one-time link, and what it is used for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UsedLink {
    /// What follows `#` in it.
    link: String,
    /// The new password; without one the person stays signed in to register a passkey.
    password: Option<String>,
}

/// Uses a one-time link: sets the password and signs in.
#[utoipa::path(post, path = "/session/setup", tag = "session", request_body = UsedLink,
    responses((status = 200, body = Session)))]
async fn use_setup_link(
    State(site): State<Site>,
    caller: Caller,
    Body(used): Body<UsedLink>,
) -> Result<Response, Problem> {
    ensure_private(&caller)?;
    let store = site.store();
    let link = Secret::from(used.link);
    let password = used.password.map(Secret::from);
    let owner = store
        .use_setup_link(caller.now, &link, password)
        .await?
        .ok_or_else(no_link)?;
    // A link stands in for the password, not for the second factor.
    let factors = store.factors(&owner.user.to_string()).await?;
    let state = if factors.totp {
        SignInState::Factor
    } else {
        SignInState::Open
    };
    let new = new_sign_in(&caller, owner.user, "setup link", state);
    let (_, secret) = store.open_sign_in(caller.now, new).await?.ok_or_else(wrong)?;
    signed_in(&site, &caller, &secret).await
}

/// What proves that it is still the same person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Proof {
    /// The password; where codes are set up it is not enough.
    password: Option<String>,
    /// A code of an authenticator.
    code: Option<String>,
}

/// Confirms that it is still the same person, before something dangerous.
#[utoipa::path(post, path = "/session/confirm", tag = "session", request_body = Proof,
    responses((status = 200, body = Session)))]
async fn confirm_session(
    State(site): State<Site>,
    caller: Caller,
    Body(proof): Body<Proof>,
) -> Result<Response, Problem> {
    let store = site.store();
    let person = caller.person()?.clone();
    let Some(known) = caller.sign_in.as_ref().map(|found| found.signed_in.id) else {
        return Err(Problem::new(
            Code::Conflict,
            "a token needs no confirmation; only a sign-in does",
        ));
    };
    let user = person.id.to_string();
    let totp = store.factors(&user).await?.totp;
    let counted = begin_try(&site, &caller, person.name.as_str()).await?;
    let (right, method) = match (proof.code, proof.password) {
        (Some(code), _) if totp => (store.check_totp(caller.now, &user, &code).await?, "totp"),
        (_, Some(password)) if !totp => {
            let checked = store.check_user_password(&user, Secret::from(password)).await?;
            (checked == PasswordCheck::Right, "password")
        }
        _ => {
            let field = if totp { "code" } else { "password" };
            return Err(Problem::invalid(
                field,
                format!("{field} is missing; it proves that it is you"),
            ));
        }
    };
    if !right {
        return Err(failed(&site, &caller, person.name.as_str(), "wrong_confirmation").await);
    }
    store.try_succeeded(&counted).await?;
    store
        .confirm_sign_in(&caller.actor()?, caller.now, known, method)
        .await?;
    confirmed(&site, &caller).await
}

/// The sign-in as it stands after a confirmation.
async fn confirmed(site: &Site, caller: &Caller) -> Result<Response, Problem> {
    let Some(found) = &caller.sign_in else {
        return Err(wrong());
    };
    let known = SignedIn {
        fresh_at: caller.now,
        ..found.signed_in.clone()
    };
    let session = describe(site, caller, Some((&known, found.csrf.clone()))).await?;
    Ok(Json(session).into_response())
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)))]
async fn sign_out(State(site): State<Site>, caller: Caller) -> Result<Response, Problem> {
    if let Some(found) = &caller.sign_in {
        let known = &found.signed_in;
        let actor = Actor::user(&known.name, Some(caller.source));
        let user = known.user.to_string();
        site.store()
            .end_sign_in(&actor, caller.now, &user, known.id)
            .await?;
    }
    let cookie = clear_cookie(site.settings().transport)?;
    Ok((axum::http::StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
