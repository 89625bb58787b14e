//! The only SQL: the directory of people, servers and grants; sessions and what happens within them; the audit book;
//! sealed secrets; and the change feed that tells every process of a change. SQLite and PostgreSQL, with the same
//! migrations and the same tests.
//!
//! Invariants:
//! - **one-transaction**: a change, its revision and its audit events are committed together or not at all. Every
//!   write begins in one place, which also fixes the order of its steps (`change.rs`).
//! - **gapless**: the audit book is appended to under one lock, numbered without a gap, each line chained to the one
//!   before. Rows of it are never changed or deleted.
//! - **closed-once**: a session's row goes `opening` → `active` → `closed`, each step once, whoever calls how often.
//! - **history-stays**: deleting a person or a server deletes neither sessions nor audit lines; they keep names as
//!   text, and ids are never given again.
//! - **sealed**: private keys and credentials are kept sealed (XChaCha20-Poly1305), bound to their row; passwords of
//!   people as Argon2id hashes. None of them appears in a `Debug`, an error, JSON or the audit book.
//! - **microseconds**: instants are cut to whole microseconds before they are written, on both databases.
//! - **told-with-it**: an alert is raised in the transaction of the event that it tells of, and nowhere else.
//! - **decided-once**: a request for access goes from `pending` to one other state, once; the grant that an approval
//!   makes is written with it. **four-eyes**: nobody decides an own request; the operation itself checks who decides.
//! - **form-readable**: table `meta` tells the form of the database in every version to come; a newer form is refused.
//!
//! Names are compared folded (lower case in every script). Wherever an operation takes a name as text, an id will do.
//! Times are inputs, named `now`; only the change feed and time limits use the clock.
//!
//! Not here: HTTP, SSH, RDP, decisions, files of recordings.

mod activity;
mod alert_hooks;
mod alerts;
mod allocations;
mod anchor;
mod approval_rules;
mod approvers;
mod audit_find;
mod authority;
mod blocks;
mod book;
mod break_glass;
mod ceremonies;
mod change;
mod chunks;
mod credentials;
mod database;
mod denials;
mod diff;
mod directory;
mod entity;
mod error;
mod feed;
mod forward_notes;
mod gate_keys;
mod group_tree;
mod groups;
mod host_keys;
mod idempotency;
mod instant;
mod key;
mod keys;
mod keyset;
mod locks;
mod members;
mod migration;
mod nodes;
mod notices;
mod open;
mod page;
mod passkeys;
mod password;
mod policies;
mod policy_find;
mod policy_inputs;
mod policy_rows;
mod policy_schema;
mod policy_view;
mod pool;
mod pool_view;
mod recording_keys;
mod request_address;
mod request_checks;
mod request_decisions;
mod request_list;
mod request_rights;
mod request_view;
mod requests;
mod resolve;
mod rights;
mod saved_views;
mod seal;
mod search;
mod server_find;
mod server_rows;
mod servers;
mod session_find;
mod session_life;
mod session_list;
mod session_owner;
mod session_view;
mod sessions;
mod setup_links;
mod sign_ins;
mod sort;
mod sources;
mod standing;
mod stats;
mod tag;
mod throttle;
mod tokens;
mod totp;
mod user_find;
mod user_rows;
mod users;
mod verify;

pub use activity::{ForwardId, NewTransfer};
pub use alert_hooks::{AlertPlace, Attempt, DueAlert, Retry};
pub use alerts::{Alert, AlertDelivery, AlertFilter, DENIED_ALERTS_PER_MINUTE, DeliveryState};
pub use anchor::{AnchorLine, RecordingAnchor};
pub use approval_rules::{ApprovalRule, ApprovalRuleEdit, NewApprovalRule};
pub use approvers::Approvers;
pub use audit_find::{AuditFilter, AuditOrder};
pub use authority::NodeAuthority;
pub use blocks::{Block, BlockFilter, BlockLadder, NODE_BLOCKS_MAX, Offence};
pub use book::{AuditReport, SealedHead};
pub use ceremonies::CEREMONIES_MAX;
pub use credentials::{CredentialEntry, CredentialKind, CredentialTrust, NewCredential, StoredCredential};
pub use denials::{DenialFate, Denied};
pub use error::{DatabaseError, KeyError, Kind, StoreError};
pub use forward_notes::{ForwardContext, ForwardLine, ForwardNote};
pub use gate_keys::GateHostKey;
pub use gatehouse_audit::{Action, Actor, AlertKind, Draft, Event, Fault, Head, Outcome, Verdict};
pub use groups::{Group, GroupEdit, GroupFilter, GroupKind, NewGroup};
pub use host_keys::{FirstUse, HostKey, HostKeyState, HostKeyVerdict};
pub use idempotency::{IDEMPOTENCY_SECONDS, Repetition};
pub use keys::UserKey;
pub use keyset::{COUNT_MAX, Count};
pub use locks::{LockState, LockTarget};
pub use nodes::{KillRequest, KillTarget, Node, NodeState};
pub use open::{KeySource, Store, StoreConfig};
pub use page::{Activity, Edit, Page, PageRequest};
pub use passkeys::{NewPasskey, PasskeyEntry, StoredPasskey};
pub use password::PASSWORD_MIN;
pub use policy_inputs::{NewPolicy, Past, PolicyEdit, PolicyFilter, SubjectRef, TargetRef};
pub use policy_view::{Policy, PolicyState};
pub use pool::{Allocation, PoolRange, QUARANTINE_DAYS};
pub use pool_view::{PoolRangeView, PoolView, Resting};
pub use recording_keys::{RecordingKey, RecordingSigningKey};
pub use request_list::{RequestCounts, RequestFilter};
pub use request_rights::{Decider, FourEyes, Reader};
pub use request_view::{
    AccessRequest, Approval, Asked, AutoApproval, NewBreakGlass, NewRequest, RequestDetail, RequestLimits,
    RequestTarget, Review,
};
pub use rights::RightHolder;
pub use saved_views::SavedView;
pub use search::{
    IndexBatch, IndexLine, IndexProgress, IndexState, LINE_MAX, LineKind, SESSION_LINES_MAX, SearchFilter,
    SearchHit, SessionToIndex,
};
pub use servers::{NewServer, ProxyChoice, Server, ServerEdit, ServerFilter, ServerProxy, Service};
pub use session_view::{
    Forward, RecordingSummary, SESSION_IDS_MAX, Session, SessionFilter, SessionForward, Transfer,
};
pub use sessions::{
    Activation, AgentUse, ByteCount, Closing, NewSession, SessionNote, SessionUpdate, Transition,
};
pub use setup_links::{Factors, FirstAdministrator, SETUP_LINK_SECONDS, SetupLink, SetupLinkOwner};
pub use sign_ins::{NewSignIn, SignIn, SignInLimits, SignInState, SignedIn};
pub use sort::{
    AlertSort, BlockSort, Direction, GroupSort, PolicySort, ServerSort, SessionSort, Sort, SortKey, UserSort,
};
pub use sources::{Holder, Inside, NewAddress, UserAddress};
pub use stats::{ActiveCounter, DenialCount, Stats, TopUser};
pub use tag::{Tag, Wanted};
pub use throttle::{CountedTry, KNOWN_DAYS, Try};
pub use tokens::{NewToken, TOKEN_PREFIX, Token, TokenHolder};
pub use totp::{NewTotp, RECOVERY_CODES};
pub use users::{NewUser, PasswordCheck, User, UserEdit, UserFilter};
pub use verify::AuditPace;
