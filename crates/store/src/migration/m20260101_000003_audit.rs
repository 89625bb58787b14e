//! The audit book.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn tables() -> Vec<TableCreateStatement> {
    vec![audit()]
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("audit", &["action", "seq"]),
        index("audit", &["user_folded", "seq"]),
        index("audit", &["server_folded", "seq"]),
        index("audit", &["session", "seq"]),
        index("audit", &["time"]),
    ]
}

fn audit() -> TableCreateStatement {
    Table::create()
        .table("audit")
        .col(big_integer("seq"))
        .col(timestamp_with_time_zone("time"))
        .col(text("action"))
        .col(text("actor"))
        .col(text_null("source"))
        .col(text_null("user_name"))
        .col(text_null("user_folded"))
        .col(text_null("server_name"))
        .col(text_null("server_folded"))
        .col(text_null("session"))
        .col(text("outcome"))
        .col(text_null("reason"))
        .col(text("detail"))
        .col(blob("hash"))
        .primary_key(Index::create().col("seq"))
        .take()
}
