//! Stored credentials: what the gate logs in with where a person need not know it.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{CredentialId, Login, Secret, ServerId, Timestamp};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, ModelTrait, QueryFilter, QueryOrder,
};
use serde::Serialize;

use crate::change::Scope;
use crate::entity::credential;
use crate::instant::{from_db, to_db};
use crate::resolve::{find_server, not_found, stored};
use crate::{Kind, Store, StoreError};

/// In the database, the login of a credential that is for any.
const ANY_LOGIN: &str = "";
/// Longest secret, in bytes.
const SECRET_MAX: usize = 64 * 1_024;

/// What kind of credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// A password.
    Password,
    /// A private key.
    Key,
}

/// Who may use a credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum CredentialTrust {
    /// A person who proved a registered key or signed in afresh.
    #[default]
    Proof,
    /// Whoever comes from a known address.
    AddressIsEnough,
}

/// A credential to be stored.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// The login it is for; `None`: any login at the server that has none of its own.
    pub login: Option<Login>,
    /// What kind.
    pub kind: CredentialKind,
    /// The password, or the private key in OpenSSH's PEM form.
    pub secret: Secret,
    /// Who may use it.
    pub trust: CredentialTrust,
}

/// A stored credential, without its secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct CredentialEntry {
    /// The id.
    pub id: CredentialId,
    /// The login it is for.
    pub login: Option<Login>,
    /// What kind.
    pub kind: CredentialKind,
    /// Whether a known address is enough to use it.
    pub address_is_enough: bool,
    /// When it was stored.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// A stored credential with its secret, for logging in.
#[derive(Clone, Debug)]
pub struct StoredCredential {
    /// The id.
    pub id: CredentialId,
    /// What kind.
    pub kind: CredentialKind,
    /// The password or private key.
    pub secret: Secret,
    /// Who may use it.
    pub trust: CredentialTrust,
}

impl CredentialKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Key => "key",
        }
    }

    fn read(word: &str) -> Result<Self, StoreError> {
        match word {
            "password" => Ok(Self::Password),
            "key" => Ok(Self::Key),
            other => Err(StoreError::corrupt("a kind of credential", other)),
        }
    }
}

impl Store {
    /// Stores a credential for a server, sealed.
    ///
    /// # Errors
    /// There is no such server, it has a credential for this login, or the secret is empty, too long or no key.
    pub async fn add_credential(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: &str,
        new: NewCredential,
    ) -> Result<CredentialEntry, StoreError> {
        ensure_usable(&new)?;
        let mut change = self.change(Scope::Directory).await?;
        let server = find_server(change.db(), server).await?;
        let login = new.login.as_ref().map_or(ANY_LOGIN, Login::as_str);
        let known = credential::Entity::find()
            .filter(credential::Column::ServerId.eq(server.id))
            .filter(credential::Column::Login.eq(login));
        if known.one(change.db()).await?.is_some() {
            return Err(StoreError::Conflict(format!(
                "{} has a credential for {} already; remove it first",
                server.name,
                shown(login)
            )));
        }
        let address_is_enough = new.trust == CredentialTrust::AddressIsEnough;
        let row = credential::ActiveModel {
            server_id: Set(server.id),
            login: Set(login.to_owned()),
            kind: Set(new.kind.as_str().to_owned()),
            sealed: Set(self
                .sealer()
                .seal(&place(server.id, login), new.secret.expose())?),
            address_is_enough: Set(address_is_enough),
            created_at: Set(to_db(now)),
            created_by: Set(actor.name().to_owned()),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        change.record(
            Draft::new(Action::CredentialAdded, actor, now)
                .server(&server.name)
                .detail("login", new.login.as_ref().map(Login::as_str))
                .detail("kind", new.kind.as_str())
                .detail("address_is_enough", address_is_enough),
        );
        change.commit().await?;
        view(row)
    }

    /// The credentials stored for a server, without their secrets.
    ///
    /// # Errors
    /// There is no such server.
    pub async fn credentials(&self, server: &str) -> Result<Vec<CredentialEntry>, StoreError> {
        let server = find_server(self.connection(), server).await?;
        let rows = credential::Entity::find()
            .filter(credential::Column::ServerId.eq(server.id))
            .order_by_asc(credential::Column::Id)
            .all(self.connection())
            .await?;
        rows.into_iter().map(view).collect()
    }

    /// Deletes the credential of a login; `None`: the one for any login.
    ///
    /// # Errors
    /// There is no such server or credential.
    pub async fn remove_credential(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: &str,
        login: Option<&Login>,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let server = find_server(change.db(), server).await?;
        let text = login.map_or(ANY_LOGIN, Login::as_str);
        let rows = credential::Entity::find().filter(credential::Column::ServerId.eq(server.id));
        let rows = rows.all(change.db()).await?;
        let known = rows
            .iter()
            .map(|row| row.login.clone())
            .filter(|login| login != ANY_LOGIN)
            .collect();
        let Some(row) = rows.into_iter().find(|row| row.login == text) else {
            return Err(not_found(Kind::Credential, shown(text), known));
        };
        row.delete(change.db()).await?;
        let event = Draft::new(Action::CredentialRemoved, actor, now).server(&server.name);
        change.record(event.detail("login", login.map(Login::as_str)));
        change.commit().await?;
        Ok(())
    }

    /// What the gate logs in with: the credential of this login, else the one for any login.
    ///
    /// # Errors
    /// The database cannot be read, or the credential not be opened.
    pub async fn credential_for(
        &self,
        server: ServerId,
        login: &Login,
    ) -> Result<Option<StoredCredential>, StoreError> {
        let rows = credential::Entity::find()
            .filter(credential::Column::ServerId.eq(server.0))
            .filter(credential::Column::Login.is_in([ANY_LOGIN, login.as_str()]))
            .all(self.connection())
            .await?;
        let Some(row) = rows.into_iter().max_by_key(|row| row.login != ANY_LOGIN) else {
            return Ok(None);
        };
        Ok(Some(StoredCredential {
            id: CredentialId(row.id),
            kind: CredentialKind::read(&row.kind)?,
            secret: self
                .sealer()
                .open("credential", &place(row.server_id, &row.login), &row.sealed)?,
            trust: if row.address_is_enough {
                CredentialTrust::AddressIsEnough
            } else {
                CredentialTrust::Proof
            },
        }))
    }
}

fn ensure_usable(new: &NewCredential) -> Result<(), StoreError> {
    let invalid = |sentence: &str| Err(StoreError::invalid("secret", sentence));
    let bytes = new.secret.expose();
    if bytes.is_empty() {
        return invalid("the secret is empty; give a password or a private key");
    }
    if bytes.len() > SECRET_MAX {
        return invalid("the secret is longer than 64 KiB, which no password or key is");
    }
    if new.kind == CredentialKind::Key
        && !new
            .secret
            .expose_str()
            .is_some_and(|text| text.contains("PRIVATE KEY-----"))
    {
        return invalid(
            "this is not a private key; give the file that ssh-keygen made, not the one with .pub",
        );
    }
    Ok(())
}

fn shown(login: &str) -> &str {
    if login == ANY_LOGIN { "any login" } else { login }
}

fn place(server: i64, login: &str) -> String {
    format!("credential:{server}:{login}")
}

fn view(row: credential::Model) -> Result<CredentialEntry, StoreError> {
    let login = if row.login == ANY_LOGIN {
        None
    } else {
        Some(stored("a login", &row.login)?)
    };
    Ok(CredentialEntry {
        id: CredentialId(row.id),
        login,
        kind: CredentialKind::read(&row.kind)?,
        address_is_enough: row.address_is_enough,
        created_at: from_db(row.created_at),
        created_by: row.created_by,
    })
}
