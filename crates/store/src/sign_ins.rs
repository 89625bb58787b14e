//! Sign-ins of people to the pages.
//!
//! INVARIANT **hashed**: the secret that a browser keeps is here as its SHA-256 alone. INVARIANT **looked-up-each-time**:
//! whose person is switched off or locked, and what was idle or open for too long, is no sign-in. INVARIANT
//! **never-twice-the-same**: when a second factor completes a sign-in, the secret is a new one. INVARIANT
//! **decided-with-the-person**: a sign-in is opened and completed while its person's row is held, so that whoever is
//! switched off or locked at the same moment is left without one, also once that is undone.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Name, Role, SourceAddr, SpanSeconds, Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::change::{Change, Scope};
use crate::entity::{sign_in, user};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_user, hold_user, outside_text, stored};
use crate::seal::fill_random;
use crate::throttle::remember_source;
use crate::{Kind, LockState, Store, StoreError};

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;
/// For the second factor to be given, in seconds.
const FACTOR_PATIENCE: i64 = 300;
/// A sign-in in use is noted at most this often, in seconds.
const NOTE_EVERY: i64 = 60;
/// Most sign-ins of a person of each state; beyond, the oldest of the same state make room. Those that wait for a
/// factor displace none that is open: whoever knows a password alone signs nobody out.
const SIGN_INS_MAX: u64 = 100;
/// Longest description of a browser that is kept, in characters.
const AGENT_MAX: usize = 200;

/// How far a sign-in is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInState {
    /// The password was right, and a second factor is still missing.
    Factor,
    /// The person is signed in.
    Open,
}

/// A sign-in to be opened.
#[derive(Clone, Debug)]
pub struct NewSignIn {
    /// Whose.
    pub user: UserId,
    /// From where.
    pub source: SourceAddr,
    /// What the browser says that it is.
    pub agent: Option<String>,
    /// By what: `password`, `passkey`, `setup link`.
    pub method: &'static str,
    /// How far it is.
    pub state: SignInState,
}

/// Whose a sign-in is, and how far.
#[derive(Clone, PartialEq, Debug)]
pub struct SignedIn {
    /// The sign-in.
    pub id: i64,
    /// How far it is.
    pub state: SignInState,
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Name,
    /// Their name in full.
    pub full_name: Option<String>,
    /// Their role of now.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was used last, within a minute.
    pub seen_at: Timestamp,
    /// When the person last proved who they are.
    pub fresh_at: Timestamp,
}

/// When sign-ins end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignInLimits {
    /// After so long without use.
    pub idle: SpanSeconds,
    /// After so long in any case.
    pub length: SpanSeconds,
}

impl SignInState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Factor => "factor",
            Self::Open => "open",
        }
    }
}

impl Store {
    /// Opens a sign-in and answers its id and secret, which is not kept; `None`: the person is switched off or locked.
    ///
    /// # Errors
    /// There is no such person, or the database cannot be written.
    pub async fn open_sign_in(
        &self,
        now: Timestamp,
        new: NewSignIn,
    ) -> Result<Option<(i64, String)>, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let person = hold_user(change.db(), new.user.0).await?;
        if !may_sign_in(&person, now) {
            return Ok(None);
        }
        make_room(change.db(), person.id, new.state).await?;
        let (secret, hash) = fresh_secret()?;
        let row = sign_in::ActiveModel {
            secret_hash: Set(hash),
            user_id: Set(person.id),
            state: Set(new.state.as_str().to_owned()),
            method: Set(new.method.to_owned()),
            source: Set(new.source.to_string()),
            agent: Set(new.agent.map(|agent| bounded(&agent, AGENT_MAX))),
            created_at: Set(to_db(now)),
            seen_at: Set(to_db(now)),
            fresh_at: Set(to_db(now)),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        if new.state == SignInState::Open {
            opened(&mut change, now, &person, new.source, new.method).await?;
        }
        change.commit().await?;
        Ok(Some((row.id, secret)))
    }

    /// Whose sign-in this secret is; `None`: nobody's, or it has ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn signed_in(
        &self,
        now: Timestamp,
        secret: &str,
        limits: SignInLimits,
    ) -> Result<Option<SignedIn>, StoreError> {
        let Some(hash) = hash_of(secret) else {
            return Ok(None);
        };
        let found = sign_in::Entity::find()
            .filter(sign_in::Column::SecretHash.eq(hash))
            .one(self.connection())
            .await?;
        let Some(row) = found.filter(|row| lasts(row, now, limits)) else {
            return Ok(None);
        };
        let person = user::Entity::find_by_id(row.user_id)
            .one(self.connection())
            .await?;
        let Some(person) = person.filter(|person| may_sign_in(person, now)) else {
            return Ok(None);
        };
        Ok(Some(SignedIn {
            id: row.id,
            state: state_of(&row),
            user: UserId(person.id),
            name: stored("a name", &person.name)?,
            full_name: person.full_name,
            role: stored("a role", &person.role)?,
            created_at: from_db(row.created_at),
            seen_at: from_db(row.seen_at),
            fresh_at: from_db(row.fresh_at),
        }))
    }

    /// A sign-in is in use. Noted at most once a minute.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn touch_sign_in(&self, now: Timestamp, known: &SignedIn) -> Result<(), StoreError> {
        if now.as_second().saturating_sub(known.seen_at.as_second()) < NOTE_EVERY {
            return Ok(());
        }
        let change = self.change(Scope::Record).await?;
        let row = sign_in::ActiveModel {
            seen_at: Set(to_db(now)),
            ..Default::default()
        };
        sign_in::Entity::update_many()
            .set(row)
            .filter(sign_in::Column::Id.eq(known.id))
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(())
    }

    /// The second factor was right: the sign-in is open from now on, under a new secret, which is answered.
    ///
    /// # Errors
    /// It has ended, waits for no factor, or its person was switched off or locked meanwhile.
    pub async fn complete_sign_in(
        &self,
        now: Timestamp,
        id: i64,
        method: &'static str,
    ) -> Result<String, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let absent = || StoreError::absent(Kind::SignIn, id);
        let find = || sign_in::Entity::find_by_id(id).one(change.db());
        let person = hold_user(change.db(), find().await?.ok_or_else(absent)?.user_id).await?;
        // Read again: of two at once, one has opened it.
        let row = find().await?.filter(|row| {
            state_of(row) == SignInState::Factor && waits(row, now) && may_sign_in(&person, now)
        });
        let row = row.ok_or_else(absent)?;
        make_room(change.db(), person.id, SignInState::Open).await?;
        let source: SourceAddr = stored("a source address", &row.source)?;
        let (secret, hash) = fresh_secret()?;
        let mut row = row.into_active_model();
        row.secret_hash = Set(hash);
        row.state = Set(SignInState::Open.as_str().to_owned());
        row.method = Set(method.to_owned());
        row.seen_at = Set(to_db(now));
        row.fresh_at = Set(to_db(now));
        row.update(change.db()).await?;
        opened(&mut change, now, &person, source, method).await?;
        change.commit().await?;
        Ok(secret)
    }

    /// The person proved again who they are.
    ///
    /// # Errors
    /// The sign-in has ended.
    pub async fn confirm_sign_in(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: i64,
        method: &'static str,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let row = sign_in::Entity::find_by_id(id).one(change.db()).await?;
        let row = row.ok_or_else(|| StoreError::absent(Kind::SignIn, id))?;
        let person = find_user(change.db(), &row.user_id.to_string()).await?;
        let mut row = row.into_active_model();
        row.fresh_at = Set(to_db(now));
        row.update(change.db()).await?;
        change.record(
            Draft::new(Action::SignInConfirmed, actor, now)
                .user(&person.name)
                .detail("method", method),
        );
        change.commit().await?;
        Ok(())
    }
}

/// What follows a sign-in that is open: it is audited, and where it came from is known from now on.
async fn opened(
    change: &mut Change<'_>,
    now: Timestamp,
    person: &user::Model,
    source: SourceAddr,
    method: &str,
) -> Result<(), StoreError> {
    remember_source(change.db(), now, person.id, source).await?;
    let name: Name = stored("a name", &person.name)?;
    let actor = Actor::user(&name, Some(source));
    change.record(
        Draft::new(Action::SignInOpened, &actor, now)
            .user(&person.name)
            .detail("method", method),
    );
    Ok(())
}

/// Whether a person may sign in at all.
pub(crate) fn may_sign_in(person: &user::Model, now: Timestamp) -> bool {
    let lock = LockState::in_force(person.locked, person.locked_until, None, now);
    person.active && lock.is_none()
}

/// Whether a sign-in has neither been idle nor open for too long.
pub(crate) fn lasts(row: &sign_in::Model, now: Timestamp, limits: SignInLimits) -> bool {
    let since = |instant| now.as_second().saturating_sub(from_db(instant).as_second());
    let seconds = |span: SpanSeconds| i64::try_from(span.seconds()).unwrap_or(i64::MAX);
    match state_of(row) {
        SignInState::Factor => waits(row, now),
        SignInState::Open => {
            since(row.seen_at) < seconds(limits.idle) && since(row.created_at) < seconds(limits.length)
        }
    }
}

/// Whether the second factor may still be given.
fn waits(row: &sign_in::Model, now: Timestamp) -> bool {
    now.as_second().saturating_sub(row.created_at.timestamp()) < FACTOR_PATIENCE
}

/// Before a person, whose row is held, gets a further sign-in of this state.
async fn make_room(db: &impl ConnectionTrait, user: i64, state: SignInState) -> Result<(), StoreError> {
    let newest: Vec<i64> = sign_in::Entity::find()
        .select_only()
        .column(sign_in::Column::Id)
        .filter(sign_in::Column::UserId.eq(user))
        .filter(sign_in::Column::State.eq(state.as_str()))
        .order_by_desc(sign_in::Column::Id)
        .limit(SIGN_INS_MAX)
        .into_tuple()
        .all(db)
        .await?;
    if u64::try_from(newest.len()).unwrap_or(u64::MAX) < SIGN_INS_MAX {
        return Ok(());
    }
    let Some(oldest) = newest.last() else {
        return Ok(());
    };
    sign_in::Entity::delete_many()
        .filter(sign_in::Column::UserId.eq(user))
        .filter(sign_in::Column::State.eq(state.as_str()))
        .filter(sign_in::Column::Id.lte(*oldest))
        .exec(db)
        .await?;
    Ok(())
}

/// Anything but `open` is not open.
fn state_of(row: &sign_in::Model) -> SignInState {
    if row.state == SignInState::Open.as_str() {
        SignInState::Open
    } else {
        SignInState::Factor
    }
}

/// A new secret and its hash.
pub(crate) fn fresh_secret() -> Result<(String, Vec<u8>), StoreError> {
    let mut bytes = [0; SECRET_BYTES];
    fill_random(&mut bytes)?;
    Ok((hex::encode(bytes), Sha256::digest(bytes).to_vec()))
}

/// The hash of a secret as it was given out; `None`: it is none.
pub(crate) fn hash_of(secret: &str) -> Option<Vec<u8>> {
    let mut bytes = [0; SECRET_BYTES];
    hex::decode_to_slice(secret, &mut bytes).ok()?;
    Some(Sha256::digest(bytes).to_vec())
}

/// What somebody else wrote, short and without what a terminal obeys.
pub(crate) fn bounded(text: &str, most: usize) -> String {
    let plain = text
        .chars()
        .take(most)
        .map(|c| if c.is_control() { ' ' } else { c });
    outside_text(plain.collect())
}
