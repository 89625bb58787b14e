//! Failed tries to sign in, counted by account and by source, so that guessing slows down.
//!
//! INVARIANT **counted-first**: a try is counted as failed before it is checked, in one transaction with the look whether
//! it may be made, so that tries at the same time do not slip through; success takes it back. INVARIANT
//! **no-stranger-locks-out**: where a person signed in from within [`KNOWN_DAYS`], tries from there are counted apart,
//! so that the tries of others do not hold the person up. Unknown accounts are counted like known ones.
//! INVARIANT **forgiven**: who succeeds in the end takes back from the source what they did wrong before from there,
//! and a success never keeps the failures of others from being forgotten: many people come from one source.
//! INVARIANT **bounded**: whoever makes up accounts gets no more than [`SUBJECTS_MAX`] rows; the oldest make room.

use std::net::IpAddr;

use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_model::{SourceAddr, Timestamp, to_micros};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::change::Scope;
use crate::entity::{known_source, sign_in_failure};
use crate::instant::{from_db, to_db};
use crate::resolve::{fold, known_user};
use crate::sign_ins::bounded;
use crate::{Store, StoreError};

/// A source is known for so many days after a sign-in from it.
pub const KNOWN_DAYS: i64 = 30;
/// Failures of an account that cost nothing.
const ACCOUNT_FREE: i32 = 3;
/// Failures of a source that cost nothing: many people may come from one.
const SOURCE_FREE: i32 = 10;
/// The longest delay, in seconds.
const DELAY_MAX: i64 = 15 * 60;
/// Failures are forgotten after so long without one, in seconds.
const MEMORY: i64 = 24 * 60 * 60;
/// Most subjects that are counted.
const SUBJECTS_MAX: u64 = 100_000;
/// How many of the oldest make room at a time.
const MAKE_ROOM: u64 = 1_000;
/// What the subject begins with where an account is counted apart for a source that its person signed in from.
const KNOWN: &str = "known:";
/// Longest account that is counted under its own name, in characters.
const ACCOUNT_MAX: usize = 100;

/// Whether a try may be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Try {
    /// It may, and is counted; to be taken back on success.
    Permitted(CountedTry),
    /// Not before this.
    NotBefore(Timestamp),
}

/// A try that was counted as failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CountedTry {
    account: String,
    source: String,
    /// When it was counted.
    at: Timestamp,
    /// When the one of the source before it was.
    before: Option<Timestamp>,
}

impl Store {
    /// Asks whether somebody may try to sign in as `account` from `source` now, and counts the try as failed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin_try(
        &self,
        now: Timestamp,
        account: &str,
        source: SourceAddr,
    ) -> Result<Try, StoreError> {
        let change = self.change(Scope::Record).await?;
        change.lock(THROTTLE_LOCK).await?;
        let account = account_subject(change.db(), now, account, source).await?;
        let of_source = format!("source:{}", network(source));
        let by_account = counted(change.db(), now, &account).await?;
        let by_source = counted(change.db(), now, &of_source).await?;
        let next = [(&by_account, ACCOUNT_FREE), (&by_source, SOURCE_FREE)]
            .into_iter()
            .filter_map(|(row, free)| row.as_ref().map(|row| next_try(row, free)))
            .max();
        if let Some(next) = next.filter(|next| *next > now) {
            return Ok(Try::NotBefore(next));
        }
        for (row, subject) in [(&by_account, &account), (&by_source, &of_source)] {
            if row.is_none() {
                make_room(change.db()).await?;
            }
            let count = row.as_ref().map_or(0, |row| row.count);
            put(change.db(), now, subject, count.saturating_add(1)).await?;
        }
        change.commit().await?;
        Ok(Try::Permitted(CountedTry {
            account,
            source: of_source,
            at: to_micros(now),
            before: by_source.map(|row| from_db(row.last_at)),
        }))
    }

    /// The try was right: the account's failures are forgotten, and those of them that came from this source are taken
    /// back from it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn try_succeeded(&self, counted: &CountedTry) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        change.lock(THROTTLE_LOCK).await?;
        let find = |subject: &str| sign_in_failure::Entity::find_by_id(subject);
        let forget = |subject: &str| sign_in_failure::Entity::delete_by_id(subject);
        let account = find(&counted.account).one(change.db()).await?;
        forget(&counted.account).exec(change.db()).await?;
        // Of an account that is counted for all sources together it is not known which were from this one.
        let own = match account {
            Some(row) if counted.account.starts_with(KNOWN) => row.count.max(1),
            _ => 1,
        };
        if let Some(row) = find(&counted.source).one(change.db()).await? {
            let left = row.count.saturating_sub(own);
            if left <= 0 {
                forget(&counted.source).exec(change.db()).await?;
            } else {
                // Unless somebody failed since.
                let last = from_db(row.last_at);
                let last = counted.before.filter(|_| last == counted.at).unwrap_or(last);
                put(change.db(), last, &counted.source, left).await?;
            }
        }
        change.commit().await?;
        Ok(())
    }

    /// A try was wrong, or not permitted: it is audited, with the account as it was typed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn record_failed_try(
        &self,
        now: Timestamp,
        account: &str,
        source: SourceAddr,
        reason: &'static str,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let known = known_user(change.db(), account).await?;
        let shown = bounded(account, ACCOUNT_MAX);
        let event = Draft::new(Action::SignInFailed, &Actor::system(), now)
            .source(source)
            .outcome(Outcome::Denied)
            .reason(reason);
        let event = match &known {
            Some(person) => event.user(&person.name),
            None => event.detail("account", shown),
        };
        change.record(event);
        change.commit().await?;
        Ok(())
    }

    /// Forgets failures and sources of long ago.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn prune_failures(&self, now: Timestamp) -> Result<(), StoreError> {
        let before = |seconds| {
            to_db(
                now.saturating_sub(jiff_seconds(seconds))
                    .unwrap_or(Timestamp::MIN),
            )
        };
        let change = self.change(Scope::Record).await?;
        let old = sign_in_failure::Column::LastAt.lt(before(MEMORY));
        sign_in_failure::Entity::delete_many()
            .filter(old)
            .exec(change.db())
            .await?;
        let old = known_source::Column::LastAt.lt(before(KNOWN_DAYS * 24 * 60 * 60));
        known_source::Entity::delete_many()
            .filter(old)
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(())
    }
}

/// Held while tries are counted, until the commit.
const THROTTLE_LOCK: i64 = 0x6761_7465_0005;

fn jiff_seconds(seconds: i64) -> std::time::Duration {
    std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// How long after so many failures the next try has to wait, in seconds: 1, 2, 4, … from the one after the free ones.
fn delay(failures: i32, free: i32) -> i64 {
    match u32::try_from(failures.saturating_sub(free)) {
        Ok(beyond) => 2_i64.checked_pow(beyond).unwrap_or(DELAY_MAX).min(DELAY_MAX),
        Err(_) => 0,
    }
}

/// When the next try may be made after these failures.
fn next_try(row: &sign_in_failure::Model, free: i32) -> Timestamp {
    let wait = jiff_seconds(delay(row.count, free));
    from_db(row.last_at)
        .saturating_add(wait)
        .unwrap_or(Timestamp::MAX)
}

/// The failures of a subject that are not forgotten.
async fn counted(
    db: &impl ConnectionTrait,
    now: Timestamp,
    subject: &str,
) -> Result<Option<sign_in_failure::Model>, StoreError> {
    let row = sign_in_failure::Entity::find_by_id(subject).one(db).await?;
    let age = |row: &sign_in_failure::Model| now.as_second().saturating_sub(row.last_at.timestamp());
    Ok(row.filter(|row| age(row) < MEMORY))
}

/// Under what the tries at an account are counted: apart where they come from a source that its person signed in from.
async fn account_subject(
    db: &impl ConnectionTrait,
    now: Timestamp,
    account: &str,
    source: SourceAddr,
) -> Result<String, StoreError> {
    let Some(person) = known_user(db, account).await? else {
        return Ok(format!("account:{}", fold(&bounded(account, ACCOUNT_MAX))));
    };
    let known = known_source::Entity::find_by_id((person.id, network(source)))
        .one(db)
        .await?;
    let since = now
        .saturating_sub(jiff_seconds(KNOWN_DAYS * 24 * 60 * 60))
        .unwrap_or(Timestamp::MIN);
    Ok(match known {
        Some(known) if from_db(known.last_at) > since => format!("{KNOWN}{}:{}", person.id, network(source)),
        _ => format!("account:{}", person.folded),
    })
}

/// What a source is counted and known by. Of IPv6 it is the network of 64 bits: one machine has all its addresses, and
/// changes between them by itself (RFC 8981).
fn network(source: SourceAddr) -> String {
    match source.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

async fn put(db: &impl ConnectionTrait, at: Timestamp, subject: &str, count: i32) -> Result<(), StoreError> {
    let row = sign_in_failure::ActiveModel {
        subject: Set(subject.to_owned()),
        count: Set(count),
        last_at: Set(to_db(at)),
    };
    let known = OnConflict::column(sign_in_failure::Column::Subject)
        .update_columns([sign_in_failure::Column::Count, sign_in_failure::Column::LastAt])
        .to_owned();
    sign_in_failure::Entity::insert(row)
        .on_conflict(known)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Before a row is added. Whoever makes up accounts fills the table, but not without bound; a small table, which is the
/// rule, is counted quickly.
async fn make_room(db: &impl ConnectionTrait) -> Result<(), StoreError> {
    if sign_in_failure::Entity::find().count(db).await? < SUBJECTS_MAX {
        return Ok(());
    }
    let oldest: Vec<String> = sign_in_failure::Entity::find()
        .select_only()
        .column(sign_in_failure::Column::Subject)
        .order_by_asc(sign_in_failure::Column::LastAt)
        .limit(MAKE_ROOM)
        .into_tuple()
        .all(db)
        .await?;
    let oldest = sign_in_failure::Column::Subject.is_in(oldest);
    sign_in_failure::Entity::delete_many()
        .filter(oldest)
        .exec(db)
        .await?;
    Ok(())
}

/// A person signed in from here.
pub(crate) async fn remember_source(
    db: &impl ConnectionTrait,
    now: Timestamp,
    user: i64,
    source: SourceAddr,
) -> Result<(), StoreError> {
    let row = known_source::ActiveModel {
        user_id: Set(user),
        source: Set(network(source)),
        last_at: Set(to_db(now)),
    };
    let known = OnConflict::columns([known_source::Column::UserId, known_source::Column::Source])
        .update_column(known_source::Column::LastAt)
        .to_owned();
    known_source::Entity::insert(row)
        .on_conflict(known)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_quarter_of_an_hour() {
        let delays: Vec<_> = (0..8).map(|failures| delay(failures, ACCOUNT_FREE)).collect();
        assert_eq!(delays, [0, 0, 0, 1, 2, 4, 8, 16]);
        assert_eq!(delay(i32::MAX, ACCOUNT_FREE), DELAY_MAX);
    }

    #[test]
    fn a_machine_has_one_counter_whatever_its_addresses() {
        let subject = |text: &str| network(text.parse().unwrap());
        assert_eq!(subject("2001:db8::1"), subject("2001:db8::ffff:1"));
        assert_ne!(subject("2001:db8::1"), subject("2001:db8:0:1::1"));
        assert_ne!(subject("10.0.0.1"), subject("10.0.0.2"));
    }
}
