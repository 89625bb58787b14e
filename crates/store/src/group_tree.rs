//! All groups of a kind as one tree.

use std::collections::HashMap;

use gatehouse_model::{Name, UserGroupId};
use gatehouse_policy::{GroupRow, check_parent};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::entity::group;
use crate::resolve::stored;
use crate::{GroupKind, StoreError};

pub(crate) fn of_kind(kind: GroupKind) -> sea_orm::Select<group::Entity> {
    group::Entity::find().filter(group::Column::Kind.eq(kind.as_str()))
}

/// All groups of a kind, for what has to be known of the whole tree.
pub(crate) struct Tree {
    pub(crate) kind: GroupKind,
    pub(crate) groups: HashMap<i64, group::Model>,
}

impl Tree {
    pub(crate) async fn read(db: &impl ConnectionTrait, kind: GroupKind) -> Result<Self, StoreError> {
        let rows = of_kind(kind).all(db).await?;
        Ok(Self {
            kind,
            groups: rows.into_iter().map(|row| (row.id, row)).collect(),
        })
    }

    pub(crate) fn name(&self, id: i64) -> Option<String> {
        self.groups.get(&id).map(|row| row.name.clone())
    }

    /// The group and those above it, the lowest first. Bounded, should the table hold a cycle after all.
    pub(crate) fn upwards(&self, id: i64) -> Vec<&group::Model> {
        let mut chain = Vec::new();
        let mut next = Some(id);
        while let Some(row) = next.and_then(|id| self.groups.get(&id))
            && chain.len() <= self.groups.len()
        {
            chain.push(row);
            next = row.parent_id;
        }
        chain
    }

    pub(crate) fn path(&self, id: i64) -> Vec<String> {
        self.upwards(id)
            .into_iter()
            .rev()
            .map(|row| row.name.clone())
            .collect()
    }

    pub(crate) fn children(&self, id: i64) -> Vec<String> {
        let mut names: Vec<_> = self
            .groups
            .values()
            .filter(|row| row.parent_id == Some(id))
            .map(|row| row.name.clone())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn ensure_free(&self, name: &Name, own: Option<i64>) -> Result<(), StoreError> {
        let folded = name.folded();
        match self
            .groups
            .values()
            .find(|row| row.folded == folded && own != Some(row.id))
        {
            Some(holder) => Err(StoreError::Conflict(format!(
                "there is a {} {:?} already; choose another name",
                self.kind.kind(),
                holder.name
            ))),
            None => Ok(()),
        }
    }

    /// Whether the group, which may be about to be made, can have this parent.
    pub(crate) fn ensure_parent(&self, id: i64, name: &Name, parent: i64) -> Result<(), StoreError> {
        let others = self.groups.values().filter(|row| row.id != id);
        let mut rows = others
            .map(|row| directory_row(row.id, &row.name, row.parent_id))
            .collect::<Result<Vec<_>, _>>()?;
        let own_parent = self.groups.get(&id).and_then(|row| row.parent_id);
        rows.push(directory_row(id, name.as_str(), own_parent)?);
        check_parent(&rows, UserGroupId(id), UserGroupId(parent))
            .map_err(|error| StoreError::invalid("parent", error))
    }
}

/// For the check both kinds of ids are alike.
fn directory_row(id: i64, name: &str, parent: Option<i64>) -> Result<GroupRow<UserGroupId>, StoreError> {
    Ok(GroupRow {
        id: UserGroupId(id),
        name: stored("a name", name)?,
        parent: parent.map(UserGroupId),
    })
}
