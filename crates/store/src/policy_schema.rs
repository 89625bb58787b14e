//! How a grant is described in OpenAPI.

use std::borrow::Cow;

use gatehouse_model::{
    AddressRange, BinaryMode, DestinationRule, ForwardCapture, InputMode, Login, PolicyId, PortRange,
    Protocol, RecordMode, Right, SpanSeconds, Timestamp,
};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::{Policy, PolicyState};

/// A grant.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the JSON of a policy")]
struct Described {
    /// The id.
    id: PolicyId,
    /// The person's name, if it is for one.
    user: Option<String>,
    /// The group's name, if it is for one.
    group: Option<String>,
    /// The server's name, if it is for one.
    server: Option<String>,
    /// The server group's name, if it is for one.
    server_group: Option<String>,
    /// The one protocol it is for; `null`: every protocol.
    protocol: Option<Protocol>,
    /// The source addresses it is bound to; `null`: any of the person's.
    from: Option<AddressRange>,
    /// The logins it allows; empty: any.
    logins: Vec<Login>,
    /// From when.
    start: Timestamp,
    /// Until when, exclusive; `null`: no end.
    end: Option<Timestamp>,
    /// Recurring windows in words; empty: always within start and end.
    schedules: Vec<String>,
    /// Whether the schedules count.
    use_schedules: bool,
    /// What may be forwarded.
    forwarding: PolicyForwarding,
    /// All rights it carries.
    rights: Vec<Right>,
    /// Strict or best effort; `null`: as configured.
    record_mode: Option<RecordMode>,
    /// What of binary runs is kept; `null`: as configured.
    record_binary: Option<BinaryMode>,
    /// What of typed input is kept; `null`: as configured.
    record_input: Option<InputMode>,
    /// Whether the bytes of forwards are kept; `null`: as configured.
    record_forwards: Option<ForwardCapture>,
    /// Idle time after which a session ends; `null`: none.
    idle: Option<SpanSeconds>,
    /// Longest session; `null`: none.
    max_length: Option<SpanSeconds>,
    /// Where it is in its life.
    state: PolicyState,
    /// Why it was made.
    reason: Option<String>,
    /// When it was taken back.
    revoked_at: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
    /// By whom.
    created_by: String,
}

/// What may be forwarded.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the JSON of a policy")]
struct PolicyForwarding {
    /// From the client through the server.
    local: bool,
    /// From the server back to the client.
    remote: bool,
    /// Unix sockets, both ways.
    unix: bool,
    /// Where local forwards may lead; empty: anywhere.
    destinations: Vec<DestinationRule>,
    /// Ports that forwards may not have.
    blocked_ports: Vec<PortRange>,
}

impl PartialSchema for Policy {
    fn schema() -> RefOr<Schema> {
        Described::schema()
    }
}

impl ToSchema for Policy {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Policy")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Described::schemas(schemas);
    }
}
