//! Names of people, servers and groups, and logins at a server.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest [`Name`], in characters.
const NAME_MAX: usize = 64;
/// Longest [`Login`], in bytes: what common systems accept, with room for `user@domain`.
const LOGIN_MAX: usize = 255;

/// The name of a user, a server or a group: 1–64 letters, digits, `.`, `_` or `-`, beginning with a letter or a
/// digit and not of digits alone (so that it is never mistaken for an id). Letters of any script are welcome.
/// Two names are the same if their folded forms are ([`Name::folded`]).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// The text cannot be a name or a login.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name is missing; give 1 to 64 letters, digits, '.', '_' or '-'")]
    Empty,
    /// More than 64 characters.
    #[error("the name {0:?}… is longer than 64 characters; shorten it")]
    TooLong(String),
    /// It begins with a sign.
    #[error("the name {0:?} must begin with a letter or a digit")]
    BadStart(String),
    /// A character that names do not have.
    #[error("the name {0:?} contains {1:?}; use letters, digits, '.', '_' and '-' only")]
    BadCharacter(String, char),
    /// Digits only.
    #[error("the name {0:?} is a number, which could be mistaken for an id; add a letter")]
    Number(String),
    /// A login that is empty.
    #[error("a login is missing; give the account's name at the server, such as root")]
    LoginEmpty,
    /// A login of more than 255 bytes.
    #[error("the login is longer than 255 bytes; no server takes one so long")]
    LoginTooLong,
    /// A login with a control character or a space at its ends.
    #[error("the login {0:?} contains a control character or begins or ends with a space")]
    LoginCharacter(String),
}

impl Name {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which names are compared and searched: lower case in every script.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(first) = text.chars().next() else {
            return Err(NameError::Empty);
        };
        if text.chars().count() > NAME_MAX {
            return Err(NameError::TooLong(text.chars().take(16).collect()));
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-')))
        {
            return Err(NameError::BadCharacter(text.to_owned(), bad));
        }
        if !first.is_alphanumeric() {
            return Err(NameError::BadStart(text.to_owned()));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NameError::Number(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The account's name at a server, exactly as the client sent it: 1–255 bytes of UTF-8 without control
/// characters. Compared byte for byte, as servers do.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Login(String);

impl Login {
    /// The login as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Login {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(NameError::LoginEmpty);
        }
        if text.len() > LOGIN_MAX {
            return Err(NameError::LoginTooLong);
        }
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err(NameError::LoginCharacter(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Login {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Login> for String {
    fn from(login: Login) -> Self {
        login.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_people_use() {
        for good in ["p.mojski", "Ünal", "linux-dev", "7zip", "a", "web_01"] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "-a",
            ".x",
            "a b",
            "a@b",
            "a/b",
            "12",
            "a\n",
            "root%web",
            &"x".repeat(65),
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
        assert_eq!("ÜNAL".parse::<Name>().unwrap().folded(), "ünal");
    }

    #[test]
    fn logins_pass_unchanged_but_for_control_characters() {
        for good in ["root", "user@domain", "DOM\\user", "ü", "a%b"] {
            assert_eq!(good.parse::<Login>().unwrap().as_str(), good);
        }
        for bad in ["", "a\x1b[31m", "a\n", " a", "a\u{85}", &"x".repeat(256)] {
            assert!(bad.parse::<Login>().is_err(), "{bad:?}");
        }
    }
}
