//! With what a person is logged in at the target, and what the target's host key is to the gate.

use gatehouse_model::Secret;
use gatehouse_store::{CredentialKind, CredentialTrust, StoredCredential};

/// What a person has proved beyond their address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// Nothing.
    Address,
    /// A registered key.
    RegisteredKey,
}

impl Proof {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::RegisteredKey => "registered_key",
        }
    }

    pub(crate) fn satisfies(self, trust: CredentialTrust) -> bool {
        self == Self::RegisteredKey || trust == CredentialTrust::AddressIsEnough
    }
}

/// A stored credential, for the login at the target.
#[derive(Clone, Debug)]
pub struct Credential {
    /// What kind.
    pub kind: CredentialKind,
    /// The password or private key.
    pub secret: Secret,
}

impl From<StoredCredential> for Credential {
    fn from(stored: StoredCredential) -> Self {
        Self {
            kind: stored.kind,
            secret: stored.secret,
        }
    }
}

/// What a target's host key is to the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostKeyVerdict {
    /// The pinned one.
    Known,
    /// The first one ever seen there.
    FirstSeen,
    /// Not the pinned one: go no further.
    Changed,
}

/// What becomes of the first host key that a target shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FirstKey {
    /// It is pinned.
    Pin,
    /// It waits for an administrator.
    Hold,
}

/// How the login at the target was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginMethod {
    /// With the person's own agent.
    Agent,
    /// With a stored credential.
    Credential,
    /// With the password that the person typed.
    Password,
    /// By answers to the target's prompts.
    KeyboardInteractive,
}

impl LoginMethod {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Credential => "credential",
            Self::Password => "password",
            Self::KeyboardInteractive => "keyboard-interactive",
        }
    }
}
