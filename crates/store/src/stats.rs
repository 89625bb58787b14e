//! Numbers for dashboards. Each comes from a narrow range of an index, however long the history is.

use gatehouse_audit::Action;
use gatehouse_model::{SessionId, SessionState, Timestamp};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan, Unit};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde::Serialize;

use crate::entity::{audit, policy, server, session, user};
use crate::instant::{from_db, to_db};
use crate::policy_find::in_state;
use crate::{PolicyState, Store, StoreError};

const HOURS: usize = 24;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const TOP_USERS: u64 = 10;
const TOP_DAYS: i64 = 7;

/// The state of a site, in numbers. Days and hours are those of UTC.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Stats {
    /// People.
    pub users: u64,
    /// People who are switched on.
    pub active_users: u64,
    /// Servers.
    pub servers: u64,
    /// Grants in force.
    pub policies: u64,
    /// Sessions that began today.
    pub sessions_today: u64,
    /// Connections that were refused today, each counted.
    pub denied_today: u64,
    /// Sessions that came to nothing today because the server did not accept.
    pub failed_today: u64,
    /// Sessions that run.
    pub active_sessions: u64,
    /// Sessions by the hour in which they began, the last 24, this hour last.
    pub per_hour: Vec<u64>,
    /// Who had most sessions in the last 7 days, the most first.
    pub top_users: Vec<TopUser>,
    /// Refusals of the last 24 hours by reason, the most first.
    pub denials: Vec<DenialCount>,
    /// Of the connections of the last 24 hours the part that became sessions, from 0 to 1; `None`: there were none.
    pub success_rate: Option<f64>,
}

/// A person with a number of sessions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TopUser {
    /// The name in the newest of them.
    pub user: String,
    /// How many.
    pub sessions: u64,
}

/// A reason of refusals.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DenialCount {
    /// The reason's word.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// What changes all the time of a running session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ActiveCounter {
    /// The session.
    pub id: SessionId,
    /// Bytes from the person.
    pub bytes_in: u64,
    /// Bytes to the person.
    pub bytes_out: u64,
    /// What was started last.
    pub what: Option<String>,
    /// When the access ends.
    pub allowed_until: Option<Timestamp>,
}

impl Store {
    /// The state of the site, in numbers.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError> {
        let db = self.snapshot().await?;
        let start = Beginnings::of(now);
        let users = user::Entity::find();
        let active = user::Column::Active.eq(true);
        let per_hour = per_hour(&db, &start, now).await?;
        let denials = Denials::read(&db, &start).await?;
        let failed = failed_since(&db, start.day_ago).await?;
        let opened = sessions_since(&db, start.day_ago).await?;
        let connections = opened + failed + denials.last_day;
        Ok(Stats {
            users: users.clone().count(&db).await?,
            active_users: users.filter(active).count(&db).await?,
            servers: server::Entity::find().count(&db).await?,
            policies: policy::Entity::find()
                .filter(in_state(PolicyState::Active, now))
                .count(&db)
                .await?,
            sessions_today: sessions_since(&db, start.today).await?,
            denied_today: denials.today,
            failed_today: failed_since(&db, start.today).await?,
            active_sessions: session::Entity::find()
                .filter(session::Column::State.eq(SessionState::Active.as_str()))
                .count(&db)
                .await?,
            per_hour,
            top_users: top_users(&db, start.days_ago).await?,
            denials: denials.by_reason,
            success_rate: (connections > 0).then(|| opened as f64 / connections as f64),
        })
    }

    /// The counters of all active sessions, by id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn active_counters(&self) -> Result<Vec<ActiveCounter>, StoreError> {
        use session::Column;
        #[derive(FromQueryResult)]
        struct Row {
            id: uuid::Uuid,
            bytes_in: i64,
            bytes_out: i64,
            what: Option<String>,
            allowed_until: Option<chrono::DateTime<chrono::Utc>>,
        }
        let rows = session::Entity::find()
            .select_only()
            .columns([
                Column::Id,
                Column::BytesIn,
                Column::BytesOut,
                Column::What,
                Column::AllowedUntil,
            ])
            .filter(Column::State.eq(SessionState::Active.as_str()))
            .order_by_asc(Column::Id)
            .into_model::<Row>()
            .all(self.connection())
            .await?;
        let counter = |row: Row| ActiveCounter {
            id: SessionId(row.id),
            bytes_in: unsigned(row.bytes_in),
            bytes_out: unsigned(row.bytes_out),
            what: row.what,
            allowed_until: row.allowed_until.map(from_db),
        };
        Ok(rows.into_iter().map(counter).collect())
    }
}

/// Since when is counted.
struct Beginnings {
    today: Timestamp,
    day_ago: Timestamp,
    days_ago: Timestamp,
    first_hour: Timestamp,
}

impl Beginnings {
    fn of(now: Timestamp) -> Self {
        let utc = now.to_zoned(TimeZone::UTC);
        let today = utc.start_of_day().map_or(now, |day| day.timestamp());
        let this_hour = now
            .round(
                jiff::TimestampRound::new()
                    .smallest(Unit::Hour)
                    .mode(jiff::RoundMode::Floor),
            )
            .unwrap_or(now);
        let back = |hours: i64| now.checked_sub(hours.hours()).unwrap_or(Timestamp::MIN);
        Self {
            today,
            day_ago: back(24),
            days_ago: back(24 * TOP_DAYS),
            first_hour: this_hour.checked_sub(23.hours()).unwrap_or(Timestamp::MIN),
        }
    }
}

/// Sessions that have begun since, those still opening included.
async fn sessions_since(db: &impl ConnectionTrait, since: Timestamp) -> Result<u64, StoreError> {
    let began = session::Column::StartedAt.gte(to_db(since));
    Ok(session::Entity::find().filter(began).count(db).await?)
}

async fn failed_since(db: &impl ConnectionTrait, since: Timestamp) -> Result<u64, StoreError> {
    Ok(audit::Entity::find()
        .filter(audit::Column::Action.eq(Action::SessionFailed.code()))
        .filter(audit::Column::Time.gte(to_db(since)))
        .count(db)
        .await?)
}

async fn per_hour(
    db: &impl ConnectionTrait,
    start: &Beginnings,
    now: Timestamp,
) -> Result<Vec<u64>, StoreError> {
    let mut hours = Vec::with_capacity(HOURS);
    let mut from = start.first_hour;
    for _ in 0..HOURS {
        let to = from.checked_add(HOUR).unwrap_or(now);
        let within = session::Column::StartedAt
            .gte(to_db(from))
            .and(session::Column::StartedAt.lt(to_db(to)));
        hours.push(session::Entity::find().filter(within).count(db).await?);
        from = to;
    }
    Ok(hours)
}

async fn top_users(db: &impl ConnectionTrait, since: Timestamp) -> Result<Vec<TopUser>, StoreError> {
    use session::Column;
    let how_many = || Expr::col(Column::Id).count();
    let top: Vec<(i64, i64)> = session::Entity::find()
        .select_only()
        .column(Column::UserId)
        .column_as(how_many(), "sessions")
        .filter(Column::StartedAt.gte(to_db(since)))
        .group_by(SimpleExpr::from(Expr::col(Column::UserId)))
        .order_by_desc(how_many())
        .order_by_asc(Column::UserId)
        .limit(TOP_USERS)
        .into_tuple()
        .all(db)
        .await?;
    let mut users = Vec::with_capacity(top.len());
    for (id, sessions) in top {
        let newest = session::Entity::find()
            .filter(Column::UserId.eq(id))
            .order_by_desc(Column::StartedAt)
            .order_by_desc(Column::Id)
            .limit(1)
            .one(db)
            .await?;
        users.extend(newest.map(|row| TopUser {
            user: row.user_name,
            sessions: unsigned(sessions),
        }));
    }
    Ok(users)
}

struct Denials {
    last_day: u64,
    today: u64,
    by_reason: Vec<DenialCount>,
}

impl Denials {
    /// Denials are counted together in the book; their lines say how many each stands for.
    async fn read(db: &impl ConnectionTrait, start: &Beginnings) -> Result<Self, StoreError> {
        // A line that was tampered with must not take the numbers away.
        let each = match db.get_database_backend() {
            DbBackend::Postgres => {
                r#"SUM(COALESCE(substring(detail from '"count":([0-9]{1,15})[,}]')::bigint, 1))::bigint"#
            }
            _ => {
                "SUM(CASE WHEN json_valid(detail) THEN COALESCE(CAST(json_extract(detail, '$.count') AS INTEGER), 1) ELSE 1 END)"
            }
        };
        let since = |since: Timestamp| {
            audit::Entity::find()
                .select_only()
                .column(audit::Column::Reason)
                .column_as(Expr::cust(each), "denied")
                .filter(audit::Column::Action.eq(Action::SessionDenied.code()))
                .filter(audit::Column::Time.gte(to_db(since)))
                .group_by(SimpleExpr::from(Expr::col(audit::Column::Reason)))
                .into_tuple::<(Option<String>, i64)>()
        };
        let total = |counts: &[(Option<String>, i64)]| counts.iter().map(|(_, count)| unsigned(*count)).sum();
        let last_day = since(start.day_ago).all(db).await?;
        let today = since(start.today).all(db).await?;
        let mut by_reason: Vec<_> = last_day
            .iter()
            .map(|(reason, count)| DenialCount {
                reason: reason.clone().unwrap_or_default(),
                count: unsigned(*count),
            })
            .collect();
        by_reason.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        Ok(Self {
            last_day: total(&last_day),
            today: total(&today),
            by_reason,
        })
    }
}

/// A count of the database is never negative.
fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
