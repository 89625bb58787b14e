//! Rules by which requests are approved by themselves.

use super::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "approval_rules")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub user_id: Option<i64>,
    pub user_group_id: Option<i64>,
    pub server_id: Option<i64>,
    pub server_group_id: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub protocol: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub logins: String,
    pub seconds: i64,
    pub active: bool,
    pub created_at: DateTimeUtc,
    #[sea_orm(column_type = "Text")]
    pub created_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
