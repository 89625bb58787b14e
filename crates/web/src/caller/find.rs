//! Finding the caller of a request: token, sign-in, address, nobody.

use axum::http::{HeaderMap, header};
use gatehouse_model::{Role, SourceAddr, SpanSeconds, Timestamp, TokenScope};
use gatehouse_policy::Directory;
use gatehouse_store::{SignInLimits, SignInState, SignedIn};

use super::cookie::{CookieSignIn, csrf_of, secret_of};
use super::{Caller, Means, Person, Way};
use crate::problem::{Code, Problem};
use crate::site::{AddressTrust, Site, WebSettings};

/// Requests that the page makes by itself do not keep a sign-in alive.
pub(super) const BACKGROUND: &str = "x-gatehouse-background";

/// Finds who asks.
///
/// # Errors
/// A token was sent that is none, or the store cannot be read.
pub(crate) async fn find(
    site: &Site,
    headers: &HeaderMap,
    (source, way): (SourceAddr, Way),
    now: Timestamp,
) -> Result<Caller, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let mut caller = Caller {
        source,
        way,
        agent: text(header::USER_AGENT).map(str::to_owned),
        sign_in: None,
        now,
        known: None,
    };
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let token = authorization.to_str().ok().and_then(bearer).unwrap_or("");
        caller.known = Some(by_token(site, &caller, token).await?);
        return Ok(caller);
    }
    let settings = site.settings();
    if let Some(secret) = secret_of(headers, settings.transport) {
        let found = site.store().signed_in(now, &secret, limits(settings)).await?;
        if let Some(signed_in) = found {
            if !headers.contains_key(BACKGROUND) && signed_in.state == SignInState::Open {
                site.store().touch_sign_in(now, &signed_in).await?;
            }
            caller.known = by_sign_in(&signed_in, settings.confirm_after);
            let csrf = csrf_of(&secret);
            caller.sign_in = Some(CookieSignIn { signed_in, csrf });
        }
    }
    if caller.known.is_none() && settings.address_trust == AddressTrust::OwnPages {
        let person = person_at(&site.gate().directory(), &caller);
        caller.known = person.map(|person| (person, Means::Address));
    }
    Ok(caller)
}

/// When sign-ins end, as configured.
pub(crate) fn limits(settings: &WebSettings) -> SignInLimits {
    SignInLimits {
        idle: settings.idle_timeout,
        length: settings.session_timeout,
    }
}

/// The token of an `Authorization` header.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn by_token(site: &Site, caller: &Caller, token: &str) -> Result<(Person, Means), Problem> {
    let holder = site
        .store()
        .token_holder(caller.now, token, caller.source)
        .await?;
    let holder = holder.ok_or_else(|| {
        Problem::new(
            Code::Unauthenticated,
            "the token is wrong, has ended, was revoked or may not be used from your address",
        )
    })?;
    let person = Person {
        id: holder.user,
        name: holder.name,
        role: holder.role.min(holder.scope.role()),
    };
    let means = Means::Token {
        id: holder.token,
        dangerous: holder.scope == TokenScope::Admin,
    };
    Ok((person, means))
}

fn by_sign_in(signed_in: &SignedIn, confirm_after: SpanSeconds) -> Option<(Person, Means)> {
    if signed_in.state != SignInState::Open {
        return None;
    }
    let fresh_until = signed_in.fresh_at.saturating_add(confirm_after.std());
    let person = Person {
        id: signed_in.user,
        name: signed_in.name.clone(),
        role: signed_in.role,
    };
    let means = Means::SignIn {
        id: signed_in.id,
        fresh_until: fresh_until.unwrap_or(Timestamp::MAX),
    };
    Some((person, means))
}

/// The person who a source address belongs to, in use and not locked, with the role `user`.
pub(crate) fn person_at(directory: &Directory, caller: &Caller) -> Option<Person> {
    let owner = directory
        .source_owner(caller.source)
        .filter(|owner| owner.active)?;
    let user = directory.user(owner.user)?;
    let locked = user
        .lock
        .as_ref()
        .is_some_and(|lock| lock.is_in_force(caller.now));
    (user.active && !locked).then(|| Person {
        id: user.id,
        name: user.name.clone(),
        role: Role::User,
    })
}
