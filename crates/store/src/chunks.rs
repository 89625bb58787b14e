//! Reading many rows by their keys, without exceeding what a statement may hold.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Iterable, PrimaryKeyToColumn, QueryFilter, QueryOrder, Value,
};

use crate::StoreError;

/// Keys of one statement; SQLite takes 32,766 values.
const KEYS: usize = 5_000;

/// All rows whose `column` is one of `keys`, in the order of their own keys within each key.
pub(crate) async fn in_chunks<E: EntityTrait>(
    db: &impl ConnectionTrait,
    column: E::Column,
    keys: &[i64],
) -> Result<Vec<E::Model>, StoreError> {
    in_chunks_of::<E>(db, column, keys).await
}

/// The same with keys of another type.
pub(crate) async fn in_chunks_of<E: EntityTrait>(
    db: &impl ConnectionTrait,
    column: E::Column,
    keys: &[impl Into<Value> + Copy],
) -> Result<Vec<E::Model>, StoreError> {
    let mut rows = Vec::new();
    for chunk in keys.chunks(KEYS) {
        let mut query = E::find().filter(column.is_in(chunk.iter().copied()));
        for key in E::PrimaryKey::iter() {
            query = query.order_by_asc(key.into_column());
        }
        rows.extend(query.all(db).await?);
    }
    Ok(rows)
}
