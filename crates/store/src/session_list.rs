//! Sessions: listed, counted, shown.

use gatehouse_model::{NodeId, SessionState, Timestamp};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::entity::{forward, session, transfer};
use crate::keyset::count;
use crate::session_find::Wanted;
use crate::session_view::{view, view_forward, view_transfer};
use crate::{Count, Kind, Page, PageRequest, Session, SessionFilter, Store, StoreError};

impl Store {
    /// Lists sessions, the newest first unless another order is asked for. People and servers that were removed are
    /// found by their names.
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
        let wanted = Wanted::read(&db, now, filter).await?;
        let (condition, order) = wanted.plan(&db).await?;
        let query = session::Entity::find().filter(condition);
        let rows = order.page(&db, query, page).await?;
        rows.try_map(|row| view(row, now))
    }

    /// How many sessions a filter leaves.
    ///
    /// # Errors
    /// The database cannot be read, or no such person or server is or was known.
    pub async fn count_sessions(&self, now: Timestamp, filter: &SessionFilter) -> Result<Count, StoreError> {
        let db = self.snapshot().await?;
        let wanted = Wanted::read(&db, now, filter).await?;
        count(&db, session::Entity::find().filter(wanted.all())).await
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
