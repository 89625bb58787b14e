//! The directory: people, servers, groups, pool, grants, keys, credentials.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, unique};

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
    vec![
        meta(),
        user(),
        user_address(),
        user_key(),
        group(),
        user_member(),
        server(),
        server_service(),
        server_member(),
        pool_range(),
        allocation(),
        released_address(),
        policy(),
        policy_term(),
        user_right(),
        group_right(),
        block(),
        host_key(),
        gate_key(),
        credential(),
    ]
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        unique("users", &["folded"]),
        unique("user_addresses", &["range"]),
        index("user_addresses", &["user_id"]),
        unique("user_keys", &["fingerprint"]),
        index("user_keys", &["user_id"]),
        unique("groups", &["kind", "folded"]),
        index("groups", &["parent_id"]),
        index("user_members", &["user_id"]),
        unique("servers", &["folded"]),
        index("server_members", &["server_id"]),
        unique("pool_ranges", &["range"]),
        unique("allocations", &["address"]),
        index("allocations", &["server_id"]),
        unique("released_addresses", &["address"]),
        index("policies", &["user_id"]),
        index("policies", &["user_group_id"]),
        index("policies", &["server_id"]),
        index("policies", &["server_group_id"]),
        index("policies", &["end_at"]),
        index("policy_terms", &["kind", "value"]),
        unique("blocks", &["range"]),
        unique("host_keys", &["server_id", "fingerprint"]),
        unique("gate_keys", &["server_id", "algorithm"]),
        unique("credentials", &["server_id", "login"]),
    ]
}

fn meta() -> TableCreateStatement {
    Table::create()
        .table("meta")
        .col(integer("id"))
        .col(integer("schema"))
        .col(big_integer("revision"))
        .col(blob("key_check"))
        .primary_key(Index::create().col("id"))
        .take()
}

fn user() -> TableCreateStatement {
    Table::create()
        .table("users")
        .col(big_pk_auto("id"))
        .col(text("name"))
        .col(text("folded"))
        .col(text_null("full_name"))
        .col(text_null("email"))
        .col(text("search"))
        .col(text("role"))
        .col(boolean("active"))
        .col(boolean("locked"))
        .col(timestamp_with_time_zone_null("locked_until"))
        .col(text_null("lock_reason"))
        .col(text_null("password_hash"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn user_address() -> TableCreateStatement {
    Table::create()
        .table("user_addresses")
        .col(big_pk_auto("id"))
        .col(big_integer("user_id"))
        .col(text("range"))
        .col(text_null("label"))
        .col(boolean("active"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(
            ForeignKey::create()
                .from("user_addresses", "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn user_key() -> TableCreateStatement {
    Table::create()
        .table("user_keys")
        .col(big_pk_auto("id"))
        .col(big_integer("user_id"))
        .col(text("algorithm"))
        .col(text("fingerprint"))
        .col(text("openssh"))
        .col(text_null("comment"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(
            ForeignKey::create()
                .from("user_keys", "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn group() -> TableCreateStatement {
    Table::create()
        .table("groups")
        .col(big_pk_auto("id"))
        .col(text("kind"))
        .col(text("name"))
        .col(text("folded"))
        .col(big_integer_null("parent_id"))
        .col(text_null("description"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn user_member() -> TableCreateStatement {
    Table::create()
        .table("user_members")
        .col(big_integer("group_id"))
        .col(big_integer("user_id"))
        .primary_key(Index::create().col("group_id").col("user_id"))
        .foreign_key(
            ForeignKey::create()
                .from("user_members", "group_id")
                .to("groups", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("user_members", "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn server() -> TableCreateStatement {
    Table::create()
        .table("servers")
        .col(big_pk_auto("id"))
        .col(text("name"))
        .col(text("folded"))
        .col(text("address"))
        .col(text_null("os"))
        .col(text_null("description"))
        .col(text("search"))
        .col(boolean("active"))
        .col(boolean("locked"))
        .col(timestamp_with_time_zone_null("locked_until"))
        .col(text_null("lock_reason"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn server_service() -> TableCreateStatement {
    Table::create()
        .table("server_services")
        .col(big_integer("server_id"))
        .col(text("protocol"))
        .col(integer("port"))
        .primary_key(Index::create().col("server_id").col("protocol"))
        .foreign_key(
            ForeignKey::create()
                .from("server_services", "server_id")
                .to("servers", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn server_member() -> TableCreateStatement {
    Table::create()
        .table("server_members")
        .col(big_integer("group_id"))
        .col(big_integer("server_id"))
        .primary_key(Index::create().col("group_id").col("server_id"))
        .foreign_key(
            ForeignKey::create()
                .from("server_members", "group_id")
                .to("groups", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("server_members", "server_id")
                .to("servers", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn pool_range() -> TableCreateStatement {
    Table::create()
        .table("pool_ranges")
        .col(big_pk_auto("id"))
        .col(text("range"))
        .col(text_null("interface"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn allocation() -> TableCreateStatement {
    Table::create()
        .table("allocations")
        .col(big_pk_auto("id"))
        .col(text("address"))
        .col(big_integer("server_id"))
        .col(timestamp_with_time_zone_null("until"))
        .col(timestamp_with_time_zone("created_at"))
        .foreign_key(
            ForeignKey::create()
                .from("allocations", "server_id")
                .to("servers", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn released_address() -> TableCreateStatement {
    Table::create()
        .table("released_addresses")
        .col(big_pk_auto("id"))
        .col(text("address"))
        .col(big_integer("server_id"))
        .col(text("server_name"))
        .col(timestamp_with_time_zone("released_at"))
        .take()
}

fn policy() -> TableCreateStatement {
    Table::create()
        .table("policies")
        .col(big_pk_auto("id"))
        .col(big_integer_null("user_id"))
        .col(big_integer_null("user_group_id"))
        .col(big_integer_null("server_id"))
        .col(big_integer_null("server_group_id"))
        .col(text_null("protocol"))
        .col(text_null("source"))
        .col(timestamp_with_time_zone("start_at"))
        .col(timestamp_with_time_zone_null("end_at"))
        .col(boolean("use_schedules"))
        .col(text_null("record_mode"))
        .col(text_null("record_binary"))
        .col(text_null("record_input"))
        .col(big_integer_null("idle_seconds"))
        .col(big_integer_null("max_length_seconds"))
        .col(text_null("reason"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .col(text_null("revoked_by"))
        .col(timestamp_with_time_zone("created_at"))
        .col(text("created_by"))
        .foreign_key(
            ForeignKey::create()
                .from("policies", "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("policies", "user_group_id")
                .to("groups", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("policies", "server_id")
                .to("servers", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("policies", "server_group_id")
                .to("groups", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn policy_term() -> TableCreateStatement {
    Table::create()
        .table("policy_terms")
        .col(big_integer("policy_id"))
        .col(text("kind"))
        .col(integer("position"))
        .col(text("value"))
        .primary_key(Index::create().col("policy_id").col("kind").col("position"))
        .foreign_key(
            ForeignKey::create()
                .from("policy_terms", "policy_id")
                .to("policies", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn user_right() -> TableCreateStatement {
    Table::create()
        .table("user_rights")
        .col(big_integer("user_id"))
        .col(text("right_name"))
        .primary_key(Index::create().col("user_id").col("right_name"))
        .foreign_key(
            ForeignKey::create()
                .from("user_rights", "user_id")
                .to("users", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn group_right() -> TableCreateStatement {
    Table::create()
        .table("group_rights")
        .col(big_integer("group_id"))
        .col(text("right_name"))
        .primary_key(Index::create().col("group_id").col("right_name"))
        .foreign_key(
            ForeignKey::create()
                .from("group_rights", "group_id")
                .to("groups", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn block() -> TableCreateStatement {
    Table::create()
        .table("blocks")
        .col(big_pk_auto("id"))
        .col(text("range"))
        .col(timestamp_with_time_zone_null("until"))
        .col(text_null("reason"))
        .col(timestamp_with_time_zone("created_at"))
        .col(text("created_by"))
        .take()
}

fn host_key() -> TableCreateStatement {
    Table::create()
        .table("host_keys")
        .col(big_pk_auto("id"))
        .col(big_integer("server_id"))
        .col(text("algorithm"))
        .col(text("fingerprint"))
        .col(text("openssh"))
        .col(text("state"))
        .col(timestamp_with_time_zone("first_seen"))
        .col(timestamp_with_time_zone("last_seen"))
        .col(text_null("accepted_by"))
        .foreign_key(
            ForeignKey::create()
                .from("host_keys", "server_id")
                .to("servers", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn gate_key() -> TableCreateStatement {
    Table::create()
        .table("gate_keys")
        .col(big_pk_auto("id"))
        .col(big_integer("server_id"))
        .col(text("algorithm"))
        .col(text("public"))
        .col(blob("sealed"))
        .col(timestamp_with_time_zone("created_at"))
        .take()
}

fn credential() -> TableCreateStatement {
    Table::create()
        .table("credentials")
        .col(big_pk_auto("id"))
        .col(big_integer("server_id"))
        .col(text("login"))
        .col(text("kind"))
        .col(blob("sealed"))
        .col(boolean("address_is_enough"))
        .col(timestamp_with_time_zone("created_at"))
        .col(text("created_by"))
        .foreign_key(
            ForeignKey::create()
                .from("credentials", "server_id")
                .to("servers", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}
