//! How bodies with the terms of a grant are described in OpenAPI; `terms` reads them field by field.

use gatehouse_model::{
    AddressRange, BinaryMode, DestinationRule, ForwardCapture, InputMode, Login, Protocol, RecordMode, Right,
    SpanSeconds, Timestamp,
};
use serde_json::Value;
use utoipa::ToSchema;

/// The terms of a grant. For a new one: `user` or `group`, `server` or `server_group`; all else may be left out. For a
/// change: what is absent stays, `null` clears.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the body")]
pub(super) struct PolicyTerms {
    /// The person it is for, by name or id.
    user: Option<String>,
    /// The group of people it is for, with every group below.
    group: Option<String>,
    /// The server it is for, by name or id.
    server: Option<String>,
    /// The group of servers it is for, with every group below.
    server_group: Option<String>,
    /// The one protocol it is for; `null`: every protocol.
    protocol: Option<Protocol>,
    /// The source addresses it is bound to; `null`: any of the person's.
    from: Option<AddressRange>,
    /// The logins it allows; empty: any.
    logins: Option<Vec<Login>>,
    /// From when; now if absent.
    #[schema(value_type = Option<String>, example = "2026-01-31 08:00")]
    start: Option<Timestamp>,
    /// Until when; `null`: no end.
    #[schema(value_type = Option<String>, example = "2026-02-28T18:00:00Z")]
    end: Option<Timestamp>,
    /// In the place of `end`: for how long, or `permanent`.
    #[schema(rename = "for", example = "30d")]
    length: Option<String>,
    /// Recurring windows, each in words or as an object; empty: always within start and end.
    #[schema(value_type = Option<Vec<Value>>, example = json!(["Mon-Fri 08:00-16:00 Europe/Warsaw"]))]
    schedules: Option<Vec<Value>>,
    /// Whether the schedules count.
    use_schedules: Option<bool>,
    /// What may be forwarded; adds to `rights`.
    forwarding: Option<ForwardingTerms>,
    /// Rights it carries.
    rights: Option<Vec<Right>>,
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
    /// Why, for people.
    reason: Option<String>,
}

/// What may be forwarded. What is absent stays as it is, or is not allowed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the body")]
struct ForwardingTerms {
    /// From the client through the server.
    local: Option<bool>,
    /// From the server back to the client.
    remote: Option<bool>,
    /// Unix sockets, both ways.
    unix: Option<bool>,
    /// Where local forwards may lead; empty: anywhere.
    destinations: Option<Vec<DestinationRule>>,
    /// Ports that forwards may not have: numbers, or ranges as text.
    #[schema(value_type = Option<Vec<Value>>)]
    blocked_ports: Option<Vec<Value>>,
}
