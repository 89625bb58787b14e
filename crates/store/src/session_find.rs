//! How sessions are found among a million: which index answers.
//!
//! Every filter and every order has an index, and one of them is to be used. PostgreSQL knows how often values occur
//! and chooses well by itself. SQLite does not, so it is told here: of the filters that were asked for, the first that
//! leaves few sessions answers, and those are sorted; if none does, the order's index is read until the page is full.

use sea_orm::sea_query::{Expr, Query, SelectStatement, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, IdenStatic, QueryFilter,
    QuerySelect, QueryTrait, Value,
};
use uuid::Uuid;

use crate::entity::{session, session_policy};
use crate::instant::to_db;
use crate::keyset::{KeyOf, Keyset, counted};
use crate::resolve::{find_server, find_user, fold};
use crate::sort::{KeyValue, SessionSort, address_key};
use crate::{SESSION_IDS_MAX, SessionFilter, StoreError};
use gatehouse_model::{SessionState, Timestamp};

/// Sessions that are sorted rather than read in their order.
const FEW: u64 = 2_000;

/// One thing that a session has to be.
enum Test {
    /// A column has a value.
    Is(session::Column, Value),
    /// A column lies between two values, both included.
    Within(session::Column, Option<Value>, Option<Value>),
    /// A grant has allowed it.
    AllowedBy(i64),
    /// It is one of these.
    Among(Vec<Uuid>),
}

/// Whether an index may be used for a condition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Tight,
    Loose,
}

impl Hold {
    fn column(self, column: session::Column) -> SimpleExpr {
        let column = Expr::col((session::Entity, column));
        match self {
            Self::Tight => column,
            // SQLite's way to keep an index out of it.
            Self::Loose => Expr::cust_with_expr("+?", column),
        }
    }
}

impl Test {
    fn condition(&self, hold: Hold) -> SimpleExpr {
        match self {
            Self::Is(column, value) => hold.column(*column).eq(value.clone()),
            Self::Within(column, from, to) => {
                let column = hold.column(*column);
                match (from.clone(), to.clone()) {
                    (Some(from), Some(to)) => column.clone().gte(from).and(column.lte(to)),
                    (Some(from), None) => column.gte(from),
                    (None, Some(to)) => column.lte(to),
                    (None, None) => Expr::val(1).eq(1),
                }
            }
            Self::AllowedBy(policy) => {
                let mut allowed = of_policy(*policy);
                match hold {
                    Hold::Tight => Expr::col((session::Entity, session::Column::Id)).in_subquery(allowed),
                    Hold::Loose => {
                        let own = Expr::col((session_policy::Entity, session_policy::Column::SessionId));
                        allowed.and_where(own.equals((session::Entity, session::Column::Id)));
                        Expr::exists(allowed)
                    }
                }
            }
            Self::Among(ids) => Expr::col((session::Entity, session::Column::Id)).is_in(ids.iter().copied()),
        }
    }

    /// What it leaves by itself, up to more than a few.
    fn alone(&self) -> SelectStatement {
        let mut found = match self {
            Self::AllowedBy(policy) => of_policy(*policy),
            _ => session::Entity::find()
                .filter(self.condition(Hold::Tight))
                .into_query(),
        };
        found.clear_selects().expr(Expr::val(1)).limit(FEW + 1);
        found
    }

    /// Whether its index has the sessions in the order of their beginnings.
    fn is_in_order_of_time(&self) -> bool {
        use session::Column::{ServerFolded, UserFolded};
        matches!(self, Self::Is(column, _) if !matches!(column, UserFolded | ServerFolded))
    }

    fn is_range_of(&self, wanted: session::Column) -> bool {
        matches!(self, Self::Within(column, ..) if column.as_str() == wanted.as_str())
    }
}

fn of_policy(policy: i64) -> SelectStatement {
    Query::select()
        .column(session_policy::Column::SessionId)
        .from(session_policy::Entity)
        .and_where(session_policy::Column::PolicyId.eq(policy))
        .take()
}

/// A filter, with the names in it found.
pub(crate) struct Wanted {
    tests: Vec<Test>,
    /// What no index is needed for.
    besides: Condition,
    sort: crate::Sort<SessionSort>,
}

impl Wanted {
    pub(crate) async fn read(
        db: &impl ConnectionTrait,
        now: Timestamp,
        filter: &SessionFilter,
    ) -> Result<Self, StoreError> {
        use session::Column;
        let mut tests = Vec::new();
        let mut besides = Condition::all();
        let mut is = |column, value: Option<Value>| tests.extend(value.map(|value| Test::Is(column, value)));
        is(Column::NodeId, filter.node.map(|node| node.0.into()));
        is(
            Column::EndReason,
            filter.reason.map(|reason| reason.as_str().into()),
        );
        is(Column::Login, filter.login.as_deref().map(Into::into));
        if let Some(user) = &filter.user {
            tests.push(of_user(db, user).await?);
        }
        if let Some(server) = &filter.server {
            tests.push(of_server(db, server).await?);
        }
        if let Some(range) = filter.source {
            let last = address_key(range.net().broadcast());
            tests.push(Test::Within(
                Column::SourceKey,
                Some(address_key(range.network()).into()),
                Some(last.into()),
            ));
        }
        tests.extend(filter.policy.map(|policy| Test::AllowedBy(policy.0)));
        tests.extend(
            filter
                .ids
                .as_ref()
                .map(|ids| Test::Among(ids.iter().take(SESSION_IDS_MAX).map(|id| id.0).collect())),
        );
        match filter.state {
            Some(state) => tests.push(Test::Is(Column::State, state.as_str().into())),
            None => besides = besides.add(Column::State.ne(SessionState::Opening.as_str())),
        }
        if let Some(protocol) = filter.protocol {
            tests.push(Test::Is(Column::Protocol, protocol.as_str().into()));
        }
        if filter.since.is_some() || filter.until.is_some() {
            // Instants are whole microseconds: "before" is "a microsecond before at the latest".
            let last = filter
                .until
                .map(|until| to_db(until) - chrono::Duration::microseconds(1));
            tests.push(Test::Within(
                Column::StartedAt,
                filter.since.map(|since| to_db(since).into()),
                last.map(Into::into),
            ));
        }
        if let Some(least) = filter.min_duration {
            let micros = i64::try_from(least.seconds())
                .unwrap_or(i64::MAX)
                .saturating_mul(1_000_000);
            tests.push(Test::Within(Column::DurationMicros, Some(micros.into()), None));
            let begun = now.checked_sub(least.signed()).unwrap_or(Timestamp::MIN);
            let closed = Column::State.eq(SessionState::Closed.as_str());
            besides = besides.add(closed.or(Column::StartedAt.lte(to_db(begun))));
        }
        Ok(Self {
            tests,
            besides,
            sort: filter.sort,
        })
    }

    /// The sessions that are wanted, for counting.
    pub(crate) fn all(&self) -> Condition {
        let each = self.tests.iter().map(|test| test.condition(Hold::Tight));
        each.fold(self.besides.clone(), Condition::add)
    }

    /// The sessions that are wanted, and the order in which they are read.
    pub(crate) async fn plan(
        &self,
        db: &impl ConnectionTrait,
    ) -> Result<(Condition, Keyset<session::Model, Uuid>), StoreError> {
        if db.get_database_backend() == DbBackend::Postgres {
            return Ok((self.all(), self.keyset(Hold::Tight)));
        }
        let few = self.first_of_few(db).await?;
        let order = if few.is_some() { Hold::Loose } else { Hold::Tight };
        let by_time = self.sort.key == SessionSort::StartedAt;
        let answers = few.or_else(|| {
            let in_order = |test: &Test| by_time && test.is_in_order_of_time();
            self.tests.iter().position(in_order)
        });
        let conditions = self.tests.iter().enumerate().map(|(number, test)| {
            let of_order = few.is_none() && test.is_range_of(self.column());
            let hold = if answers == Some(number) || of_order {
                Hold::Tight
            } else {
                Hold::Loose
            };
            test.condition(hold)
        });
        Ok((
            conditions.fold(self.besides.clone(), Condition::add),
            self.keyset(order),
        ))
    }

    async fn first_of_few(&self, db: &impl ConnectionTrait) -> Result<Option<usize>, StoreError> {
        for (number, test) in self.tests.iter().enumerate() {
            if matches!(test, Test::Among(_)) || counted(db, test.alone()).await? <= FEW {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    fn column(&self) -> session::Column {
        match self.sort.key {
            SessionSort::StartedAt => session::Column::StartedAt,
            SessionSort::Duration => session::Column::DurationMicros,
            SessionSort::Bytes => session::Column::BytesTotal,
            SessionSort::User => session::Column::UserFolded,
            SessionSort::Server => session::Column::ServerFolded,
        }
    }

    fn keyset(&self, hold: Hold) -> Keyset<session::Model, Uuid> {
        let column = hold.column(self.column());
        let key: KeyOf<session::Model> = match self.sort.key {
            SessionSort::StartedAt => KeyOf::instant(column, |row: &session::Model| {
                KeyValue::Number(row.started_at.timestamp_micros())
            }),
            SessionSort::Duration => KeyOf::number(column, |row| KeyValue::Number(row.duration_micros)),
            SessionSort::Bytes => KeyOf::number(column, |row| KeyValue::Number(row.bytes_total)),
            SessionSort::User => KeyOf::text(column, |row| KeyValue::Text(row.user_folded.clone())),
            SessionSort::Server => KeyOf::text(column, |row| KeyValue::Text(row.server_folded.clone())),
        };
        let id = hold.column(session::Column::Id);
        Keyset::new(self.sort, Some(key), id, |row| row.id)
    }
}

async fn of_user(db: &impl ConnectionTrait, who: &str) -> Result<Test, StoreError> {
    let unknown = match find_user(db, who).await {
        Ok(row) => return Ok(Test::Is(session::Column::UserId, row.id.into())),
        Err(unknown @ StoreError::NotFound { .. }) => unknown,
        Err(error) => return Err(error),
    };
    past(db, Test::Is(session::Column::UserFolded, fold(who).into()))
        .await?
        .ok_or(unknown)
}

async fn of_server(db: &impl ConnectionTrait, server: &str) -> Result<Test, StoreError> {
    let unknown = match find_server(db, server).await {
        Ok(row) => return Ok(Test::Is(session::Column::ServerId, row.id.into())),
        Err(unknown @ StoreError::NotFound { .. }) => unknown,
        Err(error) => return Err(error),
    };
    past(db, Test::Is(session::Column::ServerFolded, fold(server).into()))
        .await?
        .ok_or(unknown)
}

/// A test by name, if a session has ever met it.
async fn past(db: &impl ConnectionTrait, by_name: Test) -> Result<Option<Test>, StoreError> {
    let found = session::Entity::find()
        .filter(by_name.condition(Hold::Tight))
        .limit(1);
    Ok(found.one(db).await?.map(|_| by_name))
}
