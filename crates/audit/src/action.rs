//! The codes of everything that is audited.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is not the code of an action.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not an audited action; see the list in docs/reference/audit.md")]
pub struct UnknownAction(pub String);

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal),+ $(,)?) => {
        /// What was done, as a stable code of the form `noun.verb`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Action {
            $($(#[doc = $doc])+ #[serde(rename = $code)] $variant,)+
        }

        impl Action {
            /// Every action, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What it means, one sentence, for the documentation.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii()),+ }
            }
        }

        impl FromStr for Action {
            type Err = UnknownAction;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(UnknownAction(text.to_owned())),
                }
            }
        }
    };
}

actions! {
    /// A session began: the backend accepted the person.
    SessionOpened = "session.opened",
    /// A session ended; the reason says why.
    SessionClosed = "session.closed",
    /// A connection was refused by the decision.
    SessionDenied = "session.denied",
    /// A permitted connection came to nothing: backend unreachable, login refused, recorder at fault.
    SessionFailed = "session.failed",
    /// Somebody ordered a session to be ended.
    SessionKilled = "session.killed",
    /// Somebody watched a running session.
    SessionWatched = "session.watched",
    /// A session was decided anew and goes on with other terms.
    SessionChanged = "session.changed",
    /// A recording was shown.
    RecordingViewed = "recording.viewed",
    /// Recordings were searched; the words are in the detail.
    RecordingSearched = "recording.searched",
    /// A recording left the gate as a file.
    RecordingExported = "recording.exported",
    /// A recording was compared with its manifest.
    RecordingVerified = "recording.verified",
    /// A session could not be recorded, or not in full.
    RecordingFailed = "recording.failed",
    /// A recording that was left open was closed at a later start of its node, when its session had been closed before.
    RecordingSealed = "recording.sealed",
    /// A key that signs recordings was made; the one before it is retired.
    RecordingKeyGenerated = "recording_key.generated",
    /// A forward was opened.
    ForwardOpened = "forward.opened",
    /// A connection went through a forward.
    ForwardConnected = "forward.connected",
    /// A forward was closed because it is not permitted any more.
    ForwardClosed = "forward.closed",
    /// A forward was refused.
    ForwardDenied = "forward.denied",
    /// Access was granted.
    PolicyGranted = "policy.granted",
    /// The terms of a grant were changed.
    PolicyEdited = "policy.edited",
    /// A grant was given a later end.
    PolicyRenewed = "policy.renewed",
    /// A grant was taken back.
    PolicyRevoked = "policy.revoked",
    /// A grant was deleted.
    PolicyRemoved = "policy.removed",
    /// A grant was made from another one.
    PolicyCloned = "policy.cloned",
    /// Somebody asked for access.
    RequestCreated = "request.created",
    /// A request was approved; access was given with it.
    RequestApproved = "request.approved",
    /// A request was denied.
    RequestDenied = "request.denied",
    /// A request was taken back by the person who asked.
    RequestWithdrawn = "request.withdrawn",
    /// A request was not decided in time.
    RequestExpired = "request.expired",
    /// Access opened by break-glass was reviewed.
    RequestReviewed = "request.reviewed",
    /// Somebody opened access at once by break-glass, or tried to.
    BreakGlassOpened = "breakglass.opened",
    /// Access opened by break-glass was not reviewed within a day.
    BreakGlassUnreviewed = "breakglass.unreviewed",
    /// Somebody was made an approver of a group of servers.
    ApproverAdded = "approver.added",
    /// Somebody is no approver of a group of servers any more.
    ApproverRemoved = "approver.removed",
    /// A rule was made by which requests are approved by themselves.
    ApprovalRuleAdded = "approval_rule.added",
    /// A rule by which requests are approved by themselves was changed.
    ApprovalRuleEdited = "approval_rule.edited",
    /// A rule by which requests are approved by themselves was deleted.
    ApprovalRuleRemoved = "approval_rule.removed",
    /// A person was entered.
    UserAdded = "user.added",
    /// A person's entry was changed.
    UserEdited = "user.edited",
    /// A person was switched on.
    UserEnabled = "user.enabled",
    /// A person was switched off.
    UserDisabled = "user.disabled",
    /// A person was deleted; the history stays.
    UserRemoved = "user.removed",
    /// A person's password was set.
    UserPassword = "user.password",
    /// A person signed in to the pages.
    SignInOpened = "signin.opened",
    /// A sign-in was refused: wrong password, code or passkey, or too many tries.
    SignInFailed = "signin.failed",
    /// A sign-in was ended by its person or by an administrator.
    SignInClosed = "signin.closed",
    /// A person proved again who they are.
    SignInConfirmed = "signin.confirmed",
    /// A token was made.
    TokenCreated = "token.created",
    /// A token was taken back.
    TokenRevoked = "token.revoked",
    /// A person got a further way to sign in.
    FactorAdded = "factor.added",
    /// A way to sign in was taken away.
    FactorRemoved = "factor.removed",
    /// A recovery code was used in place of a code.
    FactorRecovered = "factor.recovered",
    /// A link was made by which a person sets up how to sign in.
    SetupLinkMade = "setup_link.made",
    /// Such a link was used.
    SetupLinkUsed = "setup_link.used",
    /// A source address was entered.
    AddressAdded = "address.added",
    /// A source address was switched on.
    AddressEnabled = "address.enabled",
    /// A source address was switched off.
    AddressDisabled = "address.disabled",
    /// A source address was deleted.
    AddressRemoved = "address.removed",
    /// A public key was registered.
    KeyAdded = "key.added",
    /// A public key was deleted.
    KeyRemoved = "key.removed",
    /// A group of people was made.
    GroupAdded = "group.added",
    /// A group of people was changed.
    GroupEdited = "group.edited",
    /// A group of people was deleted.
    GroupRemoved = "group.removed",
    /// A person joined a group.
    GroupMemberAdded = "group.member_added",
    /// A person left a group.
    GroupMemberRemoved = "group.member_removed",
    /// A server was entered.
    ServerAdded = "server.added",
    /// A server's entry was changed.
    ServerEdited = "server.edited",
    /// A server was switched on.
    ServerEnabled = "server.enabled",
    /// A server was switched off.
    ServerDisabled = "server.disabled",
    /// A server was deleted; the history stays.
    ServerRemoved = "server.removed",
    /// A group of servers was made.
    ServerGroupAdded = "server_group.added",
    /// A group of servers was changed.
    ServerGroupEdited = "server_group.edited",
    /// A group of servers was deleted.
    ServerGroupRemoved = "server_group.removed",
    /// A server joined a group.
    ServerGroupMemberAdded = "server_group.member_added",
    /// A server left a group.
    ServerGroupMemberRemoved = "server_group.member_removed",
    /// A server's host key was seen for the first time and pinned.
    HostKeyPinned = "hostkey.pinned",
    /// A server showed another host key than the pinned one; it waits for an administrator.
    HostKeyChanged = "hostkey.changed",
    /// A waiting host key was accepted.
    HostKeyAccepted = "hostkey.accepted",
    /// The host keys of a server were forgotten.
    HostKeyForgotten = "hostkey.forgotten",
    /// The gate made host keys of its own.
    HostKeyGenerated = "hostkey.generated",
    /// A credential was stored.
    CredentialAdded = "credential.added",
    /// A credential was deleted.
    CredentialRemoved = "credential.removed",
    /// A stored credential was used to log in.
    CredentialUsed = "credential.used",
    /// A range of proxy addresses was added.
    PoolAdded = "pool.added",
    /// A range of proxy addresses was removed.
    PoolRemoved = "pool.removed",
    /// A proxy address was given to a server.
    PoolAssigned = "pool.assigned",
    /// A proxy address was taken back.
    PoolReleased = "pool.released",
    /// A right was given to a person or a group.
    RightAdded = "right.added",
    /// A right was taken from a person or a group.
    RightRemoved = "right.removed",
    /// A person or a server was locked.
    LockAdded = "lock.added",
    /// A lock was lifted.
    LockRemoved = "lock.removed",
    /// A source was blocked.
    BlockAdded = "block.added",
    /// A block was lifted.
    BlockRemoved = "block.removed",
    /// The configuration was loaded or reloaded.
    ConfigLoaded = "config.loaded",
    /// The audit book was verified.
    AuditVerified = "audit.verified",
    /// A node's own check found that the audit book is not what was written.
    AuditBroken = "audit.broken",
    /// Somebody asked for an alert, to see whether it arrives.
    AlertTested = "alert.tested",
    /// A limit that holds for all sources together was exceeded.
    LimitReached = "limit.reached",
    /// A node began to serve.
    NodeStarted = "node.started",
    /// A node stopped serving.
    NodeStopped = "node.stopped",
    /// The authority was made whose certificates nodes recognise each other by.
    NodeAuthorityMade = "node.authority_made",
    /// The store was made or brought to a newer form.
    StoreMigrated = "store.migrated",
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_nouns_and_verbs_that_read_back() {
        let mut seen = HashSet::new();
        for action in Action::ALL {
            let (noun, verb) = action.code().split_once('.').unwrap();
            assert!(
                [noun, verb]
                    .iter()
                    .all(|w| w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')),
                "{action}"
            );
            assert!(seen.insert(action.code()), "{action} twice");
            assert_eq!(action.code().parse::<Action>().unwrap(), *action);
            assert_eq!(serde_json::to_string(action).unwrap(), format!("\"{action}\""));
            assert!(action.meaning().ends_with('.'), "{action} has no meaning");
        }
        assert!("session.exploded".parse::<Action>().is_err());
    }
}
