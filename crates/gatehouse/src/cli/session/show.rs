//! `gatehouse session list` and `gatehouse session show`.

use gatehouse_model::SessionState;
use gatehouse_store::{PageRequest, Session, SessionFilter};

use super::{List, find};
use crate::cli::{Answer, Context};
use crate::failure::Failure;
use crate::terminal::{Cell, Fields, Screen, Table, Tone, age, bytes, end, length};

pub(super) async fn list(arguments: List, context: &Context) -> Result<Answer, Failure> {
    let filter = SessionFilter {
        state: arguments.active.then_some(SessionState::Active),
        user: arguments.user,
        server: arguments.server,
        protocol: arguments.protocol,
        since: arguments.since.map(|since| since.instant(context.now)),
        ..SessionFilter::default()
    };
    let page = PageRequest {
        limit: arguments.limit,
        after: None,
    };
    let sessions = context.store.sessions(context.now, &filter, &page).await?.items;
    context.answer(&sessions, |screen| {
        let mut table = Table::new(&[
            "ID", "USER", "AT", "PROTO", "FROM", "BEGAN", "FOR", "IN", "OUT", "STATE", "ENDED BY",
        ]);
        for session in &sessions {
            table.row(row(session, context));
        }
        table.render(screen, "no sessions")
    })
}

fn row(session: &Session, context: &Context) -> [Cell; 11] {
    let (state, tone) = state(session);
    [
        session.id.to_string().into(),
        session.user.as_str().into(),
        place(session).into(),
        session
            .subsystem
            .as_deref()
            .unwrap_or_else(|| session.protocol.as_str())
            .into(),
        session.source.to_string().into(),
        age(context.now, session.started_at).into(),
        length(session.duration_seconds).into(),
        bytes(session.bytes_in).into(),
        bytes(session.bytes_out).into(),
        Cell::toned(state, tone),
        session.ended_by.as_deref().unwrap_or_default().into(),
    ]
}

fn place(session: &Session) -> String {
    let login = session
        .login
        .as_deref()
        .map(|login| format!("{login}@"))
        .unwrap_or_default();
    format!("{login}{}", session.server)
}

fn state(session: &Session) -> (&'static str, Tone) {
    match (session.state, session.end_reason) {
        (SessionState::Closed, Some(reason)) => (reason.as_str(), Tone::Dim),
        (SessionState::Active, _) => ("active", Tone::Good),
        (state, _) => (state.as_str(), Tone::Plain),
    }
}

pub(super) async fn show(prefix: &str, context: &Context) -> Result<Answer, Failure> {
    let session = find(prefix, context).await?;
    context.answer(&session, |screen| shown(&session, context, screen))
}

fn shown(session: &Session, context: &Context, screen: &Screen) -> String {
    let mut parts = vec![fields(session, context, screen)];
    if !session.transfers.is_empty() {
        parts.push(transfers(session, context, screen));
    }
    if !session.forwards.is_empty() {
        parts.push(forwards(session, context, screen));
    }
    parts.join("\n")
}

fn fields(session: &Session, context: &Context, screen: &Screen) -> String {
    let (state, tone) = state(session);
    let policies: Vec<_> = session.policies.iter().map(ToString::to_string).collect();
    let ended = session
        .ended_at
        .map(|at| format!("{at} ({})", age(context.now, at)));
    let recording = session
        .recording
        .as_ref()
        .map(|it| format!("{} ({}, {})", it.path, bytes(it.size), it.files.join(" ")));
    Fields::new()
        .with("Session", session.id.to_string())
        .with(
            "Who",
            format!("{} from {}:{}", session.user, session.source, session.source_port),
        )
        .with("Where", format!("{} ({})", place(session), session.backend))
        .with(
            "Protocol",
            session.subsystem.as_deref().map_or_else(
                || session.protocol.to_string(),
                |subsystem| format!("{} ({subsystem})", session.protocol),
            ),
        )
        .maybe("Proxy address", session.proxy.map(|proxy| proxy.to_string()))
        .with("Agent", if session.agent_used { "used" } else { "not used" })
        .with("State", Cell::toned(state, tone))
        .with(
            "Began",
            format!(
                "{} ({})",
                session.started_at,
                age(context.now, session.started_at)
            ),
        )
        .maybe("Ended", ended)
        .with("Lasted", length(session.duration_seconds))
        .maybe("Ended by", session.ended_by.as_deref())
        .maybe("Because", session.end_detail.as_deref())
        .with("Allowed until", end(context.now, session.allowed_until))
        .with("By policies", policies.join(", "))
        .with(
            "Bytes",
            format!("{} in, {} out", bytes(session.bytes_in), bytes(session.bytes_out)),
        )
        .maybe("Recording", recording)
        .maybe(
            "Digest",
            session.recording.as_ref().and_then(|it| it.digest.as_deref()),
        )
        .with("Node", session.node.to_string())
        .render(screen)
}

fn transfers(session: &Session, context: &Context, screen: &Screen) -> String {
    let mut table = Table::new(&["TRANSFER", "PATH", "BYTES", "RESULT", "BEGAN"]);
    for transfer in &session.transfers {
        // A change at the server has no direction worth telling.
        let what = match transfer.operation.as_str() {
            "transfer" => transfer.direction.as_str(),
            change => change,
        };
        let path = match (what, &transfer.target_path) {
            ("upload" | "download", _) | (_, None) => transfer.path.clone(),
            (_, Some(target)) => format!("{} → {target}", transfer.path),
        };
        table.row([
            what.into(),
            path.into(),
            bytes(transfer.bytes).into(),
            transfer.result.as_str().into(),
            age(context.now, transfer.started_at).into(),
        ]);
    }
    table.render(screen, "")
}

fn forwards(session: &Session, context: &Context, screen: &Screen) -> String {
    let mut table = Table::new(&["FORWARD", "LISTENS", "LEADS TO", "IN", "OUT", "CLOSED", "CAPTURE"]);
    for forward in &session.forwards {
        table.row([
            forward.kind.as_str().into(),
            forward.listen.as_str().into(),
            forward.destination.as_str().into(),
            bytes(forward.bytes_in).into(),
            bytes(forward.bytes_out).into(),
            forward
                .ended_at
                .map_or_else(|| "open".to_owned(), |at| age(context.now, at))
                .into(),
            forward.capture.as_deref().unwrap_or_default().into(),
        ]);
    }
    table.render(screen, "")
}
