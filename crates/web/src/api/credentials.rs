//! Stored credentials of servers. Secrets come in and never go out.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::{Login, Secret};
use gatehouse_store::{CredentialEntry, CredentialKind, CredentialTrust, NewCredential};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::Body;
use crate::site::Site;

/// What stands in a path for the credential of any login. No credential for a login of this name can be stored here.
const ANY_LOGIN: &str = "*";

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_credentials, add_credential))
        .routes(routes!(remove_credential))
}

/// The credentials stored for a server, without their secrets.
#[utoipa::path(get, path = "/servers/{server}/credentials", tag = "servers",
    params(("server" = String, Path, description = "Name or id")),
    responses((status = 200, body = Vec<CredentialEntry>)))]
async fn list_credentials(
    State(site): State<Site>,
    Path(server): Path<String>,
) -> Result<Json<Vec<CredentialEntry>>, Problem> {
    Ok(Json(site.store().credentials(&server).await?))
}

/// A credential to be stored; `password` or `key`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewServerCredential {
    /// The login it is for; `null`: any login that has none of its own.
    login: Option<Login>,
    /// The password.
    #[schema(format = Password)]
    password: Option<String>,
    /// The private key in OpenSSH's form.
    #[schema(format = Password)]
    key: Option<String>,
    /// Whether a known address is enough to use it. Else a registered key or a fresh sign-in is needed.
    #[serde(default)]
    address_is_enough: bool,
}

/// Stores a credential, sealed.
#[utoipa::path(post, path = "/servers/{server}/credentials", tag = "servers",
    params(("server" = String, Path, description = "Name or id")), request_body = NewServerCredential,
    responses((status = 201, body = CredentialEntry)))]
async fn add_credential(
    State(site): State<Site>,
    caller: Caller,
    Path(server): Path<String>,
    Body(new): Body<NewServerCredential>,
) -> Result<(StatusCode, Json<CredentialEntry>), Problem> {
    let (kind, secret) = match (new.password, new.key) {
        (Some(password), None) => (CredentialKind::Password, password),
        (None, Some(key)) => (CredentialKind::Key, key),
        (None, None) => return Err(Problem::invalid("password", "give a password or a key")),
        (Some(_), Some(_)) => return Err(Problem::invalid("key", "give a password or a key, not both")),
    };
    if new
        .login
        .as_ref()
        .is_some_and(|login| login.as_str() == ANY_LOGIN)
    {
        return Err(Problem::invalid(
            "login",
            "* means any login; leave the login out for that",
        ));
    }
    let credential = NewCredential {
        login: new.login,
        kind,
        secret: Secret::from(secret),
        trust: if new.address_is_enough {
            CredentialTrust::AddressIsEnough
        } else {
            CredentialTrust::Proof
        },
    };
    let stored = site
        .store()
        .add_credential(&caller.actor()?, site.now(), &server, credential)
        .await;
    let entry = stored.map_err(|error| {
        let mut problem = Problem::from(error);
        if problem.field.as_deref() == Some("secret") {
            problem.field = Some(kind.as_str().to_owned());
        }
        problem
    })?;
    Ok((StatusCode::CREATED, Json(entry)))
}

/// Deletes the credential of a login.
#[utoipa::path(delete, path = "/servers/{server}/credentials/{login}", tag = "servers",
    params(("server" = String, Path, description = "Name or id"),
        ("login" = String, Path, description = "The login; `*` for the credential of any login")),
    responses((status = 204)))]
async fn remove_credential(
    State(site): State<Site>,
    caller: Caller,
    Path((server, login)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let login = match login.as_str() {
        ANY_LOGIN => None,
        text => Some(
            text.parse::<Login>()
                .map_err(|error| Problem::not_found(error.to_string()))?,
        ),
    };
    site.store()
        .remove_credential(&caller.actor()?, site.now(), &server, login.as_ref())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
