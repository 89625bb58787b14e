//! Requests as text.

use gatehouse_model::{Login, RequestKind, RequestState};
use gatehouse_store::{AccessRequest, RequestDetail};

use super::Context;
use crate::terminal::{Cell, Fields, Screen, Table, Tone, age, end};

/// What is asked for, in one sentence without its end.
pub(super) fn in_words(request: &AccessRequest) -> String {
    let user = &request.user;
    match (&request.server, request.address) {
        (Some(server), _) => {
            let protocol = request
                .protocol
                .map(|protocol| format!(" by {}", protocol.label()));
            let length = request.length.map(|length| format!(" for {length}"));
            let (protocol, length) = (protocol.unwrap_or_default(), length.unwrap_or_default());
            format!("{user} asks for access to {server}{protocol}{length}")
        }
        (None, Some(address)) => format!("{user} asks for the source address {address}"),
        (None, None) => format!("{user} asks for access"),
    }
}

/// A list of requests.
pub(super) fn table(requests: &[AccessRequest], context: &Context, screen: &Screen) -> String {
    let mut table = Table::new(&[
        "ID",
        "WHO",
        "WHAT",
        "PROTO",
        "FOR",
        "LOGINS",
        "STATE",
        "ASKED",
        "DECIDED BY",
        "REASON",
    ]);
    for request in requests {
        table.row([
            request.id.to_string().into(),
            request.user.as_str().into(),
            what(request).into(),
            request.protocol.map_or("", |protocol| protocol.as_str()).into(),
            request
                .length
                .map(|length| length.to_string())
                .unwrap_or_default()
                .into(),
            logins(request).into(),
            state(request),
            age(context.now, request.created_at).into(),
            request.decided_by.as_deref().unwrap_or_default().into(),
            request.reason.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.render(screen, "no such requests")
}

/// One request with all that hangs on it.
pub(super) fn detail(detail: &RequestDetail, context: &Context, screen: &Screen) -> String {
    let request = &detail.request;
    let joined = |words: Vec<String>| Some(words.join(", ")).filter(|text| !text.is_empty());
    let policy = detail.policy.as_ref().map(|policy| {
        format!(
            "{} ({}, ends {})",
            policy.id,
            policy.state.as_str(),
            end(context.now, policy.rules.end)
        )
    });
    let sessions = detail.sessions.iter().map(|session| session.id.to_string());
    let overlaps = detail
        .overlaps
        .iter()
        .map(|held| format!("{} ({})", held.range, held.user));
    let review = request.review.as_ref().map(|review| {
        let note = review
            .note
            .as_deref()
            .map(|note| format!(": {note}"))
            .unwrap_or_default();
        format!(
            "{} by {}, {}{note}",
            review.verdict,
            review.by,
            age(context.now, review.at)
        )
    });
    let waits = (request.kind == RequestKind::BreakGlass).then(|| "waits for one".to_owned());
    let expires =
        (request.state == RequestState::Pending).then(|| end(context.now, Some(request.expires_at)));
    Fields::new()
        .with("Request", format!("#{}", request.id))
        .with("Who", request.user.as_str())
        .with("What", what(request))
        .maybe("Protocol", request.protocol.map(|protocol| protocol.as_str()))
        .maybe("For", request.length.map(|length| length.to_string()))
        .maybe("Logins", request.server.is_some().then(|| logins(request)))
        .maybe("Reason", request.reason.as_deref())
        .maybe("From", request.source.map(|source| source.to_string()))
        .maybe("Overlaps", joined(overlaps.collect()))
        .with("State", state(request))
        .with("Asked", age(context.now, request.created_at))
        .maybe("Expires", expires)
        .maybe("Decided", request.decided_at.map(|at| age(context.now, at)))
        .maybe("Decided by", request.decided_by.as_deref())
        .maybe("Note", request.note.as_deref())
        .maybe("Policy", policy)
        .maybe("Review", review.or(waits))
        .maybe("Sessions", joined(sessions.collect()))
        .render(screen)
}

fn what(request: &AccessRequest) -> String {
    let address = request.address.map(|address| format!("address {address}"));
    let server = request.server.clone().or(address).unwrap_or_default();
    match request.kind {
        RequestKind::BreakGlass => format!("{server} (break-glass)"),
        RequestKind::Access | RequestKind::Address => server,
    }
}

fn logins(request: &AccessRequest) -> String {
    let logins: Vec<_> = request.logins.iter().map(Login::as_str).collect();
    match (logins.is_empty(), request.server.is_some()) {
        (true, true) => "any".to_owned(),
        _ => logins.join(", "),
    }
}

fn state(request: &AccessRequest) -> Cell {
    let unreviewed = request.kind == RequestKind::BreakGlass && request.review.is_none();
    if unreviewed {
        return Cell::toned("not reviewed", Tone::Warn);
    }
    let tone = match request.state {
        RequestState::Pending => Tone::Warn,
        RequestState::Approved => Tone::Good,
        RequestState::Denied => Tone::Bad,
        RequestState::Withdrawn | RequestState::Expired => Tone::Dim,
    };
    Cell::toned(request.state.as_str(), tone)
}
