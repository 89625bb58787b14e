//! Links by which a person sets up how they sign in, once; and what ways to sign in a person has.
//!
//! INVARIANT **once**: a link is taken out in the transaction that sets the password, or when it opened a sign-in. Its
//! secret is kept as its SHA-256 alone; a new link of a person voids the one before.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Role, Secret, SpanSeconds, Timestamp, UserId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::change::Scope;
use crate::entity::{passkey, setup_link, user};
use crate::instant::{from_db, to_db};
use crate::passkeys::view as view_passkey;
use crate::password::hash_password;
use crate::resolve::{find_user, hold_user};
use crate::seal::fill_random;
use crate::sign_ins::may_sign_in;
use crate::sign_outs::{delete_sign_ins, sign_out_for_good};
use crate::totp::{confirmed, delete_recovery_codes, factor, recovery_codes_left};
use crate::{PasskeyEntry, Store, StoreError};

/// Bytes of a link's secret.
const SECRET_BYTES: usize = 16;
/// How long a link may be used, in seconds.
pub const SETUP_LINK_SECONDS: u64 = 24 * 60 * 60;

/// A link that was made.
#[derive(Clone, Debug)]
pub struct SetupLink {
    /// Its secret, which is not kept.
    pub secret: Secret,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}

/// Whose a link is.
#[derive(Clone, PartialEq, Debug)]
pub struct SetupLinkOwner {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}

/// The ways to sign in that a person has.
#[derive(Clone, PartialEq, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Factors {
    /// A password.
    pub password: bool,
    /// Codes of an authenticator, as a second factor.
    pub totp: bool,
    /// Recovery codes that are left.
    pub recovery_codes_left: u64,
    /// Passkeys.
    pub passkeys: Vec<PasskeyEntry>,
}

impl Store {
    /// Makes a link for a person; one before is void.
    ///
    /// # Errors
    /// There is no such person, or the database cannot be written.
    pub async fn make_setup_link(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
    ) -> Result<SetupLink, StoreError> {
        let mut bytes = [0; SECRET_BYTES];
        fill_random(&mut bytes)?;
        let length = SpanSeconds::new(SETUP_LINK_SECONDS).map_or_else(Default::default, SpanSeconds::std);
        let expires_at = now.saturating_add(length).unwrap_or(Timestamp::MAX);
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let row = setup_link::ActiveModel {
            user_id: Set(person.id),
            hash: Set(Sha256::digest(bytes).to_vec()),
            expires_at: Set(to_db(expires_at)),
        };
        let known = OnConflict::column(setup_link::Column::UserId)
            .update_columns([setup_link::Column::Hash, setup_link::Column::ExpiresAt])
            .to_owned();
        setup_link::Entity::insert(row)
            .on_conflict(known)
            .exec_without_returning(change.db())
            .await?;
        change.record(Draft::new(Action::SetupLinkMade, actor, now).user(&person.name));
        change.commit().await?;
        Ok(SetupLink {
            secret: Secret::from(hex::encode(bytes)),
            expires_at,
        })
    }

    /// Whose a link is; `None`: nobody's, or it was used, or it is too old.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn setup_link_owner(
        &self,
        now: Timestamp,
        secret: &Secret,
    ) -> Result<Option<SetupLinkOwner>, StoreError> {
        let Some(row) = self.setup_link(now, secret).await? else {
            return Ok(None);
        };
        let person = user::Entity::find_by_id(row.user_id)
            .one(self.connection())
            .await?;
        let person = person.filter(|person| may_sign_in(person, now));
        Ok(person.map(|person| SetupLinkOwner {
            user: UserId(person.id),
            name: person.name,
            expires_at: from_db(row.expires_at),
        }))
    }

    /// Uses a link: the person gets this password (and may keep what they have, without one), and the link is void.
    /// Answers whose it was; `None`: it is no link any more. Sign-ins from before end, and tokens with a new password.
    ///
    /// # Errors
    /// The password is too short or too long, or the database cannot be written.
    pub async fn use_setup_link(
        &self,
        now: Timestamp,
        secret: &Secret,
        password: Option<Secret>,
    ) -> Result<Option<SetupLinkOwner>, StoreError> {
        // Before the password is hashed, which costs much, and which anybody could ask for.
        let Some(owner) = self.setup_link_owner(now, secret).await? else {
            return Ok(None);
        };
        let hash = match password {
            Some(password) => Some(hash_password(password).await?),
            None => None,
        };
        let mut change = self.change(Scope::Record).await?;
        let link = hash_of_link(secret);
        let taken = setup_link::Entity::delete_many()
            .filter(setup_link::Column::Hash.eq(link))
            .exec(change.db())
            .await?;
        if taken.rows_affected == 0 {
            return Ok(None);
        }
        let person = hold_user(change.db(), owner.user.0).await?;
        if !may_sign_in(&person, now) {
            return Ok(None);
        }
        let event = Draft::new(Action::SetupLinkUsed, &Actor::system(), now)
            .user(&person.name)
            .detail("password", hash.is_some());
        if hash.is_some() {
            let mut row = person.into_active_model();
            row.password_hash = Set(hash);
            row.update(change.db()).await?;
            sign_out_for_good(change.db(), owner.user.0).await?;
        } else {
            delete_sign_ins(change.db(), owner.user.0, None).await?;
        }
        change.record(event);
        change.commit().await?;
        Ok(Some(owner))
    }

    /// Deletes links that are too old.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn prune_setup_links(&self, now: Timestamp) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let old = setup_link::Column::ExpiresAt.lte(to_db(now));
        setup_link::Entity::delete_many()
            .filter(old)
            .exec(change.db())
            .await?;
        change.commit().await.map(drop)
    }

    async fn setup_link(
        &self,
        now: Timestamp,
        secret: &Secret,
    ) -> Result<Option<setup_link::Model>, StoreError> {
        let found = setup_link::Entity::find().filter(setup_link::Column::Hash.eq(hash_of_link(secret)));
        let row = found.one(self.connection()).await?;
        Ok(row.filter(|row| row.expires_at > to_db(now)))
    }

    /// The ways to sign in that a person has.
    ///
    /// # Errors
    /// There is no such person.
    pub async fn factors(&self, who: &str) -> Result<Factors, StoreError> {
        let db = self.snapshot().await?;
        let person = find_user(&db, who).await?;
        let passkeys = passkey::Entity::find()
            .filter(passkey::Column::UserId.eq(person.id))
            .all(&db)
            .await?;
        Ok(Factors {
            password: person.password_hash.is_some(),
            totp: confirmed(&db, person.id).await?.is_some(),
            recovery_codes_left: recovery_codes_left(&db, person.id).await?,
            passkeys: passkeys.into_iter().map(view_passkey).collect(),
        })
    }

    /// Takes a person's password away, and with it the sign-ins.
    ///
    /// # Errors
    /// There is no such person, or they have none.
    pub async fn remove_user_password(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        if person.password_hash.is_none() {
            return Err(StoreError::Conflict(format!("{} has no password", person.name)));
        }
        change.record(factor(Action::FactorRemoved, actor, now, &person, "password"));
        let id = person.id;
        let mut row = person.into_active_model();
        row.password_hash = Set(None);
        row.update(change.db()).await?;
        delete_sign_ins(change.db(), id, None).await?;
        change.commit().await?;
        Ok(())
    }

    /// Voids a person's recovery codes.
    ///
    /// # Errors
    /// There is no such person, or they have none.
    pub async fn remove_recovery_codes(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        if delete_recovery_codes(change.db(), person.id).await? == 0 {
            return Err(StoreError::Conflict(format!(
                "{} has no recovery codes",
                person.name
            )));
        }
        change.record(factor(Action::FactorRemoved, actor, now, &person, "recovery"));
        change.commit().await?;
        Ok(())
    }

    /// Whether no administrator could sign in: none is in use, not locked, and has a password or a passkey. Answers a
    /// name to make a link for, if there is an administrator at all.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn needs_first_administrator(&self, now: Timestamp) -> Result<FirstAdministrator, StoreError> {
        let db = self.snapshot().await?;
        let admins = user::Entity::find()
            .filter(user::Column::Role.eq(Role::Admin.as_str()))
            .all(&db)
            .await?;
        let mut waiting = None;
        for admin in admins.into_iter().filter(|admin| may_sign_in(admin, now)) {
            let passkeys = passkey::Entity::find().filter(passkey::Column::UserId.eq(admin.id));
            if admin.password_hash.is_some() || passkeys.count(&db).await? > 0 {
                return Ok(FirstAdministrator::NotNeeded);
            }
            waiting = waiting.or(Some(admin.name));
        }
        Ok(waiting.map_or(FirstAdministrator::Absent, FirstAdministrator::Waiting))
    }
}

/// Whether an administrator could sign in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FirstAdministrator {
    /// One could.
    NotNeeded,
    /// This one has no way to sign in yet.
    Waiting(String),
    /// There is none.
    Absent,
}

fn hash_of_link(secret: &Secret) -> Vec<u8> {
    let mut bytes = [0; SECRET_BYTES];
    let text = secret.expose_str().unwrap_or("");
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) => Sha256::digest(bytes).to_vec(),
        // No row has an empty hash.
        Err(_) => Vec::new(),
    }
}
