//! Sessions. People and servers are kept by id (never given again) and by name, and outlive their rows.

use super::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: i64,
    #[sea_orm(column_type = "Text")]
    pub user_name: String,
    #[sea_orm(column_type = "Text")]
    pub user_folded: String,
    pub server_id: i64,
    #[sea_orm(column_type = "Text")]
    pub server_name: String,
    #[sea_orm(column_type = "Text")]
    pub server_folded: String,
    #[sea_orm(column_type = "Text")]
    pub protocol: String,
    #[sea_orm(column_type = "Text")]
    pub state: String,
    pub node_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub source: String,
    pub source_port: i32,
    #[sea_orm(column_type = "Text", nullable)]
    pub proxy: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub backend: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub login: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub subsystem: Option<String>,
    pub agent_used: bool,
    #[sea_orm(column_type = "Text")]
    pub policies: String,
    pub started_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub end_reason: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub ended_by: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub end_detail: Option<String>,
    pub allowed_until: Option<DateTimeUtc>,
    pub bytes_in: i64,
    pub bytes_out: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub recording_path: Option<String>,
    pub recording_size: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub recording_digest: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub recording_files: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub what: Option<String>,
    pub typed_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub line: Option<String>,
    /// As long as can be until it is closed, so that running sessions come with the longest.
    pub duration_micros: i64,
    /// As large as can be until it is closed.
    pub bytes_total: i64,
    /// The source in the form of [`address_key`](crate::sort::address_key).
    #[sea_orm(column_type = "Text")]
    pub source_key: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
