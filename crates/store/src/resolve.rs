//! From what people type (a name in any case, or an id) to rows; and what they may have meant.

use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, PrimaryKeyTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::entity::{group, server, user};
use crate::{GroupKind, Kind, StoreError};

/// How many names are looked through for a suggestion.
const NAMES_MAX: u64 = 20_000;
const SUGGESTIONS_MAX: usize = 3;
/// Longest text that is compared with names or looked up as one, in bytes; a name has 64 characters.
const TEXT_MAX: usize = 256;

/// The person with this name or id.
pub(crate) async fn find_user(db: &impl ConnectionTrait, who: &str) -> Result<user::Model, StoreError> {
    let query = user::Entity::find();
    match named::<user::Entity>(db, query, user::Column::Id, user::Column::Folded, who).await? {
        Some(found) => Ok(found),
        None => {
            let names = user::Entity::find().select_only().column(user::Column::Name);
            Err(not_found(
                Kind::User,
                who,
                names_of(db, names, user::Column::Id).await?,
            ))
        }
    }
}

/// The person with this name or id, if there is one. For text from anybody: nothing is suggested, so it costs as much
/// for a name that is known as for one that is not.
pub(crate) async fn known_user(
    db: &impl ConnectionTrait,
    who: &str,
) -> Result<Option<user::Model>, StoreError> {
    let query = user::Entity::find();
    named::<user::Entity>(db, query, user::Column::Id, user::Column::Folded, who).await
}

/// The person with this id, whose row nobody else changes or holds until the end of the transaction: what a person may
/// do and what they have is then decided and written as one.
pub(crate) async fn hold_user(db: &impl ConnectionTrait, id: i64) -> Result<user::Model, StoreError> {
    let held = user::Entity::find_by_id(id).lock(LockType::NoKeyUpdate);
    let held = held.one(db).await?;
    held.ok_or_else(|| StoreError::absent(Kind::User, id))
}

/// The server with this name or id.
pub(crate) async fn find_server(
    db: &impl ConnectionTrait,
    server: &str,
) -> Result<server::Model, StoreError> {
    let query = server::Entity::find();
    match named::<server::Entity>(db, query, server::Column::Id, server::Column::Folded, server).await? {
        Some(found) => Ok(found),
        None => {
            let names = server::Entity::find().select_only().column(server::Column::Name);
            Err(not_found(
                Kind::Server,
                server,
                names_of(db, names, server::Column::Id).await?,
            ))
        }
    }
}

/// The group of this kind with this name or id.
pub(crate) async fn find_group(
    db: &impl ConnectionTrait,
    kind: GroupKind,
    group: &str,
) -> Result<group::Model, StoreError> {
    let of_kind = group::Column::Kind.eq(kind.as_str());
    let query = group::Entity::find().filter(of_kind.clone());
    match named::<group::Entity>(db, query, group::Column::Id, group::Column::Folded, group).await? {
        Some(found) => Ok(found),
        None => {
            let names = group::Entity::find()
                .filter(of_kind)
                .select_only()
                .column(group::Column::Name);
            Err(not_found(
                kind.kind(),
                group,
                names_of(db, names, group::Column::Id).await?,
            ))
        }
    }
}

/// The form in which names are compared.
pub(crate) fn fold(text: &str) -> String {
    text.to_lowercase()
}

async fn named<E>(
    db: &impl ConnectionTrait,
    query: sea_orm::Select<E>,
    id: E::Column,
    folded: E::Column,
    text: &str,
) -> Result<Option<E::Model>, StoreError>
where
    E: EntityTrait<PrimaryKey: PrimaryKeyTrait<ValueType = i64>>,
    E::Model: FromQueryResult,
{
    // PostgreSQL takes no NUL, and nothing that long is a name.
    if text.len() > TEXT_MAX || text.contains('\0') {
        return Ok(None);
    }
    // Names are never of digits alone.
    let query = match text.parse::<i64>() {
        Ok(number) => query.filter(id.eq(number)),
        Err(_) => query.filter(folded.eq(fold(text))),
    };
    Ok(query.one(db).await?)
}

async fn names_of<E: EntityTrait>(
    db: &impl ConnectionTrait,
    names: sea_orm::Select<E>,
    id: E::Column,
) -> Result<Vec<String>, StoreError> {
    Ok(names
        .order_by_asc(id)
        .limit(NAMES_MAX)
        .into_tuple()
        .all(db)
        .await?)
}

/// The error that names the known names closest to what was typed.
pub(crate) fn not_found(kind: Kind, name: &str, known: Vec<String>) -> StoreError {
    // The comparison takes time in proportion to the text.
    let known = if name.len() > TEXT_MAX { Vec::new() } else { known };
    let wanted = fold(name);
    let bound = (wanted.chars().count() / 3).max(1);
    let mut close: Vec<(usize, String)> = known
        .into_iter()
        .filter_map(|known| {
            let folded = fold(&known);
            let distance = strsim::osa_distance(&folded, &wanted);
            let begun = wanted.chars().count() >= 3 && folded.starts_with(&wanted);
            (begun || distance <= bound).then_some((distance, known))
        })
        .collect();
    close.sort();
    close.truncate(SUGGESTIONS_MAX);
    let did_you_mean = close.into_iter().map(|(_, name)| name).collect();
    StoreError::NotFound {
        kind,
        name: name.to_owned(),
        did_you_mean,
    }
}

/// Reads a word or value that the store itself has written.
pub(crate) fn stored<T>(what: &'static str, text: &str) -> Result<T, StoreError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error| StoreError::corrupt(what, error))
}

/// The same for a value that may be absent.
pub(crate) fn stored_opt<T>(what: &'static str, text: Option<&str>) -> Result<Option<T>, StoreError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.map(|text| stored(what, text)).transpose()
}

/// Cleans free text of a field: trimmed, bounded, without control characters; empty text is none.
pub(crate) fn free_text(field: &'static str, text: Option<String>) -> Result<Option<String>, StoreError> {
    const LONGEST: usize = 500;
    let Some(text) = text else { return Ok(None) };
    let trimmed = text.trim();
    if trimmed.chars().count() > LONGEST {
        return Err(StoreError::invalid(
            field,
            format!("the {field} is longer than {LONGEST} characters; shorten it"),
        ));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(StoreError::invalid(
            field,
            format!("the {field} contains a control character; remove it"),
        ));
    }
    Ok((!trimmed.is_empty()).then(|| trimmed.to_owned()))
}

/// Text from outside as it can be kept: cut to a bound, and free of NUL, which PostgreSQL does not keep.
pub(crate) fn outside_text(text: String) -> String {
    const LONGEST: usize = 4_096;
    let mut text = if text.contains('\0') {
        text.replace('\0', "\u{FFFD}")
    } else {
        text
    };
    text.truncate(text.floor_char_boundary(LONGEST));
    text
}

/// A pattern for `LIKE` that finds `text` anywhere in a folded column.
pub(crate) fn contains_pattern(text: &str) -> sea_orm::sea_query::LikeExpr {
    let escaped = fold(text)
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    sea_orm::sea_query::LikeExpr::new(format!("%{escaped}%")).escape('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_name_that_was_meant() {
        let known = || {
            ["p.mojski", "p.mojska", "root", "linux-dev"]
                .map(str::to_owned)
                .to_vec()
        };
        let meant = |name: &str| match not_found(Kind::User, name, known()) {
            StoreError::NotFound { did_you_mean, .. } => did_you_mean,
            other => panic!("{other}"),
        };
        assert_eq!(meant("p.mojsik"), ["p.mojski", "p.mojska"]);
        assert_eq!(meant("LINUX"), ["linux-dev"]);
        assert!(meant("zzz").is_empty());
        assert_eq!(
            not_found(Kind::User, "rot", known()).to_string(),
            "there is no user \"rot\"; did you mean root?"
        );
    }
}
