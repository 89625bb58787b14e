//! `GET /i/{server}`: what a server is, and whether the asker may reach it.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gatehouse_model::{Protocol, format_time};
use gatehouse_policy::{Decision, Destination, Directory, Request, ServerRow, decide};
use serde_json::{Value, json};

use super::access::moment;
use super::answer::{Line, refused};
use super::{Answer, Form, asker};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::site::Site;

/// By its name, its address or one of its proxy addresses.
pub(super) async fn server(
    State(site): State<Site>,
    caller: Caller,
    form: Form,
    Path(named): Path<String>,
) -> Response {
    if let Err(problem) = asker(&site, &caller) {
        return refused(form, problem);
    }
    let directory = site.gate().directory();
    let Some(server) = find(&directory, &named, &caller) else {
        let shown: String = named.chars().filter(|c| !c.is_control()).take(100).collect();
        return refused(
            form,
            Problem::not_found(format!("There is no server {shown:?} here.")),
        );
    };
    let access: Vec<_> = server
        .services
        .iter()
        .map(|(protocol, _)| (*protocol, decided(&directory, server, *protocol, &caller)))
        .collect();
    let (proxies, groups) = placed(&directory, server, &caller);
    let mut lines = vec![
        Line::Plain(format!("{} ({})", server.name, server.address)),
        Line::Field("Proxy IP", or(&proxies, "none")),
        Line::Field("Groups", or(&groups, "none")),
    ];
    for (protocol, decision) in &access {
        lines.push(Line::Field(
            "Your access",
            format!("{} {}", protocol.label(), words(decision)),
        ));
    }
    let value = json!({
        "server": server.name,
        "address": server.address,
        "proxies": proxies,
        "groups": groups,
        "access": access.iter().map(|(protocol, decision)| told(*protocol, decision)).collect::<Vec<_>>(),
    });
    Answer {
        form,
        status: StatusCode::OK,
        lines,
        value,
    }
    .into_response()
}

/// A server by name, address or proxy address.
pub(crate) fn find<'d>(directory: &'d Directory, named: &str, caller: &Caller) -> Option<&'d ServerRow> {
    directory.server_named(named).or_else(|| {
        let proxy = named.parse().ok()?;
        directory.server_at_proxy(proxy, caller.now)
    })
}

fn decided(directory: &Directory, server: &ServerRow, protocol: Protocol, caller: &Caller) -> Decision {
    let request = Request {
        source: caller.source,
        destination: Destination::Server(server.id),
        protocol,
        login: None,
        at: caller.now,
    };
    decide(directory, &request)
}

/// The proxy addresses of a server and the groups that it is in.
fn placed(directory: &Directory, server: &ServerRow, caller: &Caller) -> (Vec<String>, Vec<String>) {
    let allocations = directory.allocations_of(server.id);
    let proxies = allocations
        .iter()
        .filter(|allocation| allocation.until.is_none_or(|until| until > caller.now))
        .map(|allocation| allocation.proxy.to_string());
    let groups = directory.groups_of_server(server.id);
    (
        proxies.collect(),
        groups.iter().map(|group| group.name.to_string()).collect(),
    )
}

fn or(names: &[String], none: &str) -> String {
    if names.is_empty() {
        none.to_owned()
    } else {
        names.join(", ")
    }
}

fn words(decision: &Decision) -> String {
    match decision {
        Decision::Allow(grant) => grant.until.map_or_else(
            || "permanent".to_owned(),
            |until| format!("until {}", moment(until)),
        ),
        Decision::Deny(denial) => format!("no: {}", denial.sentence),
    }
}

fn told(protocol: Protocol, decision: &Decision) -> Value {
    match decision {
        Decision::Allow(grant) => json!({
            "protocol": protocol,
            "decision": "allow",
            "policies": grant.policies,
            "allowed_until": grant.until.map(format_time),
        }),
        Decision::Deny(denial) => json!({
            "protocol": protocol,
            "decision": "deny",
            "reason": denial.reason,
            "detail": denial.sentence,
        }),
    }
}
