//! Pages of a list in an order, whatever it is ordered by, and how many items a filter leaves.

use std::fmt::Display;

use sea_orm::sea_query::{Expr, IntoCondition, Query, SelectStatement, SimpleExpr};
use sea_orm::{
    Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, Order, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select, Value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sort::{Direction, KeyValue, Sort, SortKey, not_a_cursor, read_cursor, write_cursor};
use crate::{Page, PageRequest, StoreError};

/// What is counted at most.
pub const COUNT_MAX: u64 = 10_000;

/// How many items a filter leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Count {
    /// As many, or [`COUNT_MAX`] if there are more.
    pub total: u64,
    /// Whether there are more than that.
    pub total_is_more: bool,
}

/// What a list is ordered by: a key, if it is not the id alone, and the id.
pub(crate) struct Keyset<M, I> {
    pub(crate) word: String,
    pub(crate) direction: Direction,
    pub(crate) key: Option<KeyOf<M>>,
    pub(crate) id: SimpleExpr,
    pub(crate) id_of: fn(&M) -> I,
}

/// A key: its expression, its value in a row, and the value as the database has it.
pub(crate) struct KeyOf<M> {
    pub(crate) expr: SimpleExpr,
    pub(crate) of: fn(&M) -> KeyValue,
    pub(crate) value: fn(KeyValue) -> Option<Value>,
}

impl<M> KeyOf<M> {
    pub(crate) fn text(expr: SimpleExpr, of: fn(&M) -> KeyValue) -> Self {
        Self {
            expr,
            of,
            value: |key| match key {
                KeyValue::Text(text) => Some(text.into()),
                KeyValue::Number(_) => None,
            },
        }
    }

    pub(crate) fn number(expr: SimpleExpr, of: fn(&M) -> KeyValue) -> Self {
        Self {
            expr,
            of,
            value: |key| match key {
                KeyValue::Number(number) => Some(number.into()),
                KeyValue::Text(_) => None,
            },
        }
    }

    /// An instant, in a cursor as microseconds.
    pub(crate) fn instant(expr: SimpleExpr, of: fn(&M) -> KeyValue) -> Self {
        Self {
            expr,
            of,
            value: |key| match key {
                KeyValue::Number(micros) => chrono::DateTime::from_timestamp_micros(micros).map(Into::into),
                KeyValue::Text(_) => None,
            },
        }
    }
}

impl<M, I> Keyset<M, I>
where
    M: FromQueryResult,
    I: Serialize + DeserializeOwned + Display + std::str::FromStr + Into<Value>,
{
    pub(crate) fn new<K: SortKey>(
        sort: Sort<K>,
        key: Option<KeyOf<M>>,
        id: impl Into<SimpleExpr>,
        id_of: fn(&M) -> I,
    ) -> Self {
        Self {
            word: sort.to_string(),
            direction: sort.direction,
            key,
            id: id.into(),
            id_of,
        }
    }

    /// Reads a page of rows.
    pub(crate) async fn page<E: EntityTrait<Model = M>>(
        &self,
        db: &impl ConnectionTrait,
        mut query: Select<E>,
        page: &PageRequest,
    ) -> Result<Page<M>, StoreError> {
        if let Some(after) = &page.after {
            query = query.filter(self.beyond(after)?);
        }
        let order = match self.direction {
            Direction::Ascending => Order::Asc,
            Direction::Descending => Order::Desc,
        };
        if let Some(key) = &self.key {
            query = query.order_by(key.expr.clone(), order.clone());
        }
        query = query.order_by(self.id.clone(), order);
        let rows = query.limit(page.limit_and_one()).all(db).await?;
        Ok(Page::cut(rows, page.limit, |row| self.cursor(row)))
    }

    pub(crate) fn cursor(&self, row: &M) -> String {
        let id = (self.id_of)(row);
        match &self.key {
            None => id.to_string(),
            Some(key) => write_cursor(&self.word, &(key.of)(row), &id),
        }
    }

    /// What comes after a cursor.
    fn beyond(&self, after: &str) -> Result<Condition, StoreError> {
        let further = |left: SimpleExpr, right: SimpleExpr| match self.direction {
            Direction::Ascending => left.gt(right),
            Direction::Descending => left.lt(right),
        };
        let Some(key) = &self.key else {
            let id: I = after.parse().map_err(|_| not_a_cursor(after))?;
            return Ok(further(self.id.clone(), Expr::val(id)).into_condition());
        };
        let (value, id): (_, I) = read_cursor(&self.word, after)?;
        let value = (key.value)(value).ok_or_else(|| not_a_cursor(after))?;
        let here = Expr::tuple([key.expr.clone(), self.id.clone()]);
        let there = Expr::tuple([Expr::val(value), Expr::val(id)]);
        Ok(further(here, there).into_condition())
    }
}

/// Counts what a query finds, up to [`COUNT_MAX`].
pub(crate) async fn count<E: EntityTrait>(
    db: &impl ConnectionTrait,
    query: Select<E>,
) -> Result<Count, StoreError> {
    let found = count_up_to(db, query, COUNT_MAX + 1).await?;
    Ok(Count {
        total: Ord::min(found, COUNT_MAX),
        total_is_more: found > COUNT_MAX,
    })
}

/// Counts what a query finds, up to `most`.
pub(crate) async fn count_up_to<E: EntityTrait>(
    db: &impl ConnectionTrait,
    query: Select<E>,
    most: u64,
) -> Result<u64, StoreError> {
    let mut found = query.into_query();
    found.clear_selects().expr(Expr::val(1)).limit(most);
    counted(db, found).await
}

/// How many rows a statement finds.
pub(crate) async fn counted(db: &impl ConnectionTrait, found: SelectStatement) -> Result<u64, StoreError> {
    let outer = Query::select()
        .expr_as(Expr::cust("COUNT(*)"), "found")
        .from_subquery(found, "matching")
        .take();
    let row = db.query_one(&outer).await?;
    let count = row.map(|row| row.try_get::<i64>("", "found")).transpose()?;
    Ok(u64::try_from(count.unwrap_or(0)).unwrap_or(0))
}
