//! Between people and the rows that hold them.

use gatehouse_model::{Name, Timestamp, UserId};
use sea_orm::ConnectionTrait;

use crate::User;
use crate::entity::user;
use crate::groups::groups_of;
use crate::instant::from_db;
use crate::keys::keys_of;
use crate::resolve::{find_user, fold, free_text, stored};
use crate::sources::addresses_of;
use crate::{GroupKind, Kind, LockState, StoreError, Tag, Wanted};

/// What is searched in, folded, because databases fold ASCII only.
pub(crate) fn search_text(name: &Name, full_name: Option<&str>, email: Option<&str>) -> String {
    fold(
        &[
            name.as_str(),
            full_name.unwrap_or_default(),
            email.unwrap_or_default(),
        ]
        .join("\n"),
    )
}

pub(crate) fn mail_address(text: Option<String>) -> Result<Option<String>, StoreError> {
    let text = free_text("email", text)?;
    if let Some(text) = &text {
        let sound = text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if !sound || text.contains(char::is_whitespace) {
            return Err(StoreError::invalid(
                "email",
                format!("{text:?} is not a mail address; write one such as ana@example.com"),
            ));
        }
    }
    Ok(text)
}

/// The person that is wanted, who must be in the state that is expected.
pub(crate) async fn find_wanted(
    db: &impl ConnectionTrait,
    now: Timestamp,
    who: Wanted<&str>,
) -> Result<user::Model, StoreError> {
    let row = find_user(db, who.what).await?;
    ensure_unchanged(db, now, &row, who.expected).await?;
    Ok(row)
}

pub(crate) async fn ensure_unchanged(
    db: &impl ConnectionTrait,
    now: Timestamp,
    row: &user::Model,
    expected: Option<Tag>,
) -> Result<(), StoreError> {
    match expected {
        Some(_) => Tag::ensure(expected, &view_one(db, now, row.clone()).await?),
        None => Ok(()),
    }
}

pub(crate) async fn view_one(
    db: &impl ConnectionTrait,
    now: Timestamp,
    row: user::Model,
) -> Result<User, StoreError> {
    let id = row.id;
    let mut users = view_all(db, now, vec![row]).await?;
    users.pop().ok_or_else(|| StoreError::absent(Kind::User, id))
}

pub(crate) async fn view_all(
    db: &impl ConnectionTrait,
    now: Timestamp,
    rows: Vec<user::Model>,
) -> Result<Vec<User>, StoreError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut addresses = addresses_of(db, &ids).await?;
    let mut keys = keys_of(db, &ids).await?;
    let mut groups = groups_of(db, GroupKind::User, &ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(User {
                id: UserId(row.id),
                name: stored("a name", &row.name)?,
                full_name: row.full_name,
                email: row.email,
                role: stored("a role", &row.role)?,
                active: row.active,
                lock: LockState::in_force(row.locked, row.locked_until, row.lock_reason, now),
                addresses: addresses.remove(&row.id).unwrap_or_default(),
                keys: keys.remove(&row.id).unwrap_or_default(),
                groups: groups.remove(&row.id).unwrap_or_default(),
                created_at: from_db(row.created_at),
            })
        })
        .collect()
}
