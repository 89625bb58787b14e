//! What is searched for words: lines of sessions, and how far each session was read.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

use super::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(state()).await?;
        manager.create_table(line()).await?;
        manager
            .create_index(index("search_states", &["node_id", "complete", "session_id"]))
            .await?;
        manager
            .create_index(index("search_lines", &["session_id", "on_screen"]))
            .await?;
        let db = manager.get_connection();
        let words = match db.get_database_backend() {
            DbBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        for sql in words.iter().chain(FILL) {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// The words of a line are kept apart from its text, and only as an index: the text for showing stands in the table.
/// A deleted line takes its words along, also where it goes with its session.
const SQLITE: &[&str] = &[
    "CREATE VIRTUAL TABLE search_words USING fts5(words, content='', contentless_delete=1, \
     tokenize=\"unicode61 remove_diacritics 0\")",
    "CREATE TRIGGER search_lines_gone AFTER DELETE ON search_lines BEGIN \
     DELETE FROM search_words WHERE rowid = old.id; END",
];

const POSTGRES: &[&str] = &[
    "ALTER TABLE search_lines ADD COLUMN words tsvector NOT NULL",
    "CREATE INDEX ix_search_lines_words ON search_lines USING gin (words)",
];

/// Every session that was recorded is still to be read.
const FILL: &[&str] = &[
    "INSERT INTO search_states (session_id, node_id, progress, lines, complete, attempts) \
     SELECT id, node_id, '{}', 0, false, 0 FROM sessions WHERE recording_path IS NOT NULL",
];

fn state() -> TableCreateStatement {
    Table::create()
        .table("search_states")
        .col(uuid("session_id"))
        .col(uuid("node_id"))
        .col(text("progress"))
        .col(big_integer("lines"))
        .col(boolean("complete"))
        .col(integer("attempts"))
        .col(text_null("trouble"))
        .primary_key(Index::create().col("session_id"))
        .foreign_key(
            ForeignKey::create()
                .from("search_states", "session_id")
                .to("sessions", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

/// The id is the line's moment: see `search.rs`.
fn line() -> TableCreateStatement {
    Table::create()
        .table("search_lines")
        .col(big_pk_auto("id"))
        .col(uuid("session_id"))
        .col(big_integer("channel"))
        .col(big_integer("at_micros"))
        .col(text("kind"))
        .col(text("line"))
        .col(boolean("on_screen"))
        .foreign_key(
            ForeignKey::create()
                .from("search_lines", "session_id")
                .to("sessions", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}
