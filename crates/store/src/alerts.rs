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
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde::Serialize;
use serde_json::Value;

use crate::change::{ALERT_LOCK, Scope};
use crate::chunks::in_chunks;
use crate::entity::{alert, alert_delivery};
use crate::instant::{from_db, to_db};
use crate::resolve::{outside_text, stored};
use crate::{Page, PageRequest, Store, StoreError};

/// Denials of one minute that are alerts.
pub const DENIED_ALERTS_PER_MINUTE: u64 = 60;
/// Alerts kept at most; the oldest go.
const KEPT_MAX: i64 = 100_000;

/// An alert, and how far the telling has come.
#[derive(Clone, PartialEq, Debug, Serialize)]
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
#[derive(Clone, PartialEq, Debug, Serialize)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
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
}

/// An alert that a hook has taken up.
#[derive(Clone, PartialEq, Debug)]
pub struct DueAlert {
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
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// Where a hook is, and what it wants.
#[derive(Clone, Debug)]
pub struct AlertPlace {
    hook: String,
    kinds: Vec<AlertKind>,
    patience: SignedDuration,
    /// The numbers up to which denials, and all else, were taken up.
    denied: i64,
    others: i64,
}

/// What came of an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Attempt {
    /// The alert was told.
    Delivered,
    /// It was not.
    Failed {
        /// Why not.
        error: String,
        /// What comes next.
        retry: Retry,
    },
}

/// What comes after a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// Another attempt, not before this.
    At(Timestamp),
    /// None.
    Never,
}

impl AlertPlace {
    /// The beginning for a hook of this name that wants these kinds. What is older than `patience` is not told.
    pub fn new(hook: impl Into<String>, kinds: Vec<AlertKind>, patience: SignedDuration) -> Self {
        Self {
            hook: hook.into(),
            kinds,
            patience,
            denied: 0,
            others: 0,
        }
    }

    /// Alerts of this class that nobody has taken up yet for the hook.
    fn fresh(&self, now: Timestamp, class: Class) -> sea_orm::Select<alert::Entity> {
        let taken = alert_delivery::Entity::find()
            .select_only()
            .column(alert_delivery::Column::AlertId)
            .filter(alert_delivery::Column::Hook.eq(&self.hook))
            .filter(alert_delivery::Column::AlertId.gt(self.after(class)))
            .into_query();
        let kinds = self.kinds.iter().filter(|kind| Class::of(**kind) == class);
        alert::Entity::find()
            .filter(alert::Column::Id.gt(self.after(class)))
            .filter(alert::Column::Kind.is_in(kinds.map(|kind| kind.as_str())))
            .filter(alert::Column::RaisedAt.gt(to_db(self.oldest(now))))
            .filter(alert::Column::Id.not_in_subquery(taken))
            .order_by_asc(alert::Column::Id)
    }

    fn oldest(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.patience).unwrap_or(Timestamp::MIN)
    }

    fn after(&self, class: Class) -> i64 {
        match class {
            Class::Denied => self.denied,
            Class::Other => self.others,
        }
    }

    fn move_to(&mut self, class: Class, id: i64) {
        match class {
            Class::Denied => self.denied = id,
            Class::Other => self.others = id,
        }
    }
}

/// Denials may come in floods; all else goes before them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    Denied,
}

impl Class {
    fn of(kind: AlertKind) -> Self {
        if kind == AlertKind::Denied {
            Self::Denied
        } else {
            Self::Other
        }
    }
}

impl Store {
    /// Lists alerts, the newest first. The cursor is the number of an alert.
    ///
    /// # Errors
    /// The database cannot be read, or the cursor is none.
    pub async fn alerts(&self, filter: &AlertFilter, page: &PageRequest) -> Result<Page<Alert>, StoreError> {
        let wanted = Condition::all()
            .add_option(filter.kind.map(|kind| alert::Column::Kind.eq(kind.as_str())))
            .add_option(
                filter
                    .since
                    .map(|since| alert::Column::RaisedAt.gte(to_db(since))),
            )
            .add_option(page.after_number()?.map(|after| alert::Column::Id.lt(after)));
        let rows = alert::Entity::find()
            .filter(wanted)
            .order_by_desc(alert::Column::Id)
            .limit(page.limit_and_one())
            .all(self.connection())
            .await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let column = alert_delivery::Column::AlertId;
        let deliveries = in_chunks::<alert_delivery::Entity>(self.connection(), column, &ids).await?;
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
        Ok(Page::cut(alerts, page.limit, |alert| alert.id.to_string()))
    }

    /// Takes up the next alert for a hook, so that no other node does until `lease` is over. `None`: there is none.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn take_alert(
        &self,
        now: Timestamp,
        place: &mut AlertPlace,
        lease: SignedDuration,
    ) -> Result<Option<DueAlert>, StoreError> {
        // Without the lock first: most of the time there is nothing.
        if next_waiting(self.connection(), place, now).await?.is_none()
            && next_fresh(self.connection(), place, now).await?.is_none()
        {
            return Ok(None);
        }
        let change = self.change(Scope::Record).await?;
        change.lock(ALERT_LOCK).await?;
        let next_at = now.checked_add(lease).unwrap_or(Timestamp::MAX);
        let taken = match next_waiting(change.db(), place, now).await? {
            Some((row, delivery)) => {
                let attempts = delivery.attempts.saturating_add(1);
                let mut delivery = delivery.into_active_model();
                delivery.attempts = Set(attempts);
                delivery.next_at = Set(to_db(next_at));
                delivery.updated_at = Set(to_db(now));
                delivery.update(change.db()).await?;
                Some((row, attempts))
            }
            None => match next_fresh(change.db(), place, now).await? {
                Some((row, class)) => {
                    let delivery = alert_delivery::ActiveModel {
                        alert_id: Set(row.id),
                        hook: Set(place.hook.clone()),
                        state: Set(DeliveryState::Waiting.as_str().to_owned()),
                        attempts: Set(1),
                        next_at: Set(to_db(next_at)),
                        updated_at: Set(to_db(now)),
                        error: Set(None),
                    };
                    alert_delivery::Entity::insert(delivery)
                        .exec_without_returning(change.db())
                        .await?;
                    place.move_to(class, row.id);
                    Some((row, 1))
                }
                None => None,
            },
        };
        change.commit().await?;
        taken
            .map(|(row, attempts)| due(row, u32::try_from(attempts).unwrap_or(u32::MAX)))
            .transpose()
    }

    /// Says what came of an attempt.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn alert_attempted(
        &self,
        now: Timestamp,
        place: &AlertPlace,
        id: i64,
        attempt: Attempt,
    ) -> Result<(), StoreError> {
        let (state, next_at, error) = match attempt {
            Attempt::Delivered => (DeliveryState::Delivered, now, None),
            Attempt::Failed { error, retry } => match retry {
                Retry::At(at) => (DeliveryState::Waiting, at, Some(outside_text(error))),
                Retry::Never => (DeliveryState::GivenUp, now, Some(outside_text(error))),
            },
        };
        let change = self.change(Scope::Record).await?;
        let row = alert_delivery::ActiveModel {
            state: Set(state.as_str().to_owned()),
            next_at: Set(to_db(next_at)),
            updated_at: Set(to_db(now)),
            error: Set(error),
            ..Default::default()
        };
        alert_delivery::Entity::update_many()
            .set(row)
            .filter(alert_delivery::Column::AlertId.eq(id))
            .filter(alert_delivery::Column::Hook.eq(&place.hook))
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(())
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

/// The next alert that was tried before.
async fn next_waiting(
    db: &impl ConnectionTrait,
    place: &AlertPlace,
    now: Timestamp,
) -> Result<Option<(alert::Model, alert_delivery::Model)>, StoreError> {
    let delivery = alert_delivery::Entity::find()
        .filter(alert_delivery::Column::Hook.eq(&place.hook))
        .filter(alert_delivery::Column::State.eq(DeliveryState::Waiting.as_str()))
        .filter(alert_delivery::Column::NextAt.lte(to_db(now)))
        .order_by_asc(alert_delivery::Column::AlertId)
        .one(db)
        .await?;
    let Some(delivery) = delivery else {
        return Ok(None);
    };
    let row = alert::Entity::find_by_id(delivery.alert_id).one(db).await?;
    Ok(row.map(|row| (row, delivery)))
}

/// The next alert that nobody has taken up.
async fn next_fresh(
    db: &impl ConnectionTrait,
    place: &AlertPlace,
    now: Timestamp,
) -> Result<Option<(alert::Model, Class)>, StoreError> {
    for class in [Class::Other, Class::Denied] {
        if let Some(row) = place.fresh(now, class).one(db).await? {
            return Ok(Some((row, class)));
        }
    }
    Ok(None)
}

fn due(row: alert::Model, attempt: u32) -> Result<DueAlert, StoreError> {
    Ok(DueAlert {
        id: row.id,
        kind: stored("a kind of alert", &row.kind)?,
        time: from_db(row.raised_at),
        sentence: row.sentence,
        event: serde_json::from_str(&row.event)
            .map_err(|error| StoreError::corrupt("the event of an alert", error))?,
        attempt,
    })
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
