//! The audit book as a list: filters, orders, pages, and what was appended since.
//!
//! Events are listed as they stand in the book. With `since` or `until` they are listed by their times, which differ
//! from that only for what was appended late (denials that waited for the database, clocks of several nodes).

use gatehouse_audit::{Action, Event, Outcome};
use gatehouse_model::{SourceAddr, Timestamp};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, Value,
};

use crate::book::event;
use crate::entity::audit;
use crate::instant::to_db;
use crate::keyset::{COUNT_MAX, KeyOf, Keyset, count, count_up_to};
use crate::resolve::fold;
use crate::sort::{Direction, KeyValue};
use crate::{Count, Page, PageRequest, Store, StoreError};

/// Events that are sorted rather than read in their order.
const FEW: u64 = 2_000;
/// Events of one read while a text is looked for.
const TEXT_ROWS: u64 = 1_000;
/// Events that are looked through for a text before a page ends, full or not.
const TEXT_SPAN: u64 = 10_000;

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Those of this action, or of all actions of this noun (`session`).
    pub action: Option<String>,
    /// Those about this person, by the name in the book.
    pub user: Option<String>,
    /// Those by this actor, as the book has it (`ana`, `cli:root@jump`).
    pub actor: Option<String>,
    /// Those about this server, by the name in the book.
    pub server: Option<String>,
    /// Those from this address.
    pub source: Option<SourceAddr>,
    /// Those with this outcome.
    pub outcome: Option<Outcome>,
    /// Those about this session.
    pub session: Option<String>,
    /// Those at or after this.
    pub since: Option<Timestamp>,
    /// Those before this.
    pub until: Option<Timestamp>,
    /// Those in which this stands, in any case. A page may then hold fewer events than asked for, or none, and still
    /// have a next one.
    pub text: Option<String>,
    /// In which order.
    pub order: AuditOrder,
}

/// In which order events are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AuditOrder {
    /// The newest first.
    #[default]
    NewestFirst,
    /// As they stand in the book.
    OldestFirst,
}

impl Store {
    /// Lists events.
    ///
    /// # Errors
    /// The database cannot be read, the cursor is none, or the action is not known.
    pub async fn audit_events(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let db = self.snapshot().await?;
        let (condition, order) = Tests::read(filter)?.plan(&db).await?;
        let query = audit::Entity::find().filter(condition);
        let Some(text) = filter.text.as_deref().map(fold) else {
            let rows = order.page(&db, query, page).await?;
            return rows.try_map(|row| Ok(event(row)));
        };
        let limit = page.limit.unwrap_or(u64::MAX);
        let mut items = Vec::new();
        let mut next = page.after.clone();
        let mut looked_through = 0;
        while looked_through < TEXT_SPAN && (items.len() as u64) < limit {
            let part = PageRequest {
                limit: Some(TEXT_ROWS),
                after: next.take(),
            };
            let rows = order.page(&db, query.clone(), &part).await?;
            looked_through += rows.items.len() as u64;
            next = rows.next;
            for row in rows.items {
                if (items.len() as u64) == limit {
                    break;
                }
                if speaks_of(&row, &text) {
                    next = if (items.len() as u64) + 1 == limit {
                        Some(order.cursor(&row))
                    } else {
                        next
                    };
                    items.push(event(row));
                }
            }
            if next.is_none() {
                break;
            }
        }
        Ok(Page { items, next })
    }

    /// How many events a filter leaves. With a text those among the newest 10,000 of the rest of the filter.
    ///
    /// # Errors
    /// The database cannot be read, or the action is not known.
    pub async fn count_audit_events(&self, filter: &AuditFilter) -> Result<Count, StoreError> {
        let db = self.snapshot().await?;
        let query = audit::Entity::find().filter(Tests::read(filter)?.all());
        if filter.text.is_none() {
            return count(&db, query).await;
        }
        let all = count_up_to(&db, query, COUNT_MAX + 1).await?;
        let span = PageRequest::first(COUNT_MAX);
        let page = self.audit_events(filter, &span).await?;
        Ok(Count {
            total: page.items.len() as u64,
            total_is_more: all > COUNT_MAX,
        })
    }

    /// The events after this number, in the order of the book, at most `limit`: what is new to somebody who has read
    /// up to there.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn audit_after(&self, seq: u64, limit: u64) -> Result<Vec<Event>, StoreError> {
        let after = i64::try_from(seq).unwrap_or(i64::MAX);
        let rows = audit::Entity::find()
            .filter(audit::Column::Seq.gt(after))
            .order_by_asc(audit::Column::Seq)
            .limit(limit)
            .all(self.connection())
            .await?;
        Ok(rows.into_iter().map(event).collect())
    }
}

fn speaks_of(row: &audit::Model, text: &str) -> bool {
    let fields = [
        Some(&row.action),
        Some(&row.actor),
        row.source.as_ref(),
        row.user_name.as_ref(),
        row.server_name.as_ref(),
        row.session.as_ref(),
        row.reason.as_ref(),
        Some(&row.detail),
    ];
    fields
        .into_iter()
        .flatten()
        .any(|field| fold(field).contains(text))
}

/// What an event has to be, and by which index it is found: as with sessions, SQLite is told.
struct Tests {
    /// A column and the values that it may have.
    is: Vec<(audit::Column, Vec<Value>)>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    order: AuditOrder,
}

/// Keeps an index out of it where `loose`.
fn column(column: audit::Column, loose: bool) -> SimpleExpr {
    match loose {
        true => Expr::cust_with_expr("+?", Expr::col(column)),
        false => Expr::col(column),
    }
}

impl Tests {
    fn read(filter: &AuditFilter) -> Result<Self, StoreError> {
        use audit::Column;
        let folded = |name: &String| vec![fold(name).into()];
        let same = |text: &String| vec![text.as_str().into()];
        let actions = filter.action.as_deref().map(actions).transpose()?;
        let tests = [
            (Column::Session, filter.session.as_ref().map(same)),
            (
                Column::Source,
                filter.source.map(|source| vec![source.to_string().into()]),
            ),
            (Column::Actor, filter.actor.as_ref().map(same)),
            (Column::UserFolded, filter.user.as_ref().map(folded)),
            (Column::ServerFolded, filter.server.as_ref().map(folded)),
            (
                Column::Action,
                actions.map(|codes| codes.into_iter().map(Into::into).collect()),
            ),
            (
                Column::Outcome,
                filter.outcome.map(|outcome| vec![outcome.as_str().into()]),
            ),
        ];
        Ok(Self {
            is: tests
                .into_iter()
                .filter_map(|(column, values)| Some((column, values?)))
                .collect(),
            since: filter.since,
            until: filter.until,
            order: filter.order,
        })
    }

    fn by_time(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    fn all(&self) -> Condition {
        self.conditions(false, |_| false)
    }

    /// The conditions; `loose` says of each by its number whether an index is kept out of it.
    fn conditions(&self, loose_time: bool, loose: impl Fn(usize) -> bool) -> Condition {
        let time = || column(audit::Column::Time, loose_time);
        let mut all = Condition::all()
            .add_option(self.since.map(|since| time().gte(to_db(since))))
            .add_option(self.until.map(|until| time().lt(to_db(until))));
        for (number, (of, values)) in self.is.iter().enumerate() {
            let of = column(*of, loose(number));
            all = all.add(match values.as_slice() {
                [one] => of.eq(one.clone()),
                several => of.is_in(several.iter().cloned()),
            });
        }
        all
    }

    async fn plan(
        &self,
        db: &impl ConnectionTrait,
    ) -> Result<(Condition, Keyset<audit::Model, i64>), StoreError> {
        if db.get_database_backend() == DbBackend::Postgres {
            return Ok((self.all(), self.keyset(false)));
        }
        for number in 0..self.is.len() {
            let alone = self.only(number);
            if count_up_to(db, alone, FEW + 1).await? <= FEW {
                let condition = self.conditions(true, |other| other != number);
                return Ok((condition, self.keyset(true)));
            }
        }
        // Its index has the events of one action in the order of time, and those of one of the others by number.
        let in_order = |(of, values): &(audit::Column, Vec<Value>)| {
            values.len() == 1 && (!self.by_time() || matches!(of, audit::Column::Action))
        };
        let answers = self.is.iter().position(in_order);
        let condition = self.conditions(false, |number| answers != Some(number));
        Ok((condition, self.keyset(false)))
    }

    fn only(&self, number: usize) -> Select<audit::Entity> {
        let mut query = audit::Entity::find();
        if let Some((of, values)) = self.is.get(number) {
            query = query.filter(of.is_in(values.iter().cloned()));
        }
        query
    }

    fn keyset(&self, loose: bool) -> Keyset<audit::Model, i64> {
        let time = || {
            KeyOf::instant(column(audit::Column::Time, loose), |row: &audit::Model| {
                KeyValue::Number(row.time.timestamp_micros())
            })
        };
        let direction = match self.order {
            AuditOrder::NewestFirst => Direction::Descending,
            AuditOrder::OldestFirst => Direction::Ascending,
        };
        Keyset {
            word: format!("{direction:?} time"),
            direction,
            key: self.by_time().then(time),
            id: column(audit::Column::Seq, loose),
            id_of: |row| row.seq,
        }
    }
}

/// The codes that an action or a noun stands for.
fn actions(text: &str) -> Result<Vec<&'static str>, StoreError> {
    let noun = text.trim_end_matches(['.', '*']);
    let codes: Vec<_> = Action::ALL
        .iter()
        .map(|action| action.code())
        .filter(|code| *code == text || code.split_once('.').is_some_and(|(of, _)| of == noun))
        .collect();
    if codes.is_empty() {
        return Err(StoreError::invalid(
            "action",
            format!(
                "{text:?} is not an audited action; give one such as session.denied, or a noun such as policy"
            ),
        ));
    }
    Ok(codes)
}
