//! Passkeys (WebAuthn level 3): registering one, and signing in with one, without a person's name: it knows whose it is.
//!
//! A passkey is a factor of its own: the authenticator verified the person (user verification is required). What was
//! begun waits in the store and is taken out when it is finished, so an answer that is sent twice is refused.

use gatehouse_model::{SpanSeconds, Timestamp};
use gatehouse_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::address::PublicUrl;
use crate::problem::{Code, Problem};

/// For the person to touch the authenticator.
const PATIENCE_SECONDS: u64 = 300;
const REGISTER: &str = "passkey.register";
const SIGN_IN: &str = "passkey.sign_in";

/// What begins at a browser: the options it gets, and the id by which the answer is recognised.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Begun {
    /// To be sent back with the answer.
    pub(crate) ceremony: String,
    /// Options for `navigator.credentials` as WebAuthn's JSON has them.
    #[schema(value_type = Object)]
    pub(crate) options: Value,
}

/// A registration under way.
#[derive(Serialize, Deserialize)]
struct Registering {
    user: i64,
    state: PasskeyRegistration,
}

/// Who is to get a passkey.
pub(crate) struct NewHolder<'h> {
    pub(crate) user: i64,
    pub(crate) handle: Uuid,
    pub(crate) name: &'h str,
    pub(crate) shown: &'h str,
    /// Passkeys that they have, as they are stored.
    pub(crate) stored: &'h [String],
}

/// A passkey that was accepted.
pub(crate) struct Accepted {
    /// The credential's id.
    pub(crate) credential: Vec<u8>,
    /// The passkey as it is to be stored.
    pub(crate) stored: String,
}

/// A sign-in with a passkey that is to be completed.
pub(crate) struct Claim {
    /// The credential's id that the answer names.
    pub(crate) credential: Vec<u8>,
    state: DiscoverableAuthentication,
    answer: PublicKeyCredential,
}

/// The site as a relying party.
pub(crate) struct Passkeys {
    relying: Webauthn,
}

impl Passkeys {
    /// For the pages at this address. Passkeys belong to its host, whatever the port.
    ///
    /// # Errors
    /// The host is an address and no name, which WebAuthn knows nothing of.
    pub(crate) fn new(public: &PublicUrl) -> Result<Self, Problem> {
        let refuse = || {
            Problem::new(
                Code::Conflict,
                format!(
                    "passkeys need a name and not an address in web.public_url, which is {}",
                    public.as_str()
                ),
            )
        };
        let origin = Url::parse(public.as_str()).map_err(|_| refuse())?;
        let relying = WebauthnBuilder::new(public.host(), &origin)
            .map(|builder| builder.rp_name("Gatehouse").allow_any_port(true))
            .and_then(WebauthnBuilder::build)
            .map_err(|_| refuse())?;
        Ok(Self { relying })
    }

    /// Begins to register a passkey that knows whose it is.
    pub(crate) async fn begin_registration(
        &self,
        store: &Store,
        now: Timestamp,
        holder: NewHolder<'_>,
    ) -> Result<Begun, Problem> {
        let known: Vec<CredentialID> = holder
            .stored
            .iter()
            .map(|text| read_stored(text).map(|passkey| passkey.cred_id().clone()))
            .collect::<Result<_, _>>()?;
        let (options, state) = self
            .relying
            .start_passkey_registration(holder.handle, holder.name, holder.shown, Some(known))
            .map_err(|error| Problem::fault("a passkey could not be asked for", &error))?;
        let mut options = json(&options)?;
        // The library asks for keys that need to be told whose they are; these have to know.
        if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection") {
            selection["residentKey"] = Value::from("required");
            selection["requireResidentKey"] = Value::from(true);
        }
        let user = holder.user;
        begin(store, now, REGISTER, &Registering { user, state }, options).await
    }

    /// Finishes a registration of this person's.
    pub(crate) async fn finish_registration(
        &self,
        store: &Store,
        now: Timestamp,
        (user, ceremony): (i64, &str),
        answer: &RegisterPublicKeyCredential,
    ) -> Result<Accepted, Problem> {
        let begun: Registering = finish(store, now, REGISTER, ceremony).await?;
        if begun.user != user {
            return Err(expired());
        }
        let passkey = self
            .relying
            .finish_passkey_registration(answer, &begun.state)
            .map_err(refused)?;
        Ok(Accepted {
            credential: passkey.cred_id().to_vec(),
            stored: json_text(&passkey)?,
        })
    }

    /// Begins a sign-in. Nobody is named: the passkey knows whose it is, so a name tells a stranger nothing.
    pub(crate) async fn begin_sign_in(&self, store: &Store, now: Timestamp) -> Result<Begun, Problem> {
        let (options, state) = self
            .relying
            .start_discoverable_authentication()
            .map_err(|error| Problem::fault("a sign-in with a passkey could not be begun", &error))?;
        let mut options = json(&options)?;
        // The page decides itself whether the browser offers passkeys within the form or at a press of a button.
        if let Some(options) = options.as_object_mut() {
            options.remove("mediation");
        }
        begin(store, now, SIGN_IN, &state, options).await
    }

    /// Takes the answer to a sign-in; whose the credential is has to be looked up then.
    pub(crate) async fn claim(
        &self,
        store: &Store,
        now: Timestamp,
        ceremony: &str,
        answer: PublicKeyCredential,
    ) -> Result<Claim, Problem> {
        Ok(Claim {
            credential: answer.get_credential_id().to_vec(),
            state: finish(store, now, SIGN_IN, ceremony).await?,
            answer,
        })
    }

    /// Checks the answer against the passkey as it is stored. Answers the passkey as it is to be stored from now on, if
    /// that differs.
    pub(crate) fn complete(&self, claim: &Claim, stored: &str) -> Result<Option<String>, Problem> {
        let mut passkey = read_stored(stored)?;
        let result = self
            .relying
            .finish_discoverable_authentication_v2(&claim.answer, claim.state.clone(), &passkey)
            .map_err(refused)?;
        match passkey.update_credential(&result) {
            Some(true) => json_text(&passkey).map(Some),
            _ => Ok(None),
        }
    }
}

async fn begin(
    store: &Store,
    now: Timestamp,
    purpose: &str,
    state: &impl Serialize,
    options: Value,
) -> Result<Begun, Problem> {
    let patience = SpanSeconds::new(PATIENCE_SECONDS).ok_or_else(expired)?;
    let ceremony = store
        .begin_ceremony(now, purpose, json_text(state)?, patience)
        .await?;
    Ok(Begun { ceremony, options })
}

async fn finish<T: serde::de::DeserializeOwned>(
    store: &Store,
    now: Timestamp,
    purpose: &str,
    ceremony: &str,
) -> Result<T, Problem> {
    let state = store.finish_ceremony(now, purpose, ceremony).await?;
    let state = state.ok_or_else(expired)?;
    serde_json::from_str(&state).map_err(|error| Problem::fault("a ceremony cannot be read", &error))
}

fn expired() -> Problem {
    Problem::new(
        Code::Conflict,
        "this took too long or was answered already; begin again",
    )
}

/// The library's reasons help an attacker more than a person.
fn refused(error: webauthn_rs::prelude::WebauthnError) -> Problem {
    tracing::debug!(%error, "a passkey was refused");
    Problem::new(
        Code::Unauthenticated,
        "the passkey was not accepted; try again, or sign in another way",
    )
}

fn read_stored(text: &str) -> Result<Passkey, Problem> {
    serde_json::from_str(text).map_err(|error| Problem::fault("a stored passkey cannot be read", &error))
}

fn json(value: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|error| Problem::fault("WebAuthn options cannot be written", &error))
}

fn json_text(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| Problem::fault("a passkey cannot be written", &error))
}
