//! Requests for access: what was asked for, who may decide, what is approved by itself; and which grants allowed
//! which sessions.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [request(), approver(), approval_rule()] {
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

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("requests", &["state", "id"]),
        index("requests", &["user_id", "id"]),
        index("requests", &["user_folded", "id"]),
        index("requests", &["server_id", "id"]),
        index("requests", &["server_folded", "id"]),
        index("requests", &["kind", "id"]),
        index("requests", &["policy_id"]),
        unique("approvers", &["server_group_id", "user_id"]),
        unique("approvers", &["server_group_id", "user_group_id"]),
        index("approvers", &["user_id"]),
        index("approvers", &["user_group_id"]),
    ]
}

/// People and servers are kept by id and by name, and outlive their rows.
fn request() -> TableCreateStatement {
    Table::create()
        .table("requests")
        .col(big_pk_auto("id"))
        .col(text("kind"))
        .col(big_integer("user_id"))
        .col(text("user_name"))
        .col(text("user_folded"))
        .col(big_integer_null("server_id"))
        .col(text_null("server_name"))
        .col(text_null("server_folded"))
        .col(text_null("protocol"))
        .col(text("logins"))
        .col(big_integer_null("seconds"))
        .col(text_null("reason"))
        .col(text_null("address"))
        .col(text_null("source"))
        .col(text("state"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("decided_at"))
        .col(text_null("decided_by"))
        .col(text_null("note"))
        .col(big_integer_null("rule_id"))
        .col(big_integer_null("policy_id"))
        .col(timestamp_with_time_zone_null("reviewed_at"))
        .col(text_null("reviewed_by"))
        .col(text_null("verdict"))
        .col(text_null("review_note"))
        .col(timestamp_with_time_zone_null("reminded_at"))
        .take()
}

fn approver() -> TableCreateStatement {
    Table::create()
        .table("approvers")
        .col(big_pk_auto("id"))
        .col(big_integer("server_group_id"))
        .col(big_integer_null("user_id"))
        .col(big_integer_null("user_group_id"))
        .foreign_key(&mut goes_with("approvers", "server_group_id", "groups"))
        .foreign_key(&mut goes_with("approvers", "user_id", "users"))
        .foreign_key(&mut goes_with("approvers", "user_group_id", "groups"))
        .take()
}

fn approval_rule() -> TableCreateStatement {
    Table::create()
        .table("approval_rules")
        .col(big_pk_auto("id"))
        .col(big_integer_null("user_id"))
        .col(big_integer_null("user_group_id"))
        .col(big_integer_null("server_id"))
        .col(big_integer_null("server_group_id"))
        .col(text_null("protocol"))
        .col(text("logins"))
        .col(big_integer("seconds"))
        .col(boolean("active"))
        .col(timestamp_with_time_zone("created_at"))
        .col(text("created_by"))
        .foreign_key(&mut goes_with("approval_rules", "user_id", "users"))
        .foreign_key(&mut goes_with("approval_rules", "user_group_id", "groups"))
        .foreign_key(&mut goes_with("approval_rules", "server_id", "servers"))
        .foreign_key(&mut goes_with("approval_rules", "server_group_id", "groups"))
        .take()
}

fn goes_with(table: &'static str, column: &'static str, with: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, column)
        .to(with, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}
