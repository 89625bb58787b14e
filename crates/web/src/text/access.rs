//! `GET /p/list`: what the asker may reach now.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gatehouse_model::{Timestamp, format_time};
use gatehouse_policy::{Directory, Reach, reach_from};
use serde_json::{Value, json};

use super::answer::{Line, refused};
use super::{Answer, Form, asker};
use crate::caller::Caller;
use crate::site::Site;

/// One line for each server and protocol: `[SSH] ADDRESS (NAME) - expires … | permanent`.
pub(super) async fn list(State(site): State<Site>, caller: Caller, form: Form) -> Response {
    if let Err(problem) = asker(&site, &caller) {
        return refused(form, problem);
    }
    let directory = site.gate().directory();
    let reached = reach_from(&directory, caller.source, caller.now);
    let mut lines: Vec<Line> = reached
        .iter()
        .filter_map(|reach| line(&directory, reach, caller.now))
        .map(Line::Plain)
        .collect();
    if lines.is_empty() {
        let url = site.settings().public_url.as_str();
        lines.push(Line::Plain(format!(
            "No active grants.\nAsk for one: curl {url}/p/request/ssh/SERVER"
        )));
    }
    Answer {
        form,
        status: StatusCode::OK,
        lines,
        value: Value::Array(
            reached
                .iter()
                .filter_map(|reach| value(&directory, reach, caller.now))
                .collect(),
        ),
    }
    .into_response()
}

fn line(directory: &Directory, reach: &Reach, now: Timestamp) -> Option<String> {
    let server = directory.server(reach.grant.server)?;
    let address = address(directory, reach, now).unwrap_or_else(|| server.address.to_string());
    let until = match reach.grant.until {
        Some(until) => format!("expires {}", moment(until)),
        None => "permanent".to_owned(),
    };
    Some(format!(
        "[{}] {address} ({}) - {until}",
        reach.protocol.label(),
        server.name
    ))
}

/// What one may reach, as JSON.
pub(super) fn value(directory: &Directory, reach: &Reach, now: Timestamp) -> Option<Value> {
    let server = directory.server(reach.grant.server)?;
    Some(json!({
        "protocol": reach.protocol,
        "server": server.name,
        "proxy": address(directory, reach, now),
        "policies": reach.grant.policies,
        "allowed_until": reach.grant.until.map(format_time),
    }))
}

/// The proxy address by which the server is reached.
fn address(directory: &Directory, reach: &Reach, now: Timestamp) -> Option<String> {
    let allocations = directory.allocations_of(reach.grant.server);
    let mut valid = allocations
        .into_iter()
        .filter(|allocation| allocation.until.is_none_or(|until| until > now));
    valid.next().map(|allocation| allocation.proxy.to_string())
}

/// An instant as people read it: UTC, to the minute.
pub(super) fn moment(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
