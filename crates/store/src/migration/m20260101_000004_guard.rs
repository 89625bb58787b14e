//! Blocks that nodes make, and alerts.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in block_columns() {
            // SQLite adds one column a statement.
            manager
                .alter_table(Table::alter().table("blocks").add_column(column).take())
                .await?;
        }
        for table in [alert(), alert_delivery()] {
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

fn block_columns() -> [ColumnDef; 2] {
    [text("reach").default("everything").take(), integer_null("step")]
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("alerts", &["raised_at"]),
        index("alerts", &["kind", "id"]),
        index("alert_deliveries", &["hook", "state", "next_at"]),
    ]
}

fn alert() -> TableCreateStatement {
    Table::create()
        .table("alerts")
        .col(big_pk_auto("id"))
        .col(text("kind"))
        .col(timestamp_with_time_zone("raised_at"))
        .col(big_integer("seq"))
        .col(text("sentence"))
        .col(text("event"))
        .take()
}

fn alert_delivery() -> TableCreateStatement {
    Table::create()
        .table("alert_deliveries")
        .col(big_integer("alert_id"))
        .col(text("hook"))
        .col(text("state"))
        .col(integer("attempts"))
        .col(timestamp_with_time_zone("next_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(text_null("error"))
        .primary_key(Index::create().col("alert_id").col("hook"))
        .foreign_key(
            ForeignKey::create()
                .from("alert_deliveries", "alert_id")
                .to("alerts", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}
