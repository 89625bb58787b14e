//! Requests for access. People and servers are kept by id and by name, and outlive their rows.

use super::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "requests")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    pub user_id: i64,
    #[sea_orm(column_type = "Text")]
    pub user_name: String,
    #[sea_orm(column_type = "Text")]
    pub user_folded: String,
    pub server_id: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub server_name: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub server_folded: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub protocol: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub logins: String,
    pub seconds: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub address: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub source: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub state: String,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub decided_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub decided_by: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
    pub rule_id: Option<i64>,
    pub policy_id: Option<i64>,
    pub reviewed_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub reviewed_by: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub verdict: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub review_note: Option<String>,
    pub reminded_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
