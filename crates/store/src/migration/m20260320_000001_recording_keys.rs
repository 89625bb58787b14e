//! The keys that sign recordings.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::unique;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(recording_key()).await?;
        manager
            .create_index(unique("recording_keys", &["fingerprint"]))
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn recording_key() -> TableCreateStatement {
    Table::create()
        .table("recording_keys")
        .col(big_pk_auto("id"))
        .col(text("fingerprint"))
        .col(text("public"))
        .col(blob("sealed"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("retired_at"))
        .take()
}
