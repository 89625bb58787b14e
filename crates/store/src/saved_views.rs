//! Views of lists that people keep: filters and sorting as the page's address has them.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder,
};
use serde::Serialize;

use crate::change::Scope;
use crate::entity::saved_view;
use crate::resolve::find_user;
use crate::{Kind, Store, StoreError};

/// Most views of a person.
const VIEWS_MAX: u64 = 200;
/// Longest name of a view or a list, in characters.
const NAME_MAX: usize = 60;
/// Longest query, in bytes.
const QUERY_MAX: usize = 4_096;

/// A view that a person keeps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct SavedView {
    /// Of which list.
    pub list: String,
    /// What it is called.
    pub name: String,
    /// The query of the page's address.
    pub query: String,
}

impl Store {
    /// The views that a person keeps.
    ///
    /// # Errors
    /// There is no such person.
    pub async fn saved_views(&self, who: &str) -> Result<Vec<SavedView>, StoreError> {
        let person = find_user(self.connection(), who).await?;
        let rows = saved_view::Entity::find()
            .filter(saved_view::Column::UserId.eq(person.id))
            .order_by_asc(saved_view::Column::List)
            .order_by_asc(saved_view::Column::Name)
            .all(self.connection())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| SavedView {
                list: row.list,
                name: row.name,
                query: row.query,
            })
            .collect())
    }

    /// Keeps a view; one of the same name is replaced.
    ///
    /// # Errors
    /// There is no such person, a text is empty or too long, or they keep too many.
    pub async fn save_view(&self, who: &str, view: SavedView) -> Result<(), StoreError> {
        for (field, text) in [("list", &view.list), ("name", &view.name)] {
            let length = text.chars().count();
            if length == 0 || length > NAME_MAX || text.chars().any(char::is_control) {
                return Err(StoreError::invalid(
                    field,
                    format!("the {field} of a view has 1 to {NAME_MAX} characters"),
                ));
            }
        }
        if view.query.len() > QUERY_MAX {
            return Err(StoreError::invalid(
                "query",
                format!("the query is longer than {QUERY_MAX} bytes"),
            ));
        }
        let change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let own = || saved_view::Entity::find().filter(saved_view::Column::UserId.eq(person.id));
        let same = own()
            .filter(saved_view::Column::List.eq(&view.list))
            .filter(saved_view::Column::Name.eq(&view.name));
        if let Some(row) = same.one(change.db()).await? {
            let mut row = row.into_active_model();
            row.query = Set(view.query);
            row.update(change.db()).await?;
        } else {
            if own().count(change.db()).await? >= VIEWS_MAX {
                return Err(StoreError::Conflict(format!(
                    "you keep {VIEWS_MAX} views already; delete one first"
                )));
            }
            let row = saved_view::ActiveModel {
                user_id: Set(person.id),
                list: Set(view.list),
                name: Set(view.name),
                query: Set(view.query),
                ..Default::default()
            };
            row.insert(change.db()).await?;
        }
        change.commit().await.map(drop)
    }

    /// Deletes a view.
    ///
    /// # Errors
    /// There is no such person or view.
    pub async fn remove_view(&self, who: &str, list: &str, name: &str) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let person = find_user(change.db(), who).await?;
        let removed = saved_view::Entity::delete_many()
            .filter(saved_view::Column::UserId.eq(person.id))
            .filter(saved_view::Column::List.eq(list))
            .filter(saved_view::Column::Name.eq(name))
            .exec(change.db())
            .await?;
        if removed.rows_affected == 0 {
            return Err(StoreError::absent(Kind::View, name));
        }
        change.commit().await.map(drop)
    }
}
