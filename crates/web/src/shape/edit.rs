//! Fields of a `PATCH`: absent keeps, `null` clears, a value sets.

use gatehouse_store::Edit;
use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "edit")]`.
pub(crate) fn edit<'de, D, T>(from: D) -> Result<Edit<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.map_or(Edit::Clear, Edit::Set))
}
