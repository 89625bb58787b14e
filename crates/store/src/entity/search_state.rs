//! How far sessions were read for searching.

use super::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "search_states")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: Uuid,
    pub node_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub progress: String,
    pub lines: i64,
    pub complete: bool,
    pub attempts: i32,
    #[sea_orm(column_type = "Text", nullable)]
    pub trouble: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
