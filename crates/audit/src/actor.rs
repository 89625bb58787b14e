//! Who did it.

use std::fmt;

use gatehouse_model::{Name, NodeId, SourceAddr};

/// Who does something that is audited, and from where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    name: String,
    source: Option<SourceAddr>,
}

impl Actor {
    /// Somebody at the command line: `cli:LOGIN@HOST`.
    pub fn cli(login: &str, host: &str) -> Self {
        Self {
            name: format!("cli:{login}@{host}"),
            source: None,
        }
    }

    /// A person known to Gatehouse.
    pub fn user(name: &Name, source: Option<SourceAddr>) -> Self {
        Self {
            name: name.to_string(),
            source,
        }
    }

    /// A node, acting by itself.
    pub fn node(id: NodeId) -> Self {
        Self {
            name: format!("node:{id}"),
            source: None,
        }
    }

    /// Gatehouse itself, as a consequence of something else.
    pub fn system() -> Self {
        Self {
            name: "system".to_owned(),
            source: None,
        }
    }

    /// The name as it stands in the book.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the actor is, if that is known.
    pub fn source(&self) -> Option<SourceAddr> {
        self.source
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}
