//! Finding sessions, among a million too: every filter has an index, and pages go by id.

use gatehouse_model::{NodeId, SessionId, SessionState, Timestamp};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::{forward, session, transfer};
use crate::instant::to_db;
use crate::resolve::{find_server, find_user, fold};
use crate::session_view::{view, view_forward, view_transfer};
use crate::{Kind, Page, PageRequest, Session, SessionFilter, Store, StoreError};

impl Store {
    /// Lists sessions, the newest first. The cursor is a session's id. People and servers that were removed are found
    /// by their names.
    ///
    /// # Errors
    /// The database cannot be read, the cursor is none, or no such person or server is or was known.
    pub async fn sessions(
        &self,
        now: Timestamp,
        filter: &SessionFilter,
        page: &PageRequest,
    ) -> Result<Page<Session>, StoreError> {
        let db = self.snapshot().await?;
        let state = match filter.state {
            Some(state) => session::Column::State.eq(state.as_str()),
            None => session::Column::State.ne(SessionState::Opening.as_str()),
        };
        let mut condition = Condition::all()
            .add(state)
            .add_option(
                filter
                    .protocol
                    .map(|protocol| session::Column::Protocol.eq(protocol.as_str())),
            )
            .add_option(filter.node.map(|node| session::Column::NodeId.eq(node.0)))
            .add_option(
                filter
                    .since
                    .map(|since| session::Column::StartedAt.gte(to_db(since))),
            )
            .add_option(
                filter
                    .until
                    .map(|until| session::Column::StartedAt.lt(to_db(until))),
            )
            .add_option(cursor(page)?.map(|after| session::Column::Id.lt(after)));
        if let Some(user) = &filter.user {
            condition = condition.add(of_user(&db, user).await?);
        }
        if let Some(server) = &filter.server {
            condition = condition.add(of_server(&db, server).await?);
        }
        let query = session::Entity::find()
            .filter(condition)
            .order_by_desc(session::Column::Id);
        let rows = query.limit(page.limit_and_one()).all(&db).await?;
        let sessions = rows
            .into_iter()
            .map(|row| view(row, now))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(sessions, page.limit, |session| session.id.to_string()))
    }

    /// One session with its transfers and forwards, by any prefix of its id that no other has.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub async fn session(&self, now: Timestamp, prefix: &str) -> Result<Session, StoreError> {
        let absent = || StoreError::absent(Kind::Session, prefix);
        let (first, last) = prefix_range(prefix).ok_or_else(absent)?;
        let db = self.snapshot().await?;
        let found = session::Entity::find()
            .filter(session::Column::Id.between(first, last))
            .limit(2)
            .all(&db)
            .await?;
        let mut found = found.into_iter();
        let row = found.next().ok_or_else(absent)?;
        if found.next().is_some() {
            return Err(StoreError::invalid(
                "id",
                format!("several sessions begin with {prefix:?}; give more characters of the id"),
            ));
        }
        let id = row.id;
        let mut session = view(row, now)?;
        let transfers = transfer::Entity::find().filter(transfer::Column::SessionId.eq(id));
        for row in transfers.order_by_asc(transfer::Column::Id).all(&db).await? {
            session.transfers.push(view_transfer(row)?);
        }
        let forwards = forward::Entity::find().filter(forward::Column::SessionId.eq(id));
        for row in forwards.order_by_asc(forward::Column::Id).all(&db).await? {
            session.forwards.push(view_forward(row)?);
        }
        Ok(session)
    }

    /// The sessions of a node that are not closed, opening ones included, for recovery after a crash.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn open_sessions_of_node(
        &self,
        now: Timestamp,
        node: NodeId,
    ) -> Result<Vec<Session>, StoreError> {
        let open = [SessionState::Opening.as_str(), SessionState::Active.as_str()];
        let rows = session::Entity::find()
            .filter(session::Column::NodeId.eq(node.0))
            .filter(session::Column::State.is_in(open))
            .order_by_asc(session::Column::Id)
            .all(self.connection())
            .await?;
        rows.into_iter().map(|row| view(row, now)).collect()
    }
}

async fn of_user(db: &impl ConnectionTrait, who: &str) -> Result<Condition, StoreError> {
    let unknown = match find_user(db, who).await {
        Ok(row) => return Ok(Condition::all().add(session::Column::UserId.eq(row.id))),
        Err(unknown @ StoreError::NotFound { .. }) => unknown,
        Err(error) => return Err(error),
    };
    let by_name = session::Column::UserFolded.eq(fold(who));
    let past = session::Entity::find().filter(by_name.clone()).one(db).await?;
    past.map(|_| Condition::all().add(by_name)).ok_or(unknown)
}

async fn of_server(db: &impl ConnectionTrait, server: &str) -> Result<Condition, StoreError> {
    let unknown = match find_server(db, server).await {
        Ok(row) => return Ok(Condition::all().add(session::Column::ServerId.eq(row.id))),
        Err(unknown @ StoreError::NotFound { .. }) => unknown,
        Err(error) => return Err(error),
    };
    let by_name = session::Column::ServerFolded.eq(fold(server));
    let past = session::Entity::find().filter(by_name.clone()).one(db).await?;
    past.map(|_| Condition::all().add(by_name)).ok_or(unknown)
}

fn cursor(page: &PageRequest) -> Result<Option<Uuid>, StoreError> {
    let read = |text: &str| {
        text.parse::<SessionId>()
            .map(|id| id.0)
            .map_err(|_| StoreError::invalid("cursor", format!("{text:?} is not a cursor of this list")))
    };
    page.after.as_deref().map(read).transpose()
}

/// The first and the last id that begin with these hexadecimal digits; dashes are skipped.
fn prefix_range(prefix: &str) -> Option<(Uuid, Uuid)> {
    const DIGITS: usize = 32;
    let digits: String = prefix.chars().filter(|c| *c != '-').collect();
    if digits.is_empty() || digits.len() > DIGITS || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let first = Uuid::try_parse(&format!("{digits:0<DIGITS$}")).ok()?;
    let last = Uuid::try_parse(&format!("{digits:f<DIGITS$}")).ok()?;
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_spans_the_ids_that_begin_with_it() {
        let (first, last) = prefix_range("0193-a").unwrap();
        assert_eq!(first.to_string(), "0193a000-0000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "0193afff-ffff-ffff-ffff-ffffffffffff");
        for bad in ["", "-", "xyz", "0193%", &"0".repeat(33)] {
            assert!(prefix_range(bad).is_none(), "{bad:?}");
        }
    }
}
