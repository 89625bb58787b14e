//! Orders to end sessions, until their nodes have carried them out.

use super::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "kill_requests")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub session_id: Uuid,
    pub node_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub ordered_by: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub ordered_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
