//! Who decides requests for the servers of a group: a person, or a group of people.

use super::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "approvers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub server_group_id: i64,
    pub user_id: Option<i64>,
    pub user_group_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
