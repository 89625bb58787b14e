//! Failed tries to sign in, counted by account and by source, so that guessing slows down.
//!
//! INVARIANT **counted-first**: a try is counted as failed before it is checked, in one transaction with the look whether
//! it may be made, so that tries at the same time do not slip through; success takes it back. INVARIANT
//! **no-stranger-locks-out**: where a person signed in from within [`KNOWN_DAYS`], tries from there are counted apart,
//! so that the tries of others do not hold the person up. Unknown accounts are counted like known ones.

use std::net::IpAddr;

use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_model::{SourceAddr, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::change::Scope;
use crate::entity::{known_source, sign_in_failure};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_user, fold};
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
        let subjects = CountedTry {
            account,
            source: source_subject(source),
        };
        let mut wait: Option<Timestamp> = None;
        let mut counts = [
            (0, ACCOUNT_FREE, &subjects.account),
            (0, SOURCE_FREE, &subjects.source),
        ];
        for (count, free, subject) in &mut counts {
            let row = sign_in_failure::Entity::find_by_id(subject.as_str())
                .one(change.db())
                .await?;
            let Some(row) = row else { continue };
            let last = from_db(row.last_at);
            if now.as_second().saturating_sub(last.as_second()) >= MEMORY {
                continue;
            }
            *count = row.count;
            let next = last
                .saturating_add(jiff_seconds(delay(row.count, *free)))
                .unwrap_or(Timestamp::MAX);
            if next > now {
                wait = wait.max(Some(next));
            }
        }
        if let Some(next) = wait {
            return Ok(Try::NotBefore(next));
        }
        for (count, _, subject) in counts {
            put(change.db(), now, subject, count.saturating_add(1)).await?;
        }
        make_room(change.db(), now).await?;
        change.commit().await?;
        Ok(Try::Permitted(subjects))
    }

    /// The try was right: the account's failures are forgotten, the source's are one fewer.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn try_succeeded(&self, counted: &CountedTry) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        change.lock(THROTTLE_LOCK).await?;
        sign_in_failure::Entity::delete_by_id(counted.account.as_str())
            .exec(change.db())
            .await?;
        let row = sign_in_failure::Entity::find_by_id(counted.source.as_str())
            .one(change.db())
            .await?;
        if let Some(row) = row {
            let at = from_db(row.last_at);
            put(change.db(), at, &counted.source, row.count.saturating_sub(1)).await?;
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
        let known = find_user(change.db(), account).await.ok();
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

/// Under what the tries at an account are counted: apart where they come from a source that its person signed in from.
async fn account_subject(
    db: &impl ConnectionTrait,
    now: Timestamp,
    account: &str,
    source: SourceAddr,
) -> Result<String, StoreError> {
    let person = match find_user(db, account).await {
        Ok(person) => person,
        Err(StoreError::NotFound { .. }) => {
            let folded: String = fold(account).chars().take(ACCOUNT_MAX).collect();
            return Ok(format!("account:{folded}"));
        }
        Err(error) => return Err(error),
    };
    let known = known_source::Entity::find_by_id((person.id, source.to_string()))
        .one(db)
        .await?;
    let since = now
        .saturating_sub(jiff_seconds(KNOWN_DAYS * 24 * 60 * 60))
        .unwrap_or(Timestamp::MIN);
    Ok(match known {
        Some(known) if from_db(known.last_at) > since => format!("known:{}:{source}", person.id),
        _ => format!("account:{}", person.folded),
    })
}

/// An IPv6 source is counted with its network of 64 bits, which one machine has to itself.
fn source_subject(source: SourceAddr) -> String {
    match source.ip() {
        IpAddr::V4(ip) => format!("source:{ip}"),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("source:{a:x}:{b:x}:{c:x}:{d:x}::/64")
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

/// Whoever makes up accounts fills the table, but not without bound.
async fn make_room(db: &impl ConnectionTrait, now: Timestamp) -> Result<(), StoreError> {
    // Counting each time would cost more than the table.
    if now.as_second() % 16 != 0 || sign_in_failure::Entity::find().count(db).await? < SUBJECTS_MAX {
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
        source: Set(source.to_string()),
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
        let subject = |text: &str| source_subject(text.parse().unwrap());
        assert_eq!(subject("2001:db8::1"), subject("2001:db8::ffff:1"));
        assert_ne!(subject("2001:db8::1"), subject("2001:db8:0:1::1"));
        assert_ne!(subject("10.0.0.1"), subject("10.0.0.2"));
    }
}
