//! The ways to sign in: one's own, and, for administrators, those of others.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::{Secret, Timestamp};
use gatehouse_store::{Factors, NewPasskey, PasskeyEntry, SignIn};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::me::current;
use crate::caller::{Caller, limits};
use crate::passkey::{Begun, NewHolder, Passkeys};
use crate::problem::Problem;
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(show_my_factors))
        .routes(routes!(set_my_password))
        .routes(routes!(begin_my_totp, remove_my_totp))
        .routes(routes!(confirm_my_totp))
        .routes(routes!(make_my_recovery_codes))
        .routes(routes!(begin_my_passkey))
        .routes(routes!(add_my_passkey))
        .routes(routes!(rename_my_passkey, remove_my_passkey))
        .routes(routes!(set_password))
        .routes(routes!(make_setup_link))
        .routes(routes!(show_factors))
        .routes(routes!(remove_factor))
        .routes(routes!(list_sign_ins, end_sign_ins))
}

/// The own ways to sign in.
#[utoipa::path(get, path = "/me/factors", tag = "me", responses((status = 200, body = Factors)))]
async fn show_my_factors(State(site): State<Site>, caller: Caller) -> Result<Json<Factors>, Problem> {
    let user = caller.person()?.id.to_string();
    Ok(Json(site.store().factors(&user).await?))
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The password, at least eight characters.
    password: String,
}

/// Sets the own password; other sign-ins end.
#[utoipa::path(post, path = "/me/password", tag = "me", request_body = NewPassword,
    responses((status = 204)))]
async fn set_my_password(
    State(site): State<Site>,
    caller: Caller,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    let user = caller.person()?.id.to_string();
    let (actor, but) = (caller.actor()?, current(&caller));
    site.store()
        .set_user_password(&actor, caller.now, &user, Secret::from(new.password), but)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A secret for an authenticator, shown once.
#[derive(Serialize, ToSchema)]
struct NewSecret {
    /// The secret in base 32.
    secret: String,
    /// The address that authenticators read.
    uri: String,
    /// That address as a picture, SVG.
    qr: String,
}

/// Makes a secret for an authenticator; it counts once a first code has confirmed it.
#[utoipa::path(post, path = "/me/totp", tag = "me", responses((status = 200, body = NewSecret)))]
async fn begin_my_totp(State(site): State<Site>, caller: Caller) -> Result<Json<NewSecret>, Problem> {
    let user = caller.person()?.id.to_string();
    let made = site.store().begin_totp(caller.now, &user).await?;
    let uri = made.uri.expose_str().unwrap_or_default().to_owned();
    let code =
        QrCode::new(uri.as_bytes()).map_err(|error| Problem::fault("a QR code cannot be made", &error))?;
    let qr = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    Ok(Json(NewSecret {
        secret: made.secret.expose_str().unwrap_or_default().to_owned(),
        uri,
        qr,
    }))
}

/// A first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FirstCode {
    /// The code that the authenticator shows.
    code: String,
}

/// Recovery codes, shown once.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    /// The codes; each stands in for an authenticator once.
    recovery_codes: Vec<String>,
}

/// Confirms the secret with a first code.
#[utoipa::path(post, path = "/me/totp/confirm", tag = "me", request_body = FirstCode,
    responses((status = 200, body = RecoveryCodes)))]
async fn confirm_my_totp(
    State(site): State<Site>,
    caller: Caller,
    Body(first): Body<FirstCode>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let user = caller.person()?.id.to_string();
    let codes = site
        .store()
        .confirm_totp(&caller.actor()?, caller.now, &user, &first.code)
        .await?;
    Ok(Json(RecoveryCodes {
        recovery_codes: codes,
    }))
}

/// Takes the own authenticator away, with its recovery codes.
#[utoipa::path(delete, path = "/me/totp", tag = "me", responses((status = 204)))]
async fn remove_my_totp(State(site): State<Site>, caller: Caller) -> Result<StatusCode, Problem> {
    let user = caller.person()?.id.to_string();
    site.store()
        .remove_totp(&caller.actor()?, caller.now, &user)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes new recovery codes; earlier ones are void.
#[utoipa::path(post, path = "/me/recovery-codes", tag = "me", responses((status = 200, body = RecoveryCodes)))]
async fn make_my_recovery_codes(
    State(site): State<Site>,
    caller: Caller,
) -> Result<Json<RecoveryCodes>, Problem> {
    let user = caller.person()?.id.to_string();
    let codes = site
        .store()
        .new_recovery_codes(&caller.actor()?, caller.now, &user)
        .await?;
    Ok(Json(RecoveryCodes {
        recovery_codes: codes,
    }))
}

/// Begins to register a passkey.
#[utoipa::path(post, path = "/me/passkeys/start", tag = "me", responses((status = 200, body = Begun)))]
async fn begin_my_passkey(State(site): State<Site>, caller: Caller) -> Result<Json<Begun>, Problem> {
    let store = site.store();
    let person = caller.person()?;
    let user = store.user(caller.now, &person.id.to_string()).await?;
    let handle = store.passkey_handle(&person.id.to_string()).await?;
    let known = store.passkeys(&person.id.to_string()).await?;
    let stored: Vec<String> = known.into_iter().map(|(_, stored)| stored).collect();
    let holder = NewHolder {
        user: person.id.0,
        handle,
        name: person.name.as_str(),
        shown: user.full_name.as_deref().unwrap_or(person.name.as_str()),
        stored: &stored,
    };
    Passkeys::new(&site.settings().public_url)?
        .begin_registration(store, caller.now, holder)
        .await
        .map(Json)
}

/// A browser's answer to the options of a registration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisteredPasskey {
    /// As it came with the options.
    ceremony: String,
    /// The credential as WebAuthn's JSON has it.
    #[schema(value_type = Object)]
    credential: RegisterPublicKeyCredential,
    /// What to call it.
    label: Option<String>,
}

/// Registers a passkey.
#[utoipa::path(post, path = "/me/passkeys", tag = "me", request_body = RegisteredPasskey,
    responses((status = 201, body = PasskeyEntry)))]
async fn add_my_passkey(
    State(site): State<Site>,
    caller: Caller,
    Body(registered): Body<RegisteredPasskey>,
) -> Result<(StatusCode, Json<PasskeyEntry>), Problem> {
    let person = caller.person()?;
    let begun = (person.id.0, registered.ceremony.as_str());
    let accepted = Passkeys::new(&site.settings().public_url)?
        .finish_registration(site.store(), caller.now, begun, &registered.credential)
        .await?;
    let new = NewPasskey {
        credential: accepted.credential,
        stored: accepted.stored,
        label: registered.label,
    };
    let user = person.id.to_string();
    let added = site
        .store()
        .add_passkey(&caller.actor()?, caller.now, &user, new)
        .await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Another name for a passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyLabel {
    /// The name.
    label: String,
}

/// Calls a passkey something else.
#[utoipa::path(patch, path = "/me/passkeys/{id}", tag = "me", params(("id" = i64, Path)),
    request_body = PasskeyLabel, responses((status = 200, body = PasskeyEntry)))]
async fn rename_my_passkey(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(named): Body<PasskeyLabel>,
) -> Result<Json<PasskeyEntry>, Problem> {
    let user = caller.person()?.id.to_string();
    Ok(Json(site.store().rename_passkey(&user, id, named.label).await?))
}

/// Removes a passkey.
#[utoipa::path(delete, path = "/me/passkeys/{id}", tag = "me", params(("id" = i64, Path)),
    responses((status = 204)))]
async fn remove_my_passkey(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    let user = caller.person()?.id.to_string();
    let actor = caller.actor()?;
    site.store()
        .remove_passkey(&actor, caller.now, &user, Some(id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a person's password; their sign-ins end.
#[utoipa::path(post, path = "/users/{user}/password", tag = "users", params(("user" = String, Path)),
    request_body = NewPassword, responses((status = 204)))]
async fn set_password(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    site.store()
        .set_user_password(
            &caller.actor()?,
            caller.now,
            &user,
            Secret::from(new.password),
            None,
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A link that was made, shown once.
#[derive(Serialize, ToSchema)]
struct MadeLink {
    /// The link.
    link: String,
    /// Until when it may be used.
    expires_at: Timestamp,
}

/// Makes a one-time link by which a person sets up how they sign in; one before is void.
#[utoipa::path(post, path = "/users/{user}/setup-link", tag = "users", params(("user" = String, Path)),
    responses((status = 201, body = MadeLink)))]
async fn make_setup_link(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<(StatusCode, Json<MadeLink>), Problem> {
    let made = site
        .store()
        .make_setup_link(&caller.actor()?, caller.now, &user)
        .await?;
    let link = MadeLink {
        link: site.settings().public_url.setup_link(&made.secret),
        expires_at: made.expires_at,
    };
    Ok((StatusCode::CREATED, Json(link)))
}

/// A person's ways to sign in.
#[utoipa::path(get, path = "/users/{user}/factors", tag = "users", params(("user" = String, Path)),
    responses((status = 200, body = Factors)))]
async fn show_factors(State(site): State<Site>, Path(user): Path<String>) -> Result<Json<Factors>, Problem> {
    Ok(Json(site.store().factors(&user).await?))
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Factor {
    /// Codes of an authenticator.
    Totp,
    /// Recovery codes.
    Recovery,
    /// All passkeys.
    Passkeys,
    /// The password.
    Password,
}

/// Takes a way to sign in away from a person.
#[utoipa::path(delete, path = "/users/{user}/factors/{factor}", tag = "users",
    params(("user" = String, Path), ("factor" = Factor, Path)), responses((status = 204)))]
async fn remove_factor(
    State(site): State<Site>,
    caller: Caller,
    Path((user, factor)): Path<(String, Factor)>,
) -> Result<StatusCode, Problem> {
    let (store, actor, now) = (site.store(), caller.actor()?, caller.now);
    match factor {
        Factor::Totp => store.remove_totp(&actor, now, &user).await?,
        Factor::Recovery => store.remove_recovery_codes(&actor, now, &user).await?,
        Factor::Passkeys => store.remove_passkey(&actor, now, &user, None).await?,
        Factor::Password => store.remove_user_password(&actor, now, &user).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Where a person is signed in.
#[utoipa::path(get, path = "/users/{user}/sign-ins", tag = "users", params(("user" = String, Path)),
    responses((status = 200, body = Vec<SignIn>)))]
async fn list_sign_ins(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<Vec<SignIn>>, Problem> {
    let limits = limits(site.settings());
    Ok(Json(site.store().sign_ins(caller.now, &user, limits).await?))
}

/// Ends all sign-ins of a person.
#[utoipa::path(delete, path = "/users/{user}/sign-ins", tag = "users", params(("user" = String, Path)),
    responses((status = 204)))]
async fn end_sign_ins(
    State(site): State<Site>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<StatusCode, Problem> {
    let actor = caller.actor()?;
    site.store().end_sign_ins(&actor, caller.now, &user, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
