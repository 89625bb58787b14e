//! The audit book: appending, reading, and its sealed head.
//!
//! `audit.head` holds one line, `HEAD TIME SEAL`: the head as text, when it was written, and a seal over both with
//! the store's key. It is replaced as a whole: written beside, synced, renamed.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use gatehouse_audit::{Draft, Event, Fault, Hash, Head, Outcome};
use gatehouse_model::{Timestamp, format_time};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryOrder, QuerySelect};

use crate::change::Scope;
use crate::entity::audit;
use crate::instant::{from_db, to_db};
use crate::key::{file_error, sync_directory, write_new};
use crate::resolve::fold;
use crate::{Store, StoreError};

const HEAD_FILE: &str = "audit.head";
const HEAD_PLACE: &str = "audit.head";
/// Rows of one insert; SQLite takes 32,766 values in a statement.
const INSERT_ROWS: usize = 1_000;

/// What the verification of the book found.
#[derive(Clone, Debug)]
pub struct AuditReport {
    /// How many lines were read.
    pub lines: u64,
    /// The last line that is right.
    pub head: Head,
    /// The first fault, if there is one.
    pub fault: Option<Fault>,
    /// The head that lies sealed in `audit.head`, with the moment it was written.
    pub sealed: SealedHead,
}

/// What is in `audit.head`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SealedHead {
    /// A head, sealed with the store's key, and when it was written. It was compared with the book.
    Kept(Head, Timestamp),
    /// Nothing: no node of this data directory has written it yet.
    None,
    /// Something that the store's key did not seal: a forgery, or another store's.
    Forged,
}

impl Store {
    /// Appends one event that belongs to no other change, such as `recording.viewed`.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn record(&self, draft: Draft) -> Result<Event, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        change.record(draft);
        let appended = change.commit().await?;
        appended
            .into_iter()
            .next()
            .ok_or_else(|| StoreError::corrupt("no event", "nothing was appended"))
    }

    /// The last line of the book.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        head(self.connection()).await
    }

    /// Seals the head of the book into `data_dir/audit.head`.
    ///
    /// # Errors
    /// The database cannot be read, or the file not written.
    pub async fn write_audit_head(&self, now: Timestamp) -> Result<Head, StoreError> {
        let head = self.audit_head().await?;
        self.seal_audit_head(now, head)?;
        Ok(head)
    }

    /// Seals this head, which is known to be right, into `data_dir/audit.head`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn seal_audit_head(&self, now: Timestamp, head: Head) -> Result<(), StoreError> {
        let clear = format!("{head} {}", format_time(now));
        let seal = self.sealer().seal(&head_place(&clear), b"")?;
        let line = format!("{clear} {}\n", BASE64.encode(seal));
        let path = self.data_dir().join(HEAD_FILE);
        let draft = path.with_extension(format!("head.{}", std::process::id()));
        // A leftover of a process of the same number that died in between.
        let _ = fs::remove_file(&draft);
        write_new(&draft, line.as_bytes())
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(|error| file_error(&path, "written", error))?;
        sync_directory(&path);
        Ok(())
    }

    /// What `audit.head` says.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sealed_audit_head(&self) -> Result<SealedHead, StoreError> {
        let path = self.data_dir().join(HEAD_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(SealedHead::None),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Ok(SealedHead::Forged),
            Err(error) => return Err(file_error(&path, "read", error)),
        };
        Ok(self.open_head(text.trim_end()).unwrap_or(SealedHead::Forged))
    }

    fn open_head(&self, line: &str) -> Option<SealedHead> {
        let (clear, seal) = line.rsplit_once(' ')?;
        let seal = BASE64.decode(seal).ok()?;
        self.sealer().open("head", &head_place(clear), &seal).ok()?;
        let (head, time) = clear.split_once(' ')?;
        Some(SealedHead::Kept(head.parse().ok()?, time.parse().ok()?))
    }
}

fn head_place(clear: &str) -> String {
    format!("{HEAD_PLACE}:{clear}")
}

/// The last line of the book. Within a change, only under the book's lock.
async fn head(db: &impl ConnectionTrait) -> Result<Head, StoreError> {
    let last = audit::Entity::find()
        .select_only()
        .columns([audit::Column::Seq, audit::Column::Hash])
        .order_by_desc(audit::Column::Seq)
        .limit(1)
        .into_tuple::<(i64, Vec<u8>)>()
        .one(db)
        .await?;
    Ok(last.map_or(Head::EMPTY, |(seq, hash)| Head {
        seq: seq_from_db(seq),
        hash: hash_from_db(hash),
    }))
}

/// Appends events in their order. INVARIANT **gapless**: only under the book's lock.
pub(crate) async fn append(db: &impl ConnectionTrait, drafts: Vec<Draft>) -> Result<Vec<Event>, StoreError> {
    let mut last = head(db).await?;
    let mut events = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let event = draft.chain(last);
        last = Head::of(&event);
        events.push(event);
    }
    let mut rows = events.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(INSERT_ROWS));
        audit::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await?;
        rows = rest;
    }
    Ok(events)
}

fn row(event: &Event) -> Result<audit::ActiveModel, StoreError> {
    Ok(audit::ActiveModel {
        seq: Set(i64::try_from(event.seq).map_err(|error| StoreError::corrupt("an audit line", error))?),
        time: Set(to_db(event.time)),
        action: Set(event.action.clone()),
        actor: Set(event.actor.clone()),
        source: Set(event.source.clone()),
        user_folded: Set(event.user.as_deref().map(fold)),
        user_name: Set(event.user.clone()),
        server_folded: Set(event.server.as_deref().map(fold)),
        server_name: Set(event.server.clone()),
        session: Set(event.session.clone()),
        outcome: Set(event.outcome.as_str().to_owned()),
        reason: Set(event.reason.clone()),
        detail: Set(event.canonical_detail()),
        hash: Set(event.hash.0.to_vec()),
    })
}

/// The event of a row. What cannot be understood (it was tampered with) becomes something that the chain does not
/// confirm, so that a verification names the line instead of stopping at it.
pub(crate) fn event(row: audit::Model) -> Event {
    // What is searched by must say what the line says, or lines could be hidden from every search.
    let findable = row.user_folded == row.user_name.as_deref().map(fold)
        && row.server_folded == row.server_name.as_deref().map(fold);
    Event {
        seq: seq_from_db(row.seq),
        time: from_db(row.time),
        action: row.action,
        actor: row.actor,
        source: row.source,
        user: row.user_name,
        server: row.server_name,
        session: row.session,
        outcome: Outcome::from_word(&row.outcome).unwrap_or(Outcome::Failed),
        reason: row.reason,
        detail: serde_json::from_str(&row.detail).unwrap_or_else(|_| {
            [("unreadable".to_owned(), row.detail.into())]
                .into_iter()
                .collect()
        }),
        hash: if findable {
            hash_from_db(row.hash)
        } else {
            Hash::ZERO
        },
    }
}

/// A number that no line can have becomes 0, which no line has either.
fn seq_from_db(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}

fn hash_from_db(hash: Vec<u8>) -> Hash {
    <[u8; 32]>::try_from(hash).map_or(Hash::ZERO, Hash)
}
