//! Which state of a thing a change was meant for: two people who change the same thing do not undo each other unseen.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::StoreError;

/// Bytes of a tag: the first of a SHA-256.
const LENGTH: usize = 16;

/// The state in which a thing was seen: the first 16 bytes of the SHA-256 of its JSON, written as 32 hexadecimal
/// digits. Things that are shown differently have different tags.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag([u8; LENGTH]);

impl Tag {
    /// The tag of a thing as the store answers it, such as a [`User`](crate::User).
    ///
    /// # Errors
    /// It cannot be written as JSON, which nothing that the store answers is.
    pub fn of(view: &impl Serialize) -> Result<Self, StoreError> {
        let json = serde_json::to_vec(view).map_err(|error| StoreError::corrupt("a view", error))?;
        let mut tag = [0; LENGTH];
        for (to, from) in tag.iter_mut().zip(Sha256::digest(json)) {
            *to = from;
        }
        Ok(Self(tag))
    }

    /// Refuses a change that was meant for another state than this view's.
    pub(crate) fn ensure(expected: Option<Self>, view: &impl Serialize) -> Result<(), StoreError> {
        match expected {
            Some(expected) if Self::of(view)? != expected => Err(StoreError::Changed),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

impl FromStr for Tag {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let mut tag = [0; LENGTH];
        hex::decode_to_slice(text, &mut tag).map_err(|_| {
            StoreError::invalid(
                "tag",
                "a tag is 32 hexadecimal digits; take the one that came with it",
            )
        })?;
        Ok(Self(tag))
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// What a change is about, and the state it is meant for. A name, an id or a target alone becomes one without a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted<T> {
    /// What.
    pub what: T,
    /// The state in which it must still be; `None`: any.
    pub expected: Option<Tag>,
}

impl<T> Wanted<T> {
    /// Something that must still be in this state, if one is named.
    pub fn unchanged(what: T, expected: Option<Tag>) -> Self {
        Self { what, expected }
    }
}

impl<T> From<T> for Wanted<T> {
    fn from(what: T) -> Self {
        Self { what, expected: None }
    }
}

impl<'a> From<&'a String> for Wanted<&'a str> {
    fn from(what: &'a String) -> Self {
        what.as_str().into()
    }
}

impl<'a> From<&'a gatehouse_model::Name> for Wanted<&'a str> {
    fn from(what: &'a gatehouse_model::Name) -> Self {
        what.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_of_what_is_shown_and_survives_being_written() {
        let tag = Tag::of(&("ana", 1)).unwrap();
        assert_eq!(tag, Tag::of(&("ana", 1)).unwrap());
        assert_ne!(tag, Tag::of(&("ana", 2)).unwrap());
        assert_eq!(tag.to_string().parse::<Tag>().unwrap(), tag);
        for bad in ["", "00", "zz", &"0".repeat(31), &"0".repeat(34)] {
            assert!(bad.parse::<Tag>().is_err(), "{bad:?}");
        }
    }
}
