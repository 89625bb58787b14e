//! Several changes of grants as one: all of them are made, or none.

use gatehouse_audit::Actor;
use gatehouse_model::{PolicyId, SpanSeconds, Timestamp};

use crate::change::Scope;
use crate::policies::{grant, remove, renew, revoke};
use crate::{NewPolicy, Policy, Store, StoreError};

/// What is to be done with a grant.
#[derive(Clone, Debug)]
pub enum PolicyOrder {
    /// It is made.
    Grant(Box<NewPolicy>),
    /// It gets a later end, by so much.
    Renew(PolicyId, SpanSeconds),
    /// It is taken back, for a reason if there is one.
    Revoke(PolicyId, Option<String>),
    /// It is deleted.
    Remove(PolicyId),
}

impl PolicyOrder {
    /// The grant; `None`: it is still to be made.
    pub fn policy(&self) -> Option<PolicyId> {
        match self {
            Self::Grant(_) => None,
            Self::Renew(id, _) | Self::Revoke(id, _) | Self::Remove(id) => Some(*id),
        }
    }
}

impl Store {
    /// Carries out orders in one transaction, each with its event, and answers the grants as they are then; `None` for
    /// one that was removed.
    ///
    /// # Errors
    /// One of them cannot be carried out; its place comes with the error, and nothing was done.
    pub async fn order_policies(
        &self,
        actor: &Actor,
        now: Timestamp,
        orders: Vec<PolicyOrder>,
    ) -> Result<Vec<Option<Policy>>, (Option<usize>, StoreError)> {
        let mut change = self
            .change(Scope::Directory)
            .await
            .map_err(|error| (None, error))?;
        let mut done = Vec::with_capacity(orders.len());
        for (place, order) in orders.into_iter().enumerate() {
            let change = &mut change;
            let result = match order {
                PolicyOrder::Grant(new) => grant(change, actor, now, *new).await.map(Some),
                PolicyOrder::Renew(id, span) => renew(change, actor, now, id.into(), span).await.map(Some),
                PolicyOrder::Revoke(id, reason) => {
                    revoke(change, actor, now, id.into(), reason).await.map(Some)
                }
                PolicyOrder::Remove(id) => remove(change, actor, now, id.into()).await.map(|()| None),
            };
            done.push(result.map_err(|error| (Some(place), error))?);
        }
        change.commit().await.map_err(|error| (None, error))?;
        Ok(done)
    }
}
