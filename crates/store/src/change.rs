//! Every write: one transaction that changes, bumps the revision and appends to the book, or does nothing.
//!
//! INVARIANT **one-transaction**: a change, its revision and its events are committed together.
//!
//! The order of steps, by which no two transactions wait for each other:
//! 1. SQLite: the turn within this process, then `BEGIN IMMEDIATE`. PostgreSQL: `BEGIN`, and for a change of the
//!    directory the advisory lock [`DIRECTORY_LOCK`], so that what was validated stays true until the commit.
//!    Then the lock of what is changed, if it has one (alerts, requests).
//! 2. The rows of the change.
//! 3. For a change of the directory: `meta.revision`, and the notification of it.
//! 4. PostgreSQL: the advisory lock [`BOOK_LOCK`]; then the events, chained to the last one, and the alerts that
//!    some of them are.
//! 5. Commit, which gives all locks back. Dropping a [`Change`] undoes it.

use std::time::Instant;

use gatehouse_audit::{Draft, Event};
use gatehouse_telemetry::{STORE_SECONDS, STORE_WAIT_SECONDS};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::MutexGuard;

use crate::alerts::raise;
use crate::book::append;
use crate::feed::CHANNEL;
use crate::{Store, StoreError};

/// Held by a change of the directory, until its commit.
const DIRECTORY_LOCK: i64 = 0x6761_7465_0001;
/// Held while the book is appended to, until the commit.
const BOOK_LOCK: i64 = 0x6761_7465_0002;
/// Held while alerts are taken up by a hook, until the commit.
pub(crate) const ALERT_LOCK: i64 = 0x6761_7465_0004;
/// Held while requests for access are made and decided, until the commit; taken after that of the directory.
pub(crate) const REQUEST_LOCK: i64 = 0x6761_7465_0008;
/// Held while the database is brought to a newer form.
pub(crate) const MIGRATION_LOCK: i64 = 0x6761_7465_0003;

/// What a change touches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What decisions depend on: the revision moves.
    Directory,
    /// Sessions, nodes, the book.
    Record,
}

/// A transaction under way.
pub(crate) struct Change<'s> {
    store: &'s Store,
    scope: Scope,
    transaction: DatabaseTransaction,
    events: Vec<Draft>,
    asked: Instant,
    /// Last, so that it is given back after the transaction is.
    _turn: Option<MutexGuard<'s, ()>>,
}

impl Store {
    /// Begins a change. The only place where a writing transaction begins.
    pub(crate) async fn change(&self, scope: Scope) -> Result<Change<'_>, StoreError> {
        let asked = Instant::now();
        let connection = self.connection();
        let sqlite = connection.get_database_backend() == DbBackend::Sqlite;
        let turn = if sqlite {
            Some(self.turn().lock().await)
        } else {
            None
        };
        let transaction = connection
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: sqlite.then_some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await?;
        STORE_WAIT_SECONDS.took(&[], asked.elapsed());
        if scope == Scope::Directory {
            lock(&transaction, DIRECTORY_LOCK).await?;
        }
        Ok(Change {
            store: self,
            scope,
            transaction,
            events: Vec::new(),
            asked,
            _turn: turn,
        })
    }

    /// Begins a transaction that reads one state of the database, whatever is written meanwhile.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction, StoreError> {
        let connection = self.connection();
        let options = match connection.get_database_backend() {
            DbBackend::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
            _ => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
                ..TransactionOptions::default()
            },
        };
        Ok(connection.begin_with_options(options).await?)
    }
}

impl Change<'_> {
    /// The transaction, for the rows of the change.
    pub(crate) fn db(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Takes an advisory lock until the commit; SQLite has one writer anyway.
    pub(crate) async fn lock(&self, key: i64) -> Result<(), StoreError> {
        lock(&self.transaction, key).await
    }

    /// Adds an event to what is committed.
    pub(crate) fn record(&mut self, event: Draft) {
        self.events.push(event);
    }

    /// Commits, and answers the events as they stand in the book.
    pub(crate) async fn commit(self) -> Result<Vec<Event>, StoreError> {
        let Self {
            store,
            scope,
            transaction,
            events,
            asked,
            _turn,
        } = self;
        let revision = match scope {
            Scope::Directory => Some(bump(&transaction).await?),
            Scope::Record => None,
        };
        let mut appended = Vec::new();
        if !events.is_empty() {
            lock(&transaction, BOOK_LOCK).await?;
            appended = append(&transaction, events).await?;
            raise(&transaction, &appended).await?;
        }
        let committed = transaction.commit().await;
        STORE_SECONDS.took(&["write"], asked.elapsed());
        committed?;
        if let Some(revision) = revision {
            store.feed().saw(revision);
        }
        Ok(appended)
    }
}

/// Takes an advisory lock until the end of the transaction; SQLite has one writer anyway.
async fn lock(transaction: &DatabaseTransaction, key: i64) -> Result<(), StoreError> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT pg_advisory_xact_lock($1)";
        transaction
            .query_one_raw(Statement::from_sql_and_values(
                DbBackend::Postgres,
                sql,
                [key.into()],
            ))
            .await?;
    }
    Ok(())
}

async fn bump(transaction: &DatabaseTransaction) -> Result<i64, StoreError> {
    let backend = transaction.get_database_backend();
    let sql = "UPDATE meta SET revision = revision + 1 WHERE id = 1 RETURNING revision";
    let row = transaction
        .query_one_raw(Statement::from_string(backend, sql))
        .await?;
    let row = row.ok_or_else(|| StoreError::corrupt("no revision", "the row of table meta is missing"))?;
    let revision: i64 = row.try_get("", "revision")?;
    if backend == DbBackend::Postgres {
        let sql = "SELECT pg_notify($1, $2)";
        let values = [CHANNEL.into(), revision.to_string().into()];
        transaction
            .query_one_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
    }
    Ok(revision)
}
