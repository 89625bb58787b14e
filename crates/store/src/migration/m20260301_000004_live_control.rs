//! Live control: where nodes are reached and whom they trust, and what a running session does.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns() {
            // SQLite adds one column at a time.
            let alter = Table::alter().table(table).add_column(column).take();
            manager.alter_table(alter).await?;
        }
        manager.create_table(node_authority()).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("nodes", text_null("address")),
        ("sessions", text_null("what")),
        ("sessions", timestamp_with_time_zone_null("typed_at")),
        ("sessions", text_null("line")),
    ]
}

/// One row, with id 1.
fn node_authority() -> TableCreateStatement {
    Table::create()
        .table("node_authority")
        .col(integer("id"))
        .col(blob("certificate"))
        .col(blob("sealed"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("id"))
        .take()
}
