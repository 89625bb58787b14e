//! Closed lists of words: roles, protocols, operating systems.

use serde::{Deserialize, Serialize};

/// The word is not one of those that are known here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{given:?} is not a {what}; choose one of {choices}")]
pub struct UnknownWord {
    /// What was written.
    pub given: String,
    /// What was wanted, such as "role".
    pub what: &'static str,
    /// The words that would do.
    pub choices: String,
}

/// Declares an enum whose variants are words in text, JSON and database alike.
// `tt`, because a literal that went through a macro is none to the macro that describes it in OpenAPI.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident ($what:literal) { $($(#[$vdoc:meta])* $variant:ident = $word:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownWord {
                        given: text.to_owned(),
                        what: $what,
                        choices: [$($word),+].join(", "),
                    }),
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a person may do to Gatehouse itself. Later ones include earlier ones.
    Role ("role") {
        /// Sees own grants, requests and session rows.
        User = "user",
        /// Reads everything, watches, replays, exports.
        Auditor = "auditor",
        /// Auditor, and kills, locks, blocks, decides requests.
        Operator = "operator",
        /// All, and the directory, policies, credentials, settings.
        Admin = "admin",
    }
}

words! {
    /// A protocol that a server offers and a gate speaks.
    Protocol ("protocol") {
        /// SSH and all that runs over it: shells, commands, SCP, SFTP, rsync, git, forwards.
        Ssh = "ssh",
        /// Remote Desktop.
        Rdp = "rdp",
    }
}

impl Protocol {
    /// The port that a server offers it on unless it says otherwise.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Ssh => 22,
            Self::Rdp => 3389,
        }
    }

    /// The name in capitals, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ssh => "SSH",
            Self::Rdp => "RDP",
        }
    }
}

words! {
    /// What runs on a server; a note for people, never a rule.
    ServerOs ("operating system") {
        /// Linux.
        Linux = "linux",
        /// Windows.
        Windows = "windows",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// Whether a server may be spoken to with algorithms that are no longer trusted. For old machines only.
    #[derive(Default)]
    LegacyAlgorithms ("setting") {
        /// No.
        #[default]
        Off = "off",
        /// Yes, after all others.
        On = "on",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_unknown_ones_list_the_choices() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), *role);
            assert_eq!(serde_json::to_string(role).unwrap(), format!("\"{role}\""));
        }
        assert_eq!(
            "root".parse::<Role>().unwrap_err().to_string(),
            "\"root\" is not a role; choose one of user, auditor, operator, admin"
        );
        assert!(Role::Admin > Role::Operator);
    }
}
