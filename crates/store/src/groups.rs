//! Groups of people and of servers, nested through one parent each.

use std::collections::HashMap;

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{Name, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait,
    IntoActiveModel, QueryFilter, QuerySelect, Select,
};
use serde::Serialize;

use crate::change::Scope;
use crate::diff::changed;
use crate::entity::{group, policy};
use crate::group_tree::{Tree, of_kind};
use crate::instant::{from_db, to_db};
use crate::keyset::{KeyOf, Keyset, count};
use crate::members::{member_names, memberships};
use crate::policies::remove_policies_of;
use crate::resolve::{contains_pattern, find_group, free_text, stored};
use crate::sort::KeyValue;
use crate::{Count, Edit, GroupSort, Kind, Page, PageRequest, Sort, Store, StoreError, Tag, Wanted};

/// The id of a group that has none yet; no row has it.
const NEW: i64 = 0;

/// Which of the two kinds of groups.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupKind {
    /// Groups of people.
    User,
    /// Groups of servers.
    Server,
}

/// A group to be made.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// The name.
    pub name: Name,
    /// The group above, by name or id.
    pub parent: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// Changes to a group.
#[derive(Clone, Debug, Default)]
pub struct GroupEdit {
    /// A new name.
    pub name: Option<Name>,
    /// The group above, by name or id.
    pub parent: Edit<String>,
    /// What it is for.
    pub description: Edit<String>,
    /// The state that the change is meant for; `None`: any.
    pub expected: Option<Tag>,
}

/// A group.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Group {
    /// The id (a `UserGroupId` or a `ServerGroupId`, by its kind).
    pub id: i64,
    /// The name.
    pub name: Name,
    /// The name of the group above.
    pub parent: Option<String>,
    /// The chain of names from the topmost group down to this one.
    pub path: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The names of those directly in it, sorted.
    pub members: Vec<String>,
    /// The names of the groups directly below, sorted.
    pub children: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which groups to list.
#[derive(Clone, Debug, Default)]
pub struct GroupFilter {
    /// Those whose name contains this, in any case.
    pub text: Option<String>,
    /// In which order.
    pub sort: Sort<GroupSort>,
}

impl GroupKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Server => "server",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::User => Kind::Group,
            Self::Server => Kind::ServerGroup,
        }
    }

    fn policy_column(self) -> policy::Column {
        match self {
            Self::User => policy::Column::UserGroupId,
            Self::Server => policy::Column::ServerGroupId,
        }
    }

    fn action(self, of_users: Action, of_servers: Action) -> Action {
        match self {
            Self::User => of_users,
            Self::Server => of_servers,
        }
    }
}

impl Store {
    /// Makes a group.
    ///
    /// # Errors
    /// The name is taken, there is no such parent, or the nesting would be too deep.
    pub async fn add_group(
        &self,
        actor: &Actor,
        now: Timestamp,
        kind: GroupKind,
        new: NewGroup,
    ) -> Result<Group, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let tree = Tree::read(change.db(), kind).await?;
        tree.ensure_free(&new.name, None)?;
        let parent = match &new.parent {
            Some(parent) => Some(find_group(change.db(), kind, parent).await?.id),
            None => None,
        };
        if let Some(parent) = parent {
            tree.ensure_parent(NEW, &new.name, parent)?;
        }
        let row = group::ActiveModel {
            kind: Set(kind.as_str().to_owned()),
            name: Set(new.name.to_string()),
            folded: Set(new.name.folded()),
            parent_id: Set(parent),
            description: Set(free_text("description", new.description)?),
            created_at: Set(to_db(now)),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        let action = kind.action(Action::GroupAdded, Action::ServerGroupAdded);
        change.record(
            Draft::new(action, actor, now)
                .detail("group", row.name.as_str())
                .detail("parent", parent.and_then(|parent| tree.name(parent))),
        );
        let added = view_one(change.db(), kind, row.id).await?;
        change.commit().await?;
        Ok(added)
    }

    /// Lists the groups of a kind, in the order in which they were made.
    ///
    /// # Errors
    /// The database cannot be read, or the cursor is none.
    pub async fn groups(&self, kind: GroupKind, page: &PageRequest) -> Result<Page<Group>, StoreError> {
        self.groups_where(kind, &GroupFilter::default(), page).await
    }

    /// Lists the groups of a kind that a filter leaves.
    ///
    /// # Errors
    /// The database cannot be read, or the cursor is none.
    pub async fn groups_where(
        &self,
        kind: GroupKind,
        filter: &GroupFilter,
        page: &PageRequest,
    ) -> Result<Page<Group>, StoreError> {
        let db = self.snapshot().await?;
        let tree = Tree::read(&db, kind).await?;
        let rows = order(filter.sort).page(&db, wanted(kind, filter), page).await?;
        Ok(Page {
            items: view_all(&db, kind, &tree, rows.items).await?,
            next: rows.next,
        })
    }

    /// How many groups of a kind a filter leaves.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn count_groups(&self, kind: GroupKind, filter: &GroupFilter) -> Result<Count, StoreError> {
        count(self.connection(), wanted(kind, filter)).await
    }

    /// One group, by name or id.
    ///
    /// # Errors
    /// There is none, or the database cannot be read.
    pub async fn group(&self, kind: GroupKind, group: &str) -> Result<Group, StoreError> {
        let db = self.snapshot().await?;
        let row = find_group(&db, kind, group).await?;
        view_one(&db, kind, row.id).await
    }

    /// Changes a group.
    ///
    /// # Errors
    /// There is no such group or parent, the name is taken, the parent would close a cycle or nest too deep, or it is
    /// no longer in the state that was expected.
    pub async fn edit_group(
        &self,
        actor: &Actor,
        now: Timestamp,
        kind: GroupKind,
        group: &str,
        edit: GroupEdit,
    ) -> Result<Group, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let before = find_group(change.db(), kind, group).await?;
        ensure_unchanged(change.db(), kind, before.id, edit.expected).await?;
        let tree = Tree::read(change.db(), kind).await?;
        let name = edit.name.unwrap_or(stored("a name", &before.name)?);
        tree.ensure_free(&name, Some(before.id))?;
        let parent = match edit.parent {
            Edit::Keep => before.parent_id,
            Edit::Clear => None,
            Edit::Set(parent) => {
                let parent = find_group(change.db(), kind, &parent).await?.id;
                tree.ensure_parent(before.id, &name, parent)?;
                Some(parent)
            }
        };
        let mut after = before.clone();
        (after.folded, after.name, after.parent_id) = (name.folded(), name.to_string(), parent);
        after.description = free_text("description", edit.description.apply(before.description.clone()))?;
        let parent_name = |row: &group::Model| row.parent_id.and_then(|parent| tree.name(parent));
        change.record(
            Draft::new(
                kind.action(Action::GroupEdited, Action::ServerGroupEdited),
                actor,
                now,
            )
            .detail("group", before.name.as_str())
            .detail("name", changed(&before.name, &after.name))
            .detail("parent", changed(&parent_name(&before), &parent_name(&after)))
            .detail("description", changed(&before.description, &after.description)),
        );
        after.into_active_model().reset_all().update(change.db()).await?;
        let edited = view_one(change.db(), kind, before.id).await?;
        change.commit().await?;
        Ok(edited)
    }

    /// Deletes a group with its memberships and grants.
    ///
    /// # Errors
    /// There is no such group, there are groups below it, or it is no longer in the state that was expected.
    pub async fn remove_group<'w>(
        &self,
        actor: &Actor,
        now: Timestamp,
        kind: GroupKind,
        group: impl Into<Wanted<&'w str>>,
    ) -> Result<(), StoreError> {
        let Wanted { what, expected } = group.into();
        let mut change = self.change(Scope::Directory).await?;
        let row = find_group(change.db(), kind, what).await?;
        ensure_unchanged(change.db(), kind, row.id, expected).await?;
        let below = Tree::read(change.db(), kind).await?.children(row.id);
        if !below.is_empty() {
            return Err(StoreError::InUse(format!(
                "the {} {:?} has groups below it ({}); move or remove them first",
                kind.kind(),
                row.name,
                below.join(", ")
            )));
        }
        remove_policies_of(&mut change, actor, now, kind.policy_column().eq(row.id)).await?;
        let action = kind.action(Action::GroupRemoved, Action::ServerGroupRemoved);
        change.record(Draft::new(action, actor, now).detail("group", row.name.as_str()));
        // Memberships and rights go with the row (`ON DELETE CASCADE`).
        group::Entity::delete_by_id(row.id).exec(change.db()).await?;
        change.commit().await?;
        Ok(())
    }
}

fn wanted(kind: GroupKind, filter: &GroupFilter) -> Select<group::Entity> {
    let named = |text: &String| Expr::col(group::Column::Folded).like(contains_pattern(text));
    of_kind(kind).filter(Condition::all().add_option(filter.text.as_ref().map(named)))
}

fn order(sort: Sort<GroupSort>) -> Keyset<group::Model, i64> {
    let key = match sort.key {
        GroupSort::CreatedAt => None,
        GroupSort::Name => Some(KeyOf::text(
            Expr::col(group::Column::Folded),
            |row: &group::Model| KeyValue::Text(row.folded.clone()),
        )),
    };
    Keyset::new(sort, key, Expr::col(group::Column::Id), |row| row.id)
}

async fn ensure_unchanged(
    db: &impl ConnectionTrait,
    kind: GroupKind,
    id: i64,
    expected: Option<Tag>,
) -> Result<(), StoreError> {
    match expected {
        Some(_) => Tag::ensure(expected, &view_one(db, kind, id).await?),
        None => Ok(()),
    }
}

async fn view_one(db: &impl ConnectionTrait, kind: GroupKind, id: i64) -> Result<Group, StoreError> {
    let tree = Tree::read(db, kind).await?;
    let rows = tree.groups.get(&id).cloned().into_iter().collect();
    view_all(db, kind, &tree, rows)
        .await?
        .pop()
        .ok_or_else(|| StoreError::absent(kind.kind(), id))
}

async fn view_all(
    db: &impl ConnectionTrait,
    kind: GroupKind,
    tree: &Tree,
    rows: Vec<group::Model>,
) -> Result<Vec<Group>, StoreError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut members = member_names(db, kind, &ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Group {
                id: row.id,
                name: stored("a name", &row.name)?,
                parent: row.parent_id.and_then(|parent| tree.name(parent)),
                path: tree.path(row.id),
                description: row.description,
                members: members.remove(&row.id).unwrap_or_default(),
                children: tree.children(row.id),
                created_at: from_db(row.created_at),
            })
        })
        .collect()
}

/// The names of the groups that people or servers are directly in, by their ids.
pub(crate) async fn groups_of(
    db: &impl ConnectionTrait,
    kind: GroupKind,
    members: &[i64],
) -> Result<HashMap<i64, Vec<String>>, StoreError> {
    let pairs = memberships(db, kind, members).await?;
    let condition = Condition::all().add(group::Column::Kind.eq(kind.as_str()));
    let names: HashMap<i64, String> = group::Entity::find()
        .select_only()
        .columns([group::Column::Id, group::Column::Name])
        .filter(condition)
        .into_tuple::<(i64, String)>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let mut result: HashMap<i64, Vec<String>> = HashMap::new();
    for (group, member) in pairs {
        if let Some(name) = names.get(&group) {
            result.entry(member).or_default().push(name.clone());
        }
    }
    result.values_mut().for_each(|names| names.sort());
    Ok(result)
}
