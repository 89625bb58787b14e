//! Grants: whom, what, when, and the terms that are single values.

use super::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "policies")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub user_id: Option<i64>,
    pub user_group_id: Option<i64>,
    pub server_id: Option<i64>,
    pub server_group_id: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub protocol: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub source: Option<String>,
    pub start_at: DateTimeUtc,
    pub end_at: Option<DateTimeUtc>,
    pub use_schedules: bool,
    #[sea_orm(column_type = "Text", nullable)]
    pub record_mode: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub record_binary: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub record_input: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub record_forwards: Option<String>,
    pub idle_seconds: Option<i64>,
    pub max_length_seconds: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub revoked_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub revoked_by: Option<String>,
    pub created_at: DateTimeUtc,
    #[sea_orm(column_type = "Text")]
    pub created_by: String,
    /// The reason, folded.
    #[sea_orm(column_type = "Text")]
    pub search: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
