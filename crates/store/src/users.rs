//! People.

use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::{AddressRange, Name, Role, Secret, Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect,
};
use serde::Serialize;

use crate::change::Scope;
use crate::diff::changed;
use crate::entity::{policy, user, user_address};
use crate::instant::to_db;
use crate::keyset::count;
use crate::password::{check_password, hash_password};
use crate::policies::remove_policies_of;
use crate::resolve::{find_user, free_text, stored};
use crate::sign_ins::{delete_sign_ins, sign_out_for_good};
use crate::sources::insert_address;
use crate::user_find::{order, wanted};
use crate::user_rows::{ensure_unchanged, find_wanted, mail_address, search_text, view_all, view_one};
use crate::{
    Activity, Count, Edit, Inside, LockState, NewAddress, Page, PageRequest, Sort, Store, StoreError, Tag,
    UserAddress, UserKey, UserSort, Wanted,
};

/// A person to be entered.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The name.
    pub name: Name,
    /// The name in full, for pages.
    pub full_name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// The role within Gatehouse.
    pub role: Role,
    /// The first source addresses.
    pub addresses: Vec<AddressRange>,
}

/// Changes to a person.
#[derive(Clone, Debug, Default)]
pub struct UserEdit {
    /// A new name.
    pub name: Option<Name>,
    /// The name in full.
    pub full_name: Edit<String>,
    /// The mail address.
    pub email: Edit<String>,
    /// A new role.
    pub role: Option<Role>,
    /// Switched on or off.
    pub activity: Option<Activity>,
    /// The state that the change is meant for; `None`: any.
    pub expected: Option<Tag>,
}

/// A person.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The name.
    pub name: Name,
    /// The name in full.
    pub full_name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// The role.
    pub role: Role,
    /// Whether the account is in use.
    pub active: bool,
    /// The lock in force.
    pub lock: Option<LockState>,
    /// The source addresses.
    pub addresses: Vec<UserAddress>,
    /// The registered keys.
    pub keys: Vec<UserKey>,
    /// The names of the groups it is directly in.
    pub groups: Vec<String>,
    /// When it was entered.
    pub created_at: Timestamp,
}

/// Which people to list.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Those whose name, full name or mail address contains this, in any case.
    pub text: Option<String>,
    /// Those directly in this group, by name or id.
    pub group: Option<String>,
    /// Those in use, or those not.
    pub active: Option<bool>,
    /// Those with this role.
    pub role: Option<Role>,
    /// Those with a lock in force, or those without.
    pub locked: Option<bool>,
    /// In which order.
    pub sort: Sort<UserSort>,
}

/// What a typed password is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordCheck {
    /// It is the person's.
    Right,
    /// It is not, or the person has none.
    Wrong,
}

impl Store {
    /// Enters a person, with the first source addresses.
    ///
    /// # Errors
    /// The name is taken, an address is held by somebody else (`inside` says whether a wider or narrower range may
    /// be), or the mail address is none.
    pub async fn add_user(
        &self,
        actor: &Actor,
        now: Timestamp,
        user: NewUser,
        inside: Inside,
    ) -> Result<User, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        ensure_free(change.db(), &user.name, None).await?;
        let full_name = free_text("full_name", user.full_name)?;
        let email = mail_address(user.email)?;
        let row = user::ActiveModel {
            name: Set(user.name.to_string()),
            folded: Set(user.name.folded()),
            search: Set(search_text(&user.name, full_name.as_deref(), email.as_deref())),
            full_name: Set(full_name),
            email: Set(email),
            role: Set(user.role.to_string()),
            active: Set(true),
            locked: Set(false),
            created_at: Set(to_db(now)),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        let addresses: Vec<_> = user.addresses.iter().map(ToString::to_string).collect();
        change.record(
            Draft::new(Action::UserAdded, actor, now)
                .user(&user.name)
                .detail("role", user.role.as_str())
                .detail("email", row.email.clone())
                .detail("addresses", addresses),
        );
        for range in user.addresses {
            insert_address(
                &mut change,
                actor,
                now,
                &row,
                NewAddress {
                    range,
                    label: None,
                    inside,
                },
            )
            .await?;
        }
        let added = view_one(change.db(), now, row).await?;
        change.commit().await?;
        Ok(added)
    }

    /// Lists people, in the order in which they were entered unless another is asked for.
    ///
    /// # Errors
    /// The database cannot be read, the cursor is none, or the group is not known.
    pub async fn users(
        &self,
        now: Timestamp,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<User>, StoreError> {
        let db = self.snapshot().await?;
        let query = user::Entity::find().filter(wanted(&db, now, filter).await?);
        let rows = order(filter.sort).page(&db, query, page).await?;
        Ok(Page {
            items: view_all(&db, now, rows.items).await?,
            next: rows.next,
        })
    }

    /// How many people a filter leaves.
    ///
    /// # Errors
    /// The database cannot be read, or the group is not known.
    pub async fn count_users(&self, now: Timestamp, filter: &UserFilter) -> Result<Count, StoreError> {
        let db = self.snapshot().await?;
        count(&db, user::Entity::find().filter(wanted(&db, now, filter).await?)).await
    }

    /// One person, by name or id.
    ///
    /// # Errors
    /// There is none, or the database cannot be read.
    pub async fn user(&self, now: Timestamp, who: &str) -> Result<User, StoreError> {
        let db = self.snapshot().await?;
        let row = find_user(&db, who).await?;
        view_one(&db, now, row).await
    }

    /// Changes a person's entry.
    ///
    /// # Errors
    /// There is no such person, the new name is taken, or it is no longer in the state that was expected.
    pub async fn edit_user(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        edit: UserEdit,
    ) -> Result<User, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let before = find_user(change.db(), who).await?;
        ensure_unchanged(change.db(), now, &before, edit.expected).await?;
        let name = edit.name.unwrap_or(stored("a name", &before.name)?);
        ensure_free(change.db(), &name, Some(before.id)).await?;
        let full_name = free_text("full_name", edit.full_name.apply(before.full_name.clone()))?;
        let email = mail_address(edit.email.apply(before.email.clone()))?;
        let role = edit.role.unwrap_or(stored("a role", &before.role)?);
        let mut after = before.clone();
        after.search = search_text(&name, full_name.as_deref(), email.as_deref());
        (after.folded, after.name) = (name.folded(), name.to_string());
        (after.full_name, after.email, after.role) = (full_name, email, role.to_string());
        let activity = edit
            .activity
            .filter(|activity| activity.is_enabled() != before.active);
        after.active = activity.map_or(before.active, Activity::is_enabled);
        let mut event = Draft::new(Action::UserEdited, actor, now).user(&before.name);
        event = event.detail("name", changed(&before.name, &after.name));
        event = event.detail("role", changed(&before.role, &after.role));
        event = event.detail("email", changed(&before.email, &after.email));
        event = event.detail("full_name", changed(&before.full_name, &after.full_name));
        let after = after.into_active_model().reset_all().update(change.db()).await?;
        change.record(event);
        if let Some(activity) = activity {
            if !activity.is_enabled() {
                sign_out_for_good(change.db(), before.id).await?;
            }
            change.record(Draft::new(switched(activity), actor, now).user(&after.name));
        }
        let edited = view_one(change.db(), now, after).await?;
        change.commit().await?;
        Ok(edited)
    }

    /// Switches a person on or off. One who is off is denied, on running sessions too.
    ///
    /// # Errors
    /// There is no such person, or it is no longer in the state that was expected.
    pub async fn set_user_activity<'w>(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: impl Into<Wanted<&'w str>>,
        activity: Activity,
    ) -> Result<User, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let row = find_wanted(change.db(), now, who.into()).await?;
        if !activity.is_enabled() {
            sign_out_for_good(change.db(), row.id).await?;
        }
        let mut row = row.into_active_model();
        row.active = Set(activity.is_enabled());
        let row = row.update(change.db()).await?;
        change.record(Draft::new(switched(activity), actor, now).user(&row.name));
        let user = view_one(change.db(), now, row).await?;
        change.commit().await?;
        Ok(user)
    }

    /// Deletes a person with addresses, keys, memberships and grants. Sessions and the audit book stay.
    ///
    /// # Errors
    /// There is no such person, or it is no longer in the state that was expected.
    pub async fn remove_user<'w>(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: impl Into<Wanted<&'w str>>,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let row = find_wanted(change.db(), now, who.into()).await?;
        remove_policies_of(&mut change, actor, now, policy::Column::UserId.eq(row.id)).await?;
        let addresses = user_address::Entity::find()
            .select_only()
            .column(user_address::Column::Range)
            .filter(user_address::Column::UserId.eq(row.id))
            .into_tuple::<String>()
            .all(change.db())
            .await?;
        change.record(
            Draft::new(Action::UserRemoved, actor, now)
                .user(&row.name)
                .detail("addresses", addresses),
        );
        // Addresses, keys, memberships and rights go with the row (`ON DELETE CASCADE`).
        user::Entity::delete_by_id(row.id).exec(change.db()).await?;
        change.commit().await?;
        Ok(())
    }

    /// Sets a person's password, at least [`PASSWORD_MIN`](crate::PASSWORD_MIN) characters. Only its Argon2id hash is kept.
    /// Sign-ins end, but perhaps the one by which it was set.
    ///
    /// # Errors
    /// There is no such person, or the password is too short or too long.
    pub async fn set_user_password(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        password: Secret,
        but: Option<i64>,
    ) -> Result<(), StoreError> {
        let hash = hash_password(password).await?;
        let mut change = self.change(Scope::Directory).await?;
        let row = find_user(change.db(), who).await?;
        let event = Draft::new(Action::UserPassword, actor, now).user(&row.name);
        // Whoever signed in with the password before is to show the new one.
        delete_sign_ins(change.db(), row.id, but).await?;
        let mut row = row.into_active_model();
        row.password_hash = Set(Some(hash));
        row.update(change.db()).await?;
        change.record(event);
        change.commit().await?;
        Ok(())
    }

    /// Compares a typed password with the person's. It takes as long for a person who has none or is not known.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn check_user_password(
        &self,
        who: &str,
        password: Secret,
    ) -> Result<PasswordCheck, StoreError> {
        let hash = match find_user(self.connection(), who).await {
            Ok(row) => row.password_hash,
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        check_password(hash, password).await
    }
}

fn switched(activity: Activity) -> Action {
    match activity {
        Activity::Enabled => Action::UserEnabled,
        Activity::Disabled => Action::UserDisabled,
    }
}

async fn ensure_free(db: &impl ConnectionTrait, name: &Name, own: Option<i64>) -> Result<(), StoreError> {
    let holder = user::Entity::find()
        .filter(user::Column::Folded.eq(name.folded()))
        .one(db)
        .await?;
    match holder {
        Some(holder) if own != Some(holder.id) => Err(StoreError::Conflict(format!(
            "there is a user {:?} already; choose another name",
            holder.name
        ))),
        _ => Ok(()),
    }
}
