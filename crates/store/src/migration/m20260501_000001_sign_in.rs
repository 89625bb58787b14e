//! Signing in to the pages: sign-ins, tokens, factors, links for setting up, and failed tries.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let handle = Table::alter()
            .table("users")
            .add_column(uuid_null("handle"))
            .take();
        manager.alter_table(handle).await?;
        for table in [
            sign_ins(),
            tokens(),
            totp_secrets(),
            recovery_codes(),
            passkeys(),
            setup_links(),
            failures(),
            known_sources(),
            saved_views(),
            idempotency(),
        ] {
            manager.create_table(table).await?;
        }
        for made in [
            unique("sign_ins", &["secret_hash"]),
            index("sign_ins", &["user_id"]),
            unique("tokens", &["secret_hash"]),
            index("tokens", &["user_id"]),
            index("recovery_codes", &["user_id"]),
            unique("passkeys", &["credential"]),
            index("passkeys", &["user_id"]),
            index("sign_in_failures", &["last_at"]),
            unique("saved_views", &["user_id", "list", "name"]),
            index("idempotency", &["created_at"]),
        ] {
            manager.create_index(made).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// Deleted with its person.
fn of_user(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, "user_id")
        .to("users", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

fn sign_ins() -> TableCreateStatement {
    Table::create()
        .table("sign_ins")
        .col(big_pk_auto("id"))
        .col(blob("secret_hash"))
        .col(big_integer("user_id"))
        .col(text("state"))
        .col(text("method"))
        .col(text("source"))
        .col(text_null("agent"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("seen_at"))
        .col(timestamp_with_time_zone("fresh_at"))
        .foreign_key(&mut of_user("sign_ins"))
        .take()
}

fn tokens() -> TableCreateStatement {
    Table::create()
        .table("tokens")
        .col(big_pk_auto("id"))
        .col(blob("secret_hash"))
        .col(big_integer("user_id"))
        .col(text_null("label"))
        .col(text("scope"))
        .col(text_null("source"))
        .col(timestamp_with_time_zone_null("expires_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(text("created_by"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(&mut of_user("tokens"))
        .take()
}

fn totp_secrets() -> TableCreateStatement {
    Table::create()
        .table("totp_secrets")
        .col(big_integer("user_id"))
        .col(blob("sealed"))
        .col(boolean("confirmed"))
        .col(big_integer("last_step"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("user_id"))
        .foreign_key(&mut of_user("totp_secrets"))
        .take()
}

fn recovery_codes() -> TableCreateStatement {
    Table::create()
        .table("recovery_codes")
        .col(big_pk_auto("id"))
        .col(big_integer("user_id"))
        .col(blob("hash"))
        .foreign_key(&mut of_user("recovery_codes"))
        .take()
}

fn passkeys() -> TableCreateStatement {
    Table::create()
        .table("passkeys")
        .col(big_pk_auto("id"))
        .col(big_integer("user_id"))
        .col(blob("credential"))
        .col(text("stored"))
        .col(text("label"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("used_at"))
        .foreign_key(&mut of_user("passkeys"))
        .take()
}

fn setup_links() -> TableCreateStatement {
    Table::create()
        .table("setup_links")
        .col(big_integer("user_id"))
        .col(blob("hash"))
        .col(timestamp_with_time_zone("expires_at"))
        .primary_key(Index::create().col("user_id"))
        .foreign_key(&mut of_user("setup_links"))
        .take()
}

fn failures() -> TableCreateStatement {
    Table::create()
        .table("sign_in_failures")
        .col(text("subject"))
        .col(integer("count"))
        .col(timestamp_with_time_zone("last_at"))
        .primary_key(Index::create().col("subject"))
        .take()
}

fn known_sources() -> TableCreateStatement {
    Table::create()
        .table("known_sources")
        .col(big_integer("user_id"))
        .col(text("source"))
        .col(timestamp_with_time_zone("last_at"))
        .primary_key(Index::create().col("user_id").col("source"))
        .foreign_key(&mut of_user("known_sources"))
        .take()
}

fn saved_views() -> TableCreateStatement {
    Table::create()
        .table("saved_views")
        .col(big_pk_auto("id"))
        .col(big_integer("user_id"))
        .col(text("list"))
        .col(text("name"))
        .col(text("query"))
        .foreign_key(&mut of_user("saved_views"))
        .take()
}

fn idempotency() -> TableCreateStatement {
    Table::create()
        .table("idempotency")
        .col(blob("id"))
        .col(blob("request"))
        .col(integer_null("status"))
        .col(blob_null("sealed"))
        .col(timestamp_with_time_zone("created_at"))
        .primary_key(Index::create().col("id"))
        .take()
}
