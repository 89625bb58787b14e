//! The tables as types. What they mean is in the migrations and in the modules that use them.
#![expect(unreachable_pub, reason = "the derive wants its types public")]

pub(crate) mod prelude {
    pub use sea_orm::entity::prelude::*;
}

pub(crate) mod alert;
pub(crate) mod alert_delivery;
pub(crate) mod allocation;
pub(crate) mod approval_rule;
pub(crate) mod approver;
pub(crate) mod audit;
pub(crate) mod block;
pub(crate) mod ceremony;
pub(crate) mod credential;
pub(crate) mod forward;
pub(crate) mod gate_key;
pub(crate) mod group;
pub(crate) mod group_right;
pub(crate) mod host_key;
pub(crate) mod idempotent;
pub(crate) mod kill_request;
pub(crate) mod known_source;
pub(crate) mod meta;
pub(crate) mod node;
pub(crate) mod node_authority;
pub(crate) mod passkey;
pub(crate) mod policy;
pub(crate) mod policy_term;
pub(crate) mod pool_range;
pub(crate) mod recording_key;
pub(crate) mod recovery_code;
pub(crate) mod released_address;
pub(crate) mod request;
pub(crate) mod saved_view;
pub(crate) mod search_line;
pub(crate) mod search_state;
pub(crate) mod server;
pub(crate) mod server_member;
pub(crate) mod server_service;
pub(crate) mod session;
pub(crate) mod session_policy;
pub(crate) mod setup_link;
pub(crate) mod sign_in;
pub(crate) mod sign_in_failure;
pub(crate) mod token;
pub(crate) mod totp_secret;
pub(crate) mod transfer;
pub(crate) mod user;
pub(crate) mod user_address;
pub(crate) mod user_key;
pub(crate) mod user_member;
pub(crate) mod user_right;
