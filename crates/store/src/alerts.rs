//! Alerts: events that somebody is to be told of, and how far the telling has come.
//!
//! INVARIANT **told-with-it**: an alert is raised in the transaction that appends its event, so none is without its
//! event and none is forgotten, whoever writes. Of denials at most [`DENIED_ALERTS_PER_MINUTE`] are raised; all
//! stand in the book.
//!
//! A hook (a command or a webhook that nodes are configured with) takes up one alert after the other. Taking one up
//! writes a row with the instant at which it may be taken up again, under a lock that all nodes share; so each alert
//! is told once, and again after that instant if the node has died over it. All but denials come first.
//!
//! What waits is bounded in time: an alert is told or given up within the time that the hook is given
//! ([`AlertPlace`]). [`Store::prune_alerts`] bounds the rows.

use std::collections::HashMap;

use gatehouse_audit::{AlertKind, Event};
use gatehouse_model::{SpanSeconds, Timestamp};
use jiff::SignedDuration;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder,
};
use serde::Serialize;
use serde_json::Value;

use crate::alert_hooks::due;
use crate::change::Scope;
use crate::chunks::in_chunks;
use crate::entity::{alert, alert_delivery};
use crate::instant::{from_db, to_db};
use crate::keyset::{Keyset, count};
use crate::{AlertSort, Count, Page, PageRequest, Sort, Store, StoreError};

/// Denials of one minute that are alerts.
pub const DENIED_ALERTS_PER_MINUTE: u64 = 60;
/// Alerts kept at most; the oldest go.
const KEPT_MAX: i64 = 100_000;

/// An alert, and how far the telling has come.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// What kind it is.
    pub kind: AlertKind,
    /// When its event happened.
    pub time: Timestamp,
    /// What happened, in one sentence.
    pub sentence: String,
    /// The event, as it stands in the book.
    pub event: Value,
    /// By hook; a hook that has not taken it up is not there.
    pub deliveries: Vec<AlertDelivery>,
}

/// How far a hook has come with an alert.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct AlertDelivery {
    /// The hook.
    pub hook: String,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried last.
    pub time: Timestamp,
    /// What came of the last attempt that failed.
    pub error: Option<String>,
}

/// How the telling of an alert stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is being tried, or will be again.
    Waiting,
    /// It was told.
    Delivered,
    /// It will not be tried again.
    GivenUp,
}

impl DeliveryState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }

    fn stored(word: &str) -> Result<Self, StoreError> {
        [Self::Waiting, Self::Delivered, Self::GivenUp]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| StoreError::corrupt("the state of an alert", word))
    }
}

/// Which alerts to list.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// Those of this kind.
    pub kind: Option<AlertKind>,
    /// Those at or after this.
    pub since: Option<Timestamp>,
    /// Those before this.
    pub until: Option<Timestamp>,
    /// In which order.
    pub sort: Sort<AlertSort>,
}

impl Store {
    /// Lists alerts, the newest first unless another order is asked for.
    ///
    /// # Errors
    /// The database cannot be read, or the cursor is none.
    pub async fn alerts(&self, filter: &AlertFilter, page: &PageRequest) -> Result<Page<Alert>, StoreError> {
        let db = self.snapshot().await?;
        let order = Keyset::new(
            filter.sort,
            None,
            Expr::col(alert::Column::Id),
            |row: &alert::Model| row.id,
        );
        let query = alert::Entity::find().filter(wanted(filter));
        let Page { items: rows, next } = order.page(&db, query, page).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let column = alert_delivery::Column::AlertId;
        let deliveries = in_chunks::<alert_delivery::Entity>(&db, column, &ids).await?;
        let mut by_alert = HashMap::<i64, Vec<AlertDelivery>>::new();
        for row in deliveries {
            by_alert.entry(row.alert_id).or_default().push(delivery(row)?);
        }
        let alerts = rows
            .into_iter()
            .map(|row| {
                let deliveries = by_alert.remove(&row.id).unwrap_or_default();
                let due = due(row, 0)?;
                Ok(Alert {
                    id: due.id,
                    kind: due.kind,
                    time: due.time,
                    sentence: due.sentence,
                    event: due.event,
                    deliveries,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Page { items: alerts, next })
    }

    /// How many alerts a filter leaves.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn count_alerts(&self, filter: &AlertFilter) -> Result<Count, StoreError> {
        count(self.connection(), alert::Entity::find().filter(wanted(filter))).await
    }

    /// Deletes alerts that are older than `keep`, and the oldest of too many. Their events stay in the book.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn prune_alerts(&self, now: Timestamp, keep: SpanSeconds) -> Result<u64, StoreError> {
        let newest = alert::Entity::find()
            .order_by_desc(alert::Column::Id)
            .one(self.connection())
            .await?;
        let Some(newest) = newest else { return Ok(0) };
        let oldest = now.checked_sub(keep.signed()).unwrap_or(Timestamp::MIN);
        let due = Condition::any()
            .add(alert::Column::RaisedAt.lt(to_db(oldest)))
            .add(alert::Column::Id.lte(newest.id.saturating_sub(KEPT_MAX)));
        if alert::Entity::find()
            .filter(due.clone())
            .one(self.connection())
            .await?
            .is_none()
        {
            return Ok(0);
        }
        let change = self.change(Scope::Record).await?;
        let deleted = alert::Entity::delete_many().filter(due).exec(change.db()).await?;
        change.commit().await?;
        Ok(deleted.rows_affected)
    }
}

fn wanted(filter: &AlertFilter) -> Condition {
    let raised = alert::Column::RaisedAt;
    Condition::all()
        .add_option(filter.kind.map(|kind| alert::Column::Kind.eq(kind.as_str())))
        .add_option(filter.since.map(|since| raised.gte(to_db(since))))
        .add_option(filter.until.map(|until| raised.lt(to_db(until))))
}

/// Raises the alerts that some of these events are. Only under the book's lock, so that their numbers are in the
/// order of their commits.
pub(crate) async fn raise(db: &impl ConnectionTrait, events: &[Event]) -> Result<(), StoreError> {
    let kinds = events
        .iter()
        .filter_map(|event| Some((AlertKind::of(event)?, event)));
    for (kind, event) in kinds {
        if kind == AlertKind::Denied && denied_enough(db, event.time).await? {
            continue;
        }
        let row = alert::ActiveModel {
            kind: Set(kind.as_str().to_owned()),
            raised_at: Set(to_db(event.time)),
            seq: Set(i64::try_from(event.seq).unwrap_or(i64::MAX)),
            sentence: Set(kind.sentence(event)),
            event: Set(serde_json::to_string(event).map_err(|error| StoreError::corrupt("an event", error))?),
            ..Default::default()
        };
        row.insert(db).await?;
    }
    Ok(())
}

async fn denied_enough(db: &impl ConnectionTrait, at: Timestamp) -> Result<bool, StoreError> {
    let minute = SignedDuration::from_mins(1);
    let earliest = at.checked_sub(minute).unwrap_or(Timestamp::MIN);
    let latest = at.checked_add(minute).unwrap_or(Timestamp::MAX);
    let count = alert::Entity::find()
        .filter(alert::Column::Kind.eq(AlertKind::Denied.as_str()))
        .filter(alert::Column::RaisedAt.gt(to_db(earliest)))
        .filter(alert::Column::RaisedAt.lt(to_db(latest)))
        .count(db)
        .await?;
    Ok(count >= DENIED_ALERTS_PER_MINUTE)
}

fn delivery(row: alert_delivery::Model) -> Result<AlertDelivery, StoreError> {
    Ok(AlertDelivery {
        state: DeliveryState::stored(&row.state)?,
        hook: row.hook,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        time: from_db(row.updated_at),
        error: row.error,
    })
}
