//! Hooks taking up alerts, and what came of it.

use gatehouse_audit::AlertKind;
use gatehouse_model::Timestamp;
use jiff::SignedDuration;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde_json::Value;

use crate::alerts::DeliveryState;
use crate::change::{ALERT_LOCK, Scope};
use crate::entity::{alert, alert_delivery};
use crate::instant::{from_db, to_db};
use crate::resolve::{outside_text, stored};
use crate::{Store, StoreError};

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

/// The alert of a row.
pub(crate) fn due(row: alert::Model, attempt: u32) -> Result<DueAlert, StoreError> {
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
