//! Lists in pages, and changes to single fields.

use serde::Serialize;

use crate::StoreError;

/// Which part of a list is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PageRequest {
    /// At most this many; `None`: all.
    pub limit: Option<u64>,
    /// Begin after the item that this cursor ([`Page::next`]) names.
    pub after: Option<String>,
}

impl PageRequest {
    /// Everything, in one page.
    pub fn all() -> Self {
        Self::default()
    }

    /// The first `limit` items.
    pub fn first(limit: u64) -> Self {
        Self {
            limit: Some(limit),
            after: None,
        }
    }

    /// How many rows to read: one more than wanted, to know whether there are more.
    pub(crate) fn limit_and_one(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_add(1))
    }

    /// The cursor, where it is a number.
    pub(crate) fn after_number(&self) -> Result<Option<i64>, StoreError> {
        let number = |text: &str| {
            text.parse().map_err(|_| {
                StoreError::invalid(
                    "cursor",
                    format!("{text:?} is not a cursor; take the one that came with the list"),
                )
            })
        };
        self.after.as_deref().map(number).transpose()
    }
}

/// A part of a list.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The same page of other items.
    pub(crate) fn try_map<U, E>(self, map: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        Ok(Page {
            items: self.items.into_iter().map(map).collect::<Result<_, _>>()?,
            next: self.next,
        })
    }

    /// Makes a page of up to `limit` items from a list that was read with one more than that.
    pub(crate) fn cut(mut items: Vec<T>, limit: Option<u64>, cursor: impl Fn(&T) -> String) -> Self {
        let limit = limit
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

/// What becomes of a field that may be empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Edit<T> {
    /// It stays.
    #[default]
    Keep,
    /// It becomes empty.
    Clear,
    /// It gets this value.
    Set(T),
}

impl<T> Edit<T> {
    /// The value after the edit, given the one before.
    pub fn apply(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// Whether something is in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activity {
    /// It is.
    Enabled,
    /// It is switched off, and stays in the store.
    Disabled,
}

impl Activity {
    /// In use, or not.
    pub fn from_switch(on: bool) -> Self {
        if on { Self::Enabled } else { Self::Disabled }
    }

    pub(crate) fn is_enabled(self) -> bool {
        self == Self::Enabled
    }
}
