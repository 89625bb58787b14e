//! Nodes, and what they are told to do.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{NodeId, SessionId, SessionState, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder,
};
use serde::Serialize;

use crate::change::Scope;
use crate::entity::{kill_request, node, session};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_server, find_user, free_text};
use crate::{Kind, Store, StoreError};

/// A node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct Node {
    /// The id, kept in its data directory.
    pub id: NodeId,
    /// The host's name.
    pub name: String,
    /// When it began to serve.
    pub started_at: Timestamp,
    /// When it was heard of last.
    pub heartbeat_at: Timestamp,
    /// When it stopped cleanly.
    pub stopped_at: Option<Timestamp>,
    /// Where other nodes and command lines reach it, `host:port`; `None`: nowhere.
    pub address: Option<String>,
}

/// Whether a node is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    /// It was heard of within the last [`Node::SILENCE`].
    Serving,
    /// It was not, and has not said that it stops: it crashed, or has lost its database.
    Silent,
    /// It has stopped cleanly.
    Stopped,
}

impl Node {
    /// A node that was not heard of for longer than this, in seconds, is silent. Heartbeats come every 5 seconds.
    pub const SILENCE: u64 = 20;

    /// Whether it is there.
    pub fn state(&self, now: Timestamp) -> NodeState {
        let quiet = now.duration_since(self.heartbeat_at).as_secs();
        match self.stopped_at {
            Some(_) => NodeState::Stopped,
            None if quiet > i64::try_from(Self::SILENCE).unwrap_or(i64::MAX) => NodeState::Silent,
            None => NodeState::Serving,
        }
    }
}

/// Which running sessions are to be ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KillTarget {
    /// One session.
    Session(SessionId),
    /// Those of a person, by name or id.
    User(String),
    /// Those at a server, by name or id.
    Server(String),
    /// All.
    All,
}

/// An order to end a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KillRequest {
    /// The order's id, for [`kill_done`](crate::Store::kill_done).
    pub id: i64,
    /// The session.
    pub session: SessionId,
    /// Who ordered it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// A node begins to serve; `address` is where other nodes and command lines reach it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn register_node(
        &self,
        now: Timestamp,
        id: NodeId,
        name: &str,
        address: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let row = node::ActiveModel {
            id: Set(id.0),
            name: Set(name.to_owned()),
            started_at: Set(to_db(now)),
            heartbeat_at: Set(to_db(now)),
            stopped_at: Set(None),
            address: Set(address.map(str::to_owned)),
        };
        let columns = [
            node::Column::Name,
            node::Column::StartedAt,
            node::Column::HeartbeatAt,
            node::Column::StoppedAt,
            node::Column::Address,
        ];
        let known = OnConflict::column(node::Column::Id)
            .update_columns(columns)
            .to_owned();
        node::Entity::insert(row)
            .on_conflict(known)
            .exec_without_returning(change.db())
            .await?;
        change.record(Draft::new(Action::NodeStarted, &Actor::node(id), now).detail("name", name));
        change.commit().await?;
        Ok(())
    }

    /// A node is alive.
    ///
    /// # Errors
    /// The database cannot be written, or the node is not registered.
    pub async fn heartbeat(&self, now: Timestamp, id: NodeId) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let row = node::ActiveModel {
            heartbeat_at: Set(to_db(now)),
            ..Default::default()
        };
        let own = node::Column::Id.eq(id.0);
        let updated = node::Entity::update_many()
            .set(row)
            .filter(own)
            .exec(change.db())
            .await?;
        if updated.rows_affected == 0 {
            return Err(StoreError::absent(Kind::Node, id));
        }
        change.commit().await?;
        Ok(())
    }

    /// A node has stopped serving.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn stop_node(&self, now: Timestamp, id: NodeId) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let row = node::ActiveModel {
            heartbeat_at: Set(to_db(now)),
            stopped_at: Set(Some(to_db(now))),
            ..Default::default()
        };
        node::Entity::update_many()
            .set(row)
            .filter(node::Column::Id.eq(id.0))
            .exec(change.db())
            .await?;
        change.record(Draft::new(Action::NodeStopped, &Actor::node(id), now));
        change.commit().await?;
        Ok(())
    }

    /// The nodes, the one that started first in front.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        let rows = node::Entity::find()
            .order_by_asc(node::Column::StartedAt)
            .all(self.connection())
            .await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// One node.
    ///
    /// # Errors
    /// The database cannot be read, or there is no such node.
    pub async fn node(&self, id: NodeId) -> Result<Node, StoreError> {
        let row = node::Entity::find_by_id(id.0).one(self.connection()).await?;
        row.map(view).ok_or_else(|| StoreError::absent(Kind::Node, id))
    }

    /// Orders sessions that are not closed to be ended, and says which. Each order is audited as `session.killed`.
    ///
    /// # Errors
    /// There is no such session, person or server, or the one session has ended.
    pub async fn request_kill(
        &self,
        actor: &Actor,
        now: Timestamp,
        target: &KillTarget,
        reason: Option<String>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let reason = free_text("reason", reason)?;
        let mut change = self.change(Scope::Record).await?;
        let which = Condition::all().add(match target {
            KillTarget::Session(id) => session::Column::Id.eq(id.0),
            KillTarget::User(user) => session::Column::UserId.eq(find_user(change.db(), user).await?.id),
            KillTarget::Server(server) => {
                session::Column::ServerId.eq(find_server(change.db(), server).await?.id)
            }
            KillTarget::All => session::Column::State.ne(SessionState::Closed.as_str()),
        });
        let open = [SessionState::Opening.as_str(), SessionState::Active.as_str()];
        let query = session::Entity::find()
            .filter(which)
            .filter(session::Column::State.is_in(open));
        let rows = query.order_by_asc(session::Column::Id).all(change.db()).await?;
        if let (KillTarget::Session(id), true) = (target, rows.is_empty()) {
            let known = session::Entity::find_by_id(id.0).one(change.db()).await?;
            return Err(match known {
                Some(_) => StoreError::Conflict(format!("the session {id} has ended already")),
                None => StoreError::absent(Kind::Session, id),
            });
        }
        let mut ordered = Vec::with_capacity(rows.len());
        for row in rows {
            let order = kill_request::ActiveModel {
                session_id: Set(row.id),
                node_id: Set(row.node_id),
                ordered_by: Set(actor.name().to_owned()),
                reason: Set(reason.clone()),
                ordered_at: Set(to_db(now)),
                ..Default::default()
            };
            order.insert(change.db()).await?;
            let event = Draft::new(Action::SessionKilled, actor, now)
                .user(&row.user_name)
                .server(&row.server_name)
                .session(row.id.hyphenated());
            change.record(match &reason {
                Some(reason) => event.reason(reason),
                None => event,
            });
            ordered.push(SessionId(row.id));
        }
        change.commit().await?;
        Ok(ordered)
    }

    /// The orders to end sessions of a node, the oldest first. A node asks at least every 250 ms.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn kill_requests(&self, node: NodeId) -> Result<Vec<KillRequest>, StoreError> {
        let rows = kill_request::Entity::find()
            .filter(kill_request::Column::NodeId.eq(node.0))
            .order_by_asc(kill_request::Column::Id)
            .all(self.connection())
            .await?;
        let orders = rows.into_iter().map(|row| KillRequest {
            id: row.id,
            session: SessionId(row.session_id),
            by: row.ordered_by,
            reason: row.reason,
            at: from_db(row.ordered_at),
        });
        Ok(orders.collect())
    }

    /// These orders were carried out, or are about sessions that are gone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn kill_done(&self, ids: &[i64]) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let done = kill_request::Column::Id.is_in(ids.iter().copied());
        kill_request::Entity::delete_many()
            .filter(done)
            .exec(change.db())
            .await?;
        change.commit().await?;
        Ok(())
    }
}

fn view(row: node::Model) -> Node {
    Node {
        id: NodeId(row.id),
        name: row.name,
        started_at: from_db(row.started_at),
        heartbeat_at: from_db(row.heartbeat_at),
        stopped_at: row.stopped_at.map(from_db),
        address: row.address,
    }
}
