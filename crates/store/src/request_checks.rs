//! What has to hold for a request to be made or decided.

use gatehouse_model::{Protocol, RequestState, SpanSeconds, Timestamp};
use sea_orm::ConnectionTrait;

use crate::StoreError;
use crate::entity::{request, server, user};
use crate::request_view::state_of;
use crate::server_rows::services_of;
use crate::standing::acting_role;

/// Makes sure that a person is in use and not locked.
pub(crate) fn ensure_acting(person: &user::Model, now: Timestamp) -> Result<(), StoreError> {
    match acting_role(person, now)? {
        Some(_) => Ok(()),
        None => Err(StoreError::Forbidden(format!(
            "{} is switched off or locked, and cannot ask for access; ask an administrator",
            person.name
        ))),
    }
}

/// Makes sure that a server is in use and offers a protocol.
pub(crate) async fn ensure_offered(
    db: &impl ConnectionTrait,
    server: &server::Model,
    protocol: Protocol,
) -> Result<(), StoreError> {
    if !server.active {
        return Err(StoreError::Conflict(format!(
            "{} is switched off; ask an administrator",
            server.name
        )));
    }
    let services = services_of(db, &[server.id])
        .await?
        .remove(&server.id)
        .unwrap_or_default();
    if services.iter().any(|service| service.protocol == protocol) {
        return Ok(());
    }
    let offered: Vec<_> = services.iter().map(|service| service.protocol.as_str()).collect();
    let offered = if offered.is_empty() {
        "nothing".to_owned()
    } else {
        offered.join(" and ")
    };
    Err(StoreError::invalid(
        "protocol",
        format!("{} does not offer {protocol}; it offers {offered}", server.name),
    ))
}

/// Makes sure that a length is possible.
pub(crate) fn ensure_length(length: SpanSeconds, longest: SpanSeconds) -> Result<SpanSeconds, StoreError> {
    if length > longest {
        return Err(StoreError::invalid(
            "for",
            format!("{length} is longer than is possible here; say {longest} at most"),
        ));
    }
    Ok(length)
}

/// The instant so much later.
pub(crate) fn later(now: Timestamp, span: SpanSeconds) -> Result<Timestamp, StoreError> {
    now.checked_add(span.signed())
        .map_err(|_| StoreError::invalid("for", format!("{span} reaches beyond the last date there is")))
}

/// Makes sure that a request waits for a decision.
pub(crate) fn ensure_pending(row: &request::Model, now: Timestamp) -> Result<(), StoreError> {
    let state = match state_of(row, now)? {
        RequestState::Pending => return Ok(()),
        state => state,
    };
    let by = match &row.decided_by {
        Some(by) => format!(" by {by}"),
        None => String::new(),
    };
    Err(StoreError::Conflict(format!(
        "request #{} is {state}{by} already, and cannot be decided again",
        row.id
    )))
}
