//! Time-based codes (RFC 6238: SHA-1, 6 digits, 30 seconds) and the recovery codes that stand in for them.
//!
//! INVARIANT **once**: a code is accepted for its step of time once, a recovery code once ever; both are taken in the
//! transaction that accepts them. The secret is sealed, bound to its person; recovery codes are kept as SHA-256 (they
//! are random, so a slow hash would add nothing).

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Secret, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter,
};
use sha2::{Digest, Sha256};
use totp_rs::{Algorithm, Builder, Totp};

use crate::change::Scope;
use crate::entity::{recovery_code, totp_secret, user};
use crate::instant::to_db;
use crate::resolve::{find_user, hold_user};
use crate::seal::fill_random;
use crate::{Store, StoreError};

/// Bytes of a secret (RFC 4226 section 4 asks for 16, recommends 20).
const SECRET_BYTES: usize = 20;
const STEP_SECONDS: u64 = 30;
/// How many recovery codes a person gets.
pub const RECOVERY_CODES: usize = 10;
/// Letters of recovery codes: none that is taken for another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789z";
/// Letters of a code: 60 bits.
const CODE_LETTERS: usize = 12;

/// A secret that was made and waits for a first code.
#[derive(Clone, Debug)]
pub struct NewTotp {
    /// The secret, in base 32.
    pub secret: Secret,
    /// The address that authenticators read from a QR code.
    pub uri: Secret,
}

impl Store {
    /// Makes a secret for a person. It counts once a first code has confirmed it; one that counts already does so until
    /// then.
    ///
    /// # Errors
    /// There is no such person, or the database cannot be written.
    pub async fn begin_totp(&self, now: Timestamp, who: &str) -> Result<NewTotp, StoreError> {
        let change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        // One that is confirmed meanwhile must not be replaced: the second factor would be gone.
        let person = hold_user(change.db(), person.id).await?;
        if confirmed(change.db(), person.id).await?.is_some() {
            return Err(StoreError::Conflict(
                "codes are set up already; take them away first to set them up anew".to_owned(),
            ));
        }
        let mut bytes = vec![0; SECRET_BYTES];
        fill_random(&mut bytes)?;
        let row = totp_secret::ActiveModel {
            user_id: Set(person.id),
            sealed: Set(self.sealer().seal(&place(person.id), &bytes)?),
            confirmed: Set(false),
            last_step: Set(0),
            created_at: Set(to_db(now)),
        };
        let known = OnConflict::column(totp_secret::Column::UserId)
            .update_columns([
                totp_secret::Column::Sealed,
                totp_secret::Column::Confirmed,
                totp_secret::Column::LastStep,
                totp_secret::Column::CreatedAt,
            ])
            .to_owned();
        totp_secret::Entity::insert(row)
            .on_conflict(known)
            .exec_without_returning(change.db())
            .await?;
        change.commit().await?;
        let shown = totp_rs::Secret::from(bytes.clone()).to_base32();
        let totp = totp(bytes, &person.name)?;
        Ok(NewTotp {
            secret: Secret::from(shown),
            uri: Secret::from(
                totp.to_url()
                    .map_err(|error| StoreError::corrupt("a name", error))?,
            ),
        })
    }

    /// Confirms the secret with a first code, and answers recovery codes; earlier ones are void.
    ///
    /// # Errors
    /// There is no such person, none was begun, or the code is wrong.
    pub async fn confirm_totp(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        code: &str,
    ) -> Result<Vec<String>, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let person = hold_user(change.db(), person.id).await?;
        let row = totp_secret::Entity::find_by_id(person.id)
            .one(change.db())
            .await?;
        let row = row
            .filter(|row| !row.confirmed)
            .ok_or_else(|| StoreError::Conflict("setting up codes was not begun; begin again".to_owned()))?;
        let Some(step) = self.step_of(&person, &row, now, code)? else {
            return Err(StoreError::invalid(
                "code",
                "the code is wrong; check that the clock of the authenticator is right, and type the code that it shows now",
            ));
        };
        let mut row = row.into_active_model();
        row.confirmed = Set(true);
        row.last_step = Set(step);
        row.update(change.db()).await?;
        let codes = replace_recovery_codes(change.db(), person.id).await?;
        change.record(factor(Action::FactorAdded, actor, now, &person, "totp"));
        change.commit().await?;
        Ok(codes)
    }

    /// Whether the code is the person's for now. It is used up.
    ///
    /// # Errors
    /// There is no such person, or the database cannot be written.
    pub async fn check_totp(&self, now: Timestamp, who: &str, code: &str) -> Result<bool, StoreError> {
        let change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let Some(row) = confirmed(change.db(), person.id).await? else {
            return Ok(false);
        };
        let Some(step) = self.step_of(&person, &row, now, code)? else {
            return Ok(false);
        };
        // Two at once: one of them moves the step.
        let moved = totp_secret::ActiveModel {
            last_step: Set(step),
            ..Default::default()
        };
        let moved = totp_secret::Entity::update_many()
            .set(moved)
            .filter(totp_secret::Column::UserId.eq(person.id))
            .filter(totp_secret::Column::LastStep.lt(step))
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(moved.rows_affected == 1)
    }

    /// Takes codes away from a person, with the recovery codes.
    ///
    /// # Errors
    /// There is no such person, or they have none.
    pub async fn remove_totp(&self, actor: &Actor, now: Timestamp, who: &str) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let removed = totp_secret::Entity::delete_by_id(person.id)
            .exec(change.db())
            .await?;
        if removed.rows_affected == 0 {
            return Err(StoreError::Conflict(format!(
                "{} has no codes set up",
                person.name
            )));
        }
        delete_recovery_codes(change.db(), person.id).await?;
        change.record(factor(Action::FactorRemoved, actor, now, &person, "totp"));
        change.commit().await?;
        Ok(())
    }

    /// New recovery codes; earlier ones are void.
    ///
    /// # Errors
    /// There is no such person, or they have no codes that these would stand in for.
    pub async fn new_recovery_codes(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
    ) -> Result<Vec<String>, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let person = hold_user(change.db(), person.id).await?;
        if confirmed(change.db(), person.id).await?.is_none() {
            return Err(StoreError::Conflict(
                "recovery codes stand in for codes of an authenticator; set that up first".to_owned(),
            ));
        }
        let codes = replace_recovery_codes(change.db(), person.id).await?;
        change.record(factor(Action::FactorAdded, actor, now, &person, "recovery"));
        change.commit().await?;
        Ok(codes)
    }

    /// Whether this is one of the person's recovery codes. It is used up.
    ///
    /// # Errors
    /// There is no such person, or the database cannot be written.
    pub async fn use_recovery_code(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        code: &str,
    ) -> Result<bool, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let used = recovery_code::Entity::delete_many()
            .filter(recovery_code::Column::UserId.eq(person.id))
            .filter(recovery_code::Column::Hash.eq(hash_code(code)))
            .exec(change.db())
            .await?;
        if used.rows_affected == 0 {
            return Ok(false);
        }
        let left = recovery_codes_left(change.db(), person.id).await?;
        change.record(factor(Action::FactorRecovered, actor, now, &person, "recovery").detail("left", left));
        change.commit().await?;
        Ok(true)
    }

    /// The step of time that the code is for, if it is right and was not used.
    fn step_of(
        &self,
        person: &user::Model,
        row: &totp_secret::Model,
        now: Timestamp,
        code: &str,
    ) -> Result<Option<i64>, StoreError> {
        let secret = self
            .sealer()
            .open("secret of codes", &place(person.id), &row.sealed)?;
        let totp = totp(secret.expose().to_vec(), &person.name)?;
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).take(16).collect();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let step = totp
            .check(&digits, seconds)
            .and_then(|step| i64::try_from(step).ok());
        Ok(step.filter(|step| *step > row.last_step))
    }
}

fn totp(secret: Vec<u8>, name: &str) -> Result<Totp, StoreError> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(STEP_SECONDS)
        .with_secret(secret)
        .with_issuer(Some("Gatehouse".to_owned()))
        // A colon would part issuer and account.
        .with_account_name(name.replace(':', "."))
        .build()
        .map_err(|error| StoreError::corrupt("a secret of codes", error))
}

fn place(user: i64) -> String {
    format!("totp:{user}")
}

/// The secret of a person that counts.
pub(crate) async fn confirmed(
    db: &impl ConnectionTrait,
    user: i64,
) -> Result<Option<totp_secret::Model>, StoreError> {
    let row = totp_secret::Entity::find_by_id(user).one(db).await?;
    Ok(row.filter(|row| row.confirmed))
}

/// How many recovery codes a person has left.
pub(crate) async fn recovery_codes_left(db: &impl ConnectionTrait, user: i64) -> Result<u64, StoreError> {
    let own = recovery_code::Entity::find().filter(recovery_code::Column::UserId.eq(user));
    Ok(own.count(db).await?)
}

/// Voids a person's recovery codes.
pub(crate) async fn delete_recovery_codes(db: &impl ConnectionTrait, user: i64) -> Result<u64, StoreError> {
    let own = recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(user));
    Ok(own.exec(db).await?.rows_affected)
}

async fn replace_recovery_codes(db: &impl ConnectionTrait, user: i64) -> Result<Vec<String>, StoreError> {
    delete_recovery_codes(db, user).await?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut bytes = [0; CODE_LETTERS];
        fill_random(&mut bytes)?;
        let letters: String = bytes
            .iter()
            .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
            .map(|letter| char::from(*letter))
            .collect();
        let row = recovery_code::ActiveModel {
            user_id: Set(user),
            hash: Set(hash_code(&letters)),
            ..Default::default()
        };
        row.insert(db).await?;
        codes.push(shown(&letters));
    }
    Ok(codes)
}

/// `xxxx-xxxx-xxxx`.
fn shown(letters: &str) -> String {
    letters
        .as_bytes()
        .chunks(4)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>()
        .join("-")
}

/// However it was typed: case, dashes and spaces do not count.
fn hash_code(code: &str) -> Vec<u8> {
    let letters: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(64)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    Sha256::digest(letters.as_bytes()).to_vec()
}

/// An event about a factor of a person.
pub(crate) fn factor(
    action: Action,
    actor: &Actor,
    now: Timestamp,
    person: &user::Model,
    what: &'static str,
) -> Draft {
    Draft::new(action, actor, now)
        .user(&person.name)
        .detail("factor", what)
}
