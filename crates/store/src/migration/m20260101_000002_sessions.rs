//! Nodes, sessions, and what happens within them.

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
    vec![node(), session(), transfer(), forward(), kill_request()]
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        index("sessions", &["state", "id"]),
        index("sessions", &["user_id", "id"]),
        index("sessions", &["user_folded", "id"]),
        index("sessions", &["server_id", "id"]),
        index("sessions", &["server_folded", "id"]),
        index("sessions", &["protocol", "id"]),
        index("sessions", &["node_id", "state"]),
        index("sessions", &["started_at"]),
        index("transfers", &["session_id"]),
        index("forwards", &["session_id"]),
        index("forwards", &["ended_at"]),
        index("kill_requests", &["node_id"]),
        index("kill_requests", &["session_id"]),
    ]
}

fn node() -> TableCreateStatement {
    Table::create()
        .table("nodes")
        .col(uuid("id"))
        .col(text("name"))
        .col(timestamp_with_time_zone("started_at"))
        .col(timestamp_with_time_zone("heartbeat_at"))
        .col(timestamp_with_time_zone_null("stopped_at"))
        .primary_key(Index::create().col("id"))
        .take()
}

fn session() -> TableCreateStatement {
    Table::create()
        .table("sessions")
        .col(uuid("id"))
        .col(big_integer("user_id"))
        .col(text("user_name"))
        .col(text("user_folded"))
        .col(big_integer("server_id"))
        .col(text("server_name"))
        .col(text("server_folded"))
        .col(text("protocol"))
        .col(text("state"))
        .col(uuid("node_id"))
        .col(text("source"))
        .col(integer("source_port"))
        .col(text_null("proxy"))
        .col(text("backend"))
        .col(text_null("login"))
        .col(text_null("subsystem"))
        .col(boolean("agent_used"))
        .col(text("policies"))
        .col(timestamp_with_time_zone("started_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(text_null("end_reason"))
        .col(text_null("ended_by"))
        .col(text_null("end_detail"))
        .col(timestamp_with_time_zone_null("allowed_until"))
        .col(big_integer("bytes_in"))
        .col(big_integer("bytes_out"))
        .col(text_null("recording_path"))
        .col(big_integer_null("recording_size"))
        .col(text_null("recording_digest"))
        .col(text_null("recording_files"))
        .primary_key(Index::create().col("id"))
        .take()
}

fn transfer() -> TableCreateStatement {
    Table::create()
        .table("transfers")
        .col(big_pk_auto("id"))
        .col(uuid("session_id"))
        .col(text("direction"))
        .col(text("operation"))
        .col(text("path"))
        .col(text_null("target_path"))
        .col(big_integer("bytes"))
        .col(text("result"))
        .col(timestamp_with_time_zone("started_at"))
        .col(big_integer("duration_micros"))
        .foreign_key(
            ForeignKey::create()
                .from("transfers", "session_id")
                .to("sessions", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn forward() -> TableCreateStatement {
    Table::create()
        .table("forwards")
        .col(big_pk_auto("id"))
        .col(uuid("session_id"))
        .col(text("kind"))
        .col(text("listen"))
        .col(text("destination"))
        .col(big_integer("bytes_in"))
        .col(big_integer("bytes_out"))
        .col(timestamp_with_time_zone("started_at"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .foreign_key(
            ForeignKey::create()
                .from("forwards", "session_id")
                .to("sessions", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn kill_request() -> TableCreateStatement {
    Table::create()
        .table("kill_requests")
        .col(big_pk_auto("id"))
        .col(uuid("session_id"))
        .col(uuid("node_id"))
        .col(text("ordered_by"))
        .col(text_null("reason"))
        .col(timestamp_with_time_zone("ordered_at"))
        .foreign_key(
            ForeignKey::create()
                .from("kill_requests", "session_id")
                .to("sessions", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}
