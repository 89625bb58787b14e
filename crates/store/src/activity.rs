//! What happens within a session: transfers and forwards.

use gatehouse_model::{SessionId, Timestamp, TransferDirection};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::change::Scope;
use crate::entity::{forward, session, transfer};
use crate::instant::to_db;
use crate::resolve::outside_text;
use crate::session_life::signed;
use crate::session_view::view_forward;
use crate::{ByteCount, Page, PageRequest, Past, SessionForward, Store, StoreError};

/// A file that was transferred.
#[derive(Clone, Debug)]
pub struct NewTransfer {
    /// Within which session.
    pub session: SessionId,
    /// Which way.
    pub direction: TransferDirection,
    /// What was done: `transfer`, `remove`, `rename`, …
    pub operation: String,
    /// The path at the server, as asked for.
    pub path: String,
    /// The other path of a rename, link or copy, or the name as sent.
    pub target_path: Option<String>,
    /// How many bytes.
    pub bytes: u64,
    /// `ok`, or what went wrong.
    pub result: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: std::time::Duration,
}

/// Rows of one statement; SQLite takes 32,766 values.
const ROWS: usize = 1_000;

fn transfer_row(new: NewTransfer) -> transfer::ActiveModel {
    transfer::ActiveModel {
        session_id: Set(new.session.0),
        direction: Set(new.direction.to_string()),
        operation: Set(new.operation),
        path: Set(outside_text(new.path)),
        target_path: Set(new.target_path.map(outside_text)),
        bytes: Set(signed(new.bytes)),
        result: Set(outside_text(new.result)),
        started_at: Set(to_db(new.started_at)),
        duration_micros: Set(i64::try_from(new.duration.as_micros()).unwrap_or(i64::MAX)),
        ..Default::default()
    }
}

/// The row of a forward.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ForwardId(pub i64);

impl Store {
    /// Keeps transfers, in one transaction.
    ///
    /// # Errors
    /// The database cannot be written, or there is no such session.
    pub async fn add_transfers(&self, new: Vec<NewTransfer>) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        let change = self.change(Scope::Record).await?;
        let rows: Vec<_> = new.into_iter().map(transfer_row).collect();
        for chunk in rows.chunks(ROWS) {
            transfer::Entity::insert_many(chunk.to_vec())
                .exec_without_returning(change.db())
                .await?;
        }
        change.commit().await?;
        Ok(())
    }

    /// Keeps the counters of running forwards, in one transaction.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn count_forward_bytes(&self, counts: &[(ForwardId, ByteCount)]) -> Result<(), StoreError> {
        if counts.is_empty() {
            return Ok(());
        }
        let change = self.change(Scope::Record).await?;
        let mut counts = counts.to_vec();
        counts.sort_by_key(|(id, _)| *id);
        for (id, bytes) in counts {
            let row = counted(bytes);
            let running = forward::Column::EndedAt.is_null();
            let own = forward::Column::Id.eq(id.0);
            forward::Entity::update_many()
                .set(row)
                .filter(own)
                .filter(running)
                .exec(change.db())
                .await?;
        }
        change.commit().await?;
        Ok(())
    }

    /// Lists running forwards, or all there were, the newest first.
    ///
    /// # Errors
    /// The database cannot be read, or the cursor is none.
    pub async fn forwards(&self, past: Past, page: &PageRequest) -> Result<Page<SessionForward>, StoreError> {
        let db = self.snapshot().await?;
        let mut query = forward::Entity::find().order_by_desc(forward::Column::Id);
        if past == Past::Omit {
            query = query.filter(forward::Column::EndedAt.is_null());
        }
        if let Some(after) = page.after_number()? {
            query = query.filter(forward::Column::Id.lt(after));
        }
        let rows = query.limit(page.limit_and_one()).all(&db).await?;
        let page = Page::cut(rows, page.limit, |row| row.id.to_string());
        let mut sessions = std::collections::HashMap::new();
        for chunk in page.items.chunks(1_000) {
            let ids = chunk.iter().map(|row| row.session_id);
            let found = session::Entity::find()
                .filter(session::Column::Id.is_in(ids))
                .all(&db)
                .await?;
            sessions.extend(
                found
                    .into_iter()
                    .map(|row| (row.id, (row.user_name, row.server_name))),
            );
        }
        let items = page.items.into_iter().map(|row| {
            let (user, server) = sessions.get(&row.session_id).cloned().unwrap_or_default();
            Ok(SessionForward {
                session: SessionId(row.session_id),
                user,
                server,
                forward: view_forward(row)?,
            })
        });
        Ok(Page {
            items: items.collect::<Result<_, StoreError>>()?,
            next: page.next,
        })
    }
}

pub(crate) fn counted(bytes: ByteCount) -> forward::ActiveModel {
    forward::ActiveModel {
        bytes_in: Set(signed(bytes.bytes_in)),
        bytes_out: Set(signed(bytes.bytes_out)),
        ..Default::default()
    }
}
