//! Signing in, and confirming, with a passkey.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use gatehouse_store::{Actor, SignInState};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use webauthn_rs::prelude::PublicKeyCredential;

use super::answers::{begin_try, confirmed, ensure_private, new_sign_in, signed_in, wrong};
use super::describe::Session;
use crate::caller::Caller;
use crate::passkey::{Begun, Passkeys};
use crate::problem::Problem;
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(begin_passkey_sign_in))
        .routes(routes!(finish_passkey_sign_in))
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
