//! Lists that are quick in a long history: what sessions and audit lines are sorted and found by.

use std::net::IpAddr;

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::index;
use crate::resolve::fold;
use crate::sort::address_key;

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
        manager.create_table(session_policy()).await?;
        fill(manager.get_connection()).await?;
        for name in REPLACED {
            manager.drop_index(Index::drop().name(*name).to_owned()).await?;
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

/// Indexes whose places are taken by longer ones.
const REPLACED: &[&str] = &[
    "ix_sessions_state_id",
    "ix_sessions_user_id_id",
    "ix_sessions_server_id_id",
    "ix_sessions_protocol_id",
    "ix_sessions_started_at",
    "ix_audit_time",
];

fn columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        // As long and as large as can be, until a session is closed.
        (
            "sessions",
            big_integer("duration_micros").default(i64::MAX).take(),
        ),
        ("sessions", big_integer("bytes_total").default(i64::MAX).take()),
        ("sessions", text("source_key").default("").take()),
        ("policies", text("search").default("").take()),
    ]
}

fn indexes() -> Vec<IndexCreateStatement> {
    let by_time = [
        "state",
        "user_id",
        "server_id",
        "protocol",
        "login",
        "source_key",
        "node_id",
        "end_reason",
    ];
    let mut indexes: Vec<_> = by_time
        .into_iter()
        .map(|column| index("sessions", &[column, "started_at", "id"]))
        .collect();
    indexes.extend([
        // The last column is there to count people without reading rows.
        index("sessions", &["started_at", "id", "user_id"]),
        index("sessions", &["duration_micros", "id"]),
        index("sessions", &["bytes_total", "id"]),
        index("session_policies", &["policy_id", "started_at", "session_id"]),
        index("audit", &["actor", "seq"]),
        index("audit", &["source", "seq"]),
        index("audit", &["outcome", "seq"]),
        index("audit", &["time", "seq"]),
        index("audit", &["action", "time", "seq"]),
    ]);
    indexes
}

fn session_policy() -> TableCreateStatement {
    Table::create()
        .table("session_policies")
        .col(uuid("session_id"))
        .col(big_integer("policy_id"))
        .col(timestamp_with_time_zone("started_at"))
        .primary_key(Index::create().col("session_id").col("policy_id"))
        .foreign_key(
            ForeignKey::create()
                .from("session_policies", "session_id")
                .to("sessions", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

async fn fill(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let (duration, policies) = match db.get_database_backend() {
        DbBackend::Postgres => (
            "(EXTRACT(EPOCH FROM ended_at - started_at) * 1000000)::bigint",
            "SELECT id, p.value::bigint, started_at FROM sessions, json_array_elements_text(policies::json) AS p(value)",
        ),
        _ => (
            "CAST(ROUND((julianday(ended_at) - julianday(started_at)) * 86400000000.0) AS INTEGER)",
            "SELECT sessions.id, p.value, started_at FROM sessions, json_each(policies) AS p",
        ),
    };
    db.execute_unprepared(&format!(
        "UPDATE sessions SET bytes_total = bytes_in + bytes_out, \
         duration_micros = CASE WHEN ended_at > started_at THEN {duration} ELSE 0 END WHERE state = 'closed'"
    ))
    .await?;
    db.execute_unprepared(&format!(
        "INSERT INTO session_policies (session_id, policy_id, started_at) {policies} WHERE true ON CONFLICT DO NOTHING"
    ))
    .await?;
    fill_sources(db).await?;
    fill_reasons(db).await
}

async fn fill_sources(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    db.execute_unprepared("CREATE INDEX ix_sessions_source ON sessions (source)")
        .await?;
    let rows = Statement::from_string(backend, "SELECT DISTINCT source FROM sessions");
    for row in db.query_all_raw(rows).await? {
        let source: String = row.try_get("", "source")?;
        if let Ok(address) = source.parse::<IpAddr>() {
            let sql = "UPDATE sessions SET source_key = $1 WHERE source = $2";
            let values = [address_key(address).into(), source.into()];
            db.execute_raw(Statement::from_sql_and_values(backend, sql, values))
                .await?;
        }
    }
    db.execute_unprepared("DROP INDEX ix_sessions_source").await?;
    Ok(())
}

async fn fill_reasons(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let rows = Statement::from_string(
        backend,
        "SELECT id, reason FROM policies WHERE reason IS NOT NULL",
    );
    for row in db.query_all_raw(rows).await? {
        let (id, reason): (i64, String) = (row.try_get("", "id")?, row.try_get("", "reason")?);
        let sql = "UPDATE policies SET search = $1 WHERE id = $2";
        db.execute_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [fold(&reason).into(), id.into()],
        ))
        .await?;
    }
    Ok(())
}
